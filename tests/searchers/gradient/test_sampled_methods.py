"""SNAS, SETN, FBNet and ProxylessNAS: their gradients, what they sample, what a step costs, and that they resume."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from _toy_runs import check_resuming, go, recommended, toy
from torch import Tensor

from mobench import make_problem
from mobench.problems._cells.space import CONV1, NONE, SKIP
from mobench.searchers._relaxed.linear import by_alpha
from mobench.searchers._relaxed.relaxations import one_hot, relax
from mobench.searchers._relaxed.search import Search, initial
from mobench.searchers._relaxed.settings import Settings
from mobench.searchers.gradient import fbnet, proxyless_nas, snas

torch.set_num_threads(1)


def opened(
    options: Settings, problem: Any = None, preference: float = 0.7, *, uniform: bool = False
) -> tuple[Search, list[float]]:
    """A search on RidgeNet, or another problem, with random weights and logits, and its ledger."""
    ledger: list[float] = []
    problem = toy("ridgenet") if problem is None else problem
    network = problem.supernet(charge=ledger.append, seed=0)
    search = initial(network, options, np.array([preference, 1.0 - preference]), 0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for value in ([search.alpha] if not uniform else []) + list(search.weights.values()):
            value.add_(torch.randn(value.shape, generator=generator, dtype=torch.float64).to(value.dtype))
        if uniform:
            search.alpha.zero_()
    return search, ledger


def slope(f: Callable[[Tensor], Tensor], alpha: Tensor, step: float = 1e-6) -> Tensor:
    """Central differences of a scalar function of alpha, in its shape."""
    found = torch.zeros_like(alpha)
    for place in np.ndindex(*alpha.shape):
        shift = torch.zeros_like(alpha)
        shift[place] = step
        found[place] = (f(alpha + shift) - f(alpha - shift)) / (2 * step)
    return found


# concrete samples, SNAS -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.3, 1.0, 5.0])
def test_half_the_mass_of_a_concrete_pair_is_as_likely_as_the_softmax(temperature: float) -> None:
    """P(p_1 > 1/2) = sigmoid(alpha_1 - alpha_2) at any temperature (Maddison et al. 2017, proposition 1)."""
    alpha = torch.tensor([[1.0, 0.0]] * 20_000, dtype=torch.float64)
    p = relax(alpha, "concrete", generator=torch.Generator().manual_seed(0), temperature=temperature)
    assert torch.allclose(p.sum(dim=1), torch.ones(len(p), dtype=torch.float64))
    assert float((p[:, 0] > 0.5).double().mean()) == pytest.approx(1 / (1 + math.exp(-1)), abs=0.01)


def test_a_concrete_sample_becomes_a_path_as_it_cools() -> None:
    alpha = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    cold, path = (
        relax(alpha, kind, generator=torch.Generator().manual_seed(1), temperature=1e-3)
        for kind in ("concrete", "score")  # type: ignore[arg-type]
    )
    assert torch.allclose(cold, path, atol=1e-3)


def test_snas_gets_both_gradients_from_one_pass() -> None:
    search, ledger = opened(snas.Options())
    search.scales, search.extra["unit"] = torch.tensor([12.0], dtype=torch.float64), torch.tensor(2.0)
    relaxed = search.relax()
    h, by_weights = snas.gradients(search, relaxed)
    assert ledger == [1.0, 2.0]  # forward, backward
    decay = search.settings.weight_decay

    def f(weights: Tensor, alpha: Tensor) -> Tensor:
        loss: Tensor = search.network.train_loss({"w": weights}, relaxed(alpha), None)
        return loss.detach() + decay / 2 * (weights**2).sum()

    w, alpha = search.weights["w"].detach(), search.alpha.detach()
    total = slope(lambda a: 0.7 / 2.0 * f(w, a) + 0.3 * search.network.costs(relaxed(a))[0] / 12.0, alpha)
    torch.testing.assert_close(h, total, atol=1e-7, rtol=1e-6)
    torch.testing.assert_close(by_weights["w"], slope(lambda v: f(v, alpha), w), atol=1e-7, rtol=1e-6)


def test_snas_cools_from_one_to_three_hundredths_on_a_line() -> None:
    search, _ = opened(snas.Options())
    spread = {}
    for search.progress, temperature in ((0.0, 1.0), (0.5, 0.515), (1.0, 0.03)):
        state = search.generator.get_state()
        found = search.relax()(search.alpha)
        search.generator.set_state(state)
        expected = search.draw("concrete", temperature=temperature)(search.alpha)
        spread[search.progress] = float(found.max(dim=1).values.mean().detach())
        torch.testing.assert_close(found, expected)
    assert spread[0.0] < spread[1.0]


# FBNet ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preference", [0.5, 0.9, 1.0])
def test_the_product_loss_of_fbnet_has_the_exponent_of_the_preference(preference: float) -> None:
    search, ledger = opened(fbnet.Options(), preference=preference)
    search.scales = torch.tensor([12.0], dtype=torch.float64)
    relaxed = fbnet.sample(search)
    h = fbnet.gradient(search, relaxed, 0.6)
    assert ledger == [1.0, 2.0]
    beta = {0.5: 0.6, 0.9: 0.6 / 9, 1.0: 0.0}[preference]

    def product(alpha: Tensor) -> Tensor:
        p = relaxed(alpha)
        loss: Tensor = search.network.valid_loss(search.weights, p, None).detach()
        return loss * torch.log(math.e + search.network.costs(p)[0] / 12.0) ** beta

    torch.testing.assert_close(h, slope(product, search.alpha.detach()), atol=1e-7, rtol=1e-6)


def test_the_product_loss_needs_no_unit_of_the_error() -> None:
    search, _ = opened(fbnet.Options())
    relaxed = fbnet.sample(search)
    plain = fbnet.gradient(search, relaxed, 0.6)
    search.extra["unit"] = torch.tensor(4.0, dtype=torch.float64)
    torch.testing.assert_close(fbnet.gradient(search, relaxed, 0.6), plain / 4.0)


def test_fbnet_cools_as_in_ninety_epochs_of_the_paper() -> None:
    first, last = fbnet.Options().temperatures
    assert last == pytest.approx(first * math.exp(-0.045 * 90), abs=1e-3)
    search, _ = opened(fbnet.Options())
    search.progress = 0.5
    state = search.generator.get_state()
    found = fbnet.sample(search)(search.alpha)
    search.generator.set_state(state)
    assert torch.equal(found, search.draw("concrete", temperature=first * (last / first) ** 0.5)(search.alpha))


def test_fbnet_draws_from_the_softmax_what_is_not_left_out_beside_what_was_drawn_earlier() -> None:
    search, _ = opened(fbnet.Options(leave_out=("none",)))
    earlier = torch.tensor([[0, 0, 0]])
    search.extra["earlier"] = earlier
    shares = torch.softmax(search.alpha.detach()[:, 1:], dim=1)
    counts = torch.zeros(3, 4, dtype=torch.float64)
    for _ in range(300):
        X = fbnet.draw(search, np.zeros((1, 3), dtype=np.int64), count=1)
        assert X[0].tolist() == [0, 0, 0]
        counts[torch.arange(3), torch.tensor(X[-1])] += 1
    assert counts[:, 0].tolist() == [0, 0, 0]
    assert np.allclose(counts[:, 1:] / 300, shares, atol=0.1)


def test_fbnet_steps_the_weights_four_times_for_one_step_of_alpha_and_keeps_what_it_drew() -> None:
    run, history, _ = go("fbnet", "ridgenet", {"flops": 1e9}, steps=20, preferences=2, samples=3, warm_up=0.0)
    assert run.spent.flops == 2 * 20 * (4 + 1) * 3
    first, last = (np.array(note.content).tolist() for note in (history.recommended[19], history.recommended[-1]))
    assert last[: len(first)] == first
    assert len(first) <= 3
    assert len(last) <= 6


# SETN -----------------------------------------------------------------------------------------------------------------


def test_the_weights_of_setn_know_nothing_of_alpha() -> None:
    ends = []
    for rate in (0.001, 1.0):
        options = {"steps": 20, "preferences": 1, "warm_up": 0.0, "alpha_rate": rate}
        run, history, _ = go("setn", "ridgenet", {"flops": 1e9}, candidates=64, **options)
        assert run.spent.flops == 20 * (3 + 3) + 64 * 4  # a path, a mixture; and what is compared
        ends.append(recommended(history).tolist())
    assert ends[0] == ends[1]  # of all 64 architectures the same is the best, with the same weights


# ProxylessNAS ---------------------------------------------------------------------------------------------------------


def drawn_pairs(k: int, genes: int) -> Any:
    """All ways to choose two of k operations for each gene and one of these to be active, equally likely."""
    one = [(pair, active) for pair in itertools.combinations(range(k), 2) for active in pair]
    return itertools.product(one, repeat=genes)


def test_two_paths_give_the_exact_gradient_of_a_quadratic_at_uniform_shares() -> None:
    """Its mean is k / (2 (k - 1)) of the exact one: a pair's difference, with shares 1/2 of each other, is exact."""
    search, _ = opened(proxyless_nas.Options(), preference=1.0, uniform=True)
    loss = search.network.valid_loss
    expected = torch.zeros((), dtype=torch.float64)
    pi = torch.softmax(search.alpha, dim=-1)
    for genes in itertools.product(range(4), repeat=3):
        hard = one_hot(np.array(genes), search.alpha.detach())
        expected = expected + (pi * hard).sum(dim=-1).prod() * loss(search.weights, hard, None).detach()
    exact = by_alpha(expected, search.alpha)
    mean, count = torch.zeros_like(exact), 0
    for drawn in drawn_pairs(4, 3):
        chosen = torch.zeros(3, 4, dtype=torch.bool)
        for gene, (pair, _) in enumerate(drawn):
            chosen[gene, list(pair)] = True
        active = one_hot(np.array([a for _, a in drawn]), search.alpha.detach())
        mean += proxyless_nas.gradient(search, chosen, active, search.weights)
        count += 1
    assert count == 12**3
    torch.testing.assert_close(mean / count, exact * 4 / (2 * 3))


