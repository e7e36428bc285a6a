"""NSGA-Net's polynomial steps and its Bayesian network: theorems, and when the network is used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mobench
from mobench import Space
from mobench.searchers.evolution import nsga_net

seeds = st.integers(0, 2**32 - 1)
cardinalities = st.lists(st.integers(1, 5), min_size=1, max_size=6)


@given(seeds, cardinalities, st.integers(1, 12))
def test_samples_and_mutants_are_architectures(seed: int, genes: list[int], k: int) -> None:
    rng, space = np.random.default_rng(seed), Space(tuple(genes))
    X = space.sample(rng, k)
    space.check(nsga_net.chain(rng, X, np.array(genes), 15, 1.0))
    mutants = nsga_net.polynomial(rng, X, np.array(genes))
    space.check(mutants)
    assert (mutants[:, np.array(genes) == 1] == 0).all()


def test_samples_follow_the_gene_before_and_only_it() -> None:
    rng, k = np.random.default_rng(0), 400
    first, last = rng.integers(0, 2, k), rng.integers(0, 3, k)
    X = np.stack([first, 1 - first, last, last], axis=1)
    samples = nsga_net.chain(rng, X, np.array([2, 2, 3, 3]), 20_000, 1e-9)
    assert (samples[:, 0] != samples[:, 1]).all()
    assert (samples[:, 2] == samples[:, 3]).all()
    assert samples[:, 0].mean() == pytest.approx(first.mean(), abs=0.015)
    assert np.corrcoef(samples[:, 1], samples[:, 2])[0, 1] == pytest.approx(
        np.corrcoef(1 - first, last)[0, 1], abs=0.03
    )


def test_smoothed_shares_known_by_heart() -> None:
    """Three members (0, 0) and one (1, 1), smoothing 1: p(0) = 3.5/5; p(x_2 = 0 | 1) = (0 + 0.7) / 2."""
    X = np.array([[0, 0], [0, 0], [0, 0], [1, 1]])
    samples = nsga_net.chain(np.random.default_rng(1), X, np.array([2, 2]), 60_000, 1.0)
    assert (samples[:, 0] == 0).mean() == pytest.approx(0.7, abs=0.01)
    assert (samples[samples[:, 0] == 0, 1] == 0).mean() == pytest.approx(3.7 / 4, abs=0.01)
    assert (samples[samples[:, 0] == 1, 1] == 0).mean() == pytest.approx(0.35, abs=0.015)


def test_polynomial_steps_go_to_near_values_more_often() -> None:
    X = np.full((60_000, 1), 2)
    mutants = nsga_net.polynomial(np.random.default_rng(2), X, np.array([5]))[:, 0]
    shares = np.bincount(mutants, minlength=5) / len(mutants)
    # a step of 4 delta rounds to 1 or more where |delta| >= 1/8, which has probability (1 - 1/8)^4, and to 2 from 3/8
    assert shares[2] == pytest.approx(1 - (7 / 8) ** 4, abs=0.01)
    assert shares[[1, 3]] == pytest.approx([((7 / 8) ** 4 - (5 / 8) ** 4) / 2] * 2, abs=0.01)


def test_samples_come_behind_the_share_of_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    spent: list[int] = []

    def chain(rng: Any, X: Any, cardinalities: Any, n: int, smoothing: float) -> Any:
        spent.append(n)
        return sampled(rng, X, cardinalities, n, smoothing)

    sampled = nsga_net.chain
    monkeypatch.setattr(nsga_net, "chain", chain)
    mobench.run("nsga_net:exploration=1", "catsum", budget=200)
    assert not spent
    mobench.run("nsga_net:exploration=0.5", "catsum", budget=200)
    assert 0 < sum(spent[:2]) < sum(spent[-2:]), "and more and more of them"
