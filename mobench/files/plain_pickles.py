"""Pickles of plain data, read within bounds on memory and computing time; started as a process, a reader for others.

A pickle of a few bytes can keep its reader busy for ever, where nothing interrupts it; so another process reads it
first (see `mobench.files.pickles`), which the system ends in time. It needs nothing of mobench.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import math
import pickle
import resource
import signal
import sys
import threading
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

__all__ = ["Plain", "cause_of", "memory_limited"]

_BUILTINS = {"set", "frozenset", "complex", "bytearray", "slice"}
_SAFE = {
    "builtins": _BUILTINS,
    "__builtin__": _BUILTINS,  # as protocols 0 to 2 spell it
    "collections": {"OrderedDict"},
    "numpy": {"dtype", "ndarray"},
    "numpy.core.multiarray": {"scalar", "_reconstruct"},
    "numpy._core.multiarray": {"scalar", "_reconstruct"},
    "numpy.core.numeric": {"_frombuffer"},  # arrays in protocol 5
    "numpy._core.numeric": {"_frombuffer"},
    "_codecs": {"encode"},
}
"""All that a pickle of containers, numbers and numpy arrays needs."""


def _copied_bytes(content: bytes | str = b"", encoding: str = "latin-1") -> bytearray:
    """A bytearray of given content; never of a given size, which a hostile pickle would make huge."""
    return bytearray(content, encoding) if isinstance(content, str) else bytearray(b"".join([content]))


def _latin1(text: str, encoding: str) -> bytes:
    """Bytes as protocols 0 to 2 spell them; of all codecs only this one, which is quick and loads no module."""
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"it asks for the codec {encoding!r}, which plain data does not need")
    return text.encode("latin-1")


_OWN = {"bytearray": _copied_bytes, "encode": _latin1}


class Plain(pickle.Unpickler):
    """Reads containers, numbers and numpy arrays; whoever asks for more is refused."""

    def find_class(self, module: str, name: str) -> Any:
        """What a name stands for."""
        if name not in _SAFE.get(module, ()):
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which plain data does not need")
        found = _OWN.get(name) or super().find_class(module, name)
        if isinstance(found, types.FunctionType):  # a pickle may set attributes of what it gets: not everybody's
            return lambda *given: found(*given)
        return found


class _Anything:
    """Stands for what somebody else's reader knows and we do not."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, _: Any) -> None:
        pass

    def __setitem__(self, *_: Any) -> None:
        pass

    def append(self, _: Any) -> None:
        pass

    extend = add = append


class _Tolerant(Plain):
    """Reads the shape of a pickle that another reader will judge: what it takes to read it, not what it says."""

    def find_class(self, module: str, name: str) -> Any:
        known = name in _SAFE.get(module, ()) and name not in _OWN
        return super().find_class(module, name) if known else _Anything

    def persistent_load(self, _: Any) -> Any:
        return _Anything()


_LIMITING = threading.Lock()


@contextlib.contextmanager
def memory_limited(more: float) -> Iterator[None]:
    """Let this process take `more` bytes beyond what it has; what asks for more gets a MemoryError.

    Where the system does not tell how much a process has (it is not Linux), there is no limit.
    """
    has = Path("/proc/self/statm")
    if not has.exists():
        yield
        return
    with _LIMITING:
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = int(has.read_text().split()[0]) * resource.getpagesize() + int(more)
        lowest = min(limit, *(bound for bound in (soft, hard, limit) if bound != resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_AS, (lowest, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def cause_of(error: BaseException) -> str:
    """Why a pickle is refused, in words."""
    return "it asks for more memory than data of its size needs" if isinstance(error, MemoryError) else str(error)


class _Message(io.RawIOBase):
    """One pickle on its way to us, in parts; each part allows for more computing time."""

    def __init__(self, pipe: BinaryIO, seconds: float, rate: float, most: float) -> None:
        self.pipe, self.seconds, self.rate, self.most = pipe, time.process_time() + seconds, rate, most
        self.received, self.left, self.over = 0, 0, False
        self._allow()

    def _allow(self) -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        soft = math.ceil(self.seconds + self.received * self.rate)
        resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self.left and not self.over:
            self.left = int.from_bytes(self.pipe.read(4), "big")
            self.received += self.left
            self.over = not self.left
            self._allow()
            if self.received > self.most:
                raise MemoryError
        part = self.pipe.read(min(self.left, len(buffer)))
        buffer[: len(part)] = part
        self.left -= len(part)
        return len(part)


def _read(message: _Message, asked: dict[str, Any]) -> None:
    stream = io.BufferedReader(message)
    if not asked["tolerant"]:
        Plain(stream, encoding=asked["encoding"]).load()
        return
    try:
        while True:
            _Tolerant(stream, encoding=asked["encoding"]).load()
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - the other reader says what is wrong
        return


def _serve() -> None:
    """Read one pickle after the other, and answer what is wrong with it; end where one was not read to its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for our parent, with which we end
    importlib.import_module("numpy")  # before memory is limited: its threads want much of it
    while line := sys.stdin.buffer.readline():
        asked, fault = json.loads(line), ""
        message = _Message(sys.stdin.buffer, asked["seconds"], asked["rate"], asked["memory"])
        try:
            with memory_limited(asked["memory"]):
                _read(message, asked)
        except Exception as error:  # noqa: BLE001 - a hostile pickle can raise anything
            fault = cause_of(error) or type(error).__name__
        sys.stdout.write(json.dumps(fault) + "\n")
        sys.stdout.flush()
        until = message.received + 2**20
        while not message.over:
            if fault and message.received > until:
                return
            message.readinto(bytearray(2**16))


if __name__ == "__main__":
    _serve()