def test_two_operations_are_drawn_without_replacement_and_one_of_them_by_its_share_of_both() -> None:
    search, _ = opened(proxyless_nas.Options())
    with torch.no_grad():
        search.alpha.copy_(torch.tensor([[0.5, 0.3, 0.15, 0.05]] * 3).log())
    pi = (0.5, 0.3, 0.15, 0.05)
    draws = [proxyless_nas.pairs(search) for _ in range(2000)]
    chosen, active = (torch.stack(parts).double().mean(dim=(0, 1)) for parts in zip(*draws, strict=True))
    both = {(i, j): pi[i] * pi[j] * (1 / (1 - pi[i]) + 1 / (1 - pi[j])) for i, j in itertools.combinations(range(4), 2)}
    for i in range(4):
        mine = {pair: chance for pair, chance in both.items() if i in pair}
        assert float(chosen[i]) == pytest.approx(sum(mine.values()), abs=0.02)
        shares = sum(chance * pi[i] / (pi[a] + pi[b]) for (a, b), chance in mine.items())
        assert float(active[i]) == pytest.approx(shares, abs=0.02)
    assert all(bool((c.sum(dim=1) == 2).all() and (a[~c] == 0).all()) for c, a in draws)


def test_shares_of_what_was_not_drawn_stay() -> None:
    search, _ = opened(proxyless_nas.Options())
    before = search.alpha.detach().clone()
    chosen, _ = proxyless_nas.pairs(search)
    after = proxyless_nas.rescaled(before, before + torch.randn_like(before), chosen)
    for shares in (torch.softmax(before, dim=1), torch.softmax(after, dim=1)):
        assert torch.allclose(shares.masked_select(~chosen), torch.softmax(before, dim=1).masked_select(~chosen))
    assert not torch.allclose(after, before)


