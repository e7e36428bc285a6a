"""Pickles of plain data, as official files are: read without running anything, and within a bound on memory."""

from __future__ import annotations

import contextlib
import io
import pickle
import resource
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

__all__ = ["EXPANSION", "ROOM", "load_pickle", "memory_limited"]

ROOM = 2**30
"""Bytes of memory that reading any pickle may take."""
EXPANSION = 64
"""Bytes of memory beyond that for each byte of its file: objects are larger than what they are read from."""

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


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if name not in _SAFE.get(module, ()):
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which plain data does not need")
        found = _OWN.get(name) or super().find_class(module, name)
        if isinstance(found, types.FunctionType):  # a pickle may set attributes of what it gets: not everybody's
            return lambda *given: found(*given)
        return found


def load_pickle(source: Path | bytes | BinaryIO, *, encoding: str = "ASCII", memory: float = 0) -> Any:
    """Read a pickle of containers, numbers and numpy arrays; anything that asks for more is refused, not run.

    A pickle of a few bytes can ask for any amount of memory. It gets 1 GiB, and 64 bytes for each byte of its file.

    Parameters
    ----------
    source : path, bytes or binary file
        The pickle.
    encoding : str
        Arrays pickled by Python 2 need ``latin1``.
    memory : float
        Bytes of memory it may take, where that is not known from `source`: of a compressed stream, say.

    Raises
    ------
    ValueError
        The pickle is damaged, asks for a class or function outside plain data (it is named), or for too much memory.
    """
    name = str(source) if isinstance(source, Path) else "pickle"
    size = source.stat().st_size if isinstance(source, Path) else len(source) if isinstance(source, bytes) else 0
    try:
        with contextlib.ExitStack() as opened:
            if isinstance(source, Path):
                stream: Any = opened.enter_context(source.open("rb"))
            else:
                stream = io.BytesIO(source) if isinstance(source, bytes) else source
            with memory_limited(memory or ROOM + EXPANSION * size):
                return _Unpickler(stream, encoding=encoding).load()
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - a hostile pickle can raise anything
        cause = "it asks for more memory than data of its size needs" if isinstance(error, MemoryError) else str(error)
        raise ValueError(f"{name}: refused or damaged pickle: {' '.join(cause.split())}") from None


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
