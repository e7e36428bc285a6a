"""What a batch of a supernet is to a searcher: a name, and never the images."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Batch"]


class Batch(NamedTuple):
    """Which inputs of a half, ``train`` or ``valid``: a name that the network resolves in passes that it charges."""

    half: str
    number: int
