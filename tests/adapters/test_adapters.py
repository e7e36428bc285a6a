"""as_pymoo: pymoo sees the same numbers, minimised, with noise by address and the true front."""

import copy
import subprocess
import sys

import numpy as np
import pytest
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.problem import Problem as PymooProblem
from pymoo.indicators.hv import HV
from pymoo.operators.repair.rounding import RoundingRepair
from pymoo.operators.sampling.rnd import IntegerRandomSampling
from pymoo.optimize import minimize

from mobench import Cost, Objective, Space, Values, as_pymoo, make_problem


class Noisy:
    """Answers an architecture by its seed, and nothing else; has no front."""

    space = Space((3, 4), ("depth", "width"))
    objectives = (Objective("error", "%"), Objective("accuracy", "%", maximise=True))
    training = Cost(evaluations=1)
    deterministic = False

    def evaluate(self, X, *, fidelity, seeds):
        noise = (seeds >> np.uint64(11)) * 2.0**-53
        return Values(np.column_stack([noise, 10 + noise]))

    def score(self, X):
        return np.zeros((len(X), 2))


def test_pymoo_sees_integers_bounds_names_and_minimised_values():
    lotz = make_problem("lotz", {"bits": 5})
    problem = as_pymoo(lotz)
    assert isinstance(problem, PymooProblem)
    assert (problem.n_var, problem.n_obj, problem.n_constr, problem.vtype) == (5, 2, 0, int)
    assert problem.xl.tolist() == [0] * 5
    assert problem.xu.tolist() == [1] * 5
    assert problem.name() == "Lotz"
    assert problem.names == lotz.space.names
    assert problem.objectives == lotz.objectives
    X = lotz.space.all()
    np.testing.assert_array_equal(problem.evaluate(X), -lotz.score(X))
    np.testing.assert_array_equal(problem.evaluate(X.astype(float)), -lotz.score(X))
    np.testing.assert_array_equal(problem.evaluate(X[3]), -lotz.score(X[3:4])[0])


def test_pymoo_sees_the_true_front_where_there_is_one():
    catsum = make_problem("catsum", {})
    problem = as_pymoo(catsum)
    assert {tuple(f) for f in problem.pareto_front().tolist()} == {tuple(f) for f in catsum.front()[1].tolist()}
    np.testing.assert_array_equal(problem.pareto_set(), catsum.front()[0])
    assert problem.ideal_point().tolist() == [0, 0]
    lotz = as_pymoo(make_problem("lotz", {"bits": 4}))
    assert sorted(lotz.pareto_front().tolist()) == [[-float(k), float(k) - 4] for k in range(4, -1, -1)]
    assert as_pymoo(Noisy()).pareto_front() is None
    assert as_pymoo(Noisy()).pareto_set() is None


def test_pymoo_gets_a_constraint_a_limit_and_the_feasible_front():
    options = {"objectives": ["error<=4", "latency:cpu_b64", "params<=3"]}
    motif = make_problem("motif", options)
    problem, X = as_pymoo(motif), motif.space.all()[::37]
    F, G = problem.evaluate(X, return_values_of=["F", "G"])
    assert (problem.n_ieq_constr, G.shape) == (2, (len(X), 2))
    np.testing.assert_array_equal(G, F[:, [0, 2]] - [4.0, 3.0])
    front = problem.pareto_front()
    assert (front[:, [0, 2]] <= [4.0, 3.0]).all()
    assert 0 < len(front) == len(problem.pareto_set()) < len(motif.front()[0])
    result = nsga2(problem, seed=1)
    assert (result.F[:, [0, 2]] <= [4.0, 3.0]).all()


def test_a_limit_of_what_is_maximised_is_minimised_with_it():
    class Limited(Noisy):
        objectives = (Objective("error", "%"), Objective("accuracy", "%", maximise=True, limit=10.5))

    problem = as_pymoo(Limited())
    F, G = problem.evaluate(np.zeros((20, 2)), return_values_of=["F", "G"])
    assert ((G[:, 0] <= 0) == (-F[:, 1] >= 10.5)).all()
    assert 0 < (G <= 0).sum() < 20


def test_noise_is_a_function_of_seed_and_place_and_not_of_batching():
    X = np.zeros((10, 2), dtype=np.int64)
    whole = as_pymoo(Noisy(), seed=3).evaluate(X)
    parts = as_pymoo(Noisy(), seed=3)
    np.testing.assert_array_equal(np.concatenate([parts.evaluate(X[:3]), parts.evaluate(X[3:])]), whole)
    assert len(np.unique(whole[:, 0])) == 10
    assert not np.isin(as_pymoo(Noisy(), seed=4).evaluate(X)[:, 0], whole[:, 0]).any()
    np.testing.assert_array_equal(whole[:, 1], -10 - whole[:, 0])


def nsga2(problem, seed):
    algorithm = NSGA2(pop_size=40, sampling=IntegerRandomSampling(), repair=RoundingRepair())
    return minimize(problem, algorithm, ("n_eval", 2000), seed=seed)


def test_pymoos_nsga2_comes_close_to_the_front_of_catsum():
    result = nsga2(as_pymoo(make_problem("catsum", {})), seed=1)
    assert (np.floor(result.X) == result.X).all()
    assert HV(ref_point=np.array([85.0, 25.0]))(result.F) > 0.97 * 1796
    again = nsga2(as_pymoo(make_problem("catsum", {})), seed=1)
    np.testing.assert_array_equal(again.F, result.F)


def test_pymoos_nsga2_improves_on_a_real_table():
    problem = as_pymoo(make_problem("nasbench_graph", {"dataset": "proteins"}))
    front = problem.pareto_front()
    ideal, nadir = front.min(axis=0), front.max(axis=0)

    def volume(F):
        return HV(ref_point=np.full(3, 1.1))((F - ideal) / (nadir - ideal))

    random = problem.evaluate(IntegerRandomSampling().do(problem, 40, random_state=np.random.default_rng(0)).get("X"))
    assert volume(nsga2(problem, seed=1).F) > volume(random)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        ([[0.5, 1]], "RoundingRepair"),
        ([[np.nan, 1]], "nan"),
        ([[np.inf, 1]], "inf"),
        ([[3, 1]], "'depth' is 3, expected 0 to 2"),
        ([[-1, 1]], "'depth' is -1"),
    ],
)
def test_genes_that_are_no_genes_are_refused_in_one_line(x, words):
    with pytest.raises(ValueError, match=words) as caught:
        as_pymoo(Noisy()).evaluate(np.array(x, dtype=float))
    assert "\n" not in str(caught.value)


def test_values_that_are_not_finite_are_refused():
    class Broken(Noisy):
        def evaluate(self, X, *, fidelity, seeds):
            return Values(np.full((len(X), 2), np.nan))

    with pytest.raises(ValueError, match="finite"):
        as_pymoo(Broken()).evaluate(np.zeros((1, 2)))


def test_it_can_be_copied():
    problem = copy.deepcopy(as_pymoo(make_problem("catsum", {})))
    assert problem.evaluate(np.zeros((1, 6), dtype=int)).tolist() == [[84, 0]]


def test_the_module_leaves_pymoo_alone_until_it_is_used():
    code = "import sys, mobench.adapters; sys.exit('pymoo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
