"""The knee and the choice by weights: definitions, the ends of a front, and what was seen before what is scored."""

import json
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mobench
from mobench.analysis.compromise import knee, nearest_weights

FRONT = np.array([[0.0, 10.0], [1.0, 4.0], [2.0, 1.0], [6.0, 0.5], [9.0, 0.0]])


def pseudo_weights(F, weights):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pymoo.mcdm.pseudo_weights import PseudoWeights

        decision = PseudoWeights(weights)
        decision.ideal, decision.nadir = F.min(axis=0), F.max(axis=0)
        return decision._do(F)


@pytest.mark.parametrize("weight", [0.0, 0.2, 0.4, 0.5, 0.7, 1.0])
def test_the_choice_by_weights_is_pymoos(weight):
    weights = np.array([weight, 1 - weight])
    assert nearest_weights(FRONT, weights) == pseudo_weights(FRONT, weights)


def test_the_knee_is_farthest_from_the_line_through_the_ends():
    ends = FRONT[[0, -1]] / FRONT.max(axis=0)
    (x0, y0), (x1, y1) = ends
    below = [(y0 - y1) * (x0 - x) - (x1 - x0) * (y - y0) for x, y in FRONT / FRONT.max(axis=0)]
    assert knee(FRONT) == int(np.argmax(below)) == 2


@given(st.floats(0.01, 100), st.floats(-50, 50), st.integers(0, 1))
def test_units_change_no_choice(factor, shift, column):
    other = FRONT.copy()
    other[:, column] = factor * other[:, column] + shift
    assert knee(other) == knee(FRONT)
    assert nearest_weights(other, np.array([0.5, 0.5])) == nearest_weights(FRONT, np.array([0.5, 0.5]))


@pytest.mark.parametrize("front", [np.array([[1.0, 2.0]]), np.array([[1.0, 2.0], [1.0, 2.0]])])
def test_of_a_single_point_it_is_that(front):
    assert knee(front) == 0
    assert nearest_weights(front, np.array([1.0, 0.0])) == 0


@pytest.fixture(scope="module")
def runs():
    return [mobench.run("nsga2", "motif", budget=150, seed=seed) for seed in range(2)]


def test_it_is_chosen_by_what_was_seen_and_told_with_its_score(runs):
    choice = mobench.choose(runs, weights={"error": 2, "latency:cpu_b64": 1})
    problem = runs[0].problem
    seen = np.concatenate([run.history.F for run in runs])
    X = np.concatenate([run.history.X for run in runs])
    assert choice.score["error"] == problem.score(choice.x[None])[0, 0] != choice.seen["error"]
    mine = np.array(list(choice.seen.values()))
    assert (seen[(choice.x == X).all(axis=1)] == mine).all()
    assert not ((seen <= mine).all(axis=1) & (seen < mine).any(axis=1)).any()


def test_all_weight_on_an_objective_is_its_best(runs):
    seen = np.concatenate([run.history.F for run in runs])
    assert mobench.choose(runs, weights={"error": 3}).seen["error"] == seen[:, 0].min()


def test_it_is_written_down_whole(runs, tmp_path):
    choice = mobench.choose(runs)
    written = json.loads(choice.write(tmp_path / "choice.json").read_text())
    assert [written["genes"][name] for name in runs[0].problem.space.names] == choice.x.tolist()
    assert written["rule"] == "knee"
    assert written["architecture"] == choice.text


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"eror": 1}, "objective: unknown 'eror', did you mean 'error'"),
        ({"error": -1}, "expected numbers from 0"),
        ({"error": 0}, "not all 0"),
        ({"error": float("nan")}, "expected numbers from 0"),
        ({}, "not all 0"),
    ],
)
def test_weights_that_are_none_are_refused(runs, weights, message):
    with pytest.raises(ValueError, match=message):
        mobench.choose(runs, weights=weights)


def test_no_runs_and_runs_without_answers_are_refused():
    with pytest.raises(ValueError, match="at least one run"):
        mobench.choose([])
