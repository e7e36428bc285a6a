"""A training that was begun: all that it takes to go on from there as if it had never been interrupted."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import torch

from mobench import Array

__all__ = ["Begun", "forget", "keep", "kept", "restored", "taken"]


@dataclass(frozen=True, eq=False)
class Begun:
    """Where a training stands after some epochs.

    Attributes
    ----------
    epochs : int
        Those that are behind it.
    arrays : mapping of str to Array
        Weights and statistics of the network, ``network/NAME``, and the optimiser's momenta, ``momentum/PLACE``.
    streams : mapping
        States of the streams that order and crop the images.
    """

    epochs: int
    arrays: Mapping[str, Array]
    streams: Mapping[str, Any]


def taken(network: torch.nn.Module, optimizer: torch.optim.Optimizer, streams: Mapping[str, Any], epochs: int) -> Begun:
    """Copy the state of a training, by the names of its random streams."""
    arrays = {f"network/{name}": _copied(value) for name, value in network.state_dict().items()}
    for place, parameter in enumerate(network.parameters()):
        momentum = optimizer.state.get(parameter, {}).get("momentum_buffer")
        if momentum is not None:
            arrays[f"momentum/{place}"] = _copied(momentum)
    return Begun(epochs, arrays, {name: stream.bit_generator.state for name, stream in streams.items()})


def restored(
    begun: Begun, network: torch.nn.Module, optimizer: torch.optim.Optimizer, streams: Mapping[str, Any]
) -> None:
    """Put a training that was only set up where another one stood."""
    for name, value in network.state_dict().items():
        value.copy_(torch.from_numpy(begun.arrays[f"network/{name}"]).view_as(value))
    for place, parameter in enumerate(network.parameters()):
        if (momentum := begun.arrays.get(f"momentum/{place}")) is not None:
            buffer = torch.empty_like(parameter, requires_grad=False)
            optimizer.state[parameter]["momentum_buffer"] = buffer.copy_(torch.from_numpy(momentum).view_as(buffer))
    for name, stream in streams.items():
        stream.bit_generator.state = begun.streams[name]


def keep(path: Path, begun: Begun) -> bool:
    """Write it to a file that appears whole or not at all; return whether that could be."""
    header = np.frombuffer(orjson.dumps([begun.epochs, _exact(begun.streams)]), dtype=np.uint8)
    part = path.with_suffix(f".{os.getpid()}")
    write: Any = np.savez
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            write(file, __header__=header, **begun.arrays)
        part.replace(path)
        return True
    return False


def kept(path: Path, epochs: int) -> Begun | None:
    """Read what was kept after so many epochs; None where it is not there, of others, or damaged."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            found, streams = orjson.loads(file["__header__"].tobytes())
            arrays = {name: file[name] for name in file.files if name != "__header__"}
    except Exception:  # noqa: BLE001 - a damaged archive can raise anything, and the training can be made anew
        return None
    return Begun(found, arrays, _exact(streams, read=True)) if found == epochs else None


def forget(path: Path) -> None:
    """Remove what was kept, as nothing goes on from it."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _copied(value: torch.Tensor) -> Array:
    return value.detach().cpu().contiguous().numpy().copy()


def _exact(value: Any, *, read: bool = False) -> Any:
    """Whole numbers beyond 64 bits, of which the state of a stream is made, as text, and back."""
    if isinstance(value, Mapping):
        return {key: _exact(item, read=read) for key, item in value.items()}
    if read and isinstance(value, str) and value.startswith("int:"):
        return int(value[4:])
    return f"int:{value}" if not read and isinstance(value, int) and value.bit_length() > 63 else value
