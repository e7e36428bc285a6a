"""One-shot searchers: they pay for what they learn, ask each architecture once, and go on after a kill."""

import numpy as np
import pytest
import torch
from _toy_runs import check_killed
from scipy.stats import kendalltau

import mobench
from mobench.core.indicators import nondominated
from mobench.harness.door import Run
from mobench.harness.spec import RunSpec
from mobench.scoring.outcome import outcome_of
from mobench.searchers._one_shot import supernet as _one_shot

BUDGET = {"evaluations": 100, "flops": 1e3}
SEARCHERS = ["spos", "random_weight_sharing"]
RIDGENET = "bilevel_toys:name=ridgenet"


@pytest.mark.parametrize("searcher", SEARCHERS)
def test_the_budget_is_shared_between_training_and_scoring(searcher):
    options = {"training_share": 0.5, "batches": 1, "finalists": 0}  # all of the budget is learning's
    result = mobench.run(searcher, RIDGENET, budget={"flops": 3000}, **options)
    spent = [note.spent["flops"] for note in result.history.recommended]
    assert 1500 < spent[-1] <= 3003
    assert len(result.history.X) == 0  # nothing was trained stand-alone
    assert result.hypervolume(contract="mobench-1") > 0.3  # which takes what is recommended at its word


@pytest.mark.parametrize("searcher", SEARCHERS)
def test_what_is_recommended_is_nondominated_by_one_shot_error_and_exact_cost(searcher):
    result = mobench.run(searcher, RIDGENET, budget={"flops": 3000})
    X = result.history.recommended[-1].content
    cost = result.problem.score(X)[:, 1]
    assert len(np.unique(cost)) == len(np.unique(X, axis=0))  # one architecture a cost
    assert len(X) > 1


def test_each_architecture_is_scored_once():
    asked = []

    class Network:
        def initial_alpha(self):
            return torch.zeros(3, 4, dtype=torch.double)

        def one_shot(self, weights, X, *, batches):
            asked.extend(map(tuple, X.tolist()))
            return X.sum(axis=1).astype(float)

        def costs(self, p):
            return p[:, 1:].sum()[None]

    problem = mobench.make_problem("bilevel_toys", {"name": "ridgenet"})
    run = Run(problem, limit=mobench.Cost(1e9, 1e9, 1e9, 1e9))
    scores = _one_shot.Scores(run, Network(), lambda x: {}, batches=1)
    first = scores(np.array([[0, 1, 2], [0, 1, 2], [3, 3, 3]]))
    again = scores(np.array([[3, 3, 3], [0, 0, 0], [0, 1, 2]]))
    assert asked == [(0, 1, 2), (3, 3, 3), (0, 0, 0)]
    assert first.tolist() == [[3, 2], [3, 2], [9, 3]]
    assert (again[[0, 2]] == first[[2, 0]]).all()
    assert nondominated(scores.F).any()


@pytest.mark.parametrize("searcher", SEARCHERS)
def test_a_killed_search_goes_on_to_the_same_end(tmp_path, searcher, monkeypatch):
    spec = RunSpec("bilevel_toys", searcher, 0, {"flops": 2000.0}, {"name": "ridgenet"}, {})
    check_killed(spec, 6, tmp_path, monkeypatch)


@pytest.mark.parametrize("searcher", SEARCHERS)
def test_a_budget_without_compute_is_refused(searcher):
    with pytest.raises(ValueError, match=r"needs ComputeBudget \(a budget of trainings or flops\)"):
        mobench.run(searcher, RIDGENET, budget=100)


def test_a_campaign_of_evaluations_leaves_out_who_needs_compute():
    given = {"problems": [RIDGENET], "searchers": [*SEARCHERS, "lemonade", "nsga2", "darts"], "seeds": 1, "budget": 100}
    found = mobench.make_campaign(given)
    assert {pair.searcher for pair in found.not_applicable} == {*SEARCHERS, "lemonade"}
    assert all("a budget of trainings or flops" in pair.reason for pair in found.not_applicable)


