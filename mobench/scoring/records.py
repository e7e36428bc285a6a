"""What searchers recorded about themselves, checked where it is read: a record is data, and may be anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mobench.core.space import Array, Space
from mobench.harness.history import Note

__all__ = ["Records", "check_records"]


@dataclass(frozen=True)
class Records:
    """Records that the harness gives a meaning to.

    Attributes
    ----------
    populations : tuple of Note
        Recorded populations, (k, d) architectures each, in order.
    one_shot_X, one_shot : Array
        (n, d) architectures, and their (n,) one-shot values.
    faults : tuple of str
        What is wrong with records that were left out, a sentence each.
    """

    populations: tuple[Note, ...]
    one_shot_X: Array
    one_shot: Array
    faults: tuple[str, ...]


def check_records(records: Sequence[Note], space: Space) -> Records:
    """Read the records that mean something, ``population`` and ``one_shot_X`` with ``one_shot``; leave out odd ones."""
    populations, rows, values, faults = [], [], [], []
    for note in records:
        try:
            if "population" in note.content:
                populations.append(replace(note, content=_architectures(note.content, "population", space)))
            if "one_shot" in note.content:
                pair = _one_shot(note.content, space)
                rows.append(pair[0])
                values.append(pair[1])
        except (TypeError, ValueError) as error:
            faults.append(f"what was recorded after {note.answers} answers is left out: {error}")
    return Records(
        tuple(populations),
        np.concatenate([np.empty((0, len(space.cardinalities)), dtype=np.int64), *rows]),
        np.concatenate([np.empty(0), *values]),
        tuple(dict.fromkeys(faults)),
    )


def _one_shot(content: Mapping[str, Any], space: Space) -> tuple[Array, Array]:
    X = _architectures(content, "one_shot_X", space)
    values = np.asarray(content["one_shot"], dtype=np.float64)
    if values.shape != (len(X),) or not np.isfinite(values).all():
        raise ValueError(f"one_shot: expected {len(X)} finite numbers, one a row of one_shot_X")
    return X, values


def _architectures(content: Mapping[str, Any], name: str, space: Space) -> Array:
    if not isinstance(content.get(name), list):
        raise TypeError(f"{name}: expected a list of architectures, found {type(content.get(name)).__name__}")
    if not content[name]:
        return np.empty((0, len(space.cardinalities)), dtype=np.int64)
    try:
        return space.canonical(space.check(content[name]))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {error}") from None
