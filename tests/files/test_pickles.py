"""Pickles that would keep their reader busy for ever, and nothing could interrupt it, are refused in bounded time."""

import bz2
import io
import os
import pickle
import subprocess
import sys
import time
import zipfile

import pytest

from mobench.files import pickles
from mobench.files.pickles import check_pickles, load_pickle


def nested(levels=60):
    """Tuples within tuples, each twice in the next, as the key of a dict: its hash takes 2**levels steps."""
    return b"\x80\x02}" + b"K\x01\x85" + b"2\x86" * levels + b"K\x00s."


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(pickles, "SECONDS", 1.0)


@pytest.mark.long
@pytest.mark.usefixtures("impatient")
def test_a_few_bytes_that_would_take_for_ever_are_refused_and_the_next_pickle_is_read(tmp_path):
    content = nested()
    assert len(content) < 191
    (tmp_path / "p.pickle").write_bytes(content)
    began = time.monotonic()
    for source in (content, tmp_path / "p.pickle", io.BytesIO(content), bz2.BZ2File(io.BytesIO(bz2.compress(content)))):
        with pytest.raises(ValueError, match="it asks for more computing time than data of its size needs"):
            load_pickle(source)
        assert load_pickle(pickle.dumps({(1, (2, 3)): [4.5]})) == {(1, (2, 3)): [4.5]}
    assert time.monotonic() - began < 60
    assert load_pickle(nested(8)) == {eval_nested(8): 0}


def eval_nested(levels):
    value = (1,)
    for _ in range(levels):
        value = (value, value)
    return value


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("form", ["zip", "legacy", "legacy, later"])
def test_so_are_those_in_files_of_torch(tmp_path, form):
    path = tmp_path / "x.pt"
    if form == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x/data.pkl", nested())
            archive.writestr("x/version", "3")
    else:
        path.write_bytes((pickle.dumps(1) + pickle.dumps([2])) * (form != "legacy") + nested())
    with pytest.raises(ValueError, match=r"x.pt: .* more computing time"):
        check_pickles(path)


@pytest.mark.parametrize("legacy", [True, False])
def test_files_of_torch_are_read_as_before(tmp_path, legacy):
    torch = pytest.importorskip("torch")
    content = {"a": torch.arange(5.0), "b": [{(1, 2): "x"}], "c": torch.nn.Linear(2, 2).state_dict()}
    torch.save(content, tmp_path / "x.pt", _use_new_zipfile_serialization=not legacy)
    check_pickles(tmp_path / "x.pt")


def test_an_archive_of_torchs_first_versions_is_refused(tmp_path):
    import tarfile

    with tarfile.open(tmp_path / "x.pt", "w") as archive:
        archive.addfile(tarfile.TarInfo("pickle"), io.BytesIO())
    with pytest.raises(ValueError, match="it is no file of torch"):
        check_pickles(tmp_path / "x.pt")


def test_the_reader_imports_nothing_from_the_folder_that_one_is_in(tmp_path):
    for name in ("struct", "pickle", "json", "io", "signal", "numpy", "resource"):
        (tmp_path / f"{name}.py").write_text(f"open('{name}.imported', 'w')\n")
    code = "import sys; sys.path.remove(''); import pickle, mobench; print(mobench.load_pickle(pickle.dumps([1])))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[1]\n"), done.stderr
    assert list(tmp_path.glob("*.imported")) == []


def test_a_reader_that_is_killed_is_replaced_and_none_is_left_behind(tmp_path):
    import psutil

    load_pickle(pickle.dumps(1))
    reader = pickles._reader(os.getpid())
    reader.kill()
    with pytest.raises(ValueError, match="refused or damaged pickle"):
        load_pickle(pickle.dumps(2))
    assert load_pickle(pickle.dumps(3)) == 3
    code = "import mobench, os; mobench.load_pickle(b'N.'); from mobench.files import pickles as p\n"
    code += "print(p._reader(os.getpid()).pid)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not psutil.pid_exists(int(done.stdout))


def test_a_damaged_stream_says_so_and_the_next_one_is_read():
    damaged = bz2.compress(pickle.dumps(list(range(100_000))))[:-50]
    with pytest.raises(EOFError):
        load_pickle(bz2.BZ2File(io.BytesIO(damaged)))
    assert load_pickle(pickle.dumps(3)) == 3


def test_a_pipe_in_the_place_of_a_pickle_is_refused(tmp_path):
    os.mkfifo(tmp_path / "p.pickle")
    with pytest.raises(ValueError, match="not a file but a pipe or a device"):
        load_pickle(tmp_path / "p.pickle")
