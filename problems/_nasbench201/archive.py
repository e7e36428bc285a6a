"""Reads a folder of NATS-Bench, a file an architecture: in parallel, and from where an interruption left it."""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import re
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mobench import Array, Column, Table, load_table, save_table
from mobench.problems._nasbench201 import official as official

MEMBER = re.compile(r"(\d{6})\.pickle\.pbz2")
CHUNK = 128
"""Members that are read at a time, and kept together."""


def members(folder: Path) -> list[Path]:
    """Files ``NNNNNN.pickle.pbz2`` of an archive folder, sorted."""
    return sorted(path for path in folder.iterdir() if MEMBER.fullmatch(path.name))


def is_topology(folder: Path) -> bool:
    """Whether the members of an archive folder are cells (the size space has the same layout)."""
    state = official.read_member(min(members(folder)))
    try:
        return bool(next(iter(state.values()))["arch_str"].startswith("|"))
    except (AttributeError, KeyError, TypeError, StopIteration):
        return False


def scratch_of(folder: Path, data: Path) -> Path:
    """Folder under `data` for unfinished work on this archive."""
    return data / f"nasbench201.partial-{_digest(folder.resolve())}"


def _digest(content: object) -> str:
    return hashlib.sha256(repr(content).encode()).hexdigest()[:16]


def read_archive(folder: Path, *, data: Path, progress: bool) -> tuple[list[str], Array]:
    """Read an archive folder, in parallel; what was read before an interruption is not read again.

    Returns
    -------
    strings, numbers
        k architecture strings and their (k, len(FIELDS)) numbers. Chunks stay in `scratch_of(folder, data)`.
    """
    official.results_class("nats_bench")
    paths = members(folder)
    portions = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
    chunks: dict[int, Path] = {}
    with tqdm(total=len(paths), unit=" architectures", desc=folder.name, disable=not progress) as bar:
        for i, chunk in _chunks(portions, scratch_of(folder, data)):
            chunks[i] = chunk
            bar.update(len(portions[i]))
    tables = [load_table(chunks[i]) for i in range(len(portions))]
    return [s for table in tables for s in table["string"].tolist()], np.concatenate([t["numbers"] for t in tables])


def _chunks(portions: list[list[Path]], scratch: Path) -> Iterator[tuple[int, Path]]:
    """Number and table of each portion as it is finished, in processes where they are many."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = min(len(portions), cores)
    if len(portions) <= 2 or workers == 1:
        yield from ((i, read_chunk(portion, scratch)) for i, portion in enumerate(portions))
        return
    context = multiprocessing.get_context("spawn")
    with _safe_path(), ProcessPoolExecutor(workers, mp_context=context) as pool:
        try:
            futures = {pool.submit(read_chunk, portion, scratch): i for i, portion in enumerate(portions)}
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _safe_path() -> Iterator[None]:
    """Processes that begin here import nothing from the folder that we are in: a `struct.py` of the user's, say."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


def read_chunk(paths: list[Path], scratch: Path) -> Path:
    """The table with the numbers of some members, made unless it is there.

    Its name says what it holds: the bytes that were read and the numbers that are taken from them. A member that
    changes after an interruption is another chunk, wherever it is in the archive.
    """
    contents = [path.read_bytes() for path in paths]
    bytes_read = [
        (path.name, hashlib.sha256(content).hexdigest()) for path, content in zip(paths, contents, strict=True)
    ]
    chunk = scratch / f"chunk-{_digest((official.FIELDS, bytes_read))}.npz"
    try:
        load_table(chunk)
    except (FileNotFoundError, ValueError):
        states = (official.read_member(path, content) for path, content in zip(paths, contents, strict=True))
        rows = [official.from_state(state, str(path)) for path, state in zip(paths, states, strict=True)]
        columns = {"string": Column(np.array([s for s, _ in rows])), "numbers": Column(np.array([v for _, v in rows]))}
        save_table(chunk, Table(columns))
    return chunk
