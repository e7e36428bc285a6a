"""Selections of NSGA-III, MOEA/D and SMS-EMOA: theorems, values known by heart, and pymoo's as oracles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymoo.algorithms.moo.moead import MOEAD
from pymoo.algorithms.moo.nsga3 import NSGA3, HyperplaneNormalization
from pymoo.algorithms.moo.sms import SMSEMOA
from pymoo.core.population import Population
from pymoo.core.survival import Survival
from pymoo.optimize import minimize
from pymoo.problems import get_problem

from mobench import Array, Run, Values, make_problem, nondominated
from mobench.core.budget import parse_budget
from mobench.core.indicators import hypervolume
from mobench.harness.execute import search_problem
from mobench.harness.history import read_history
from mobench.harness.log import Log
from mobench.plugins.catalogue import find
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population import pymoo as _pymoo
from mobench.searchers._population.contributions import REFERENCE, leaving
from mobench.searchers._population.directions import directions
from mobench.searchers.evolution import moead, nsga3

seeds = st.integers(0, 2**32 - 1)


class Scaled:
    """CatSum in units of its range: pymoo's MOEA/D does not normalise."""

    def __init__(self) -> None:
        self.inner = make_problem("catsum", {})
        self.space, self.objectives, self.training = self.inner.space, self.inner.objectives, self.inner.training
        self.deterministic = True

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        return Values(self.score(X))

    def score(self, X: Array) -> Array:
        F: Array = self.inner.score(X) / [84.0, 24.0]
        return F


def pymoos(name: str) -> Callable[[Run], None]:
    """pymoo's own algorithm with the same operators, sizes and directions as ours."""

    def search(run: Run) -> None:
        lattice = directions(2, 20)
        how: dict[str, Any] = _pymoo.operators(run.space, crossover_probability=0.9 if name == "smsemoa" else 1.0)
        algorithm = {
            "nsga3": lambda: NSGA3(lattice, pop_size=20, **how),
            "moead": lambda: MOEAD(np.maximum(lattice, 1e-6), n_neighbors=4, prob_neighbor_mating=1.0, **how),
            "smsemoa": lambda: SMSEMOA(pop_size=20, n_offsprings=1, **how),
        }[name]()
        _pymoo.drive(run, algorithm)

    return search


def volumes(search: Callable[..., None], start: int, count: int, **options: Any) -> Array:
    """Hypervolumes on CatSum after 100 and 500 unique evaluations; shape (count, 2)."""
    problem, found = Scaled(), []
    for seed in range(start, start + count):
        log = Log()
        search_problem(search, Run(problem, limit=parse_budget(500, problem.training), seed=seed, log=log), options)
        F = read_history(log, d=6, m=2).F * [84.0, 24.0]
        found.append([hypervolume(F[:k][nondominated(F[:k])], (85, 25)) for k in (100, 500)])
    return np.array(found)


def assert_same_mean(a: Array, b: Array) -> None:
    error = np.sqrt(a.var(axis=0, ddof=1) / len(a) + b.var(axis=0, ddof=1) / len(b))
    assert (np.abs(a.mean(axis=0) - b.mean(axis=0)) < 3 * error).all()


@pytest.mark.parametrize(
    ("name", "theirs"), [("nsga3", 15), ("moead", 8), ("smsemoa", 4)]
)  # runs that take a second each
def test_ours_are_as_good_as_pymoos_on_catsum(name: str, theirs: int) -> None:
    assert_same_mean(volumes(find("searcher", name), 0, 30), volumes(pymoos(name), 1000, theirs))


def test_moead_asks_a_generation_at_once_at_no_loss() -> None:
    assert_same_mean(volumes(find("searcher", "moead"), 100, 20), volumes(find("searcher", "moead"), 200, 10, batch=1))


class Ours(Survival):  # type: ignore[misc] # pymoo has no types
    """Our selection in pymoo's algorithm for real numbers."""

    def __init__(self, lattice: Array) -> None:
        super().__init__()
        self.opt = Population()
        self._niches = nsga3._Niches(lattice)

    def _do(self, problem: Any, pop: Any, *, n_survive: int, random_state: Any, **_: Any) -> Any:
        survivors = pop[self._niches.select(random_state, pop.get("F"), n_survive, None)]
        self.opt = survivors[nondominated(survivors.get("F"))]
        return survivors


