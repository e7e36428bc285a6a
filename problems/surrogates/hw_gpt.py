"""HW-GPT-Bench: GPT-2-like sub-networks, perplexity against what was measured on eight GPUs.

Sukthanker, Zela, Staffler, Klein, Franke and Hutter 2024, "HW-GPT-Bench: Hardware-Aware Architecture
Benchmark for Language Models": 10,000 measured networks of each supernet, as they are or as an additive model of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Annotated, Literal

import numpy as np
from annotated_types import Len

from mobench import Array, Cost, Objective, Space, Values, fingerprint, in_short, parse_objectives
from mobench.problems._embedded.tables import embedded
from mobench.problems._hw_gpt.additive import Additive
from mobench.problems._hw_gpt.answers import held_out, modelled, offers
from mobench.problems._hw_gpt.columns import GENES, objective, values
from mobench.problems._hw_gpt.scales import SCALES, Scale
from mobench.problems._table.problem import TableProblem, chosen, table_problem

SOURCE = "github.com/automl/HW-GPT-Bench, files of 2024-05-20 (cfddd10, 795cba8)"


@dataclass(frozen=True, eq=False, repr=False)
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

    __repr__ = in_short

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
        F = self._values(totals)
        X.flags.writeable = F.flags.writeable = False
        return X, F

    def decode(self, X: Array) -> list[str]:
        """Width, bias, and heads x MLP ratio of each layer, ``384 bias 8x4 12x2 ...``."""
        return self.scale.decode(X)

    @cached_property
    def fingerprint(self) -> str:
        """Checksum of the model."""
        return fingerprint(self.model.base, self.model.terms)


def problem(
    *,
    scale: Literal["s", "m"] = "s",
    kind: Literal["surrogate", "measured"] = "surrogate",
    objectives: Annotated[tuple[str, ...], Len(1)] = ("perplexity", "latency:h100"),
) -> HWGPT | TableProblem:
    """HW-GPT-Bench with objectives of your choice, all minimised.

    Parameters
    ----------
    scale
        The supernet: ``s`` (10 to 12 layers, 2e12 networks) or ``m`` (22 to 24 layers, 5e23 networks).
    kind
        ``surrogate``, a model of all networks, or ``measured``, a pool of those that were measured: 10,000 of ``s``,
        5,245 of ``m``.
    objectives
        Any of ``perplexity``, ``memory`` (MB), ``params`` (M), ``flops`` (G multiply-adds), ``latency:GPU`` (ms) and
        ``energy:GPU`` (Wh) with GPU one of p100, v100, rtx2080, rtx3080, a6000, a40, a100, h100; the surrogate takes
        up to three, and has no energy that it would model badly. Each with a limit perhaps, ``latency:h100<=10``.

    Raises
    ------
    ValueError
        An objective that is unknown or not modelled, one named twice, a limit of another form, or too many to list the
        surrogate's front.
    """
    genes = SCALES[scale]
    if kind == "measured":
        table = embedded(f"hw_gpt_pool_{scale}")
        space = genes.space(table[GENES])
        found = chosen(offers(genes, table), objectives)
        return table_problem(space, found, written=partial(_written, genes, space), provenance=SOURCE)
    table = embedded(f"hw_gpt_{scale}")
    wanted = parse_objectives(objectives, objective)
    names = tuple(one.name for one in wanted)
    model = modelled(genes, table, names)
    return HWGPT(genes, genes.space(), wanted, held_out(table, names), model)


def _written(genes: Scale, space: Space, X: Array) -> list[str]:
    """Networks of a pool, which other rows stand for."""
    return genes.decode(space.canonical(X))
