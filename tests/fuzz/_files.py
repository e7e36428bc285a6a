"""Fuzzed: tables, checkpoints, pickles, official archives and tables, image files, tables of users."""

from __future__ import annotations

import bz2
import functools
import gzip
import importlib
import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _mutate import mutated_bytes, mutated_tree

from mobench.files.pickles import load_pickle
from mobench.files.tables import Column, Table, save_table
from mobench.harness.checkpoint import load_checkpoint, save_checkpoint
from mobench.problems._images import files as images
from mobench.problems._nasbench201 import official as official
from mobench.problems._nasbench201 import readers as readers
from mobench.problems._nasbench201 import sources as importer
from mobench.problems._nasbench201.archive import is_topology, read_chunk
from mobench.problems.tables import table as table_problem

OPCODES = (
    *(
        b"r\x00\xca\x9a\x3b",
        b"j\x00\xca\x9a\x3b",
        b"\x8e\x00\x00\x00\x00\x10\x00\x00\x00",
        b"\x95\x00\x00\x00\x00\x10\x00\x00\x00",
    ),
    *(
        b"cos\nsystem\n",
        b"(Vtouch executed\ntR",
        b"cnumpy\nndarray\n",
        b"\x85\x81",
        b"b",
        b"R",
        b"\x81",
        b"0",
        b"2",
        b"Nb",
        b"}(b",
    ),
    *(
        b"cbuiltins\nset\n",
        b"cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R",
        b"c_codecs\nencode\n",
        b"\x8b\xff\xff\xff\x7f",
    ),
    *(
        b"cnumpy\nndarray\nJ\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86\x85\x81",
        b"(l",
        b"(d",
        b"e",
        b"u",
        b"s",
        b"a",
        b"(i",
        b"\x88.",
    ),
    *(
        b"cnumpy.core.numeric\n_frombuffer\n}S'__defaults__'\nN\x86b",
        b"\x94",
        b"h\x00",
        b"g0\n",
        b"p999999999999\n",
        b"I1" * 50,
    ),
)
"""What is spliced into pickles: calls, huge memos, huge lengths, states set on functions and classes."""

HEADER = """
data = "t.csv"
missing = "nearest"
genes = ["a", { column = "b", values = ["x", "y"] }]
objectives = [{ name = "error", unit = "%", seen = ["v1", "v2"], scored = "test" }, { name = "gain", maximise = true }]
cost = { seconds = "s" }
"""
REPEATS = """
data = "t.csv"
missing = "nearest"
missing_values = "drop"
trial = "a"
label = "b"
genes = ["b"]
objectives = [{ name = "test", scale = "log" }, { name = "gain" }]
"""
CSV = b"a,b,v1,v2,test,gain,s\n1,x,5,4,6,1,3\n1,y,4,4.5,5,1,3\n2,x,3,2,4,0,1e2\n2,y,2,1,3,2,0\n"
CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"


@functools.cache
def _table_file(home: Path, compress: bool) -> bytes:
    columns = {
        "acc": Column(np.arange(12.0).reshape(6, 2), "%", {"split": "test"}),
        "name": Column(np.array(list("abcdef"))),
    }
    save_table(home / "whole.npz", Table(columns, {"sources": {"csv": {"rows": 6}}}), compress=compress)
    return (home / "whole.npz").read_bytes()


def _rezipped(content: bytes, edits: Any) -> bytes:
    """The archive with one member mutated, or declared larger than it is; checksums are right."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        names = old.namelist()
        for name in names:
            part = old.read(name)
            if name == names[edits[0][2] % len(names)]:
                head = part[: part.index(b"\n") + 1] if edits[0][1] < 5 else b""
                part = mutated_bytes(head, edits, (b"(1000000000000,)", b"'|O'", b"'|V999999999'")) + part[len(head) :]
            new.writestr(name, part)
    return made.getvalue()


def table_file(home: Path, edits: Any) -> None:
    """A table as `save_table` writes it: its bytes, or the members of its archive."""
    content = _table_file(home, bool(edits[0][2] % 2))
    content = mutated_bytes(content, edits[1:] or edits) if edits[0][0] < 0.4 else _rezipped(content, edits)
    (home / "t.npz").write_bytes(content)
    importer._start(home / "t.npz")


def table_header(home: Path, edits: Any) -> None:
    """The header of a table, as a tree."""
    with np.load(io.BytesIO(_table_file(home, False))) as file:
        arrays = dict(file)
    header = mutated_tree(json.loads(arrays["header"].tobytes()), edits)
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    np.savez(home / "t.npz", **arrays)
    importer._start(home / "t.npz")


def checkpoint(home: Path, edits: Any) -> None:
    """A searcher's checkpoint."""
    header = {"lines": 3, "rng": np.random.default_rng(0).bit_generator.state, "drawn": {"train": 3}}
    save_checkpoint(home / "c.npz", header, {"weights": np.zeros((3, 2)), "step": 3, "name": "x", "none": None})
    content = (home / "c.npz").read_bytes()
    (home / "c.npz").write_bytes(mutated_bytes(content, edits) if edits[0][0] < 0.4 else _rezipped(content, edits))
    load_checkpoint(home / "c.npz")


