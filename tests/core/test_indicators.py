"""Measures of fronts: golden values, properties, and brute-force oracles."""

import itertools

import moocore
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pymoo.indicators.hv import HV

from mobench.core import indicators as fronts
from mobench.core.problem import Objective

points = st.integers(1, 4).flatmap(
    lambda m: arrays(np.float64, st.tuples(st.integers(1, 12), st.just(m)), elements=st.integers(0, 6))
)


def brute_nondominated(F):
    return [not any((g <= f).all() and (g < f).any() for g in F) for f in F]


def brute_hypervolume(F, reference):
    """Count unit cells of the integer grid that some point dominates."""
    cells = itertools.product(*(range(r) for r in reference))
    return sum(any((f <= np.array(cell)).all() for f in F) for cell in cells)


@given(points)
def test_nondominated_agrees_with_the_definition(F):
    assert fronts.nondominated(F).tolist() == brute_nondominated(F)


@given(points, st.integers(0, 2**32))
def test_nondominated_does_not_depend_on_order_or_scale(F, seed):
    order = np.random.default_rng(seed).permutation(len(F))
    assert (fronts.nondominated(F)[order] == fronts.nondominated(F[order] * 3.5 - 7)).all()


@given(points)
def test_nondominated_knows_what_is_to_be_maximised(F):
    objectives = [Objective(str(j), maximise=j % 2 == 1) for j in range(F.shape[1])]
    mirrored = F * np.where(np.arange(F.shape[1]) % 2, -1, 1)
    assert (fronts.nondominated(mirrored, objectives) == fronts.nondominated(F)).all()


@given(points)
def test_hypervolume_counts_the_dominated_cells(F):
    reference = [7] * F.shape[1]
    assert fronts.hypervolume(F, reference) == pytest.approx(brute_hypervolume(F, reference))


def test_golden_hypervolume():
    assert fronts.hypervolume([[1, 3], [2, 2], [3, 1]], 4) == 6
    assert fronts.hypervolume(np.empty((0, 2)), 4) == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("measure", [fronts.nondominated, lambda F: fronts.hypervolume(F, 4), fronts.finite])
def test_values_that_are_not_finite_are_refused_by_row(bad, measure):
    with pytest.raises(ValueError, match="row 1"):
        measure([[1, 2], [3, bad]])


@pytest.mark.parametrize("shape", [(3,), (3, 0), (2, 2, 2)])
def test_shapes_that_are_not_points_are_refused(shape):
    with pytest.raises(ValueError, match="shape"):
        fronts.finite(np.zeros(shape))


def test_a_reference_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="reference"):
        fronts.hypervolume([[1, 2]], [4, np.inf])


@given(points)
def test_a_front_measured_against_itself_is_perfect(F):
    front = F[fronts.nondominated(F)]
    assert fronts.igd_plus(front, front) == 0
    assert fronts.epsilon_additive(front, front) == 0


@given(points, points)
def test_epsilon_and_igd_plus_agree_with_their_definitions(F, front):
    if F.shape[1] != front.shape[1]:
        return
    epsilon = max(min((f - z).max() for f in F) for z in front)
    distance = np.mean([min(np.linalg.norm(np.maximum(f - z, 0)) for f in F) for z in front])
    assert fronts.epsilon_additive(F, front) == pytest.approx(epsilon)
    assert fronts.igd_plus(F, front) == pytest.approx(distance)


def test_an_empty_set_is_infinitely_far():
    empty = np.empty((0, 2))
    assert fronts.igd_plus(empty, [[0, 1]]) == fronts.epsilon_additive(empty, [[0, 1]]) == np.inf
    assert fronts.r2(empty, 0) == np.inf


def test_regret_of_an_exact_front_is_minus_six_and_of_nothing_zero():
    assert fronts.log10_regret([1.0, 0.9, 0.0]).tolist() == pytest.approx([-6, -1, 0])


def test_das_dennis_counts():
    for m, p, n in [(2, 99, 100), (3, 12, 91), (4, 3, 20), (1, 5, 1)]:
        W = fronts.simplex_lattice(m, p)
        assert len(W) == n
        assert (W >= 0).all()
        assert W.sum(axis=1) == pytest.approx(1)
        assert len(np.unique(W, axis=0)) == n


def test_exact_r2_is_the_limit_of_many_weights():
    F = np.array([[0.1, 0.9], [0.4, 0.4], [0.8, 0.1]])
    many = fronts.r2(F, 0, weights=fronts.simplex_lattice(2, 20_000))
    assert fronts.r2(F, 0) == pytest.approx(many, abs=1e-4)


@given(points)
def test_r2_improves_when_points_are_added(F):
    assert fronts.r2(F, 0) <= fronts.r2(F[:1], 0) + 1e-12


def test_many_points_in_many_objectives_are_approximated_within_the_stated_error():
    x = np.abs(np.random.default_rng(0).normal(size=(400, 6)))
    F = 1.0 - 0.9 * x / np.linalg.norm(x, axis=1, keepdims=True)
    assert [fronts.is_exact(n, m) for n, m in ((600, 6), (601, 6), (10**6, 5))] == [True, False, True]
    exact = fronts.hypervolume(F, 1.1)
    near = moocore.hv_approx(F, ref=np.full(6, 1.1), nsamples=fronts.SAMPLES)
    assert abs(near / exact - 1) < 0.0005
    many = np.concatenate([F] * 3) + np.linspace(0, 1e-9, 1200)[:, None]  # beyond the limit, dominated but for 400
    assert fronts.hypervolume(many, 1.1) == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("point", [(-0.1, 0.7), (-0.1, -0.2), (0.7, -3.0), (0.0, 0.7)])
def test_r2_of_points_better_than_the_ideal_is_that_of_its_place(point):
    with_others = np.array([point, (0.9, 0.4), (0.4, 0.9)])
    w = np.linspace(0, 1, 20_001)
    lattice = np.column_stack([w, 1 - w])
    assert fronts.r2(with_others, 0.0) == pytest.approx(fronts.r2(with_others, 0.0, weights=lattice), abs=1e-4)
    assert fronts.r2([point], 0.0) == pytest.approx(fronts.r2(np.maximum([point], 0.0), 0.0))


@pytest.mark.parametrize("m", [1, 2, 3, 4, 6])
def test_hypervolumes_of_sets_are_those_of_each_alone_and_of_another_library(m):
    rng = np.random.default_rng(m)
    F = rng.random((60, m)) if m < 6 else rng.random((30, m))
    sets = [rng.permutation(len(F))[: rng.integers(0, 15)] for _ in range(20)]
    found = fronts.hypervolumes(F, sets, 1.1)
    assert found.tolist() == [fronts.hypervolume(F[rows], 1.1) for rows in sets]
    plain = HV(ref_point=np.full(m, 1.1))
    np.testing.assert_allclose(found, [plain(F[rows]) if len(rows) else 0.0 for rows in sets], rtol=1e-12)
    with pytest.raises(ValueError, match="row 0"):
        fronts.hypervolumes(np.full((1, m), np.nan), [], 1.1)
