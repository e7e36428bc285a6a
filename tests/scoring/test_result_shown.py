"""A result as people see it: what it spent, why it ended, its genes, a figure, and what a notebook shows."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import mobench
from mobench.core.budget import Cost, as_given


def test_spent_is_what_the_log_says():
    result = mobench.run("random_search", "motif", budget=30)
    assert result.spent.evaluations == 30
    assert result.spent.flops == result.history.spent["flops"][-1] > 0


@pytest.mark.parametrize(
    ("reason", "budget", "words"),
    [
        ("budget: flops", {"trainings": 2}, "budget: trainings"),
        ("budget: flops", {"trainings": 2, "flops": 1.0}, "budget: flops"),
        ("budget: flops", {"flops": 1.0}, "budget: flops"),
        ("budget: asked", {"trainings": 2}, "budget: asked"),
        ("budget: evaluations", 5, "budget: evaluations"),
        ("finished", {"trainings": 2}, "finished"),
    ],
)
def test_the_reason_is_in_the_words_of_the_budget(reason, budget, words):
    assert as_given(reason, budget, Cost(evaluations=1, flops=3.0)) == words


def test_the_reason_is_the_same_in_memory_and_from_a_folder(tmp_path):
    here = mobench.run("random_search", "motif", budget={"trainings": 10})
    kept = mobench.run("random_search", "motif", budget={"trainings": 10}, folder=tmp_path / "run")
    assert here.reason == kept.reason == "budget: trainings"


def test_genes_of_a_front_are_what_they_stand_for_and_inactive_ones_are_blank():
    result = mobench.run("random_search", "ofa_mbv3", budget=60)
    front = result.front()
    X = result.scored()[0]
    assert set(front["kernel 1.1"]) <= {3, 5, 7}
    assert set(front["depth 1"]) <= {2, 3, 4}
    assert all((front["kernel 1.4"] != "") == (front["depth 1"] == 4))
    assert sorted(front["resolution"]) == sorted(np.array([160, 176, 192, 208, 224])[X[:, 0]])


def test_genes_without_names_are_numbers():
    assert mobench.Space((2, 3)).written(np.array([[1, 2], [0, 0]])) == [[1, 0], [2, 0]]
    with pytest.raises(ValueError, match=r"values: expected \(2, 3\) of the genes, found \(2, 2\)"):
        mobench.Space((2, 3), values=(("a", "b"), ("c", "d")))


def test_a_figure_shows_what_was_delivered_beside_the_true_front_and_the_course():
    result = mobench.run("nsga2", "catsum", budget=80)
    left, right = result.plot().axes
    truth, delivered = (collection.get_offsets() for collection in left.collections)
    assert {tuple(point) for point in delivered} == {tuple(point[::-1]) for point in result.scored()[1]}
    assert {tuple(point) for point in truth} == {tuple(point[::-1]) for point in result.problem.front()[1]}
    assert right.lines[0].get_ydata()[-1] == result.hypervolume()
    plt.close("all")


def test_a_notebook_shows_the_reason_and_the_front_and_no_markup_of_others():
    result = mobench.run("nsga2", "catsum", budget=80)
    shown = result._repr_html_()
    assert "budget: evaluations" in shown
    assert f"hypervolume {result.hypervolume():.4f}" in shown
    assert shown.count("<tr") == 1 + min(10, len(result.front()))
    bad = mobench.Result(result.problem, result.history, "failed", "<script>alert(1)</script>")
    assert "<script>" not in bad._repr_html_()


def test_a_reference_is_written_one_way_everywhere():
    assert mobench.make_problem("nasbench_graph:dataset=cora") is mobench.make_problem(
        "nasbench_graph", {"dataset": "cora"}
    )
    assert mobench.make_problem("catsum") is mobench.make_problem("catsum", {})
    with pytest.raises(ValueError, match="'lotz:bits=4': option 'bits' is given twice"):
        mobench.make_problem("lotz:bits=4", {"bits": 5})
    result = mobench.run("nsga2:population=10", "lotz:bits=4", budget=20)
    assert len(result.history.X) <= 20
    with pytest.raises(ValueError, match="option 'population' is given twice"):
        mobench.run("nsga2:population=10", "lotz:bits=4", budget=20, population=20)


class Unbounded:
    """A problem that says neither its front nor where it lies."""

    space = mobench.Space((3, 3))
    objectives = (mobench.Objective("<b>error"), mobench.Objective("cost"))
    training = mobench.Cost(evaluations=1)
    deterministic = True

    def evaluate(self, X, *, fidelity, seeds):
        return mobench.Values(self.score(X))

    def score(self, X):
        return np.column_stack([X[:, 0], -X[:, 1]]).astype(float)


def test_a_notebook_shows_a_result_that_cannot_be_scored_and_says_why():
    shown = mobench.run("random_search", Unbounded(), budget=5)._repr_html_()
    assert "5 evaluations" in shown
    assert "neither a true front nor bounds for it; write its front() or bounds()" in shown
