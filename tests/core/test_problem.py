"""Spaces number, list and check their architectures; answers to bad rows name the row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobench.core.problem import Objective, minimised
from mobench.core.space import Space

spaces = st.lists(st.integers(1, 5), min_size=1, max_size=5).map(lambda c: Space(tuple(c)))


@given(spaces)
def test_index_and_at_are_inverse_and_lexicographic(space):
    X = space.all()
    assert len(X) == space.size == len(np.unique(X, axis=0))
    assert (space.index(X) == np.arange(space.size)).all()
    assert X.tolist() == sorted(X.tolist())


@given(spaces, st.integers(0, 2**32))
def test_neighbours_are_all_rows_at_distance_one(space, seed):
    x = space.sample(np.random.default_rng(seed), 1)[0]
    expected = [row for row in space.all().tolist() if sum(a != b for a, b in zip(row, x, strict=True)) == 1]
    assert sorted(space.neighbours(x).tolist()) == expected


def test_nas_bench_201_has_24_neighbours():
    assert len(Space((5,) * 6).neighbours(np.zeros(6, dtype=int))) == 24


@given(spaces, st.integers(0, 2**32))
def test_samples_are_valid_and_reproducible(space, seed):
    X = space.check(space.sample(np.random.default_rng(seed), 20))
    assert (X == space.sample(np.random.default_rng(seed), 20)).all()


def test_samples_are_uniform():
    space = Space((2, 3))
    counts = np.bincount(space.index(space.sample(np.random.default_rng(0), 60_000)), minlength=6)
    assert abs(counts - 10_000).max() < 500  # five standard deviations


@pytest.mark.parametrize(
    ("X", "error", "words"),
    [
        ([[0, 0], [0, 3]], ValueError, "row 1, gene 'x1' is 3, expected 0 to 2"),
        ([[0, -1]], ValueError, "row 0, gene 'x1' is -1"),
        ([[0, 0, 0]], ValueError, r"expected shape \(n, 2\)"),
        ([[[0, 0]]], ValueError, "expected shape"),
        ([[0.0, 1.0]], TypeError, "integer genes, found dtype float64"),
        ([["a", "b"]], TypeError, "integer genes"),
        ([[True, False]], TypeError, "integer genes"),
        (None, ValueError, "expected shape"),
    ],
)
def test_bad_architectures_are_named(X, error, words):
    with pytest.raises(error, match=words):
        Space((2, 3)).check(X)


def test_one_architecture_is_a_batch_of_one():
    assert Space((2, 3)).check([1, 2]).tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (((),), "at least 1"),
        (((2, 0),), "at least 1"),
        (((2, 2), ("a",)), "names"),
    ],
)
def test_impossible_spaces_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        Space(*arguments)


def test_a_space_too_large_to_list_says_so():
    with pytest.raises(ValueError, match="too many to list"):
        Space((2,) * 40).all()


def test_keys_follow_the_classes_of_the_space():
    space = Space((2, 2), classes=lambda X: X.sum(axis=1))
    assert space.key(space.all()).tolist() == [0, 1, 1, 2]


def test_columns_to_maximise_are_negated_and_others_kept():
    F = np.array([[1.0, 2.0]])
    assert minimised(F, [Objective("a"), Objective("b", maximise=True)]).tolist() == [[1, -2]]
    assert minimised(F, [Objective("a"), Objective("b")]) is F
