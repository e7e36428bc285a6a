"""Problems that score from the same data are named, and others are not."""

import numpy as np
import pytest

import mobench
from mobench.analysis.replication import replicate
from mobench.analysis.shared import shared
from mobench.core.capabilities import Slow
from mobench.scoring.contract import contract_for
from mobench.scoring.outcome import Outcome

MOTIF = {f"motif:{names[1]}": {"objectives": names} for names in (("error", "flops"), ("error", "params"))}


def test_two_choices_of_objectives_of_one_table_share_what_both_have():
    problems = {label: mobench.make_problem("motif", options) for label, options in MOTIF.items()}
    problems["motif:flops"] = mobench.make_problem("motif", {"objectives": ["error", "flops"]})
    assert shared(problems) == [
        "motif:flops, motif:params score error from the same data: what is said over problems counts it 2 times"
    ]


def test_a_column_of_the_same_name_from_other_data_is_not_shared():
    assert not shared(
        {name: mobench.make_problem("nasbench_graph", {"dataset": name}) for name in ("cora", "citeseer")}
    )
    assert not shared({str(bits): mobench.make_problem("lotz", {"bits": bits}) for bits in (8, 10)})


def test_a_problem_whose_scores_cost_trainings_is_not_asked():
    class Live:
        portion = 1
        objectives = (mobench.Objective("error"),)

        def score(self, X):
            raise AssertionError("asked")

    assert isinstance(Live(), Slow)
    assert not shared({"a": Live(), "b": Live()})


@pytest.mark.parametrize("objectives", [["error", "latency:cpu_b1"], ["error", "flops", "params"]])
def test_the_noise_of_a_shared_objective_is_shared(objectives):
    """Worlds move one network's error alike on every problem that has it, so its noise does not average out."""
    found, X = [], mobench.make_problem("motif", {"objectives": ["error", "flops"]}).front()[0]
    for names in (["error", "flops"], objectives):
        problem = mobench.make_problem("motif", {"objectives": names})
        runs = {("a", 0): Outcome(X, problem.score(X), X[:, 0], X[:, 0], {})}
        found.append(replicate(problem, contract_for(problem), runs)["a"])
    assert np.corrcoef(found)[0, 1] > 0.3
