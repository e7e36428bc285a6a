"""Motif: all NAS-Bench-201 cells really trained on a small generated image task; the table ships with mobench.

15,625 genotypes, 5,260 networks, 12 epochs each. Two seeds are seen and others are scored, so that a lucky training
gains nothing: `docs/problems/tables/motif.md` says how it was made.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
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
from mobench.problems._cells.noise import seed_noise
from mobench.problems._cells.prices import PROXY_NAMES, proxy_prices
from mobench.problems._cells.space import (
    CHOICES,
    EDGE_NAMES,
    OPERATIONS,
    all_cells,
    flops,
    functional_classes,
    graph,
    index,
    params,
    to_strings,
)
from mobench.problems._images.motif import TEST, TRAIN, VALID, Part, generate
from mobench.problems._motif.table import EPOCHS, SEEN, SKELETON, errors, load, measured_latencies, proxy, seeds_of

Count = Annotated[int, Gt(0)]
_UNITS = {"error": "%", "flops": "M", "params": "k"}


@dataclass(frozen=True, eq=False, repr=False)
class Motif:
    """Motif's table under chosen objectives; genotypes of one network share a key, an answer and a price.

    Attributes
    ----------
    costs : Array
        (5260, m) reported values of the networks: mean test error of the scored seeds after 12 epochs, and exact costs.
    valid : Array
        (2, 12, 5260) validation error of the seen seeds after each epoch, in per cent.
    test : Array
        (seeds, 5260) test error of the scored seeds after 12 epochs; NaN, and last, where a seed is not trained.
    noise : Array
        (5260, m) standard errors of `costs`: how far other trainings and measurements would move them.
    macs : Array
        (5260,) multiply-adds of one forward pass of one image.
    member : Array
        (15625,) the network of each genotype.
    batch : int
        Images in a batch of the supernet.
    device : str
        The torch device of the supernet.
    """

    space: Space
    objectives: tuple[Objective, ...]
    training: Cost
    deterministic: bool
    costs: Array
    valid: Array
    test: Array
    noise: Array
    macs: Array
    member: Array
    batch: int
    device: str

    __repr__ = in_short

    @property
    def fidelities(self) -> tuple[int, ...]:
        """Epochs on offer: 1 to 12."""
        return tuple(range(1, EPOCHS + 1))

    @property
    def resumable(self) -> bool:
        """Each network has one training, seen after every epoch; with noise each question draws one of two."""
        return self.deterministic

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        """Validation error of (n, 6) cells after `fidelity` epochs, and exact costs.

        The error is the mean over the two seen seeds, or with noise that of the one that ``seeds[i]`` draws. The price
        is epochs x training images x 3 x multiply-adds.

        Raises
        ------
        ValueError
            A fidelity that is not on offer, or no `seeds` where there is noise.
        """
        epochs = EPOCHS if fidelity is None else fidelity
        if epochs not in self.fidelities:
            raise ValueError(f"fidelity: expected 1 to {EPOCHS} epochs, found {fidelity!r}")
        networks = self.member[self.space.index(X)]
        F = self.costs.take(networks, axis=0)
        for column, objective in enumerate(self.objectives):
            if objective.name == "error":
                F[:, column] = self._seen(networks, epochs, seeds)
        return Values(F, self.macs.take(networks) * (3.0 * TRAIN * epochs))

    def _seen(self, networks: Array, epochs: int, seeds: Array | None) -> Array:
        if self.deterministic:
            mean: Array = self._mean[epochs - 1].take(networks)
            return mean
        if seeds is None:
            raise ValueError("seeds: needed, one a row of X, to draw a trained seed")
        drawn: Array = self.valid[np.asarray(seeds, dtype=np.uint64) % SEEN, epochs - 1, networks]
        return drawn

    @functools.cached_property
    def _mean(self) -> Array:
        """(12, 5260) validation errors, means over the seen seeds."""
        mean: Array = self.valid.mean(axis=0)
        return mean

    def score(self, X: Array) -> Array:
        """Mean test error of the scored seeds after 12 epochs and exact costs of (n, 6) cells; shape (n, m)."""
        return self.costs.take(self.member[self.space.index(X)], axis=0)

    def standard_errors(self, X: Array) -> Array:
        """How far other trainings, and other measurements of latency, would move `score` of (n, 6) cells; (n, m)."""
        return self.noise.take(self.member[self.space.index(X)], axis=0)

    def known_costs(self, X: Array) -> Array:
        """Params and FLOPs of (n, 6) cells, (n, m); NaN in what is trained or measured."""
        known = np.array([objective.name in ("flops", "params") for objective in self.objectives])
        return np.where(known, self.score(X), np.nan)

    @functools.cached_property
    def ranges(self) -> tuple[Array, Array]:
        """The least and the greatest scored value of each objective, (m,) each."""
        return self.costs.min(axis=0), self.costs.max(axis=0)

    @property
    def proxy_names(self) -> tuple[str, ...]:
        """Zero-cost proxies that were tabulated, and the multiply-adds, which are counted."""
        return PROXY_NAMES

    def proxies(self, X: Array, *, names: tuple[str, ...]) -> Values:
        """Scores of (n, 6) untrained cells at the first seen seed, (n, k); the price is that of the passes."""
        networks = self.member[self.space.index(X)]
        macs = self.macs.take(networks)
        columns = [macs if name == "flops" else proxy(name).take(networks) for name in names]
        return Values(np.column_stack(columns).astype(np.float64), proxy_prices(macs, names))

    @functools.cached_property
    def proxies_fingerprint(self) -> str:
        """Checksum of the table of proxies and of the multiply-adds: it changes when proxies are made again."""
        return fingerprint(self.macs, *(proxy(name) for name in PROXY_NAMES if name != "flops"))

    def front(self) -> tuple[Array, Array]:
        """All Pareto-optimal networks, by the first genotype of each, and their scored values."""
        best = nondominated(self.costs)
        return self.space.at(np.unique(functional_classes())[best]), self.costs[best]

    def decode(self, X: Array) -> list[str]:
        """Architecture strings, ``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|``."""
        return to_strings(X)

    def graph(self, x: Array) -> list[tuple[str, str, str]]:
        """The live edges of one cell, (6,), as source node, target node, operation."""
        return graph(x)

    @functools.cached_property
    def fingerprint(self) -> str:
        """Checksum of all that is seen and scored: it changes when more seeds are trained."""
        return fingerprint(self.costs, self.valid, self.noise)

    @property
    def operations(self) -> tuple[tuple[str, ...], ...]:
        """NAS-Bench-201's names, edge by edge."""
        return CHOICES

    def supernet(self, *, charge: Callable[[float], None], seed: int) -> CategoricalNetwork:
        """The cell supernet on Motif's images: weights learn on the training part, alpha on the validation part.

        The expected latency of a mixture comes from the sum over operations that fits the measured column best.

        Raises
        ------
        ValueError
            The first objective is not the error.
        """
        names = tuple(objective.name for objective in self.objectives)
        if names[0] != "error":
            raise ValueError(f"objectives: a supernet needs error first, then costs, found {', '.join(names)}")
        import torch

        from mobench.problems._cells.latency_table import fitted_table
        from mobench.problems._cells.supernet import CellSupernet, Options

        cells = all_cells()[np.unique(functional_classes())]
        measured = {name: self.costs[:, i] for i, name in enumerate(names) if name.startswith("latency:")}
        latencies = {name: fitted_table(cells, column) for name, column in measured.items()}
        # copies: the parts serve every run of this process
        halves = [(torch.tensor(part.images)[:, None], torch.tensor(part.labels)) for part in _parts()[:2]]
        options = Options(costs=names[1:], latencies=latencies, batch=self.batch, device=self.device)
        return CellSupernet(SKELETON, train=halves[0], valid=halves[1], charge=charge, seed=seed, options=options)


