"""Categorical operators and rankings: theorems, and values known by heart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pymoo.operators.survival.rank_and_crowding.metrics import calc_crowding_distance

from mobench import Array, Space, nondominated
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population import ranking as _ranking

NOTHING = np.empty(0, dtype=np.int64)

seeds = st.integers(0, 2**32 - 1)
cardinalities = st.lists(st.integers(1, 6), min_size=1, max_size=8)
points = hnp.arrays(np.int64, st.tuples(st.integers(1, 25), st.integers(1, 5)), elements=st.integers(0, 6)).map(
    lambda F: F.astype(float)
)


def rows(seed: int, genes: list[int], n: int = 40) -> tuple[np.random.Generator, Array]:
    rng = np.random.default_rng(seed)
    return rng, Space(tuple(genes)).sample(rng, n)


@given(seeds, cardinalities, st.sampled_from(["uniform", "two-point"]), st.floats(0, 1))
def test_crossover_loses_no_gene(seed: int, genes: list[int], kind: _genetics.Crossover, probability: float) -> None:
    rng, X = rows(seed, genes)
    A, B = X[:20], X[20:]
    children = _genetics.cross(rng, A, B, kind=kind, probability=probability)
    assert children.shape == X.shape
    assert (np.sort([children[:20], children[20:]], axis=0) == np.sort([A, B], axis=0)).all()


def test_two_point_crossover_exchanges_one_stretch_and_uniform_about_half() -> None:
    rng = np.random.default_rng(0)
    A, B = np.zeros((2000, 12), dtype=int), np.ones((2000, 12), dtype=int)
    two_point = _genetics.cross(rng, A, B, kind="two-point", probability=1.0)[:2000]
    assert (np.abs(np.diff(two_point, axis=1, prepend=0, append=0)).sum(axis=1) <= 2).all()
    uniform = _genetics.cross(rng, A, B, kind="uniform", probability=1.0)[:2000]
    assert uniform.mean() == pytest.approx(0.5, abs=0.02)
    rare = _genetics.cross(rng, A, B, kind="uniform", probability=0.25)[:2000]
    assert rare.any(axis=1).mean() == pytest.approx(0.25, abs=0.04)


@given(seeds, cardinalities, st.none() | st.floats(0.01, 1))
def test_mutants_stay_in_the_space_and_leave_their_origin_alone(
    seed: int, genes: list[int], rate: float | None
) -> None:
    rng, X = rows(seed, genes)
    before = X.copy()
    mutants = _genetics.mutate(rng, X, Space(tuple(genes)), rate=rate)
    Space(tuple(genes)).check(mutants)
    assert (before == X).all()
    everywhere = _genetics.mutate(rng, X, Space(tuple(genes)), rate=1.0)
    assert ((everywhere != X) == (np.array(genes) > 1)).all()


def test_mutation_changes_one_gene_on_average_to_any_other_value() -> None:
    rng = np.random.default_rng(1)
    X = np.zeros((30_000, 7), dtype=int)
    mutants = _genetics.mutate(rng, X, Space((5, 5, 5, 1, 5, 5, 5)))
    assert (mutants != 0).sum(axis=1).mean() == pytest.approx(1.0, abs=0.02)
    assert (mutants == 0).all(axis=1).mean() == pytest.approx((5 / 6) ** 6, abs=0.01)  # the 33.5 % left unchanged
    assert np.bincount(mutants[mutants > 0]) / (mutants > 0).sum() == pytest.approx([0, *[0.25] * 4], abs=0.01)


@given(seeds, cardinalities)
def test_one_gene_mutants_are_neighbours(seed: int, genes: list[int]) -> None:
    rng, X = rows(seed, genes)
    mutants = _genetics.mutate_one(rng, X, Space(tuple(genes)))
    Space(tuple(genes)).check(mutants)
    assert ((mutants != X).sum(axis=1) == (max(genes) > 1)).all()


@given(st.lists(st.integers(-3, 12)), st.lists(st.integers(-3, 12)))
def test_fresh_keys_are_those_never_met_before(keys: list[int], known: list[int]) -> None:
    met, expected = set(known), []
    for key in keys:
        expected.append(key not in met)
        met.add(key)
    assert _genetics.fresh(np.array(keys, dtype=int), np.array(known, dtype=int)).tolist() == expected


@given(seeds, st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(1, 70), st.integers(0, 30))
def test_new_samples_are_distinct_unknown_and_all_there_are(seed: int, genes: list[int], n: int, k: int) -> None:
    rng, known = rows(seed, genes, k)
    space = Space(tuple(genes))
    keys = np.unique(space.key(known))
    new = _genetics.sample_new(rng, space, n, keys)
    assert len(new) == min(n, space.size - len(keys))
    assert len(np.unique(np.concatenate([keys, space.key(new)]))) == len(keys) + len(new)


def test_new_samples_respect_the_classes_of_a_space() -> None:
    space = Space((4, 4), classes=lambda X: X.sum(axis=1))
    found = _genetics.sample_new(np.random.default_rng(0), space, 10, np.array([0, 6]))
    assert sorted(found.sum(axis=1)) == [1, 2, 3, 4, 5]


def test_ranks_are_one_an_item_and_no_sorted_list() -> None:
    assert _ranking.ranks(np.array([[2.0, 2], [3, 3], [1, 1]])).tolist() == [1, 2, 0]
    assert _ranking.ranks(np.empty((0, 2))).tolist() == []


@given(points)
def test_ranks_peel_fronts(F: Array) -> None:
    rank = _ranking.ranks(F)
    left = np.arange(len(F))
    for r in itertools.count():
        if not len(left):
            break
        best = nondominated(F[left])
        assert (rank[left[best]] == r).all()
        left = left[~best]


@given(points, seeds)
def test_ranks_follow_their_items_and_ignore_scale(F: Array, seed: int) -> None:
    shuffle = np.random.default_rng(seed).permutation(len(F))
    assert (_ranking.ranks(F[shuffle]) == _ranking.ranks(F)[shuffle]).all()
    scale = 2.0 ** np.arange(-3, F.shape[1] - 3)
    assert (_ranking.ranks(F * scale + 5) == _ranking.ranks(F)).all()


def test_crowding_of_a_front_known_by_heart() -> None:
    F = np.array([[1.0, 5], [2, 3], [4, 2], [5, 1]])
    assert _ranking.crowding(F, np.zeros(4, int)).tolist() == [np.inf, 3 / 4 + 3 / 4, 3 / 4 + 2 / 4, np.inf]


def test_crowding_skips_objectives_without_range_and_repeats() -> None:
    F = np.array([[1.0, 5, 7], [2, 3, 7], [4, 2, 7], [5, 1, 7], [4, 2, 7]])
    assert _ranking.crowding(F, np.zeros(5, int)).tolist() == [np.inf, 1.5, 1.25, np.inf, 0.0]
    assert _ranking.crowding(np.ones((3, 2)), np.zeros(3, int)).tolist() == [np.inf, 0.0, 0.0]


@given(st.integers(1, 60), st.integers(2, 5), seeds)
def test_crowding_is_pymoos_front_by_front(n: int, m: int, seed: int) -> None:
    F = np.random.default_rng(seed).random((n, m))
    rank = _ranking.ranks(F)
    found = _ranking.crowding(F, rank)
    for r in range(rank.max() + 1):
        if (rank == r).sum() > 2:  # pymoo leaves smaller fronts to its caller
            assert found[rank == r] == pytest.approx(m * calc_crowding_distance(F[rank == r]))


@given(st.integers(1, 40), st.integers(1, 5), seeds)
def test_crowding_follows_its_items_and_ignores_scale(n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    F, shuffle = rng.random((n, m)), rng.permutation(n)
    rank = _ranking.ranks(F)
    found = _ranking.crowding(F, rank)
    assert _ranking.crowding(F[shuffle], rank[shuffle]) == pytest.approx(found[shuffle])
    assert _ranking.crowding(F * 2.0 ** np.arange(-3, m - 3), rank) == pytest.approx(found)


@given(points, seeds, st.integers(1, 30))
def test_the_best_come_by_rank_then_crowding(F: Array, seed: int, n: int) -> None:
    rank = _ranking.ranks(F)
    found = _ranking.best(np.random.default_rng(seed), F, n)
    assert len(found) == len(set(found.tolist())) == min(n, len(F))
    assert rank[found].tolist() == sorted(rank)[:n]
    assert (np.diff(rank[found]) >= 0).all()
    if len(np.unique(F, axis=0)) == len(F) and F.shape[1] == 2:  # no repeats: no ties within an objective of a front
        order = np.lexsort((-_ranking.crowding(F, rank), rank))[:n]
        assert _ranking.crowding(F, rank)[found].tolist() == _ranking.crowding(F, rank)[order].tolist()


def test_ties_are_broken_by_the_seed_alone() -> None:
    F = np.ones((20, 2))
    found = [_ranking.best(np.random.default_rng(seed), F, 20).tolist() for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]
    chosen = np.array([_ranking.best(np.random.default_rng(seed), F, 5) for seed in range(2000)])
    assert (chosen[:, 0] == 0).all()  # the first of equal points is the original, the others are its repeats
    assert np.bincount(chosen[:, 1:].ravel()) / 2000 == pytest.approx([0, *[4 / 19] * 19], abs=0.06)


def test_an_epsilon_net_goes_where_no_point_is_yet() -> None:
    F = np.array([[1.0, 900], [0, 1000], [5, 500], [10, 0], [0, 1000]])
    assert list(_ranking.epsilon_net(F)) == [1, 3, 2, 0, 4]
    assert list(_ranking.epsilon_net(np.empty((0, 2)))) == []


@given(points)
def test_an_epsilon_net_takes_every_row_once_and_ever_nearer_ones(F: Array) -> None:
    order = list(_ranking.epsilon_net(F))
    assert sorted(order) == list(range(len(F)))
    span = np.ptp(F, axis=0)
    N = F[order] / np.where(span > 0, span, 1.0)
    apart = [np.linalg.norm(N[:i] - N[i], axis=1).min() for i in range(1, len(F))]
    assert (np.diff(apart) <= 1e-9).all()


@given(seeds)
def test_mutants_in_a_pool_are_rows_of_it_near_to_their_parents(seed: int) -> None:
    pool = np.unique(np.random.default_rng(seed).integers(0, 3, size=(60, 12)), axis=0)
    space = Space((3,) * 12, pool=pool)
    rng = np.random.default_rng(seed)
    X = space.sample(rng, 15)
    agree = np.sort((X[:, None] == pool[None]).sum(axis=2), axis=1)[:, ::-1]
    for mutants in (_genetics.mutate(rng, X, space), _genetics.mutate_one(rng, X, space)):
        assert (pool[space.key(mutants)] == mutants).all()
    assert ((mutants != X).any(axis=1)).all(), "one-gene mutants leave their parents"
    assert ((mutants == X).sum(axis=1) >= agree[:, min(24, len(pool) - 1)]).all(), "and are among the nearest"
    unchanged = _genetics.mutate(rng, X, space, rate=1e-9)
    assert ((unchanged == X).sum(axis=1) >= agree[:, _genetics.NEAR - 1]).all()


def test_a_pool_of_one_row_has_no_mutants() -> None:
    space = Space((3, 3), pool=np.array([[1, 2]]))
    X = space.all()
    assert (_genetics.mutate_one(np.random.default_rng(0), X, space) == X).all()
    assert (_genetics.mutate(np.random.default_rng(0), X, space) == X).all()


def test_more_than_a_space_holds_is_all_it_holds_in_no_time():
    space = Space((2,) * 12)
    found = _genetics.sample_new(np.random.default_rng(0), space, 10**9, np.arange(5))
    assert sorted(space.key(found).tolist()) == list(range(5, 4096))
