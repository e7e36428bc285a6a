"""Limits as searchers see them, and as they are spelled."""

import pytest

import mobench
from mobench import make_problem
from mobench.campaigns.reading import make_campaign
from mobench.plugins.options import normalised
from mobench.scoring.contract import contract_for


def test_a_limit_that_scores_keep_and_answers_cannot_is_refused_with_what_is_seen():
    problem = make_problem("nasbench201", {"objectives": ("error<=7", "params")})
    assert (problem.score(problem.space.all())[:, 0] <= 7).sum() > 1000
    with pytest.raises(ValueError, match=r"error <= 7 %; error reaches 8\.\d+ %; .*as searchers see it"):
        contract_for(problem)
    contract_for(make_problem("nasbench201", {"objectives": ("error<=9", "params")}))


@pytest.mark.parametrize("text", ["latency:pixel3<=10", " latency:pixel3 <= 10.0 ", "latency:pixel3<=1e1"])
def test_one_limit_is_one_problem_however_it_is_spelled(text):
    assert normalised({"objectives": ["error", text]}) == {"objectives": ["error", "latency:pixel3<=10"]}
    campaign = make_campaign(
        {
            "problems": [{"name": "nasbench201", "objectives": ["error<=20", text]}],
            "searchers": "random_search",
            "seeds": 1,
            "budget": 10,
        }
    )
    (spec,) = campaign.specs
    assert spec.problem_label == "nasbench201:objectives=[error<=20,latency:pixel3<=10]"


def test_equal_problems_have_equal_luck():
    scores = {
        mobench.run("random_search", f'nasbench201:objectives=[error<=20,"{text}"]', budget=30, seed=0).hypervolume()
        for text in ("latency:pixel3<=10", "latency:pixel3 <= 10.0")
    }
    assert len(scores) == 1


@pytest.mark.parametrize("text", ["error", "a<=b", "x<=1<=2", "speed>=", "<=5"])
def test_what_is_no_limit_stays_as_it_is(text):
    assert normalised({"objectives": [text], "noise": True}) == {"objectives": [text], "noise": True}
    assert normalised({"objectives": text}) == {"objectives": text}


def test_limits_of_the_surrogate_cut_its_front():
    problem = make_problem("ofa_mbv3", {"objectives": ("error", "latency:note10<=20")})
    assert contract_for(problem).front[:, 1].max() <= 1.0
    assert mobench.run("nsga2", problem, budget=200).front()["latency:note10"].max() <= 20
    assert not problem.remarks
    assert "best that is known" in make_problem("ofa_mbv3", {"objectives": ("error", "flops", "params")}).remarks[0]
