"""Checkpoints: named arrays, numbers and strings in one file that appears whole or not at all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from mobench.core.space import Array
from mobench.files.tables import open_arrays
from mobench.files.writing import written_whole
from mobench.harness.log import StorageError

__all__ = ["DamagedCheckpointError", "load_checkpoint", "save_checkpoint"]


class DamagedCheckpointError(StorageError):
    """A checkpoint cannot be read: no fault of the searcher's, and the run can be had without it."""


def save_checkpoint(path: Path, header: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Write `state` (arrays and whatever becomes one, numbers, strings, None) under a JSON `header`.

    Raises
    ------
    TypeError
        A value that is neither an array of numbers nor plain.
    StorageError
        The disk is full or the folder read-only; the checkpoint that was there before is still there.
    """
    plain = {name: value for name, value in state.items() if isinstance(value, bool | int | float | str | None)}
    arrays = {name: np.asarray(value) for name, value in state.items() if name not in plain}
    for name, array in arrays.items():
        if array.dtype.kind not in "biufc":
            raise TypeError(f"checkpoint: {name!r} is no array of numbers, found {type(state[name]).__name__}")
    layout = {name: [array.dtype.str, array.shape] for name, array in arrays.items()}
    text = orjson.dumps({"header": _exact(header), "plain": plain, "layout": layout})
    packed = b"".join(array.tobytes() for array in arrays.values())  # a member each took half of some searches' time
    try:
        with written_whole(path) as file:
            np.savez(file, text=np.frombuffer(text, dtype=np.uint8), arrays=np.frombuffer(packed, dtype=np.uint8))
    except OSError as error:  # not the searcher's fault: it must not end as a failed run
        raise StorageError(f"{path}: {error.strerror or error}; make room and run the same command again") from error


def load_checkpoint(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read a checkpoint: its header and its state, arrays as numpy's.

    Raises
    ------
    ValueError
        The file is damaged.
    """
    try:
        with open_arrays(path) as file:
            text, packed = orjson.loads(file["text"].tobytes()), file["arrays"].tobytes()
        return _exact(text["header"], read=True), _unpacked(packed, text["layout"]) | text["plain"]
    except Exception as error:  # noqa: BLE001 - a damaged archive can raise anything
        raise ValueError(f"{path}: damaged checkpoint ({error}); delete it to compute the run again") from None


def _unpacked(packed: bytes, layout: Mapping[str, tuple[str, list[int]]]) -> dict[str, Array]:
    """Arrays by name: their bytes lie one after the other, and the layout has the dtype and the shape of each."""
    arrays, start = {}, 0
    for name, (dtype, shape) in layout.items():
        n = math.prod(shape)
        arrays[name] = np.frombuffer(packed, dtype, n, start).reshape(shape).copy()
        start += arrays[name].nbytes
    if start != len(packed):
        raise ValueError(f"{len(packed)} bytes of arrays, expected {start}")
    return arrays


def _exact(value: Any, *, read: bool = False) -> Any:
    """Whole numbers beyond 64 bits (the state of a random stream) as text, and back."""
    if isinstance(value, Mapping):
        return {key: _exact(item, read=read) for key, item in value.items()}
    if read and isinstance(value, str) and value.startswith("int:"):
        return int(value[4:])
    if not read and isinstance(value, int) and value.bit_length() > 63:
        return f"int:{value}"
    return value
