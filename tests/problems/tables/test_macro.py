"""NAS-Bench-Macro: the benchmark's own numbers and counts, and trainings that are seen or scored, never both."""

import itertools
import json

import numpy as np
import pytest
from scipy.stats import kendalltau

from mobench import Enumerable, Replicated
from mobench.problems.tables import macro


@pytest.fixture(scope="module")
def problem():
    return macro.problem()


@pytest.fixture(scope="module")
def X(problem):
    return problem.space.all()


def test_every_row_has_the_numbers_of_the_benchmark(problem, X, shared_data):
    entries = json.loads((shared_data / "nas_bench_macro" / "nas-bench-macro_cifar10.json").read_text())
    rows = [entries["".join(map(str, x))] for x in X.tolist()]
    assert len(rows) == len(entries) == 6561
    errors = 100 - np.array([row["test_acc"] for row in rows])
    seen, scored = problem.evaluate(X).F, problem.score(X)
    np.testing.assert_allclose(seen[:, 0], errors[:, 0], atol=1e-5)
    np.testing.assert_allclose(scored[:, 0], errors[:, 1:].mean(axis=1), atol=1e-5)
    for j, name in enumerate(("params", "flops"), start=1):
        np.testing.assert_array_equal(np.rint(scored[:, j] * 1e6), [row[name] for row in rows])


def test_there_are_3969_networks_and_the_rows_of_one_share_everything(problem, X):
    keys = problem.space.key(X)
    assert len(np.unique(keys)) == 3969
    np.testing.assert_array_equal(problem.scored, problem.scored[keys])
    np.testing.assert_array_equal(problem.views[None].seen, problem.views[None].seen[keys])
    values = np.column_stack([problem.views[None].seen[:, 0], problem.scored])
    assert len(np.unique(values, axis=0)) == 3969  # the trainings of two networks are nowhere the same


def test_an_identity_before_a_block_is_the_one_behind_it_where_widths_agree(problem):
    rows = np.array(list(itertools.product(range(3), repeat=2)))
    for i in range(7):
        X = np.ones((len(rows), 8), dtype=int)
        X[:, i : i + 2] = rows
        swapped = X.copy()
        swapped[:, [i, i + 1]] = X[:, [i + 1, i]]
        same = problem.space.key(X) == problem.space.key(swapped)
        moved = (rows == 0).sum(axis=1) == 1
        assert same[moved].all() == ((i, i + 1) in macro.ALIKE)


def test_no_training_is_both_seen_and_scored(problem, X):
    """The seen error predicts the scored one as another training does, no better."""
    tau = kendalltau(problem.evaluate(X).F[:, 0], problem.score(X)[:, 0]).statistic
    assert tau == pytest.approx(0.896, abs=1e-3)
    assert problem.deterministic


def test_the_best_networks_and_the_front_are_the_known_ones(problem, X):
    of_all = (problem.evaluate(X).F[:, 0] + 2 * problem.score(X)[:, 0]) / 3
    assert 100 - of_all.min() == pytest.approx(93.13, abs=5e-3)  # the benchmark's best network
    assert isinstance(problem, Enumerable)
    assert len(problem.front()[0]) == 121
    assert len(macro.problem(objectives=("error", "flops")).front()[0]) == 38


def test_costs_are_exact_and_errors_are_as_sure_as_their_trainings(problem, X):
    assert isinstance(problem, Replicated)
    noise = problem.standard_errors(X)
    assert (noise[:, 1:] == 0).all()
    assert 0.05 < np.median(noise[:, 0]) < 0.2


def test_blocks_are_written_by_name(problem):
    assert problem.decode(np.array([[0, 1, 2, 0, 0, 0, 0, 0]])) == ["identity mb3_k3 mb6_k5" + " identity" * 5]


def test_an_unknown_objective_is_named():
    with pytest.raises(ValueError, match="did you mean 'flops'"):
        macro.problem(objectives=("error", "flop"))