def plain_pickle(home: Path, edits: Any) -> None:
    """A pickle of plain data, with opcodes spliced in."""
    content = {
        "a": [1.5, "x", (2, None)],
        "b": {"c": b"d"},
        "n": np.arange(6.0),
        "s": {1},
        "f": np.float64(2),
        "i": 2**80,
    }
    protocol = edits[0][2] % 6
    (home / "p.pickle").write_bytes(mutated_bytes(pickle.dumps(content, protocol=protocol), edits, OPCODES))
    try:
        load_pickle(home / "p.pickle")
    finally:
        assert not (home / "executed").exists()


def _trained(epochs: int) -> dict[str, Any]:
    each = dict.fromkeys(range(epochs), 50.0)
    steps = {f"{name}@{i}": 60.0 for name in ("x-valid", "x-test", "ori-test") for i in (epochs - 1,)}
    return {"name": "n", "train_acc1es": each, "train_acc5es": None, "train_losses": each, "train_times": each} | {
        "arch_config": {}, "params": 1.5, "flop": 100.5, "seed": 777, "epochs": epochs, "latency": [0.01],
        "eval_names": ["x-valid", "x-test"], "eval_acc1es": steps, "eval_times": steps, "eval_losses": steps,
        "net_state_dict": None,
    }  # fmt: skip


def _member() -> dict[str, Any]:
    splits = ("cifar10-valid", "cifar100")
    return {
        hp: {
            "arch_index": 3,
            "arch_str": CELL,
            "clear_net_done": True,
            "dataset_seed": {split: [777] for split in splits},
        }
        | {"all_results": {(split, 777): _trained(2) for split in splits}}
        for hp in ("12", "200")
    }


def archive(home: Path, edits: Any) -> None:
    """A member of NATS-Bench's archive: its bytes, the pickle within, or what that holds."""
    official.results_class("nats_bench")
    folder = home / "NATS-tss-v1_0-3ffb9-simple"
    folder.mkdir(exist_ok=True)
    if edits[0][0] < 0.15:
        content = mutated_bytes(bz2.compress(pickle.dumps(_member())), edits)
    elif edits[0][0] < 0.4:
        content = bz2.compress(mutated_bytes(pickle.dumps(_member()), edits, OPCODES))
    else:
        content = bz2.compress(pickle.dumps(mutated_tree(_member(), edits)))
    (folder / "000003.pickle.pbz2").write_bytes(content)
    is_topology(folder)
    read_chunk([folder / "000003.pickle.pbz2"], home).unlink()


def official_tables(home: Path, edits: Any) -> None:
    """The CSVs, pickles and torch files that the importer of NAS-Bench-201 knows; three cells stand for all."""
    kind = edits[0][2] % 4
    reading = readers.Reading({}, None, [], {})
    if kind < 2:
        heads, key = (readers.CSV_200, "ArchitectureString") if kind else (readers.CSV_12, "cellstr")
        rows = [
            ",".join([*heads, key]),
            *(",".join(["50.5"] * len(heads) + [CELL.replace("avg_pool_3x3", op)]) for op in ("none", "nor_conv_1x1")),
        ]
        path = home / "x.csv"
        path.write_bytes(mutated_bytes("\n".join(rows).encode(), edits, (b'"', b"\n", b",", b"\xff")))
        for found, paths in importer.recognise(path).items():
            for file in paths:
                readers.read_csv(found, file, reading)
    elif kind == 2:
        content = {
            "nasbench201": {
                "cifar10": {"config": [{"arch_str": CELL}] * 3, "fpga_latency": [1.0, 2.0, 3.0], "x_energy": [1.0]}
            }
        }
        (home / "hw.pickle").write_bytes(pickle.dumps(mutated_tree(content, edits)))
        readers.read_hardware(home / "hw.pickle", reading)
    else:
        numbers = edits[0][2] % 8 > 3
        (home / "x.pt").write_bytes(mutated_bytes(_torch_file(numbers), edits, OPCODES))
        if numbers:
            readers.read_latencies([home / "x.pt"], reading)
        else:
            readers.read_order(home / "x.pt", reading)


