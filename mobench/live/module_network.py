"""The supernet of a module with choices: one set of weights that holds every architecture, with metered losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mobench.core.space import Array
from mobench.live.batch import Batch
from mobench.live.data import Dataset
from mobench.live.memory import enough_memory
from mobench.live.meter import FORWARD, Charge, metered
from mobench.live.module_space import ModuleSpace
from mobench.live.one_shot import Path, one_shot_errors

__all__ = ["Expected", "ModuleNetwork", "fitted"]

Expected = Callable[[ModuleSpace, Tensor], Tensor]
"""The expectation of a cost under shares p, (d, k): a scalar tensor."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A cost as a sum: a fixed part, so much a multiply-add and a parameter, so much an option of an active gene."""

    fixed: float
    slopes: Array

    def __call__(self, space: ModuleSpace, p: Tensor) -> Tensor:
        """Its expectation under p, exact for this sum."""
        features = torch.cat([space.expected_costs(p), space.expected_options(p)])
        return self.fixed + features @ torch.as_tensor(self.slopes, dtype=p.dtype, device=p.device)


def fitted(space: ModuleSpace, X: Array, values: Array) -> Fitted:
    """The sum that is nearest to measured values, (n,), of (n, d) architectures, by ridge regression.

    Features are scaled to unit deviation; the penalty is a hundredth of their number of rows.
    """
    shares = [space.one_hot(x) for x in X]
    options = np.array([space.expected_options(p).numpy() for p in shares])
    features = np.column_stack([space.costs(X), options]).astype(float)
    scale = np.where((deviation := features.std(axis=0)) > 0, deviation, 1.0)
    A = (features - features.mean(axis=0)) / scale
    slopes = np.linalg.solve(A.T @ A + 0.01 * len(X) * np.eye(A.shape[1]), A.T @ (values - values.mean())) / scale
    return Fitted(float(values.mean() - features.mean(axis=0) @ slopes), slopes)


@lru_cache(maxsize=8)
def _order(seed: int, half: int, epoch: int, n: int) -> Array:
    return np.random.default_rng([seed, 2, half, epoch]).permutation(n)


