"""CatSum and LOTZ: the counts that are known by heart."""

import itertools

import moocore
import numpy as np
import pytest

from mobench import make_problem, minimised, nondominated
from mobench.problems.toys import catsum, lotz


def supported(F):
    """Points that minimise some positive weighting of two objectives: the corners of the convex hull below."""
    points = F[np.lexsort(F.T[::-1])]
    hull: list = []
    for p in points:
        while len(hull) > 1 and np.linalg.det([hull[-1] - hull[-2], p - hull[-2]]) <= 1e-9:
            hull.pop()
        hull.append(p)
    return np.array(hull)


def test_catsum_has_21_front_points_22_genotypes_739_vectors_and_hypervolume_1796():
    problem = catsum.problem()
    F = problem.score(problem.space.all())
    X, front = problem.front()
    assert len(F) == 15625
    assert len(np.unique(F, axis=0)) == 739
    assert len(X) == 22
    assert len(np.unique(front, axis=0)) == 21
    assert moocore.hypervolume(front, ref=[85, 25]) == 1796
    np.testing.assert_array_equal(np.unique(F[nondominated(F)], axis=0), np.unique(front, axis=0))
    np.testing.assert_array_equal(problem.score(X), front)


def test_catsum_scalarisation_reaches_11_of_the_21():
    problem = catsum.problem()
    F = problem.score(problem.space.all())
    angles = np.linspace(0, np.pi / 2, 100_001)[1:-1]
    front = np.unique(problem.front()[1], axis=0)
    best = np.argmin(front @ np.array([np.cos(angles), np.sin(angles)]), axis=0)
    assert len(np.unique(best)) == len(supported(front)) == 11
    assert (F.min(axis=0) == [0, 0]).all()


def test_catsum_by_hand():
    problem = catsum.problem()
    X = np.array([[3, 1, 0, 4, 4, 0], [3, 3, 3, 3, 3, 3], [0, 0, 0, 0, 0, 0]])
    np.testing.assert_array_equal(problem.score(X), [[10 + 16 + 9 + 6 + 4, 4], [0, 24], [84, 0]])
    assert problem.decode(X[:1]) == ["310440"]


@pytest.mark.parametrize("bits", [1, 2, 5, 10])
def test_lotz_has_one_front_point_more_than_bits(bits):
    problem = lotz.problem(bits=bits)
    X, front = problem.front()
    assert len(X) == bits + 1
    everything = problem.space.all()
    F = problem.score(everything)
    best = nondominated(minimised(F, problem.objectives))
    assert {tuple(x) for x in everything[best].tolist()} == {tuple(x) for x in X.tolist()}
    np.testing.assert_array_equal(front.sum(axis=1), bits)
    np.testing.assert_array_equal(front, problem.score(X))


def test_lotz_counts_leading_ones_and_trailing_zeros():
    problem = lotz.problem(bits=6)
    for bits in itertools.product((0, 1), repeat=6):
        word = "".join(map(str, bits))
        ones, zeros = problem.score(np.array([bits]))[0]
        assert (ones, zeros) == (6 - len(word.lstrip("1")), 6 - len(word.rstrip("0")))
        assert problem.decode(np.array([bits])) == [word]


@pytest.mark.parametrize("bits", [0, 61, "8", 1.5, True])
def test_lotz_refuses_impossible_lengths(bits):
    with pytest.raises(ValueError, match="'bits'"):
        make_problem("lotz", {"bits": bits})


@pytest.mark.parametrize("problem", [catsum.problem(), lotz.problem()])
def test_a_searcher_sees_what_is_scored(problem):
    X = problem.space.sample(np.random.default_rng(0), 30)
    np.testing.assert_array_equal(problem.evaluate(X, fidelity=None, seeds=None).F, problem.score(X))