@functools.cache
def _torch_file(numbers: bool) -> bytes:
    torch = importlib.import_module("torch")
    made = io.BytesIO()
    torch.save(torch.arange(3.0) if numbers else {CELL: 0, "b": 1}, made)
    return made.getvalue()


def image_files(home: Path, edits: Any) -> None:
    """Batches and idx files of image datasets."""
    pixels, labels = np.zeros((4, 12), np.uint8), [0, 1, 2, 3]
    kind = edits[0][2] % 4
    path = home / ("x.gz" if kind == 2 else "x")
    if kind == 0:
        tree = {"data": pixels, "labels": labels, "batch_label": "b"}
        content = (
            pickle.dumps(mutated_tree(tree, edits))
            if edits[0][0] < 0.5
            else mutated_bytes(pickle.dumps(tree), edits, OPCODES)
        )
        path.write_bytes(content)
        images.read_pickled(path, (3, 2, 2))
    elif kind == 1:
        path.write_bytes(mutated_bytes(bytes(13 * 4), edits))
        images.read_binary(path, (3, 2, 2))
    else:
        content = mutated_bytes(struct.pack(">4I", 0x803, 4, 2, 2) + bytes(16), edits, (b"\xff\xff\xff\xff",))
        path.write_bytes(mutated_bytes(gzip.compress(content), edits[1:]) if kind == 2 else content)
        (home / "y").write_bytes(struct.pack(">2I", 0x801, 4) + bytes(4))
        images.read_idx([path, home / "y"], (1, 2, 2))


def users_table(home: Path, edits: Any) -> None:
    """A table problem: its header, or its CSV or Parquet file, the former compressed or not."""
    part, content, name = edits[0][2] % 4, CSV, ("t.csv", "t.csv", "t.parquet", "t.csv.gz")[edits[0][2] % 4]
    header = (REPEATS if edits[0][2] % 8 > 3 else HEADER).replace("t.csv", name).encode()
    if part == 0:
        header = mutated_bytes(
            header, edits, (b"[[genes]]\n", b'"', b"[", b"{", b"../", b"columns", b"seen", b"nearest")
        )
    elif part == 2:
        content = mutated_bytes(_parquet(), edits)
    else:
        pieces = (b'"', b",", b"\n", b"\xff", b"1_0", b"'", b";", b"#", b'"1,014"', b"010", b"NA", b"-")
        content = mutated_bytes(CSV, edits, pieces)
        content = content if part == 1 else mutated_bytes(gzip.compress(content), edits[1:])
    (home / "t.toml").write_bytes(header)
    (home / name).write_bytes(content)
    problem = table_problem.problem(path=home / "t.toml")
    X = problem.space.sample(np.random.default_rng(0), 5)
    problem.evaluate(X, seeds=np.arange(5, dtype=np.uint64))
    problem.front(), problem.decode(X), problem.fingerprint


@functools.cache
def _parquet() -> bytes:
    pyarrow, csv, parquet = map(importlib.import_module, ("pyarrow", "pyarrow.csv", "pyarrow.parquet"))
    made = io.BytesIO()
    parquet.write_table(csv.read_csv(pyarrow.BufferReader(CSV)), made)
    return made.getvalue()


TARGETS: dict[str, Callable[[Path, Any], None]] = {
    target.__name__: target
    for target in (
        *(table_file, table_header, checkpoint, plain_pickle, archive, official_tables, image_files, users_table),
    )
}
"""Name to what is done with a folder and edits."""
