"""Densities agree with SciPy's, rare costs are chosen as often as common ones, and costs without extent do no harm."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import gaussian_kde, norm

from mobench import Space
from mobench.searchers._population.codes import one_hot
from mobench.searchers._population.density import density, logarithms, rare


def test_densities_are_scipys_up_to_a_constant() -> None:
    rng = np.random.default_rng(0)
    C, at = rng.normal(size=(40, 1)), rng.normal(size=(15, 1))
    theirs = gaussian_kde(C.T, bw_method=40 ** (-1 / 5) / np.sqrt(40 / 39))(at.T)
    mine = density(C, at)
    assert mine / mine.sum() == pytest.approx(theirs / theirs.sum())
    two = density(np.array([[0.0, 5.0], [2.0, 5.0]]), np.array([[0.5, 5.0]]))[0]
    width = 2 ** (-1 / 6)
    assert two == pytest.approx((norm.pdf(0.5 / width) + norm.pdf(1.5 / width)) / norm.pdf(0) / 2)


def test_of_two_clusters_of_90_and_10_each_is_chosen_half_the_time() -> None:
    rng = np.random.default_rng(1)
    C = np.concatenate([rng.normal(0, 0.1, (90, 2)), rng.normal(100, 0.1, (10, 2))])
    chosen = rare(rng, C, C, 20000, replace=True)
    assert (chosen >= 90).mean() == pytest.approx(0.5, abs=0.02)


def test_without_replacement_all_are_different_and_without_costs_all_as_likely() -> None:
    rng, C = np.random.default_rng(2), np.zeros((5, 0))
    assert sorted(rare(rng, C, C, 5, replace=False).tolist()) == [0, 1, 2, 3, 4]
    assert np.bincount(rare(rng, C, C, 20000, replace=True)) / 20000 == pytest.approx([0.2] * 5, abs=0.015)


@pytest.mark.parametrize("value", [0.0, 1e9, -3.0])
def test_costs_that_are_all_the_same_are_as_likely_as_each_other(value: float) -> None:
    C = np.full((6, 2), value)
    assert density(C, C) == pytest.approx(np.ones(6))
    assert np.isfinite(rare(np.random.default_rng(0), C, C + 1.0, 3, replace=True)).all()


def test_positive_costs_count_by_their_ratio() -> None:
    C = np.array([[1.0, -1.0], [np.e, 2.0]])
    assert logarithms(C, C).tolist() == [[0.0, -1.0], [1.0, 2.0]]


def test_codes_tell_values_of_genes_apart_and_forget_inactive_ones() -> None:
    space = Space((2, 3), inactive=lambda X: np.column_stack([np.zeros(len(X), bool), X[:, 0] == 0]))
    assert one_hot(space, np.array([[0, 2], [1, 2], [1, 0]])).tolist() == [
        [1, 0, 1, 0, 0],
        [0, 1, 0, 0, 1],
        [0, 1, 1, 0, 0],
    ]