def test_each_direction_of_nsga3_finds_its_point_of_dtlz2() -> None:
    lattice = directions(3, 91)
    algorithm = NSGA3(lattice, pop_size=92, survival=Ours(lattice))
    front = minimize(get_problem("dtlz2", n_obj=3), algorithm, ("n_gen", 200), seed=1).F
    assert hypervolume(front, np.full(3, 1.1)) == pytest.approx(0.7447, abs=0.002)  # pymoo's own, after 300 generations
    axes = lattice / np.linalg.norm(lattice, axis=1, keepdims=True)
    assert len(np.unique((front @ axes.T).argmax(axis=1))) >= 90


@given(seeds, st.integers(2, 4), st.integers(5, 40))
def test_the_extent_of_a_front_is_pymoos(seed: int, m: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    ours, theirs = nsga3._Niches(directions(m, 12)), HyperplaneNormalization(m)
    for _ in range(3):
        F = rng.random((k, m)) + 0.01 * np.eye(m)[rng.integers(0, m, k)]
        F[:m], F[m : 2 * m] = np.eye(m), F[m : 2 * m] / 2  # both know how far values reach: units are the same
        front = nondominated(F)
        ours.select(rng, F, 3, None)
        theirs.update(F, nds=front.nonzero()[0])
        assert ours._nadir(F[front], F) == pytest.approx(theirs.nadir_point, rel=1e-6)


def one_by_one(rng: np.random.Generator, niche: Array, distance: Array, counts: Array, n: int) -> list[int]:
    """Algorithm 4 as it is written."""
    counts, left, chosen = counts.copy(), list(range(len(niche))), []
    while len(chosen) < n:
        open_niches = np.unique(niche[left])
        least = open_niches[counts[open_niches] == counts[open_niches].min()]
        j = rng.choice(least)
        here = [i for i in left if niche[i] == j]
        taken = min(here, key=lambda i: distance[i]) if counts[j] == 0 else int(rng.choice(here))
        chosen.append(taken)
        left.remove(taken)
        counts[j] += 1
    return chosen


@given(seeds, st.integers(1, 12), st.integers(1, 5))
def test_niches_fill_as_the_paper_fills_them(seed: int, k: int, h: int) -> None:
    rng = np.random.default_rng(seed)
    niche, distance, counts = rng.integers(0, h, k), rng.permutation(k) / 4, rng.integers(0, 3, h)
    n = int(rng.integers(1, k + 1))
    found = nsga3.fill(rng, niche, distance, counts, n)
    theirs = one_by_one(rng, niche, distance, counts, n)
    assert len(set(found.tolist())) == n
    after = [np.sort(counts + np.bincount(niche[rows], minlength=h)) for rows in (found, theirs)]
    assert (after[0] == after[1]).all(), "niches are filled to the same levels"
    for j in np.unique(niche[found]):
        if counts[j] == 0:
            assert distance[found[niche[found] == j]].min() == distance[niche == j].min(), "an empty niche: the nearest"


def test_niches_are_chosen_as_often_as_one_by_one() -> None:
    niche, distance = np.array([0, 0, 0, 1, 1, 2]), np.array([3.0, 1, 2, 5, 4, 6])
    counts, rng = np.array([0, 1, 1]), np.random.default_rng(3)
    often = np.zeros((2, 6))
    for _ in range(4000):
        often[0, nsga3.fill(rng, niche, distance, counts, 3)] += 1 / 4000
        often[1, one_by_one(rng, niche, distance, counts, 3)] += 1 / 4000
    assert often[0] == pytest.approx(often[1], abs=0.04)
    assert often[0, 1] == pytest.approx(1.0)


def test_chebyshev_problems_find_points_that_no_weighted_sum_finds() -> None:
    front = make_problem("catsum", {}).front()[1]
    N = front / [42.0, 24.0]
    weights = np.maximum(directions(2, 400), 1e-6)
    chebyshev = np.unique(front[moead.scalars(N[:, None], weights).argmin(axis=0)], axis=0)
    sums = np.unique(front[(N[:, None] * weights).sum(axis=2).argmin(axis=0)], axis=0)
    assert len(chebyshev) == len(np.unique(front, axis=0)) == 21
    assert len(sums) <= 11


def test_values_of_subproblems_known_by_heart() -> None:
    N = np.array([[3.0, 1.0]])
    assert moead.scalars(N, np.array([[0.5, 0.5]])).tolist() == [1.5]
    along = moead.scalars(np.array([[2.0, 2.0, 2.0]]), np.full((1, 3), 1 / 3))
    assert along == pytest.approx([np.sqrt(12)])  # on its ray: no distance
    assert moead.scalars(np.array([[0.0, 3.0, 0.0]]), np.array([[1.0, 0, 0]])) == pytest.approx([15.0])  # theta 5


def test_neighbours_of_a_weight_begin_with_itself() -> None:
    near = moead.neighbourhoods(directions(3, 91), 7)
    assert (near[:, 0] == np.arange(91)).all()
    inner = near[(directions(3, 91) > 0).all(axis=1)]
    apart = np.abs(directions(3, 91)[inner] - directions(3, 91)[inner[:, :1]]).sum(axis=2)
    assert apart[:, 1:] == pytest.approx(2 / 12)  # the hexagon around it


@given(seeds, st.integers(1, 6), st.integers(2, 8), st.booleans())
def test_replacements_are_those_of_a_loop_over_children(seed: int, b: int, k: int, limited: bool) -> None:
    rng = np.random.default_rng(seed)
    t = int(rng.integers(1, k + 1))
    near = np.array([rng.permutation(k)[:t] for _ in range(b)])
    now, then = rng.integers(0, 5, k).astype(float), rng.integers(0, 5, (b, t)).astype(float)
    beyond, theirs = rng.integers(0, 3, k) / 2.0, rng.integers(0, 3, b) / 2.0
    owner, value, far = np.full(k, -1), now.copy(), beyond.copy() if limited else np.zeros(k)
    for child in range(b):
        for j, offer in zip(near[child], then[child], strict=True):
            mine = theirs[child] if limited else 0.0
            if (mine, offer) < (far[j], value[j]):
                owner[j], value[j], far[j] = child, offer, mine
    takes, child = moead.replacements(near, now, then, *((beyond, theirs) if limited else (None, None)))
    assert takes.tolist() == np.flatnonzero(owner >= 0).tolist()
    assert child.tolist() == owner[owner >= 0].tolist()


@given(seeds, st.integers(2, 9), st.floats(0, 1))
def test_parents_of_moead_are_two_different_members(seed: int, k: int, mating: float) -> None:
    rng = np.random.default_rng(seed)
    near = np.array([rng.permutation(k)[: int(rng.integers(2, k + 1))] for _ in range(1)])
    one, other = moead._parents(rng, np.repeat(near, 30, axis=0), k, mating)
    assert (one != other).all()
    assert {*one.tolist(), *other.tolist()} <= set(range(k))
    if mating == 1.0:
        assert np.isin([one, other], near).all()


def test_equal_contributions_leave_in_order_and_the_least_leaves() -> None:
    front = np.array([[1.0, 3], [2, 2], [3, 1]])
    assert leaving(front, 2) == [1]  # the extremes are far from the reference point
    assert leaving(np.array([[0, 1], [0.4, 0.6], [0.5, 0.5], [1, 0]]), 3) == [1]
    assert leaving(front, 3) == []


@given(seeds, st.integers(2, 12), st.integers(2, 3))
def test_what_stays_has_the_most_hypervolume_of_all_that_leave_one_out(seed: int, k: int, m: int) -> None:
    N = np.random.default_rng(seed).random((k, m))
    N = N[nondominated(N)]
    if len(N) < 2:
        return
    reference = np.full(m, REFERENCE)
    rest = [hypervolume(np.delete(N, i, axis=0), reference) for i in range(len(N))]
    assert rest[leaving(N, len(N) - 1)[0]] == pytest.approx(max(rest), rel=1e-9)


@given(seeds, st.integers(1, 20), st.integers(1, 20), st.booleans())
def test_later_fronts_leave_before_earlier_ones(seed: int, k: int, n: int, limited: bool) -> None:
    from mobench.searchers._population import ranking as _ranking

    rng = np.random.default_rng(seed)
    N = rng.integers(0, 4, (k, 2)) / 3.0
    beyond = rng.integers(0, 2, k) / 2.0 if limited else None
    leave, rank = leaving(N, n, beyond), _ranking.ranks(N, beyond)
    assert len(set(leave)) == len(leave) == max(k - n, 0)
    if leave and len(leave) < k:
        assert rank[leave].min() >= np.delete(rank, leave).max()


def test_recipes_mix_and_change_as_the_operators_do() -> None:
    rng, space = np.random.default_rng(0), make_problem("catsum", {}).space
    X = np.array([[0] * 6, [1] * 6])
    recipes = _genetics.recipes(rng, space, kind="uniform", probability=1.0)
    made = np.array([next(recipes).child(X) for _ in range(6000)])
    space.check(made)
    # each gene is 0 or 1 evenly, and with probability 1/6 any of the four others
    assert np.bincount(made.ravel(), minlength=5) / made.size == pytest.approx(
        [5 / 12 + 1 / 48, 5 / 12 + 1 / 48, 1 / 24, 1 / 24, 1 / 24], abs=0.01
    )
