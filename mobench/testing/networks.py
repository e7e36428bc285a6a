"""What is checked of a problem's supernet: what it is, what its passes cost, where its batches and costs come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from inspect import signature
from typing import Any

import numpy as np

from mobench.core.budget import BudgetExhausted
from mobench.core.networks import (
    CategoricalNetwork,
    CategoricalSupernet,
    ContinuousSupernet,
    Network,
    Supernet,
    check_network,
    operation_mask,
)
from mobench.core.problem import minimised
from mobench.core.space import Array
from mobench.testing.checks import Failed, Skipped
from mobench.testing.specimen import FEW, Specimen

__all__ = ["network_batches", "network_corners", "network_costs", "network_passes", "network_prices", "supernet"]

AGREEMENT, UNIT = 0.7, 3.0
"""Costs are in step with answers: at least this rank correlation, and their median within this factor."""
NEAR, APART = 1e-7, 0.01
"""Shares that are an architecture but for so much have its loss and costs but for so much of them."""
HIDDEN = 25.0
"""A pass may compute so many times the multiply-adds that it is charged: matrices may hold a convolution's zeros."""
ENOUGH = 9
"""Architectures from which a rank correlation says something."""
LONG = 1e11
"""Multiply-adds of a training of a problem whose passes may take long, where its answers do."""


@dataclass
class Till:
    """A ledger that can be spent."""

    charges: list[float] = field(default_factory=list)
    spent: bool = False

    def __call__(self, flops: float) -> None:
        """Take a charge, or refuse a pass."""
        if self.spent:
            raise BudgetExhausted("budget spent: flops")
        self.charges.append(flops)

    def taken(self, work: Callable[[], Any]) -> tuple[Any, float]:
        """What a piece of work gives, and what it was charged."""
        before = sum(self.charges)
        return work(), sum(self.charges) - before


def supernet(specimen: Specimen) -> None:
    """Its supernet is of a kind that it announces, has the genes of the space, and ends on architectures of it."""
    problem, network = specimen.problem, _opened(specimen)
    check_network(network, problem.space)
    for name in ("operations", "low", "high"):
        if getattr(network, name, None) != getattr(problem, name, None):
            raise Failed(f"{name}: the network and the problem say different things")
    alpha, shape = network.initial_alpha().detach().clone(), (len(problem.space.cardinalities),)
    if isinstance(network, CategoricalNetwork):
        mask = operation_mask(network.operations)
        shape = mask.shape
        if tuple(alpha.shape) == shape:
            alpha[~mask] = 1e3  # absent entries are ignored
    if tuple(alpha.shape) != shape:
        raise Failed(f"initial_alpha: expected shape {shape}, found {tuple(alpha.shape)}")
    if problem.space.check(network.discretise(alpha)).shape != (1, shape[0]):
        raise Failed(f"discretise: expected one architecture, (1, {shape[0]})")
    if isinstance(network, CategoricalNetwork):
        for x, p in zip(X := specimen.rows(20), _one_hot(X, alpha), strict=True):
            if (found := network.discretise(p)[0]).tolist() != x.tolist():
                raise Failed(f"discretise: all weight on {x.tolist()} gives {found.tolist()}")


def network_passes(specimen: Specimen) -> None:
    """Passes forward, backward and of second order are charged, and refused when the budget is spent."""
    till = Till()
    network = _opened(specimen, till)
    weights, p = network.initial_weights(), _middle(network)
    if not weights or not all(w.is_leaf and w.requires_grad for w in weights.values()):
        raise Failed("initial_weights: expected leaves that require a gradient")
    for loss, batch in ((network.train_loss, network.train_batch()), (network.valid_loss, network.valid_batch())):
        _priced(partial(loss, weights, p, batch), list(weights.values()), till, loss.__name__)
        if isinstance(network, CategoricalNetwork) and "computed" in signature(loss).parameters:
            path, all_of_them = _one_hot(specimen.rows(1), p)[0], p > 0
            _, mixture = till.taken(partial(loss, weights, p, batch))
            _, asked = till.taken(partial(loss, weights, path, batch, **{"computed": all_of_them}))
            if asked < mixture:
                raise Failed(
                    f"{loss.__name__}: a mixture is charged {mixture:g}, a path of which all operations are `computed` "
                    f"{asked:g}"
                )
    X = specimen.rows(2)
    _, one = till.taken(lambda: network.one_shot(weights, X[:1], batches=1))
    scores, more = till.taken(lambda: network.one_shot(weights, X, batches=2))
    if not 0 < one < more:
        raise Failed(f"one_shot: one batch of one architecture is charged {one:g}, two of {len(X)} are {more:g}")
    if np.shape(scores) != (len(X),) or not np.isfinite(scores).all():
        raise Failed(f"one_shot: expected {len(X)} finite numbers, found {scores!r}")
    till.spent = True
    _refused("one_shot", lambda: network.one_shot(weights, X, batches=1))


