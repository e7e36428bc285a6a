"""motif_chain: all chains of four blocks, skipped or of a kernel and an expansion, really trained on a generated task.

6,561 genotypes, 5,329 networks: the live space with known truth beside `motif`'s cells. How it was made and what it is
like: `docs/problems/tables/motif_chain.md`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Annotated

import numpy as np
from annotated_types import Gt

from mobench import (
    Array,
    CategoricalNetwork,
    Cost,
    Objective,
    Space,
    Values,
    fingerprint,
    in_short,
    nondominated,
    parse_objectives,
)
from mobench.problems._chain.space import (
    BLOCK_NAMES,
    BLOCKS,
    OPERATIONS,
    BlockCosts,
    all_networks,
    canonical,
    flops,
    index,
    to_strings,
)
from mobench.problems._chain.table import EPOCHS, costs_of, errors, load, seeds_of, spread, trained, whole_seeds
from mobench.problems._images.motif_chain import TEST, TRAIN, VALID
from mobench.problems._motif.table import measured_latencies

Count = Annotated[int, Gt(0)]
_UNITS = {"error": "%", "flops": "M", "params": "k"}


@dataclass(frozen=True, eq=False, repr=False)
class MotifChain:
    """The table under chosen objectives; genotypes of one network share a key, an answer and a price.

    Attributes
    ----------
    networks : Array
        (n, 4) the trained networks, each by the genotype whose skips come last.
    costs : Array
        (n, m) reported values of the networks: mean test error of the scored seeds after the last epoch, exact costs.
    valid : Array
        (epochs, n) validation error of the seen training after each epoch, in per cent.
    noise : Array
        (n, m) standard errors of `costs`: how far other trainings and measurements would move them.
    macs : Array
        (n,) multiply-adds of one forward pass of one image.
    sums : mapping of str to BlockCosts
        Costs by objective, as sums over blocks.
    member : Array or None
        (6561,) the network of each genotype; None where only some networks are trained, which are the space's pool.
    batch : int
        Images in a batch of the supernet.
    """

    space: Space
    objectives: tuple[Objective, ...]
    training: Cost
    networks: Array
    costs: Array
    valid: Array
    noise: Array
    macs: Array
    sums: Mapping[str, BlockCosts]
    member: Array | None
    batch: int
    deterministic = True
    resumable = True

    __repr__ = in_short

    @property
    def fidelities(self) -> tuple[int, ...]:
        """Epochs on offer, from 1."""
        return tuple(range(1, EPOCHS + 1))

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        """Validation error of (n, 4) chains after `fidelity` epochs, and exact costs.

        The price is epochs x training images x 3 x multiply-adds.

        Raises
        ------
        ValueError
            A fidelity that is not on offer.
        """
        epochs = EPOCHS if fidelity is None else fidelity
        if epochs not in self.fidelities:
            raise ValueError(f"fidelity: expected 1 to {EPOCHS} epochs, found {fidelity!r}")
        networks = self._networks(X)
        F = self.costs.take(networks, axis=0)
        for column, objective in enumerate(self.objectives):
            if objective.name == "error":
                F[:, column] = self.valid[epochs - 1].take(networks)
        return Values(F, self.macs.take(networks) * (3.0 * TRAIN * epochs))

    def _networks(self, X: Array) -> Array:
        """Which of the trained networks (n, 4) chains are: (n,)."""
        return self.space.key(X) if self.member is None else self.member[self.space.index(X)]

    def score(self, X: Array) -> Array:
        """Test error of the scored trainings after the last epoch and exact costs of (n, 4) chains; shape (n, m)."""
        return self.costs.take(self._networks(X), axis=0)

    def known_costs(self, X: Array) -> Array:
        """FLOPs and params of (n, 4) chains, which are formulas, (n, m); NaN in what is trained or measured."""
        known = np.array([objective.name in ("flops", "params") for objective in self.objectives])
        return np.where(known, self.score(X), np.nan)

    def standard_errors(self, X: Array) -> Array:
        """How far other trainings and measurements would move `score` of (n, 4) chains; (n, m)."""
        return self.noise.take(self._networks(X), axis=0)

    @functools.cached_property
    def ranges(self) -> tuple[Array, Array]:
        """The least and the greatest scored value of each objective, (m,) each."""
        return self.costs.min(axis=0), self.costs.max(axis=0)

    def front(self) -> tuple[Array, Array]:
        """All Pareto-optimal networks, by `networks`, and their scored values."""
        best = nondominated(self.costs)
        return self.networks[best], self.costs[best]

    def decode(self, X: Array) -> list[str]:
        """The operations of the two stages, ``k3e2 skip | k5e1 k1e1``."""
        return to_strings(X)

    @functools.cached_property
    def fingerprint(self) -> str:
        """Checksum of all that is seen and scored: it changes when more seeds are trained."""
        return fingerprint(self.costs, self.valid, self.noise)

    @property
    def operations(self) -> tuple[tuple[str, ...], ...]:
        """The same nine names in each of four blocks."""
        return (OPERATIONS,) * BLOCKS

    def supernet(self, *, charge: Callable[[float], None], seed: int) -> CategoricalNetwork:
        """The chain with all operations in every block: weights learn on the training part, alpha on the other.

        Raises
        ------
        ValueError
            The first objective is not the error.
        """
        names = tuple(objective.name for objective in self.objectives)
        if names[0] != "error":
            raise ValueError(f"objectives: a supernet needs error first, then costs, found {', '.join(names)}")
        from mobench.problems._chain.supernet import open_supernet

        return open_supernet([self.sums[name] for name in names[1:]], charge=charge, seed=seed, batch=self.batch)


def problem(*, objectives: tuple[str, ...] = ("error", "flops"), batch: Count = 64) -> MotifChain:
    """motif_chain with objectives of your choice, all minimised.

    Parameters
    ----------
    objectives
        Any of ``error`` (%; validation is seen, test is scored), ``flops`` (M multiply-adds an image), ``params`` (k),
        ``latency:cpu_b1`` and ``latency:cpu_b64`` (ms, sums over blocks fitted to measured networks); each with a limit
        perhaps, ``params<=10``.
    batch
        Images in a batch of the live supernet.

    Raises
    ------
    ValueError
        An unknown objective or one named twice, a limit of another form, or a damaged table.
    """
    table = load()
    seen, *later = whole_seeds(table)
    scored, there = later or [seen], trained(table, seen)
    networks, test = all_networks()[there], errors(table, "test", TEST, scored)[:, there]
    columns = {"error": test.mean(axis=0)}
    sums = costs_of(table)
    columns |= {name: cost.of(networks) for name, cost in sums.items()}
    chosen = parse_objectives(objectives, {name: _UNITS.get(name, "ms") for name in columns})
    names = [objective.name for objective in chosen]
    tests = errors(table, "test", TEST, seeds_of(table))[:, there]
    noises = {"error": spread(tests) / np.sqrt(len(scored))}
    for name, about in table.about.get("latency", {}).items():
        noises[name] = columns[name] * about["median_relative_miss"] / NormalDist().inv_cdf(0.75)
    for name, (latency, error) in measured_latencies(table).items():
        columns[name], noises[name] = latency[there], latency[there] * error
    whole = bool(there.all())
    exist = {"classes": _key} if whole else {"pool": networks}
    values = (OPERATIONS,) * BLOCKS
    space = Space(tuple(map(len, values)), BLOCK_NAMES, values=values, **exist)
    return MotifChain(
        space=space,
        objectives=chosen,
        training=Cost(evaluations=1, flops=float(flops(space.all()).mean()) * 3.0 * TRAIN * EPOCHS),
        networks=networks,
        costs=np.column_stack([columns[name] for name in names]),
        valid=errors(table, "valid", VALID, [seen])[0][:, there],
        noise=np.column_stack([noises.get(name, np.zeros(len(networks))) for name in names]),
        macs=flops(networks),
        sums=sums,
        member=np.searchsorted(index(networks), _key(space.all())) if whole else None,
        batch=batch,
    )


def _key(X: Array) -> Array:
    return index(canonical(X))