def problem(
    *,
    objectives: tuple[str, ...] = ("error", "latency:cpu_b64"),
    noise: bool = False,
    batch: Count = 64,
    device: str = "cpu",
) -> Motif:
    """Motif with objectives of your choice, all minimised.

    Parameters
    ----------
    objectives
        Any of ``error`` (%; validation of two seeds is seen, test of other seeds is scored), ``flops`` (M multiply-adds
        an image), ``params`` (k), ``latency:cpu_b1`` and ``latency:cpu_b64`` (ms, measured at these batch sizes); each
        with a limit perhaps, ``params<=10``.
    noise
        Show the error of one of the two seen seeds, drawn anew with each question, instead of their mean.
    batch
        Images in a batch of the live supernet.
    device
        The torch device of the live supernet.

    Raises
    ------
    ValueError
        An unknown objective or one named twice, a limit of another form, noise without an error, a device that is not
        there, or a damaged table.
    """
    if device != "cpu":
        from mobench.live.devices import check_device

        check_device(device)
    table = load()
    names, member = np.unique(functional_classes(), return_inverse=True)
    cells = all_cells()[names]
    macs = flops(cells, skeleton=SKELETON)
    seeds = seeds_of(table)
    valid, test = errors(table, "valid", VALID, seeds[:SEEN]), errors(table, "test", TEST, seeds[SEEN:])
    columns = {"error": np.nanmean(test, axis=0), "flops": macs / 1e6, "params": params(cells, skeleton=SKELETON) / 1e3}
    latencies = measured_latencies(table)
    columns |= {name: values for name, (values, _) in latencies.items()}
    chosen = parse_objectives(objectives, {name: _UNITS.get(name, "ms") for name in columns})
    names_chosen = [objective.name for objective in chosen]
    if noise and "error" not in names_chosen:
        raise ValueError("noise: only the objective 'error' is noisy; add it, or leave noise out")
    noises = {"error": seed_noise(errors(table, "test", TEST, seeds)) / np.sqrt((~np.isnan(test)).sum(axis=0))}
    noises |= {name: values * error for name, (values, error) in latencies.items()}
    mean = float(macs[member].mean()) * 3.0 * TRAIN * EPOCHS
    return Motif(
        space=Space((len(OPERATIONS),) * len(EDGE_NAMES), EDGE_NAMES, _key, values=(OPERATIONS,) * len(EDGE_NAMES)),
        objectives=chosen,
        training=Cost(evaluations=1, flops=mean),
        deterministic=not noise,
        costs=np.column_stack([columns[name] for name in names_chosen]),
        valid=valid,
        test=test,
        noise=np.column_stack([noises.get(name, np.zeros(len(names))) for name in names_chosen]),
        macs=macs,
        member=member,
        batch=batch,
        device=device,
    )


@functools.cache
def _parts() -> tuple[Part, Part, Part]:
    return generate()


def _key(X: Array) -> Array:
    keys: Array = functional_classes()[index(X)]
    return keys
