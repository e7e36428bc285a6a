"""Files of a few bytes that ask for any amount of memory or time are refused within a bound, one by one."""

from __future__ import annotations

import bz2
import io
import json
import pickle
import resource
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

BOUND = 1.0
"""GiB of memory that refusing any of them may take, libraries included."""


def _npz(path: Path, shape: str, data: bytes = b"", descr: str = "<f8") -> None:
    """A table whose only column says that it has this shape."""
    column = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    header = b'{"format":1,"about":{},"columns":{"x":{"unit":"","about":{},"sha256":"0"}}}'
    made = io.BytesIO()
    np.save(made, np.frombuffer(header, dtype=np.uint8))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.npy", made.getvalue())
        with archive.open("column_0.npy", "w", force_zip64=True) as member:
            member.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(column)) + column)
            member.write(data)


def claimed_shape(home: Path) -> None:
    """A header that claims a trillion numbers."""
    from mobench import load_table

    _npz(home / "t.npz", "(1000000000000,)")
    load_table(home / "t.npz")


def zip_bomb(home: Path) -> None:
    """40 MB of zeros in 40 kB, where tables have 16 MiB."""
    from mobench import load_table
    from mobench.files import tables as data

    data.LARGEST = 2**24
    _npz(home / "t.npz", "(5000000,)", bytes(40_000_000))
    assert (home / "t.npz").stat().st_size < 50_000
    load_table(home / "t.npz")


def checkpoint_bomb(home: Path) -> None:
    """The same as a checkpoint."""
    from mobench.harness.checkpoint import load_checkpoint

    _npz(home / "c.npz", "(5000000,)", bytes(40_000_000))
    load_checkpoint(home / "c.npz")


def _pickled(content: bytes) -> Callable[[Path], None]:
    def read(home: Path) -> None:
        from mobench import load_pickle

        (home / "p.pickle").write_bytes(content)
        load_pickle(home / "p.pickle")

    return read


def bzip_bomb(home: Path) -> None:
    """A member of an official archive whose text is 4 GB long, it says."""
    from mobench.problems._nasbench201.official import read_member

    packer = bz2.BZ2Compressor()
    with (home / "000003.pickle.pbz2").open("wb") as file:
        file.write(packer.compress(b"\x8d" + struct.pack("<Q", 2**32)))
        file.write(packer.compress(bytes(2**24)))
        file.write(packer.flush())
    read_member(home / "000003.pickle.pbz2")


def one_number_as_many(home: Path) -> None:
    """A latency file whose single number is a tensor of a trillion."""
    import torch

    from mobench.problems._nasbench201 import readers as readers

    torch.save(torch.zeros(1).expand(10**12), home / "x.pt")
    readers.read_latencies([home / "x.pt"], readers.Reading({}, np.arange(15625), [], {}))


def lists_of_lists(home: Path) -> None:
    """Nine lists, each of which holds the one before a hundred times."""
    from mobench.problems._nasbench201 import readers as readers

    nested: list[object] = [1.0]
    for _ in range(9):
        nested = [nested] * 100
    content = {"nasbench201": {"cifar10": {"fpga_latency": nested, "config": []}}}
    (home / "h.pickle").write_bytes(pickle.dumps(content))
    readers.read_hardware(home / "h.pickle", readers.Reading({}, np.arange(15625), [], {}))


def billions_of_images(home: Path) -> None:
    """An idx file that claims four billion images."""
    from mobench.problems._images import files as images

    (home / "x").write_bytes(struct.pack(">4I", 0x803, 2**32 - 1, 28, 28))
    (home / "y").write_bytes(struct.pack(">2I", 0x801, 4) + bytes(4))
    images.read_idx([home / "x", home / "y"], (1, 28, 28))


def billions_of_seeds(home: Path) -> None:
    """A campaign of a billion seeds."""
    from mobench import read_campaign

    (home / "c.toml").write_text('problems = ["catsum"]\nsearchers = ["nsga2"]\nseeds = 1000000000\n')
    read_campaign(home / "c.toml")


def trials_without_common_factor(home: Path) -> None:
    """Objectives of so many trials that they have a common multiple only beyond all memory."""
    from mobench import make_problem

    counts = (2, 3, 5, 7, 11, 13, 17, 19, 23)
    objectives = ", ".join(f'{{ name = "o{n}", seen = {["v"] * n!r} }}' for n in counts)
    (home / "t.toml").write_text(f'data = "t.csv"\nobjectives = [{objectives}]\n'.replace("'", '"'))
    (home / "t.csv").write_text("v\n1\n2\n")
    make_problem("table", {"path": str(home / "t.toml")})


def deep_toml(home: Path) -> None:
    """A campaign of ten thousand brackets."""
    from mobench import read_campaign

    (home / "c.toml").write_text("problems = " + "[" * 10_000)
    read_campaign(home / "c.toml")


def deep_plugin(home: Path) -> None:
    """A plugin that is too deep for Python's parser."""
    from mobench import use_plugins
    from mobench.plugins.catalogue import find

    (home / "deep.py").write_text("def search(run):\n    return " + "-" * 100_000 + "1\n")
    use_plugins([home / "deep.py"])
    find("searcher", "deep")


CASES: dict[str, Callable[[Path], None]] = {
    "memo of a billion": _pickled(b"Nr\x00\xca\x9a\x3b."),
    "text of a trillion": _pickled(b"\x8d\x00\x00\x00\x00\xe8\x00\x00\x00x."),
    "frame of a trillion": _pickled(b"\x80\x04\x95\x00\x00\x00\x00\xe8\x00\x00\x00x."),
    "array of a trillion": _pickled(b"\x80\x02cnumpy\nndarray\nq\x00\x8a\x06\x00\x10\xa5\xd4\xe8\x00\x85\x85\x81."),
    "objects in an array": _pickled(
        b"\x80\x02cnumpy._core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01J\x00\xca\x9a\x3b\x85cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R\x89]tb."
    ),
    "bytes of a billion": _pickled(b"\x80\x02cbuiltins\nbytearray\nJ\x00\xca\x9a\x3b\x85R."),
    "set of a range": _pickled(b"\x80\x02cbuiltins\nset\ncbuiltins\nrange\nJ\xff\xff\xff\x7f\x85R\x85R."),
} | {
    case.__name__.replace("_", " "): case
    for case in (
        *(claimed_shape, zip_bomb, checkpoint_bomb, bzip_bomb, one_number_as_many, lists_of_lists, billions_of_images),
        *(billions_of_seeds, trials_without_common_factor, deep_toml, deep_plugin),
    )
}


def elsewhere(home: str) -> None:
    """Try every case in a process of its own; write what each raised, and the most memory so far in GiB."""
    resource.setrlimit(resource.RLIMIT_AS, (16 * 2**30,) * 2)  # whoever fails here does not take the machine along
    found = {}
    for name, case in CASES.items():
        try:
            case(Path(home))
            what = "nothing"
        except Exception as error:  # noqa: BLE001 - what it is, is what is asked
            what = f"{type(error).__name__}: {error}"
        found[name] = [what, peak()]
    sys.stdout.write(json.dumps(found))


def peak() -> float:
    """The most memory of this process so far, in GiB; that of `getrusage` is its parent's, where that had more."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 2**20


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What each case raised, and the memory."""
    home = tmp_path_factory.mktemp("hostile")
    command = [sys.executable, "-c", f"import test_hostile; test_hostile.elsewhere({str(home)!r})"]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is bounded on Linux only")
@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_within_the_bound(found, name):
    what, memory = found[name]
    assert what.startswith("ValueError: "), what
    assert "\n" not in what
    assert memory < BOUND
