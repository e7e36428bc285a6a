"""One shard of a campaign: which of its runs are carried out here, where several jobs share the work."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mobench.harness.spec import RunSpec

__all__ = ["WHOLE", "Shard", "parse_shard", "share"]


@dataclass(frozen=True)
class Shard:
    """Shard `number` of `count`, counted from 1."""

    number: int
    count: int

    def __str__(self) -> str:
        """As `parse_shard` reads it."""
        return f"{self.number}/{self.count}"


WHOLE = Shard(1, 1)
"""All runs."""


def parse_shard(text: str) -> Shard:
    """Read a shard as the command line writes it: ``3/8`` is the third of eight.

    Raises
    ------
    ValueError
        It is not two whole numbers, or not between 1 and the number of shards.
    """
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise ValueError(f"shard: expected NUMBER/COUNT from 1/COUNT to COUNT/COUNT, found {text!r}")
    return Shard(int(found[1]), int(found[2]))


def share(specs: Sequence[RunSpec], shard: Shard) -> tuple[RunSpec, ...]:
    """The runs of one shard, in the campaign's order.

    Every run is in one shard, and shards differ by one run at most. Runs are dealt out in the order of their hashes,
    so that slow searchers, which a campaign names at regular distances, do not meet in one shard.

    Parameters
    ----------
    specs : sequence of RunSpec
        All runs of the campaign; every shard gives the same ones.
    shard : Shard
        Which of them.
    """
    if shard.count == 1:
        return tuple(specs)
    order = sorted(range(len(specs)), key=lambda k: (specs[k].id.rpartition("-")[2], k))
    return tuple(specs[k] for k in sorted(order[shard.number - 1 :: shard.count]))
