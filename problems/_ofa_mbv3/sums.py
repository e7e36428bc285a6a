"""Whole numbers that add up over the blocks of a network: their totals, what these reach, and their fronts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mobench import Array, nondominated
from mobench.problems._ofa_mbv3.genes import BLOCKS, CHOICES, DEEPEST, DEPTHS, blocks, rows

DIRECTIONS = 5_000
"""Weightings of which `supported` finds the best network."""


@dataclass(frozen=True, eq=False)
class Sums:
    """m sums, which are minimised; being whole numbers they are exact, in whatever order they are added.

    Attributes
    ----------
    terms : Array
        (resolutions, blocks, 9, m) what a block adds in each of its configurations, int64. A network has the same
        resolution in all its blocks, and 2 to 4 blocks of each 4.
    """

    terms: Array

    @cached_property
    def _columns(self) -> Array:
        """(m, resolutions x blocks x 10) the terms, with a configuration that adds nothing: an absent block's."""
        padded = np.concatenate([self.terms, np.zeros_like(self.terms[:, :, :1])], axis=2)
        return np.ascontiguousarray(padded.reshape(-1, self.terms.shape[-1]).T)

    def totals(self, X: Array) -> Array:
        """Sums of (n, 46) rows; (n, m), int64."""
        places = (X[:, :1] * BLOCKS + np.arange(BLOCKS)) * (CHOICES + 1) + blocks(X)
        return np.column_stack([column.take(places).sum(axis=1) for column in self._columns])

    def reach(self, extreme: Callable[..., Array]) -> Array:
        """The least (`np.min`) or greatest (`np.max`) of each sum at each resolution; (resolutions, m)."""
        best = extreme(self.terms, axis=2)
        stages = best.reshape(len(best), -1, DEEPEST, best.shape[-1]).cumsum(axis=2)[:, :, DEPTHS[0] - 1 :]
        totals: Array = extreme(stages, axis=2).sum(axis=1)
        return totals

    def front(self) -> tuple[Array, Array]:
        """All nondominated totals at each resolution, with one network each, by dynamic programming.

        Blocks add, so what another choice of the blocks so far dominates stays dominated whatever follows: after each
        block only the nondominated choices go on, and after each stage those of its three depths together.

        Returns
        -------
        rows : Array
            (k, 46), resolution after resolution.
        totals : Array
            (k, m).
        """
        found = [self._front(resolution) for resolution in range(len(self.terms))]
        return np.concatenate([X for X, _ in found]), np.concatenate([totals for _, totals in found])

    def _front(self, resolution: int) -> tuple[Array, Array]:
        terms = self.terms[resolution]
        chosen, sums = np.zeros((1, 0), dtype=np.int8), np.zeros((1, terms.shape[-1]), dtype=np.int64)
        for first in range(0, len(terms), DEEPEST):
            ends = []
            for position in range(DEEPEST):
                chosen, sums = _extended(chosen, sums, terms[first + position])
                if position + 1 >= DEPTHS[0]:
                    absent = np.full((len(chosen), DEEPEST - position - 1), CHOICES, dtype=np.int8)
                    ends.append((np.column_stack([chosen, absent]), sums))
            chosen, sums = _best(np.concatenate([c for c, _ in ends]), np.concatenate([s for _, s in ends]))
        return rows(resolution, chosen.astype(np.int64)), sums

    def supported(self) -> tuple[Array, Array]:
        """Totals that are least under some weighting, as `front`: on the front of their resolution, and not all of it.

        Every objective is weighed by its reach; weights are drawn uniformly from a fixed seed.
        """
        m = self.terms.shape[-1]
        weights = np.concatenate([np.eye(m), np.random.default_rng(0).dirichlet(np.ones(m), DIRECTIONS)])
        found = []
        for resolution, terms in enumerate(self.terms):
            reach = self.reach(np.max)[resolution] - self.reach(np.min)[resolution]
            scaled = np.rint(1e6 * np.maximum(weights, 1e-4) * (reach.max() / reach)).astype(np.int64)
            X = rows(resolution, np.unique(_least(scaled, terms), axis=0).astype(np.int64))
            found.append((X, self.totals(X)))
        return np.concatenate([X for X, _ in found]), np.concatenate([totals for _, totals in found])


def _extended(chosen: Array, sums: Array, terms: Array) -> tuple[Array, Array]:
    """What is nondominated of (k, blocks) choices with sums (k, m), each with each of (9, m) choices behind it."""
    grown = (sums[:, None] + terms).reshape(-1, terms.shape[1])
    return _best(np.column_stack([np.repeat(chosen, CHOICES, axis=0), np.tile(np.arange(CHOICES), len(chosen))]), grown)


def _best(chosen: Array, sums: Array) -> tuple[Array, Array]:
    """The nondominated sums, each once."""
    kept = np.flatnonzero(nondominated(sums))
    kept = kept[np.unique(sums[kept], axis=0, return_index=True)[1]]
    return chosen[kept].astype(np.int8), sums[kept]


def _least(weights: Array, terms: Array) -> Array:
    """Configurations (w, 20) of least weighted sums under (w, m) whole weights, of (20, 9, m) terms; int8."""
    costs = np.stack([weights @ block.T for block in terms], axis=1)
    chosen = costs.argmin(axis=2).reshape(len(weights), -1, DEEPEST)
    ends = costs.min(axis=2).reshape(chosen.shape).cumsum(axis=2)[:, :, DEPTHS[0] - 1 :].argmin(axis=2) + DEPTHS[0]
    kept = np.where(np.arange(DEEPEST) < ends[:, :, None], chosen, CHOICES)
    return kept.reshape(len(weights), -1).astype(np.int8)
