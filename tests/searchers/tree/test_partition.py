"""Partitions: bounds, cuts and samples are what the papers say, and agree with other implementations."""

from __future__ import annotations

import math

import moocore
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mobench import Space, make_problem
from mobench.searchers._partition.partition import Part, descend, grow, sample
from mobench.searchers._population.codes import one_hot
from mobench.searchers.tree import lamoo, lanas

points = hnp.arrays(np.int64, st.tuples(st.integers(1, 12), st.integers(1, 3)), elements=st.integers(0, 4))


def half(value: float, visits: int) -> Part:
    return Part(np.arange(visits), (), value=value, visits=visits)


def test_bounds_are_those_of_the_card() -> None:
    """Value + 2 C_p sqrt(2 ln N / n): the better half for C_p = 0, the less visited one for a large C_p."""
    tree = Part(np.arange(30), (), halves=(half(0.6, 24), half(0.5, 6)), visits=30)
    chosen = [list(descend(tree, exploration))[-1].visits for exploration in (0.0, 100.0)]
    assert chosen == [24, 6]
    even = 0.1 / (2 * (math.sqrt(2 * math.log(30) / 6) - math.sqrt(2 * math.log(30) / 24)))
    assert [list(descend(tree, even * share))[-1].visits for share in (0.99, 1.01)] == [24, 6]


def test_features_tell_values_of_genes_apart_and_forget_inactive_ones() -> None:
    space = Space((2, 3), inactive=lambda X: np.column_stack([np.zeros(len(X), bool), X[:, 0] == 0]))
    codes = one_hot(space, np.array([[0, 2], [1, 2], [1, 0]]))
    assert codes.tolist() == [[1, 0, 1, 0, 0], [0, 1, 0, 0, 1], [0, 1, 1, 0, 0]]


@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.integers(1, 6))
def test_parts_without_a_cut_hold_each_architecture_of_the_space_once(seed: int, n: int, height: int) -> None:
    rng, space = np.random.default_rng(seed), Space((3, 2, 4))
    X = space.sample(rng, n)
    codes, worth = one_hot(space, X), rng.random(n)
    tree = grow(
        codes,
        np.arange(n),
        cut=lambda rows, depth: lanas.linear(codes[rows], worth[rows]) if depth < height - 1 else None,
        worth=lambda rows: float(worth[rows].mean()),
    )
    leaves, todo = [], [tree]
    while todo:
        part = todo.pop()
        assert len(part.rows)
        assert len(part.path) < height
        leaves += [] if part.halves else [part]
        todo += part.halves
    assert (np.sum([leaf.holds(one_hot(space, space.all())) for leaf in leaves], axis=0) == 1).all()
    assert sorted(np.concatenate([leaf.rows for leaf in leaves]).tolist()) == list(range(n))


def test_a_linear_cut_is_that_of_a_linear_regression() -> None:
    from sklearn.linear_model import LinearRegression

    rng, space = np.random.default_rng(1), Space((5, 4, 3, 3))
    codes, other = (one_hot(space, space.sample(rng, n)) for n in (60, 200))
    worth = codes @ rng.random(codes.shape[1]) + 0.1 * rng.random(60)
    model = LinearRegression().fit(codes, worth)
    expected = model.predict(other) - model.predict(codes).mean()
    side = lanas.linear(codes, worth)
    assert side is not None
    assert (side(other) == (expected >= 0))[np.abs(expected) > 1e-9].all()
    assert lanas.linear(codes[:1], worth[:1]) is None


def test_a_curved_cut_agrees_with_scikit_learns_machine() -> None:
    from sklearn.svm import SVC

    rng, space = np.random.default_rng(2), Space((5,) * 6)
    codes, other = (one_hot(space, space.sample(rng, n)) for n in (100, 500))
    slope = rng.normal(size=30)
    good, truth = (c @ slope > np.median(codes @ slope) for c in (codes, other))
    mine = lamoo.curved(codes, good, degree=4, penalty=1.0)
    theirs = SVC(kernel="poly", degree=4).fit(codes, good).predict(other)
    assert (mine(other) == theirs).mean() > 0.93
    assert abs((mine(other) == truth).mean() - (theirs == truth).mean()) < 0.04


@given(points)
def test_dominance_numbers_are_counts_of_those_that_dominate(F: np.ndarray) -> None:
    expected = [sum(bool((a <= b).all() and (a < b).any()) for a in F) for b in F]
    assert lamoo.dominance(F.astype(float)).tolist() == expected
    beyond = F[:, 0] // 3.0
    limited = [
        sum(
            beyond[i] < beyond[j] or (beyond[i] == beyond[j] and bool((F[i] <= F[j]).all() and (F[i] < F[j]).any()))
            for i in range(len(F))
        )
        for j in range(len(F))
    ]
    assert lamoo.dominance(F.astype(float), beyond).tolist() == limited


def test_volumes_are_in_units_of_all_samples_and_of_feasible_ones_alone() -> None:
    F = np.array([[1.0, 30.0], [2.0, 20.0], [3.0, 10.0]])
    assert lamoo.volumes(F, None)(np.arange(3)) == pytest.approx(1.1 * 0.1 + 0.6 * 0.5 + 0.1 * 0.5)
    assert lamoo.volumes(F, np.array([0.0, 0.0, 1.0]))(np.array([1, 2])) == pytest.approx(0.36)
    assert lamoo.volumes(F, np.ones(3))(np.arange(3)) == 0.0
    rng = np.random.default_rng(0)
    many = rng.random((50, 5))
    near = float(moocore.hypervolume((many - many.min(0)) / np.ptp(many, axis=0), ref=1.1))
    assert lamoo.volumes(many, None)(np.arange(50)) == pytest.approx(near, rel=0.02)


@pytest.mark.parametrize("reference", ["catsum", "ec_nas"])
def test_samples_of_a_part_are_new_and_in_it_where_it_holds_any(reference: str) -> None:
    problem = make_problem(reference, {})
    rng, space = np.random.default_rng(3), problem.space
    X = space.canonical(space.sample(rng, 30))
    first = X[0, 0]
    is_first = lambda codes: codes[:, first] == 1.0  # noqa: E731
    part = Part(np.flatnonzero(X[:, 0] == first), ((is_first, True),))
    found = sample(rng, space, part, 25, X)
    assert len(np.unique(np.concatenate([X, found]), axis=0)) == len(np.unique(X, axis=0)) + 25
    assert (found[:, 0] == first).all()
    nothing = Part(np.arange(30), ((lambda codes: np.zeros(len(codes), bool), True),))
    assert len(sample(rng, space, nothing, 7, X)) == 7


def test_of_a_space_that_is_known_nothing_is_drawn() -> None:
    rng, space = np.random.default_rng(0), Space((2, 2))
    X = space.all()
    assert len(sample(rng, space, Part(np.arange(4), ()), 3, X)) == 0
    assert sorted(sample(rng, space, Part(np.arange(2), ()), 3, X[:2]).tolist()) == X[2:].tolist()