def network_prices(specimen: Specimen) -> None:
    """Passes are charged for what they compute: a mixture more than a path, a dear path more than a cheap one."""
    till = Till()
    network = _opened(specimen, till)
    if not isinstance(network, CategoricalNetwork):
        raise Skipped("a plain vector has no paths to compare")
    weights, batch, middle = network.initial_weights(), network.train_batch(), _middle(network)
    X = np.unique(specimen.rows(2 * ENOUGH), axis=0)
    passes = [partial(network.train_loss, weights, p, batch) for p in (middle, *_one_hot(X, middle))]
    charged = np.array([till.taken(loss)[1] for loss in passes])
    counted = np.array([_multiply_adds(loss) for loss in passes[: 1 + FEW]])  # it takes long
    for row in np.flatnonzero(counted > HIDDEN * charged[: 1 + FEW]):
        what = "a mixture" if row == 0 else f"the path {X[row - 1].tolist()}"
        raise Failed(f"train_loss: {what} computes {counted[row]:g} multiply-adds and is charged {charged[row]:g}")
    if counted[0] > 2 * counted[1:].max() and charged[0] <= np.median(charged[1:]):
        raise Failed(f"train_loss: a mixture is charged {charged[0]:g}, no more than paths, and computes more")
    dear = np.broadcast_to(specimen.answer(X).flops, len(X))
    if len(X) >= ENOUGH and np.ptp(dear) > 0 and (agreement := _agreement(charged[1:], dear)) < AGREEMENT:
        raise Failed(f"train_loss: charges of paths and prices of trainings have the rank correlation {agreement:.2f}")


def _multiply_adds(loss: Callable[[], Any]) -> float:
    """Multiply-adds of the products and convolutions that a pass really computes."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        loss()
    return float(counter.get_total_flops()) / 2


def _agreement(a: Array, b: Array) -> float:
    """Spearman's rank correlation of two rows, 0 where `a` is flat."""
    from scipy.stats import rankdata

    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1]) if np.ptp(a) > 0 else 0.0


def _priced(loss: Callable[[], Any], leaves: list[Any], till: Till, name: str) -> None:
    """`Failed` where a pass of a loss is free, or goes on when the budget is spent."""
    import torch

    def slopes(of: Any, *, create_graph: bool = False) -> Any:
        return torch.autograd.grad(
            of, leaves, retain_graph=True, create_graph=create_graph, allow_unused=True, materialize_grads=True
        )

    found, forward = till.taken(loss)
    first, backward = till.taken(lambda: slopes(found, create_graph=True))
    _, again = till.taken(lambda: slopes(found))
    prices = {"a forward pass": forward, "a backward pass": backward, "the same backward pass again": again}
    product = sum((g * g).sum() for g in first)
    if product.requires_grad:
        _, prices["a product with second derivatives"] = till.taken(lambda: slopes(product))
    for what, price in prices.items():
        if not (np.isfinite(price) and price > 0):
            raise Failed(f"{name}: {what} is charged {price:g}; compute losses within mobench.live.meter.metered")
    till.spent = True
    _refused(f"{name}, forward", loss)
    _refused(f"{name}, backward", lambda: slopes(found))
    till.spent = False


def _refused(what: str, work: Callable[[], Any]) -> None:
    """`Failed` where a spent budget does not end it."""
    try:
        work()
    except BudgetExhausted:
        return
    raise Failed(f"{what}: computed although the budget is spent; what `charge` raises has to come out")


def network_batches(specimen: Specimen) -> None:
    """Weights, alpha and batches are those of the seed, and go on from the numbers in `drawn`."""
    first, second, resumed = (_opened(specimen) for _ in range(3))
    losses = [[_losses(network) for _ in range(3)] for network in (first, second)]
    if losses[0] != losses[1]:
        raise Failed("equal seeds give other weights, another alpha or other batches; draw them by address")
    without = len(set(losses[0])) == 1 and not any(first.drawn.values())  # losses of all data: there are no batches
    if not without and dict(first.drawn) != {"train": 3, "valid": 3}:
        raise Failed(f"drawn: three batches of each half were drawn, it says {dict(first.drawn)}")
    resumed.drawn.update(first.drawn)
    if _losses(resumed) != _losses(first):
        raise Failed("drawn: set to the numbers of another network, it goes on with other batches")


