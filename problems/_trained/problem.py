"""A problem whose networks are all trained: answers of a table, under chosen objectives."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Protocol

import numpy as np

from mobench import (
    Array,
    Cost,
    ElasticNetwork,
    Objective,
    Space,
    Table,
    Values,
    fingerprint,
    in_short,
    nondominated,
    parse_objectives,
)
from mobench.problems._motif.table import measured_latencies
from mobench.problems._trained.table import errors, seeds_of, spread, trained, whole_seeds

__all__ = ["Sum", "Trained", "Training", "trained_problem"]

UNITS = {"error": "%", "flops": "M", "params": "k"}


class Sum(Protocol):
    """A cost that is a sum over the parts of a network."""

    def of(self, X: Array) -> Array:
        """Costs of (n, d) genotypes: (n,)."""
        ...


class OpenSupernet(Protocol):
    """Opens the supernet with these costs beside the error."""

    def __call__(
        self, costs: Sequence[Any], *, charge: Callable[[float], None], seed: int, batch: int
    ) -> ElasticNetwork: ...


@dataclass(frozen=True, kw_only=True)
class Training:
    """How the networks were trained, and their space.

    Attributes
    ----------
    names, values : tuple
        The genes and their options.
    networks : Array
        (n, d) all distinct networks, each by its canonical genotype, in the order of their numbers.
    key : callable
        The number of the network that each of (n, d) genotypes is: (n,).
    decode : callable
        Readable names of (n, d) genotypes.
    flops : callable
        Multiply-adds of one image, of (n, d) genotypes: (n,).
    images : tuple of int
        How many train, validate and test.
    epochs : int
        Length of a training.
    looks : int
        How often, at equal distances, it is validated: the fidelities, from 1.
    look : str
        What lies between two looks, in the plural.
    open_supernet : callable
        See `OpenSupernet`.
    """

    names: tuple[str, ...]
    values: tuple[tuple[str | int, ...], ...]
    networks: Array
    key: Callable[[Array], Array]
    decode: Callable[[Array], list[str]]
    flops: Callable[[Array], Array]
    images: tuple[int, int, int]
    epochs: int
    looks: int
    look: str
    open_supernet: OpenSupernet


@dataclass(frozen=True, eq=False, repr=False)
class Trained:
    """The table under chosen objectives; genotypes of one network share a key, an answer and a price.

    Attributes
    ----------
    made : Training
        How the networks were trained.
    networks : Array
        (n, d) the trained networks, each by its canonical genotype.
    costs : Array
        (n, m) reported values of the networks: mean test error of the scored seeds at the end, exact costs.
    valid : Array
        (looks, n) validation error of the seen training at each look, in per cent.
    noise : Array
        (n, m) standard errors of `costs`: how far other trainings and measurements would move them.
    macs : Array
        (n,) multiply-adds of one forward pass of one image.
    sums : mapping of str to Sum
        Costs by objective.
    member : Array or None
        The network of each genotype; None where only some networks are trained, which are the space's pool.
    batch : int
        Images in a batch of the supernet.
    """

    made: Training
    space: Space
    objectives: tuple[Objective, ...]
    training: Cost
    networks: Array
    costs: Array
    valid: Array
    noise: Array
    macs: Array
    sums: Mapping[str, Sum]
    member: Array | None
    batch: int
    deterministic = True
    resumable = True

    __repr__ = in_short

    @property
    def fidelities(self) -> tuple[int, ...]:
        """Looks on offer, from 1."""
        return tuple(range(1, self.made.looks + 1))

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        """Validation error of (n, d) genotypes at look `fidelity`, and exact costs.

        The price is training images up to there x 3 x multiply-adds.

        Raises
        ------
        ValueError
            A fidelity that is not on offer.
        """
        made = self.made
        look = made.looks if fidelity is None else fidelity
        if look not in self.fidelities:
            raise ValueError(f"fidelity: expected 1 to {made.looks} {made.look}, found {fidelity!r}")
        networks = self._networks(X)
        F = self.costs.take(networks, axis=0)
        for column, objective in enumerate(self.objectives):
            if objective.name == "error":
                F[:, column] = self.valid[look - 1].take(networks)
        return Values(F, self.macs.take(networks) * (3.0 * made.images[0] * made.epochs * look / made.looks))

    def _networks(self, X: Array) -> Array:
        """Which of the trained networks (n, d) genotypes are: (n,)."""
        return self.space.key(X) if self.member is None else self.member[self.space.index(X)]

    def score(self, X: Array) -> Array:
        """Test error of the scored trainings at their end and exact costs of (n, d) genotypes; shape (n, m)."""
        return self.costs.take(self._networks(X), axis=0)

    def known_costs(self, X: Array) -> Array:
        """FLOPs and params of (n, d) genotypes, which are formulas, (n, m); NaN in what is trained or measured."""
        known = np.array([objective.name in ("flops", "params") for objective in self.objectives])
        return np.where(known, self.score(X), np.nan)

    def standard_errors(self, X: Array) -> Array:
        """How far other trainings and measurements would move `score` of (n, d) genotypes; (n, m)."""
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
        """Readable names of (n, d) genotypes."""
        return self.made.decode(X)

    @functools.cached_property
    def fingerprint(self) -> str:
        """Checksum of all that is seen and scored: it changes when more seeds are trained."""
        return fingerprint(self.costs, self.valid, self.noise)

    @property
    def operations(self) -> tuple[tuple[str, ...], ...]:
        """The options of each gene, as texts."""
        return tuple(tuple(map(str, values)) for values in self.made.values)

    @functools.cached_property
    def descending(self) -> tuple[tuple[int, ...], ...]:
        """Each gene's options from the most multiply-adds to the fewest, the other genes at their most."""
        made = self.made
        largest = made.networks[made.flops(made.networks).argmax()]
        found = []
        for gene, values in enumerate(made.values):
            X = np.tile(largest, (len(values), 1))
            X[:, gene] = np.arange(len(values))
            found.append(tuple(np.argsort(-made.flops(X), kind="stable").tolist()))
        return tuple(found)

    def supernet(self, *, charge: Callable[[float], None], seed: int) -> ElasticNetwork:
        """All networks in one: weights learn on the training part, alpha on the validation part.

        Raises
        ------
        ValueError
            The first objective is not the error.
        """
        names = tuple(objective.name for objective in self.objectives)
        if names[0] != "error":
            raise ValueError(f"objectives: a supernet needs error first, then costs, found {', '.join(names)}")
        costs = [self.sums[name] for name in names[1:]]
        return self.made.open_supernet(costs, charge=charge, seed=seed, batch=self.batch)


