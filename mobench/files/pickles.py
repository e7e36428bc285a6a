"""Pickles of plain data, as official files are: read without running anything, in bounded memory and time."""

from __future__ import annotations

import atexit
import contextlib
import functools
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO

from mobench.files import plain_pickles
from mobench.files.plain_pickles import Plain, cause_of, memory_limited
from mobench.files.reading import read_file

__all__ = ["EXPANSION", "ROOM", "SECONDS", "check_pickles", "load_pickle"]

ROOM = 2**30
"""Bytes of memory that reading any pickle may take."""
EXPANSION = 64
"""Bytes of memory beyond that for each byte of its file: objects are larger than what they are read from."""
SECONDS, RATE = 10.0, 1e-6
"""Seconds of computing time that reading any pickle may take, and beyond that for each byte."""

_PART = 2**20


def load_pickle(source: Path | bytes | BinaryIO, *, encoding: str = "ASCII", memory: float = 0) -> Any:
    """Read a pickle of containers, numbers and numpy arrays; anything that asks for more is refused, not run.

    A pickle of a few bytes can ask for any amount of memory, and keep its reader busy for ever. It gets 1 GiB and 64
    bytes for each byte of its file, and 10 seconds and one for each million bytes. Another process tries that out
    first, since nothing interrupts a reader.

    Parameters
    ----------
    source : path, bytes or binary file
        The pickle; a file of which one can go back to its beginning.
    encoding : str
        Arrays pickled by Python 2 need ``latin1``.
    memory : float
        Bytes of memory it may take, where that is not known from `source`: of a compressed stream, say.

    Raises
    ------
    ValueError
        The pickle is damaged, asks for a class or function outside plain data (it is named), or for too much memory or
        time.
    """
    name = str(source) if isinstance(source, Path) else "pickle"
    content = read_file(source) if isinstance(source, Path) else source
    size = len(content) if isinstance(content, bytes) else 0
    stream = io.BytesIO(content) if isinstance(content, bytes) else content
    memory = memory or ROOM + EXPANSION * size
    if fault := _tried(stream, encoding=encoding, memory=memory):
        raise ValueError(f"{name}: refused or damaged pickle: {fault}")
    try:
        stream.seek(0)
        with memory_limited(memory):
            return Plain(stream, encoding=encoding).load()
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - a pickle that another process could read can fail here, too
        raise ValueError(f"{name}: refused or damaged pickle: {' '.join(cause_of(error).split())}") from None


def check_pickles(path: Path) -> None:
    """Whether the pickles in a torch file can be read in bounded memory and time; what is in them is torch's to judge.

    Raises
    ------
    ValueError
        They cannot, or the file is a tar archive, as torch wrote before its first versions.
    OSError
        The file cannot be read.
    """
    size = path.stat().st_size
    fault = ""
    if not path.is_file() or tarfile.is_tarfile(path):
        fault = "it is no file of torch"
    elif zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                for member in (name for name in archive.namelist() if name.endswith(".pkl")):
                    with archive.open(member) as stream:
                        fault = fault or _tried(stream, memory=ROOM + EXPANSION * size, tolerant=True)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
            fault = f"its archive is damaged ({' '.join(str(error).split())})"
    else:
        with path.open("rb") as stream:
            fault = _tried(stream, memory=ROOM + EXPANSION * size, tolerant=True)
    if fault:
        raise ValueError(f"{path}: refused or damaged pickle: {fault}")


_ASKING = threading.Lock()


def _tried(stream: Any, *, memory: float, encoding: str = "ASCII", tolerant: bool = False) -> str:
    """What went wrong when another process read the stream; empty where nothing did."""
    asked = {"encoding": encoding, "memory": memory, "seconds": SECONDS, "rate": RATE, "tolerant": tolerant}
    with _ASKING:
        reader = _reader(os.getpid())
        try:
            whole = _sent(asked, stream, reader.stdin)
            answer = reader.stdout.readline() if reader.stdout else b""
        except BaseException:  # it waits for the rest
            _end(reader)
            raise
        if not (whole and answer):
            reader.wait()  # it has ended by itself: what it answered before counts
            _end(reader)
    if answer:
        return " ".join(str(json.loads(answer)).split())
    if reader.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return "it asks for more computing time than data of its size needs"
    return f"its reader died (exit code {reader.returncode})"


def _sent(asked: dict[str, Any], stream: Any, pipe: Any) -> bool:
    """Send a reader all of the stream; whether it took it."""
    try:
        pipe.write(json.dumps(asked).encode() + b"\n")
        while part := stream.read(_PART):
            pipe.write(len(part).to_bytes(4, "big") + part)
        pipe.write(bytes(4))
        pipe.flush()
    except BrokenPipeError:  # it had enough, or died
        return False
    return True


@functools.cache
def _reader(process: int) -> subprocess.Popen[bytes]:
    """The reader of this process; after a fork, our parent's is not ours."""
    command = [sys.executable, "-P", plain_pickles.__file__]  # -P: it imports nothing from the folder we are in
    reader = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    atexit.register(_end, reader)
    return reader


def _end(reader: subprocess.Popen[bytes]) -> None:
    """Let a reader go; the next pickle gets another one."""
    _reader.cache_clear()
    reader.kill()
    with contextlib.suppress(BrokenPipeError):
        reader.communicate()
