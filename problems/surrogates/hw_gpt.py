"""HW-GPT-Bench: GPT-2-like sub-networks, perplexity against what was measured on eight GPUs.

Sukthanker, Zela, Staffler, Klein, Franke and Hutter 2024, "HW-GPT-Bench: Hardware-Aware Architecture
Benchmark for Language Models": 10,000 measured networks of each supernet, as they are or as an additive model of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from annotated_types import Len

from mobench import Array, Cost, Objective, Space, Values, fingerprint, nondominated
from mobench.problems._embedded.tables import embedded
from mobench.problems._hw_gpt.additive import Additive
from mobench.problems._hw_gpt.answers import held_out, measured, modelled, offered
from mobench.problems._hw_gpt.columns import GENES, objective, values
from mobench.problems._hw_gpt.scales import SCALES, Scale

LISTED = 3
"""Objectives of which the surrogate lists the true front."""


@dataclass(frozen=True, eq=False)
class HWGPT:
    """The model of one scale under chosen objectives; seen and scored are the same.

    Attributes
    ----------
    scale : Scale
        What the genes mean.
    space : Space
        All networks of the scale.
    objectives : tuple of Objective
        The m columns of F.
    held_out : mapping
        R2 (of the logarithm) and Kendall's tau of each objective on measured networks that the model has not seen.
    model : Additive
        Counts and logarithms as sums of whole numbers.
    """

    scale: Scale
    space: Space
    objectives: tuple[Objective, ...]
    held_out: Mapping[str, tuple[float, float]]
    model: Additive
    training = Cost(evaluations=1)
    deterministic = True

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        """Modelled and counted values of (n, d) networks, free of noise."""
        return Values(self.score(X))

    def score(self, X: Array) -> Array:
        """The same values; shape (n, m)."""
        return self._values(self.model.totals(X))

    def _values(self, totals: Array) -> Array:
        return values(tuple(o.name for o in self.objectives), totals)

    @cached_property
    def ranges(self) -> tuple[Array, Array]:
        """The least and the greatest value of each objective over all networks, (m,) each."""
        least, greatest = self._values(np.stack([self.model.reach(np.min), self.model.reach(np.max)]))
        return least, greatest

    def front(self) -> tuple[Array, Array]:
        """All Pareto-optimal networks of the model, and their values: exact; read-only."""
        return self._front

    @cached_property
    def _front(self) -> tuple[Array, Array]:
        X, totals = self.model.front()
        return _read_only(X, self._values(totals))

    def decode(self, X: Array) -> list[str]:
        """Width, bias, and heads x MLP ratio of each layer, ``384 bias 8x4 12x2 ...``."""
        return self.scale.decode(X)

    @cached_property
    def fingerprint(self) -> str:
        """Checksum of the model."""
        return fingerprint(self.model.base, self.model.terms)


@dataclass(frozen=True, eq=False)
class MeasuredHWGPT:
    """The measured networks of one scale under chosen objectives; seen and scored are the same.

    Attributes
    ----------
    scale : Scale
        What the genes mean.
    space : Space
        A pool of N networks: any other row of genes stands for the nearest of them.
    objectives : tuple of Objective
        The m columns of F.
    table : Array
        (N, m) values of the pool.
    """

    scale: Scale
    space: Space
    objectives: tuple[Objective, ...]
    table: Array
    training = Cost(evaluations=1)
    deterministic = True

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        """Measured and counted values of (n, d) networks, free of noise."""
        return Values(self.score(X))

    def score(self, X: Array) -> Array:
        """The same values; shape (n, m)."""
        return self.table.take(self.space.key(X), axis=0)

    @cached_property
    def ranges(self) -> tuple[Array, Array]:
        """The least and the greatest value of each objective in the pool, (m,) each."""
        return self.table.min(axis=0), self.table.max(axis=0)

    def front(self) -> tuple[Array, Array]:
        """All Pareto-optimal networks of the pool, and their values; read-only."""
        return self._front

    @cached_property
    def _front(self) -> tuple[Array, Array]:
        best = nondominated(self.table)
        return _read_only(self.space.all()[best], self.table[best])

    def decode(self, X: Array) -> list[str]:
        """Width, bias, and heads x MLP ratio of each layer, ``384 bias 8x4 12x2 ...``, of the networks answered for."""
        return self.scale.decode(self.space.all()[self.space.key(X)])

    @cached_property
    def fingerprint(self) -> str:
        """Checksum of the values and of the networks that have them."""
        return fingerprint(self.table, self.space.all())


def problem(
    *,
    scale: Literal["s", "m"] = "s",
    kind: Literal["surrogate", "measured"] = "surrogate",
    objectives: Annotated[tuple[str, ...], Len(1)] = ("perplexity", "latency:h100"),
) -> HWGPT | MeasuredHWGPT:
    """HW-GPT-Bench with objectives of your choice, all minimised.

    Parameters
    ----------
    scale
        The supernet: ``s`` (10 to 12 layers, 5e12 networks) or ``m`` (22 to 24 layers, 1e24).
    kind
        ``surrogate``, an additive model of the whole space, or ``measured``, a pool of the networks that were measured:
        10,000 of ``s``, 5,245 of ``m``.
    objectives
        Any of ``perplexity``, ``memory`` (MB), ``params`` (M), ``flops`` (G multiply-adds), ``latency:GPU`` (ms) and
        ``energy:GPU`` (Wh) with GPU one of p100, v100, rtx2080, rtx3080, a6000, a40, a100, h100; the surrogate takes
        up to three, and has no energy that it would model badly.

    Raises
    ------
    ValueError
        An objective that is unknown or not modelled, one named twice, or too many to list the surrogate's front.
    """
    table = embedded(f"hw_gpt_{scale}" if kind == "surrogate" else f"hw_gpt_pool_{scale}")
    _check(objectives, offered(table), LISTED if kind == "surrogate" else None)
    genes, columns = SCALES[scale], tuple(map(objective, objectives))
    if kind == "measured":
        return MeasuredHWGPT(genes, genes.space(table[GENES]), columns, measured(genes, table, objectives))
    return HWGPT(genes, genes.space(), columns, held_out(table, objectives), modelled(genes, table, objectives))


def _check(objectives: tuple[str, ...], offered: list[str], most: int | None = None) -> None:
    if len(set(objectives)) < len(objectives):
        raise ValueError(f"objectives: expected each name once, found {', '.join(objectives)}")
    for name in objectives:
        if name not in offered:
            kind = "" if most is None else ", which the surrogate models; kind=measured may have it"
            raise ValueError(f"objectives: expected some of {', '.join(offered)}{kind}, found {name!r}")
    if most is not None and len(objectives) > most:
        raise ValueError(
            f"objectives: expected at most {most}, found {len(objectives)}: the surrogate's true front would be too "
            "long to list; choose fewer, or kind=measured"
        )


def _read_only(X: Array, F: Array) -> tuple[Array, Array]:
    X.flags.writeable = F.flags.writeable = False
    return X, F