class ModuleNetwork:
    """Every architecture of a module at once, see `mobench.CategoricalNetwork`.

    A loss computes the options whose share in p is not zero, and what `computed` names, and charges for these: the
    largest sizes among them, every alternative and depth among them. One-hot shares compute the path, on slices of the
    weights. Weights that took no part have no gradient (``allow_unused=True`` of `torch.autograd.grad`). Batch norms
    use the statistics of the batch, in training, in validation and in one-shot scores; dropout is switched off.

    Parameters
    ----------
    space : ModuleSpace
    make_network : callable
        Makes the module anew, for weights drawn at the address [seed, 3].
    data : Dataset
        On the device of the space's module.
    batch : int
        Inputs in a batch.
    costs : sequence of Expected
        Of the objectives beside the error, in their units.
    charge : callable
        See `metered`.
    seed : int
        Address of weights ``[seed, 3]``, alpha ``[seed, 3, 1]`` and batches ``[seed, 2, half, epoch]``.
    """

    def __init__(
        self,
        space: ModuleSpace,
        make_network: Callable[[int], nn.Module],
        data: Dataset,
        *,
        batch: int,
        costs: Sequence[Expected],
        charge: Charge,
        seed: int,
    ) -> None:
        self.drawn = {"train": 0, "valid": 0}
        self._space, self._make, self._data, self._seed = space, make_network, data, seed
        self._halves = {"train": data.train, "valid": data.valid}
        self._batch, self._costs, self._charge = batch, tuple(costs), charge
        self._device = data.train.labels.device

    @property
    def operations(self) -> tuple[tuple[str, ...], ...]:
        """The options of each gene, as texts."""
        return operations(self._space)

    @cached_property
    def descending(self) -> tuple[tuple[int, ...], ...]:
        """See `mobench.ElasticNetwork`."""
        return descending(self._space)

    def initial_alpha(self) -> Tensor:
        """Normal numbers of standard deviation 0.001, (d, k), that require a gradient (Liu et al. 2019)."""
        drawn = 1e-3 * np.random.default_rng([self._seed, 3, 1]).standard_normal(self._space.mask.shape)
        return torch.tensor(drawn, dtype=torch.float32, device=self._device, requires_grad=True)

    def initial_weights(self, *, partial_channels: int = 1) -> dict[str, Tensor]:
        """The same fresh weights at every call: leaves that require a gradient.

        Raises
        ------
        ValueError
            Partial connections, which a module has none of.
        """
        if partial_channels != 1:
            raise ValueError("partial_channels: a module with choices has no partial connections; leave it out")
        made = self._make(int(np.random.SeedSequence([self._seed, 3]).generate_state(1, np.uint32)[0]))
        return {name: w.detach().to(self._device).clone().requires_grad_() for name, w in made.named_parameters()}

    def train_batch(self) -> Batch:
        """Next batch of the training half; each epoch is a permutation, and its incomplete last batch is left out."""
        return self._next("train")

    def valid_batch(self) -> Batch:
        """Next batch of the validation half."""
        return self._next("valid")

    def _next(self, half: str) -> Batch:
        number = self.drawn[half]
        self.drawn[half] = number + 1
        return Batch(half, number)

    def _inputs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Normalised inputs and labels of a batch, in an order that depends on the seed alone."""
        if not isinstance(batch, Batch) or batch.half not in self._halves or batch.number < 0:
            raise ValueError(f"batch: expected one of train_batch() or valid_batch(), found {batch!r}")
        part = self._halves[batch.half]
        n = len(part.labels)
        size = min(self._batch, n)
        epoch, place = divmod(batch.number, n // size)
        order = _order(self._seed, int(batch.half == "valid"), epoch, n)
        rows = torch.from_numpy(order[place * size : (place + 1) * size]).to(self._device)
        return self._data.normalise(part.images[rows]), part.labels[rows]

    def train_loss(
        self, weights: Mapping[str, Tensor], p: Tensor, batch: Batch, *, computed: Tensor | None = None
    ) -> Tensor:
        """Mean cross entropy of a batch under the shares p, (d, k); metered.

        Raises
        ------
        BudgetExhausted
            Here, or in a later pass; see `metered`.
        ValueError
            `batch` is none of `train_batch` or `valid_batch`, `p` or `computed` has another shape, or a gene no share.
        """
        self._check(p, "p")
        if computed is not None:
            self._check(computed, "computed")
        images, labels = self._inputs(batch)

        def loss() -> Tensor:
            found = functional.cross_entropy(self._logits(weights, p, images, computed), labels)
            # so that p has a gradient where no gene is active, too
            return found + 0.0 * p.sum() if p.requires_grad else found

        return metered(loss, flops=len(images) * self._space.computed(p, computed), charge=self._charge)

    def valid_loss(
        self, weights: Mapping[str, Tensor], p: Tensor, batch: Batch, *, computed: Tensor | None = None
    ) -> Tensor:
        """The same on a batch of the validation half."""
        return self.train_loss(weights, p, batch, computed=computed)

    def distilled_loss(
        self,
        weights: Mapping[str, Tensor],
        ps: Sequence[Tensor],
        batch: Batch,
        *,
        teacher: tuple[Mapping[str, Tensor], Tensor],
    ) -> Tensor:
        """See `mobench.ElasticNetwork`."""
        images, labels = self._inputs(batch)
        master, q = teacher
        for p in (*ps, q):
            self._check(p, "p")
        self._charge(FORWARD * len(images) * self._space.computed(q))
        with torch.no_grad():
            soft = torch.softmax(self._logits(master, q, images), dim=1)

        def loss() -> Tensor:
            logits = [self._logits(weights, p, images) for p in ps]
            terms = [functional.cross_entropy(y, labels) + functional.cross_entropy(y, soft) for y in logits]
            return torch.stack(terms).mean()

        return metered(loss, flops=len(images) * sum(map(self._space.computed, ps)), charge=self._charge)

    def _logits(
        self, weights: Mapping[str, Tensor], p: Tensor, images: Tensor, computed: Tensor | None = None
    ) -> Tensor:
        with enough_memory(str(self._device)):
            return self._space(weights, p, images, computed=computed)

    def _check(self, p: Tensor, what: str) -> None:
        if tuple(p.shape) != self._space.mask.shape:
            raise ValueError(f"{what}: expected shape {self._space.mask.shape}, found {tuple(p.shape)}")

    def costs(self, p: Tensor) -> Tensor:
        """Expected costs, (m - 1,), in the units of the objectives: formulas exactly, others by a fitted sum."""
        found = [cost(self._space, p) for cost in self._costs]
        return torch.stack(found) if found else p.new_zeros(0)

    def one_shot(self, weights: Mapping[str, Tensor], X: Array, *, batches: int) -> Array:
        """Validation error in per cent of (n, d) architectures with inherited weights; (n,).

        The batches are the first of the validation order at every call. Charged are the forward passes.

        Raises
        ------
        BudgetExhausted
            By `charge`, before the pass that the budget cannot pay.
        ValueError
            Fewer than one batch.
        """

        def path(x: Array) -> Path:
            p = self._space.one_hot(x)
            return float(self._space.costs(x[None])[0, 0]), lambda images: self._logits(weights, p, images)

        return one_shot_errors(X, path, self._inputs, batches=batches, charge=self._charge)

    def discretise(self, alpha: Tensor) -> Array:
        """The option of each gene with the largest entry: (1, d) int64."""
        there = torch.as_tensor(self._space.mask, device=alpha.device)
        genes: Array = alpha.detach().masked_fill(~there, -torch.inf).argmax(dim=1).cpu().numpy().astype(np.int64)
        return genes[None]


def operations(space: ModuleSpace) -> tuple[tuple[str, ...], ...]:
    """The options of each gene, as texts."""
    return tuple(tuple(map(str, gene.options)) for gene in space.genes)


def descending(space: ModuleSpace) -> tuple[tuple[int, ...], ...]:
    """Each gene's options from the most multiply-adds to the fewest, the other genes at their most."""
    x = extreme(space, largest=True)
    found = []
    for gene, size in enumerate(space.space.cardinalities):
        X = np.tile(x, (size, 1))
        X[:, gene] = np.arange(size)
        found.append(tuple(np.argsort(-space.costs(X)[:, 0], kind="stable").tolist()))
    return tuple(found)


def extreme(space: ModuleSpace, *, largest: bool, column: int = 0) -> Array:
    """The architecture, (d,), of the most or the fewest multiply-adds (column 0) or parameters (1), gene by gene.

    Exact where each gene's options are ordered by cost whatever the others are, as sizes are.
    """
    sign = -1.0 if largest else 1.0
    starts = [np.array(space.space.cardinalities) - 1, np.zeros(len(space.genes), dtype=np.int64)]
    found = []
    for x in starts:
        for _ in range(len(x)):
            before = x.copy()
            for gene, size in enumerate(space.space.cardinalities):
                X = np.tile(x, (size, 1))
                X[:, gene] = np.arange(size)
                costs = sign * space.costs(X)[:, column]
                if costs.min() < costs[x[gene]]:
                    x[gene] = int(costs.argmin())
            if (x == before).all():
                break
        found.append(x)
    costs = sign * space.costs(np.array(found))[:, column]
    return found[int(costs.argmin())]
