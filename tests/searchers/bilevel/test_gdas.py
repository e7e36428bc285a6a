"""GDAS is `darts:relaxation=gdas`: every pass computes, and pays for, one sampled operation an edge."""

import pytest
import torch
from _toy_runs import PUBLISHED

import mobench

torch.set_num_threads(1)
STEPS, BATCH, PASSES = 4, 64, 2 * 3


@pytest.mark.parametrize(("relaxation", "sampled"), [("gumbel", True), ("softmax", False)])
def test_a_step_of_gdas_pays_for_single_paths_and_one_of_darts_for_mixtures(relaxation, sampled):
    problem = mobench.make_problem("motif", {})
    options = {"relaxation": relaxation, "preferences": 1, "steps": STEPS, "finalists": 0} | PUBLISHED
    result = mobench.run("darts", problem, budget={"trainings": 1}, **options)
    spent = result.history.recommended[-1].spent["flops"] / (STEPS * BATCH * PASSES)
    cheapest, dearest = problem.macs.min(), problem.macs.max()
    assert cheapest <= spent <= dearest if sampled else spent > dearest


def test_gdas_is_a_reference_of_its_own_in_a_campaign():
    result = mobench.run("darts:relaxation=gdas", "bilevel_toys:name=ridgenet", budget={"flops": 800})
    assert len(result.delivered())
    assert result.history.recommended[-1].spent["flops"] >= 697  # 400 forward passes, and a training