def test_pairs_without_a_supernet_are_left_out_of_a_campaign():
    campaign = mobench.make_campaign(
        {"problems": ["catsum", RIDGENET], "searchers": SEARCHERS, "seeds": 1, "budget": BUDGET}
    )
    assert {pair.problem for pair in campaign.not_applicable} == {"catsum"}
    assert all(pair.reason.startswith("needs CategoricalSupernet (a supernet") for pair in campaign.not_applicable)
    assert len(campaign.specs) == 2


def test_a_continuous_toy_is_not_applicable_and_the_reason_says_why():
    problems = ["bilevel_toys:name=quadratic", RIDGENET, "bilevel_toys:name=ragged", "motif"]
    searchers, budget = [*SEARCHERS, "darts"], BUDGET
    campaign = mobench.make_campaign({"problems": problems, "searchers": searchers, "seeds": 1, "budget": budget})
    assert {(pair.problem, pair.searcher, pair.reason) for pair in campaign.not_applicable} == {
        (problems[0], name, "needs CategoricalSupernet (a supernet whose genes choose among named operations)")
        for name in SEARCHERS
    }


def test_other_objectives_before_the_error_are_for_black_boxes():
    problems = [f"{name}:objectives=[flops,error]" for name in ("motif", "motif_chain", "mlp")]
    searchers, budget = ["nsga2", *SEARCHERS, "darts"], {"trainings": 1}
    found = mobench.make_campaign({"problems": problems, "searchers": searchers, "seeds": 1, "budget": budget})
    assert len(found.specs) == len(problems)
    assert {pair.searcher for pair in found.not_applicable} == {*SEARCHERS, "darts"}
    assert {pair.reason.partition(",")[0] for pair in found.not_applicable} == {
        "needs the error first among the objectives"
    }
    with pytest.raises(ValueError, match="spos needs the error first among the objectives"):
        mobench.run("spos", problems[0], budget={"trainings": 1})


@pytest.mark.parametrize("searcher", SEARCHERS)
def test_a_run_on_a_continuous_toy_is_refused_in_words(searcher):
    words = rf"{searcher} needs CategoricalSupernet \(a supernet whose genes choose among named operations\)"
    with pytest.raises(ValueError, match=words):
        mobench.run(searcher, "bilevel_toys:name=quadratic", budget={"flops": 1000})


@pytest.mark.parametrize("searcher", SEARCHERS)
def test_unequal_numbers_of_operations_are_searched_whole(searcher):
    result = mobench.run(searcher, "bilevel_toys:name=ragged", budget={"flops": 3000})
    scored = np.unique(result.history.records[-1].content["one_shot_X"], axis=0)
    assert len(scored) == 24  # all there are
    assert result.hypervolume() > 0.3


def recorder(run):
    """Records made-up one-shot values of random architectures, in two parts."""
    X = np.unique(run.space.sample(run.rng, 40), axis=0)
    run.recommend(X[:1])
    run.record(one_shot_X=X[:20], one_shot=-np.arange(20.0))
    run.record(one_shot_X=X[20:], one_shot=np.arange(float(len(X) - 20)))


def test_one_shot_values_are_compared_with_the_truth_after_the_run():
    result = mobench.run(recorder, "motif", budget=10)
    X = np.concatenate([np.array(note.content["one_shot_X"]) for note in result.history.records])
    told = np.concatenate([np.array(note.content["one_shot"]) for note in result.history.records])
    true = result.problem.score(X)[:, 0]
    expected = kendalltau(told, true).statistic
    assert result.one_shot_tau() == pytest.approx(expected)
    assert np.isnan(mobench.run("random_search", "motif", budget=10).one_shot_tau())


@pytest.mark.parametrize("searcher", SEARCHERS)
def test_one_shot_searchers_tell_their_scores_and_the_outcome_holds_tau(searcher):
    options = {"training_share": 0.5, "batches": 1, "finalists": 0}  # a fifth of a training could pay for none
    result = mobench.run(searcher, "motif", budget={"trainings": 0.2}, **options)
    told = result.history.records[-1].content
    assert len(told["one_shot_X"]) == len(told["one_shot"]) > 50
    tau = result.one_shot_tau()
    assert -0.5 < tau < 0.8
    outcome = outcome_of(result, contract="mobench-1", axis="trainings")
    assert outcome.diagnostics["one_shot_tau"].tolist() == [[pytest.approx(0.2, rel=0.05), tau]]
