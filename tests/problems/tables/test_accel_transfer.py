"""Device transfer on Accel-NASBench: what is seen are training devices, what is scored an unseen one."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from scipy.stats import gmean, kendalltau

from mobench import make_problem, nondominated
from mobench.problems.tables import accel_transfer
from mobench.scoring.contract import contract_for

TRAINING, UNSEEN = get_args(accel_transfer.Training), get_args(accel_transfer.Unseen)


def throughput(device, X):
    return make_problem("accel", {"objectives": ("error", f"throughput:{device}")}).score(X)[:, 1]


@pytest.mark.parametrize("device", UNSEEN)
def test_scored_is_the_unseen_device_and_seen_are_the_training_devices(device):
    problem = accel_transfer.problem(device=device)
    X = problem.space.all()
    np.testing.assert_array_equal(problem.score(X)[:, 1], throughput(device, X))
    seen = problem.evaluate(X).F[:, 1]
    np.testing.assert_allclose(seen, gmean([throughput(name, X) for name in TRAINING]))
    for name in TRAINING:
        one = accel_transfer.problem(device=device, seen=name)
        np.testing.assert_array_equal(one.evaluate(X).F[:, 1], throughput(name, X))


def test_what_is_seen_does_not_depend_on_the_unseen_device():
    first, second = (accel_transfer.problem(device=device) for device in UNSEEN)
    X = np.array(sorted({*map(tuple, first.space.all().tolist())} & {*map(tuple, second.space.all().tolist())}))
    assert len(X) > 5000
    np.testing.assert_array_equal(first.evaluate(X).F, second.evaluate(X).F)


@pytest.mark.parametrize(("device", "share", "tau"), [("rtx3090", 0.9631, 0.803), ("vck190", 0.9359, 0.809)])
def test_the_best_looking_set_of_the_whole_pool_loses_what_the_page_says(device, share, tau):
    problem = accel_transfer.problem(device=device)
    X = problem.space.all()
    seen, scored = problem.evaluate(X).F, problem.score(X)
    best = nondominated(seen, problem.objectives)
    assert contract_for(problem).share(scored[best]) == pytest.approx(share, abs=5e-4)
    assert kendalltau(seen[:, 1], scored[:, 1])[0] == pytest.approx(tau, abs=5e-3)


def test_error_has_a_limit_and_what_is_seen_and_scored_stays():
    problem, without = accel_transfer.problem(error_limit=40), accel_transfer.problem()
    assert [objective.bound for objective in problem.objectives] == ["error <= 40 %", ""]
    X = problem.space.all()
    np.testing.assert_array_equal(problem.evaluate(X).F, without.evaluate(X).F)
    np.testing.assert_array_equal(problem.score(X), without.score(X))
    assert contract_for(problem, "mobench-2").volume != contract_for(without, "mobench-2").volume
