"""Straight-through estimators by their papers: of all operations, exact on average where the papers say so."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from _toy_runs import toy
from torch import Tensor

from mobench import make_problem
from mobench.core.networks import CategoricalNetwork
from mobench.searchers._relaxed import relaxations
from mobench.searchers._relaxed.linear import by_alpha
from mobench.searchers._relaxed.relaxations import Sampling, one_hot
from mobench.searchers._relaxed.search import Search, initial
from mobench.searchers._relaxed.settings import Settings

torch.set_num_threads(1)
CELLS = list(itertools.product(range(4), repeat=3))


def ridgenet(seed: int) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """The validation loss, quadratic in the shares of each gene, at some weights, and logits."""
    network = toy("ridgenet").supernet(charge=lambda flops: None, seed=0)
    generator = torch.Generator().manual_seed(seed)
    w = torch.randn(25, generator=generator, dtype=torch.float64)
    alpha = torch.randn((3, 4), generator=generator, dtype=torch.float64).requires_grad_()
    return lambda p: network.valid_loss({"w": w}, p, None), alpha


def expectation(alpha: Tensor, value: Callable[[Tensor], Tensor]) -> Tensor:
    """Sum over all 64 architectures of their probability and what `value` gives for their one-hot shares."""
    pi = torch.softmax(alpha, dim=-1)
    total: Any = 0.0
    for genes in CELLS:
        hard = one_hot(np.array(genes), alpha.detach())
        total = total + (pi * hard).sum(dim=-1).prod() * value(hard)
    return total


@pytest.mark.parametrize("seed", range(3))
def test_reinmax_over_all_operations_is_exact_on_average_and_over_drawn_ones_is_not(seed: int) -> None:
    loss, alpha = ridgenet(seed)
    exact = by_alpha(expectation(alpha, loss), alpha)

    def estimate(hard: Tensor, *, sampled: bool) -> Tensor:
        p = relaxations._straight_through(hard, relaxations._reinmax(alpha, hard, 1.0))
        slopes = by_alpha(loss(p), p, keep=True)
        return torch.autograd.grad(p, alpha, slopes * hard if sampled else slopes)[0]

    fixed = alpha.detach()
    dense, cheap = (expectation(fixed, lambda hard, s=s: estimate(hard, sampled=s)) for s in (False, True))
    torch.testing.assert_close(dense, exact)
    assert float((cheap - exact).norm() / exact.norm()) > 0.1


def opened(relaxation: Sampling) -> Search:
    network = make_problem("motif", {}).supernet(charge=lambda flops: None, seed=0)
    search = initial(network, Settings(relaxation=relaxation), np.array([1.0, 0.0]), 0)
    return search


@pytest.mark.parametrize(("dense", "cheap"), [("gumbel", "gdas"), ("reinmax", "reinmax_sampled")])
def test_on_a_supernet_all_derivatives_count_and_for_the_cheap_form_those_of_what_was_drawn(
    dense: Sampling, cheap: Sampling
) -> None:
    full, part = opened(dense), opened(cheap)
    relaxed, again = full.relax(), part.relax()
    p = relaxed(full.alpha)
    assert torch.equal(p, again(part.alpha))  # the same draw
    leaf = p.detach().clone().requires_grad_()
    everything = torch.ones(6, 5, dtype=torch.bool)
    loss = full.network.valid_loss(full.weights, leaf, full.network.valid_batch(), computed=everything)
    slopes = by_alpha(loss, leaf)
    full.network.drawn["valid"] = 0
    for search, draw, counting in ((full, relaxed, slopes), (part, again, slopes * leaf.detach())):
        expected = torch.autograd.grad(draw(search.alpha), search.alpha, counting)[0]
        found = by_alpha(search.valid(draw)(search.weights, search.alpha), search.alpha)
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-6)
    assert float((slopes * (1 - leaf.detach())).norm()) > 0.1 * float(slopes.norm())  # what the cheap form misses


def test_steps_on_the_weights_compute_what_was_drawn_alone() -> None:
    paid: list[float] = []
    network = make_problem("motif", {}).supernet(charge=lambda flops: paid.append(flops), seed=0)
    search = initial(network, Settings(relaxation="gumbel"), np.array([1.0, 0.0]), 0)
    relaxed = search.relax()
    search.train(search.lower(relaxed))
    path = paid[0]
    search.valid(relaxed)(search.weights, search.alpha)
    assert paid[-1] > 2 * path
    with torch.no_grad():
        search.valid(relaxed)(search.weights, search.alpha)
    assert paid[-1] == path


class Plain:
    """A network whose losses do not know what else to compute."""

    def __init__(self, inner: CategoricalNetwork) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def train_loss(self, weights: Any, p: Any, batch: Any) -> Any:
        return self._inner.train_loss(weights, p, batch)

    def valid_loss(self, weights: Any, p: Any, batch: Any) -> Any:
        return self._inner.valid_loss(weights, p, batch)


@pytest.mark.parametrize("relaxation", ["gumbel", "reinmax"])
def test_a_supernet_that_computes_what_has_a_share_alone_is_refused_for_them(relaxation: Sampling) -> None:
    network: Any = Plain(toy("ridgenet").supernet(charge=lambda flops: None, seed=0))
    with pytest.raises(ValueError, match=r"does not compute these \(computed=\); take 'gdas' or 'reinmax_sampled'"):
        initial(network, Settings(relaxation=relaxation), np.array([0.5, 0.5]), 0)
    initial(network, Settings(relaxation="gdas"), np.array([0.5, 0.5]), 0)


def test_temperatures_run_from_first_to_last() -> None:
    network = toy("ridgenet").supernet(charge=lambda flops: None, seed=0)
    for progress, temperature in ((0.0, 10.0), (0.5, 5.5), (1.0, 1.0)):
        search = initial(network, Settings(relaxation="gumbel", temperatures=(10.0, 1.0)), np.array([0.5, 0.5]), 0)
        search.progress = progress
        generator = torch.Generator()
        generator.set_state(search.generator.get_state())
        theirs = relaxations.relax(search.alpha, "gumbel", generator=generator, temperature=temperature)
        (mine,) = torch.autograd.grad(search.relax()(search.alpha)[:, 0].sum(), search.alpha)
        (other,) = torch.autograd.grad(theirs[:, 0].sum(), search.alpha)
        torch.testing.assert_close(mine, other)