def test_a_step_moves_two_operations_a_gene_and_no_other() -> None:
    """Adam has no memory of what was drawn before."""
    search, _ = opened(proxyless_nas.Options())
    for search.count in range(3):
        chosen, active = proxyless_nas.pairs(search)
        before = search.alpha.detach().clone()
        h = proxyless_nas.gradient(search, chosen, active, search.weights)
        assert bool((h[~chosen] == 0).all())
        search.step_alpha(h, proxyless_nas.BETAS)
        assert bool((search.alpha.detach() == before)[~chosen].all())
        assert bool((search.alpha.detach() != before)[chosen].all())


def test_the_gradient_of_two_operations_pays_for_these_alone() -> None:
    problem = make_problem("motif", {})
    search, ledger = opened(proxyless_nas.Options(), problem)
    for pair, dearest in (((SKIP, CONV1), CONV1), ((NONE, SKIP), SKIP)):
        chosen = torch.zeros(6, 5, dtype=torch.bool)
        chosen[:, list(pair)] = True
        ledger.clear()
        h = proxyless_nas.gradient(search, chosen, one_hot(np.array([pair[0]] * 6), search.alpha), search.weights)
        macs = problem.macs[problem.member[problem.space.index(np.array([[dearest] * 6]))]][0]
        assert sum(ledger) == 3 * 64 * macs
        assert bool((h[chosen] != 0).any())


@pytest.mark.parametrize("steps", [1, 5])
def test_a_step_of_proxyless_nas_is_some_of_the_weights_and_one_of_alpha(steps: int) -> None:
    run, _, _ = go("proxyless_nas", "ridgenet", {"flops": 1e9}, steps=7, preferences=1, warm_up=0.0, weight_steps=steps)
    assert run.spent.flops == 7 * (steps + 1) * 3


def test_a_supernet_that_computes_what_has_a_share_alone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    network = type(toy("ridgenet").supernet(charge=lambda flops: None, seed=0))
    monkeypatch.setattr(network, "valid_loss", lambda self, weights, p, batch: None)
    with pytest.raises(ValueError, match="proxyless_nas takes gradients of operations that were not drawn"):
        go("proxyless_nas", "ridgenet", {"flops": 100})


# runs -----------------------------------------------------------------------------------------------------------------

METHODS = ("snas", "setn", "fbnet", "proxyless_nas")


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("at", [2, 23, 45])  # in the warm-up, in the first preference and in the second
def test_killed_runs_go_on_to_the_same_end(name: str, at: int, tmp_path: Path) -> None:
    check_resuming(name, {"preferences": 2, "steps": 20}, at, tmp_path)


@pytest.mark.parametrize("name", METHODS)
def test_ridgenet_is_searched(name: str) -> None:
    result = go(name, "ridgenet", {"flops": 6000}, learning_rate=0.3, weight_decay=0.0)
    F = toy("ridgenet").score(recommended(result[1]))
    assert F[:, 0].min() < 0.2  # 0.93 without any operation, 0.012 at best
    assert len(np.unique(F[:, 1])) >= 2
