"""Every built-in problem travels to another process, and says what it is in a line."""

import pickle

import numpy as np
import pytest

import mobench
from mobench.core.capabilities import Slow
from mobench.plugins.catalogue import plugins

ELSEWHERE = {"evoxbench", "spikenas", "table"}
"""They need a package, an import or a file; what they are made of is that of others, or tested with them."""
BUILT = [
    *(name for name in plugins("problem") if name not in {*ELSEWHERE, "bilevel_toys"}),
    *(f"bilevel_toys:name={name}" for name in ("quadratic", "ridge", "fonseca", "two_quadratics", "ragged")),
    "hw_gpt:kind=measured,scale=m",
    "ec_nas:vertices=4",
    "nasbench201:keys=functional",
]


@pytest.mark.parametrize("reference", BUILT)
def test_a_problem_that_travelled_gives_the_same_scores_and_is_told_in_a_line(reference):
    problem = mobench.make_problem(reference)
    X = problem.space.sample(np.random.default_rng(0), 3)
    there = pickle.loads(pickle.dumps(problem))  # noqa: S301 - our own
    assert there.space == problem.space
    np.testing.assert_array_equal(there.space.key(X), problem.space.key(X))
    if not isinstance(problem, Slow):  # whose scores are trainings
        np.testing.assert_array_equal(there.score(X), problem.score(X))
    for shown in (repr(problem), repr(problem.space)):
        assert "\n" not in shown
        assert len(shown) < 200


def test_a_result_travels():
    result = mobench.run("nsga2", "nasbench_graph", budget=40)
    there = pickle.loads(pickle.dumps(result))  # noqa: S301 - our own
    assert there.front().equals(result.front())
    assert there.hypervolume() == result.hypervolume()
