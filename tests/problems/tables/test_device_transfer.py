"""Device transfer: what is seen are training devices, what is scored an unseen one, and all else NAS-Bench-201."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from scipy.stats import gmean

from mobench import Enumerable, make_problem, nondominated
from mobench.problems._cells.space import all_cells
from mobench.problems.tables import device_transfer
from mobench.scoring.contract import contract_for

CELLS = all_cells()
TRAINING, UNSEEN = get_args(device_transfer.Training), get_args(device_transfer.Unseen)
SHARES = {"titan_rtx_256": 0.995, "gold_6226": 0.997, "fpga": 0.979, "pixel2": 0.964, "raspi4": 0.993, "eyeriss": 0.956}
"""Of the true front's hypervolume, by the set that looks best on the training devices; the page has them."""


def latency(device):
    return make_problem("nasbench201", {"objectives": (f"latency:{device}",)}).score(CELLS)[:, 0]


def test_helps_split_is_13_devices_and_6_others():
    assert (len(TRAINING), len(UNSEEN)) == (13, 6)
    assert not {*TRAINING} & {*UNSEEN}


@pytest.mark.parametrize("device", UNSEEN)
def test_scores_are_those_of_nasbench201_on_the_unseen_device(device):
    problem = device_transfer.problem(device=device)
    table = make_problem("nasbench201", {"objectives": ("error", f"latency:{device}")})
    assert isinstance(problem, Enumerable)
    assert problem.objectives == table.objectives
    np.testing.assert_array_equal(problem.score(CELLS), table.score(CELLS))
    np.testing.assert_array_equal(problem.front()[0], table.front()[0])
    assert contract_for(problem, "modnas").volume == contract_for(table, "modnas").volume


@pytest.mark.parametrize("seen", ["mean", "pixel3", "titanx_32"])
def test_what_a_searcher_sees_does_not_depend_on_the_unseen_device(seen):
    problems = [device_transfer.problem(device=device, seen=seen) for device in UNSEEN]
    for fidelity in (None, 12, 200):
        answers = [problem.evaluate(CELLS, fidelity=fidelity) for problem in problems]
        for answer in answers:
            np.testing.assert_array_equal(answer.F, answers[0].F)
            np.testing.assert_array_equal(answer.flops, answers[0].flops)
        assert not any(np.isclose(answers[0].F[:, 1], latency(device), rtol=1e-3).mean() > 0.5 for device in UNSEEN)


def test_seen_is_the_geometric_mean_of_the_training_devices_or_one_of_them():
    mean = gmean([latency(device) for device in TRAINING])
    np.testing.assert_allclose(device_transfer.problem().evaluate(CELLS).F[:, 1], mean)
    for device in TRAINING:
        problem = device_transfer.problem(seen=device)
        np.testing.assert_array_equal(problem.evaluate(CELLS).F[:, 1], latency(device))


def test_the_errors_are_seen_and_scored_as_nasbench201_has_them():
    for options in ({}, {"dataset": "cifar100"}, {"noise": True}):
        problem = device_transfer.problem(**options)
        table = make_problem("nasbench201", {"objectives": ("error", "latency:titan_rtx_256"), **options})
        seeds = np.arange(len(CELLS), dtype=np.uint64)
        for fidelity in problem.fidelities:
            ours, theirs = (p.evaluate(CELLS, fidelity=fidelity, seeds=seeds).F[:, 0] for p in (problem, table))
            np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_array_equal(problem.standard_errors(CELLS), table.standard_errors(CELLS))


def test_problems_with_other_devices_have_other_fingerprints():
    problems = [device_transfer.problem(device=d, seen=s) for d in UNSEEN for s in ("mean", "pixel3")]
    assert len({problem.fingerprint for problem in problems}) == len(problems)


@pytest.mark.parametrize("device", UNSEEN)
def test_the_whole_table_seen_through_the_training_devices_reaches_what_the_page_says(device):
    problem = device_transfer.problem(device=device)
    chosen = nondominated(problem.evaluate(CELLS).F)
    share = contract_for(problem).share(problem.score(CELLS)[chosen])
    assert share == pytest.approx(SHARES[device], abs=6e-4)


def test_error_has_a_limit_and_what_is_seen_and_scored_stays():
    problem, without = device_transfer.problem(error_limit=9.5), device_transfer.problem()
    assert [objective.bound for objective in problem.objectives] == ["error <= 9.5 %", ""]
    np.testing.assert_array_equal(problem.evaluate(CELLS).F, without.evaluate(CELLS).F)
    np.testing.assert_array_equal(problem.score(CELLS), without.score(CELLS))
    assert contract_for(problem, "mobench-2").volume != contract_for(without, "mobench-2").volume
    with pytest.raises(ValueError, match="expected a finite number in %"):
        device_transfer.problem(error_limit=float("inf"))