def network_corners(specimen: Specimen) -> None:
    """Shares that are all but an architecture have its loss and costs: a mixture computes what a path does."""
    import torch

    network = _opened(specimen)
    if not isinstance(network, CategoricalNetwork):
        raise Skipped("a plain vector has no corners that are paths")
    weights, batch, middle = network.initial_weights(), network.train_batch(), _middle(network)
    for x, path in zip(X := specimen.rows(3), _one_hot(X, middle), strict=True):
        near = (1 - NEAR) * path + NEAR * middle
        with torch.no_grad():
            for name, (a, b) in {
                "train_loss": [torch.as_tensor(network.train_loss(weights, p, batch)) for p in (path, near)],
                "costs": [network.costs(p) for p in (path, near)],
            }.items():
                if not torch.allclose(a, b, rtol=APART, atol=APART * float(a.abs().max()) if a.numel() else 0.0):
                    raise Failed(f"{name}: {a} for the path {x.tolist()}, and {b} for shares that are all but it")


def network_costs(specimen: Specimen) -> None:
    """At an architecture costs are what answers say, within what a fit may miss, and they have a gradient."""
    problem, network = specimen.problem, _opened(specimen)
    m = len(problem.objectives)
    p = _middle(network).detach().requires_grad_()
    costs = network.costs(p)
    if tuple(costs.shape) != (m - 1,):
        raise Failed(f"costs: expected one of each objective but the first, ({m - 1},), found {tuple(costs.shape)}")
    if m == 1 or not isinstance(network, CategoricalNetwork):
        raise Skipped("only the first objective, or a plain vector that no row stands for exactly")
    if not costs.requires_grad:
        raise Failed("costs: they have no gradient by p")
    X = np.unique(specimen.rows(60), axis=0)
    found = np.array([network.costs(one).detach().cpu().numpy() for one in _one_hot(X, p)])
    wanted = minimised(specimen.answer(X).F, problem.objectives)[:, 1:]
    for column, objective in enumerate(problem.objectives[1:]):
        a, b = found[:, column], wanted[:, column]
        if np.ptp(b) == 0:
            continue
        agreement = _agreement(a, b) if len(X) >= ENOUGH else 1.0
        ratio = float(np.median(a) / np.median(b)) if np.median(b) else 1.0
        if not (agreement >= AGREEMENT and 1 / UNIT <= ratio <= UNIT):
            raise Failed(
                f"costs: {objective.name} of {len(X)} architectures is {ratio:.3g} times the answers (medians), "
                f"rank correlation {agreement:.2f}; are unit, sign and order those of the objectives?"
            )


def _opened(specimen: Specimen, charge: Callable[[float], None] = lambda flops: None) -> Network:
    """Its network, with a ledger; `Skipped` or `Failed` where there is none to look at."""
    problem = specimen.problem
    if not isinstance(problem, Supernet):
        raise Skipped("it has no supernet")
    if not isinstance(problem, CategoricalSupernet | ContinuousSupernet):
        raise Failed("it has a supernet of no kind: give it `operations` (genes that choose) or `low` and `high`")
    if specimen.slow and not 0 < problem.training.flops < LONG:
        raise Skipped("its passes may take long")
    return problem.supernet(charge=charge, seed=0)


def _losses(network: Network) -> tuple[float, float]:
    """Both losses of the next batches, with fresh weights and the first alpha."""
    import torch

    weights, p = network.initial_weights(), _middle(network)
    with torch.no_grad():
        return (
            float(network.train_loss(weights, p, network.train_batch())),
            float(network.valid_loss(weights, p, network.valid_batch())),
        )


def _middle(network: Network) -> Any:
    """Shares that are all positive, near equal, or the first alpha of a plain vector."""
    import torch

    alpha = network.initial_alpha().detach()
    if not isinstance(network, CategoricalNetwork):
        return alpha
    absent = ~torch.from_numpy(operation_mask(network.operations)).to(alpha.device)
    return torch.softmax(alpha.masked_fill(absent, -torch.inf), dim=1)


def _one_hot(X: Array, like: Any) -> Any:
    """Rows as shares, (n, d, k), of the kind of `like`."""
    import torch

    return torch.nn.functional.one_hot(torch.as_tensor(X, device=like.device), like.shape[-1]).to(like.dtype)
