"""Once-for-all MobileNetV3 on ImageNet: 10^20 sub-networks, their error modelled from measurements.

Cai, Gan, Wang, Zhang and Han 2020, "Once-for-All: Train One Network and Specialize it for Efficient Deployment".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
from annotated_types import Len

from mobench import Array, Cost, Objective, Space, Table, Values, fingerprint, in_short, nondominated, parse_objectives
from mobench.problems._embedded.tables import embedded
from mobench.problems._ofa_mbv3.genes import BLOCKS, CHOICES, RESOLUTIONS, decode, space
from mobench.problems._ofa_mbv3.network import multiply_adds, parameters
from mobench.problems._ofa_mbv3.sums import Sums

DIGITS = 4
"""Digits behind the point of errors, so that machines that round differently agree."""
UNITS = {
    "error": "%",
    "flops": "M",
    "params": "M",
    "latency:note10": "ms",
    "latency:v100_b64": "ms",
    "latency:titan_rtx_b64": "ms",
    "latency:titan_xp_b64": "ms",
}
LISTED = (
    "of three objectives and more the front is the best that is known, found by weighting: a run can come out "
    "above it, with a share of up to half a per cent over 1"
)


@dataclass(frozen=True, eq=False, repr=False)
class OnceForAll:
    """The sub-networks under chosen objectives; what is seen is what is scored.

    Attributes
    ----------
    space : Space
        Resolution, depths, kernels and expansions; genes of absent blocks decide nothing.
    objectives : tuple of Objective
        The m columns of F.
    sums : Sums
        What adds up over the blocks, one sum an objective.
    steps : Array
        (m,) what a sum counts, in units of its objective; for the error, of the logarithm of what is above `floor`.
    floor : Array
        (5,) error that no network falls below at each resolution, in per cent.
    held_out : mapping
        R2 and Kendall's tau of each fitted objective on measurements that were not used in the fit.
    """

    space: Space
    objectives: tuple[Objective, ...]
    sums: Sums
    steps: Array
    floor: Array
    held_out: Mapping[str, tuple[float, float]]
    training = Cost(evaluations=1)
    deterministic = True

    __repr__ = in_short

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        """Modelled and counted values of (n, 46) rows, free of noise."""
        return Values(self.score(X))

    def score(self, X: Array) -> Array:
        """The same values; shape (n, m)."""
        return self.values(X[:, 0], self.sums.totals(X))

    def known_costs(self, X: Array) -> Array:
        """Params and FLOPs of (n, 46) rows, (n, m); NaN in the error and in latencies, which are measured."""
        known = np.array([objective.name in ("flops", "params") for objective in self.objectives])
        return np.where(known, self.score(X), np.nan)

    def values(self, resolutions: Array, totals: Array) -> Array:
        """Values (n, m) of (n,) genes of the resolution and (n, m) totals."""
        F = totals * self.steps
        for column, objective in enumerate(self.objectives):
            if objective.name == "error":
                F[:, column] = np.round(self.floor[resolutions] + np.exp(F[:, column]), DIGITS)
        return F

    @property
    def remarks(self) -> tuple[str, ...]:
        """That the listed front is not the whole one, where it is not."""
        return () if len(self.objectives) < 3 else (LISTED,)

    @cached_property
    def ranges(self) -> tuple[Array, Array]:
        """The least and the greatest value of each objective over all networks, (m,) each."""
        genes = np.arange(len(RESOLUTIONS))
        least, greatest = (self.values(genes, self.sums.reach(extreme)) for extreme in (np.min, np.max))
        return least.min(axis=0), greatest.max(axis=0)

    def front(self) -> tuple[Array, Array]:
        """All Pareto-optimal values with a network each; of three objectives and more, those that a weighting finds.

        Read-only. Two objectives are exact; more have fronts of hundreds of thousands.
        """
        return self._front

    @cached_property
    def _front(self) -> tuple[Array, Array]:
        X, totals = self.sums.front() if len(self.objectives) < 3 else self.sums.supported()
        F = self.values(X[:, 0], totals)
        F, first = np.unique(F, axis=0, return_index=True)
        best = nondominated(F)
        X, F = X[first[best]], F[best]
        X.flags.writeable = F.flags.writeable = False
        return X, F

    def decode(self, X: Array) -> list[str]:
        """Resolution, then stage by stage the kernel and the expansion of each block, ``224 | 3x3e6 5x5e4 | ...``."""
        return decode(X)

    @cached_property
    def fingerprint(self) -> str:
        """Checksum of the model."""
        return fingerprint(self.sums.terms, self.steps, self.floor)


def problem(*, objectives: Annotated[tuple[str, ...], Len(2)] = ("error", "latency:note10")) -> OnceForAll:
    """Once-for-all MobileNetV3 with objectives of your choice, all minimised.

    Parameters
    ----------
    objectives
        Two or more of ``error`` (top-1 on ImageNet, %), ``flops`` (M multiply-adds), ``params`` (M), and latencies
        (ms): ``latency:note10`` of one image, ``latency:v100_b64``, ``latency:titan_rtx_b64`` and
        ``latency:titan_xp_b64`` of 64; each with a limit perhaps, ``latency:note10<=20``.

    Raises
    ------
    ValueError
        An unknown objective or one named twice, a limit that is none, or a damaged table.
    """
    chosen = parse_objectives(objectives, UNITS)
    names = [objective.name for objective in chosen]
    table = embedded("ofa_mbv3")
    counts = {"flops": multiply_adds, "params": parameters}
    shape = (BLOCKS, CHOICES, len(RESOLUTIONS))
    terms = [
        counts[name]() if name in counts else np.moveaxis(table[name].astype(np.int64).reshape(shape), 2, 0)
        for name in names
    ]
    return OnceForAll(
        space=space(),
        objectives=chosen,
        sums=Sums(np.stack(terms, axis=-1)),
        steps=np.array([1e-6 if name in counts else table.columns[name].about["step"] for name in names]),
        floor=np.array(table.columns["error"].about["floor"]),
        held_out={name: fit for name in names if (fit := _held_out(table, name))},
    )


def _held_out(table: Table, name: str) -> tuple[float, float] | None:
    """R2 and tau of a fitted column; None for what is counted or measured block by block."""
    about = table.columns[name].about if name in table else {}
    return (about["held_out_r2"], about["held_out_tau"]) if "held_out_r2" in about else None