def trained_problem(
    made: Training, table: Table, sums: Mapping[str, Sum], objectives: tuple[str, ...], batch: int
) -> Trained:
    """The problem of a table.

    Parameters
    ----------
    made : Training
    table : Table
        Its rows are those of ``made.networks``; see `mobench.problems._trained.table`.
    sums : mapping of str to Sum
        Costs by objective, in its unit; what the table has measured of all networks is answered as measured. Other
        latencies have ``median_relative_miss`` in the table's header.
    objectives : tuple of str
        ``error`` or names of `sums`, each with a limit perhaps.
    batch : int
        Images in a batch of the supernet.

    Raises
    ------
    ValueError
        An unknown objective or one named twice, or a limit of another form.
    """
    seen, *later = whole_seeds(table)
    scored, there = later or [seen], trained(table, seen)
    networks, (train, valid, test) = made.networks[there], made.images
    columns = {"error": errors(table, "test", test, scored)[:, there].mean(axis=0)}
    columns |= {name: cost.of(networks) for name, cost in sums.items()}
    chosen = parse_objectives(objectives, {name: UNITS.get(name, "ms") for name in columns})
    names = [objective.name for objective in chosen]
    tests = errors(table, "test", test, seeds_of(table))[:, there]
    noises = {"error": spread(tests) / np.sqrt(len(scored))}
    for name, about in table.about.get("latency", {}).items():
        noises[name] = columns[name] * about["median_relative_miss"] / NormalDist().inv_cdf(0.75)
    for name, (latency, error) in measured_latencies(table).items():
        columns[name], noises[name] = latency[there], latency[there] * error
    whole = bool(there.all())
    exist = {"classes": made.key} if whole else {"pool": networks}
    space = Space(tuple(map(len, made.values)), made.names, values=made.values, **exist)
    mean = float(made.flops(space.all()).mean())
    return Trained(
        made=made,
        space=space,
        objectives=chosen,
        training=Cost(evaluations=1, flops=mean * 3.0 * train * made.epochs),
        networks=networks,
        costs=np.column_stack([columns[name] for name in names]),
        valid=errors(table, "valid", valid, [seen])[0][:, there],
        noise=np.column_stack([noises.get(name, np.zeros(len(networks))) for name in names]),
        macs=made.flops(networks),
        sums=sums,
        member=np.searchsorted(made.key(networks), made.key(space.all())) if whole else None,
        batch=batch,
    )
