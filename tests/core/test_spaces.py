"""Spaces of any size: keys, inactive genes, pools."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobench import Space

HUGE = Space((9,) * 22)  # FBNet's, 9.8e20 rows


def _ragged(X):
    """A depth of 1 to 3 layers, and the choice of each."""
    return np.column_stack([np.zeros(len(X), bool), *(X[:, 0] < layer for layer in range(3))])


def test_keys_of_a_space_beyond_all_numbers_tell_a_hundred_thousand_rows_apart():
    X = np.unique(HUGE.sample(np.random.default_rng(0), 100_000), axis=0)
    keys = HUGE.key(X)
    assert keys.dtype == np.int64
    assert len(np.unique(keys)) == len(X)
    assert (HUGE.key(X[::-1]) == keys[::-1]).all()


def test_keys_of_neighbours_differ_in_a_huge_space():
    x = HUGE.sample(np.random.default_rng(1), 1)[0]
    around = HUGE.neighbours(x)
    assert len(around) == 22 * 8
    assert len(np.unique(HUGE.key(np.concatenate([x[None], around])))) == 22 * 8 + 1


def test_keys_are_the_same_on_every_machine():
    assert HUGE.key(np.zeros((1, 22), np.int64)).tolist() == [-638898562188751747]


def test_a_huge_space_says_that_its_rows_have_no_numbers():
    assert HUGE.size == 9**22
    for ask in (lambda: HUGE.index(np.zeros((1, 22), int)), lambda: HUGE.at(np.zeros(1))):
        with pytest.raises(ValueError, match=r"9\.85e\+20 combinations, too many to number"):
            ask()
    with pytest.raises(ValueError, match="too many to list"):
        HUGE.all()


def test_rows_that_differ_in_inactive_genes_alone_are_one_architecture():
    space = Space((3, 4, 4, 4), inactive=_ragged)
    keys = space.key(space.all())
    assert len(np.unique(keys)) == 4 + 4**2 + 4**3
    x = np.array([1, 2, 3, 0])  # two layers
    assert space.key(x[None]) == space.key(np.array([[1, 2, 3, 2]]))
    assert space.key(x[None]) != space.key(np.array([[1, 2, 2, 0]]))
    around = space.neighbours(x)
    assert len(around) == 2 + 3 + 3
    assert (space.key(around) != space.key(x[None])).all()


def test_inactive_genes_count_nothing_in_a_huge_space():
    space = Space((3, *(30,) * 20), inactive=lambda X: np.arange(21) > np.array([21, 10, 5])[X[:, :1]])
    X = space.sample(np.random.default_rng(2), 500)
    Y = np.where(space.inactive(X), (X + 1) % np.array(space.cardinalities), X)
    assert (space.key(X) == space.key(Y)).all()
    assert len(np.unique(space.key(X))) == 500


POOL = np.unique(np.random.default_rng(3).integers(0, 5, size=(200, 9)), axis=0)


@pytest.fixture(params=[5, 200])
def pool(request):
    """The same pool in a small and in a huge space."""
    return Space((request.param,) * 9, pool=POOL)


def test_a_pool_is_its_rows(pool):
    assert pool.size == len(POOL)
    assert (pool.all() == POOL).all()
    assert (pool.key(POOL) == np.arange(len(POOL))).all()
    drawn = pool.sample(np.random.default_rng(4), 2000)
    assert (POOL[pool.key(drawn)] == drawn).all()
    assert len(np.unique(pool.key(drawn))) > 0.99 * len(POOL)


def test_any_other_row_stands_for_the_nearest_one(pool):
    X = np.random.default_rng(5).integers(0, 5, size=(300, 9))
    agree = (X[:, None] == POOL[None]).sum(axis=2)
    keys = pool.key(X)
    assert (agree[np.arange(300), keys] == agree.max(axis=1)).all()
    assert (pool.key(X[::-1])[::-1] == keys).all()
    tied = (agree == agree.max(axis=1, keepdims=True)).sum(axis=1) > 1
    assert tied.sum() > 100
    assert (keys[tied] > (agree[tied] == agree[tied].max(axis=1, keepdims=True)).argmax(axis=1)).mean() > 0.4, (
        "of several nearest ones the first is not the rule"
    )


def test_the_canonical_row_of_an_architecture_is_the_one_that_exists(pool):
    X = np.random.default_rng(6).integers(0, 5, size=(100, 9))
    rows = pool.canonical(X)
    assert (rows == POOL[pool.key(X)]).all()
    assert (pool.canonical(rows) == rows).all()
    plain = Space((5,) * 9)
    assert (plain.canonical(X) == X).all()


def test_neighbours_in_a_pool_are_the_nearest_others(pool):
    x = POOL[17]
    around = pool.neighbours(x)
    assert len(around) == min(9 * (pool.cardinalities[0] - 1), len(POOL) - 1)
    agree = (around == x).sum(axis=1)
    assert (np.diff(agree) <= 0).all()
    assert 17 not in pool.key(around)
    others = np.sort((np.delete(POOL, 17, axis=0) == x).sum(axis=1))[::-1]
    assert (agree == others[: len(around)]).all()


def test_a_pool_with_inactive_genes_keeps_one_row_an_architecture():
    rows = np.array([[0, 1, 0, 0], [2, 1, 2, 3], [1, 3, 3, 0]])
    space = Space((3, 4, 4, 4), inactive=_ragged, pool=rows)
    assert space.key(np.array([[0, 1, 3, 3], [1, 3, 3, 2]])).tolist() == [0, 2]
    with pytest.raises(ValueError, match="all different"):
        Space((3, 4, 4, 4), inactive=_ragged, pool=np.array([[0, 1, 0, 0], [0, 1, 3, 0]]))


@pytest.mark.parametrize("rows", [np.empty((0, 2), int), [[0, 1], [0, 1]], [[0, 3]], [[0.5, 1]], [0, 1, 0]])
def test_a_pool_that_is_none_is_refused(rows):
    with pytest.raises((ValueError, TypeError)):
        Space((2, 3), pool=rows)


def test_classes_beside_a_pool_are_refused():
    with pytest.raises(ValueError, match="say themselves"):
        Space((2, 3), classes=lambda X: X[:, 0], pool=[[0, 1]])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 7), min_size=1, max_size=12), st.integers(0, 2**32))
def test_numbers_and_rows_are_inverse(cardinalities, seed):
    space = Space(tuple(cardinalities))
    X = space.sample(np.random.default_rng(seed), 20)
    assert (space.at(space.index(X)) == X).all()


def test_nearest_needs_a_pool():
    with pytest.raises(ValueError, match="every row of this space exists"):
        Space((2, 3)).nearest(np.zeros((1, 2), int), 1)
