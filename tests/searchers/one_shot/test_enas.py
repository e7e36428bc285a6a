"""ENAS: its estimator has no bias, controllers find the best arm and obey preferences, and runs go on."""

import numpy as np
import pytest
import torch
from _toy_runs import check_killed

from mobench import Run, make_problem
from mobench.core.budget import parse_budget
from mobench.harness.spec import RunSpec
from mobench.searchers._one_shot import supernet as _one_shot
from mobench.searchers._one_shot.controller import Controller, policy_loss
from mobench.searchers.one_shot.enas import Controlled, Options

torch.set_num_threads(1)


def built(mask):
    return Controller(torch.as_tensor(mask), torch.Generator().manual_seed(0))


@pytest.mark.parametrize("baseline", [0.0, 0.7])
def test_the_estimators_mean_is_the_exact_gradient_whatever_the_baseline(baseline):
    """Of the expected reward of five arms by their logits: pi_j (R_j - sum pi R), within three standard errors."""
    theta = torch.tensor([0.3, -0.4, 0.1, 0.8, -0.2], dtype=torch.float64, requires_grad=True)
    R = torch.tensor([0.2, 1.0, -0.5, 0.4, 0.9], dtype=torch.float64)
    pi = torch.softmax(theta.detach(), dim=0)
    arms = torch.multinomial(pi, 20_000, replacement=True, generator=torch.Generator().manual_seed(1))
    logs = torch.log_softmax(theta, dim=0)[arms]
    loss = policy_loss(logs, R[arms], baseline, torch.zeros(len(arms)), entropy_weight=0.0)
    (found,) = torch.autograd.grad(-loss, theta)
    terms = (R[arms] - baseline)[:, None] * (torch.eye(5).double()[arms] - pi)
    error = terms.std(dim=0) / len(arms) ** 0.5
    assert ((found - pi * (R - pi @ R)).abs() <= 3 * error).all()


def test_log_probabilities_are_those_of_the_draws_and_sum_to_one_over_the_space():
    controller = built([[True, True, False], [True, True, True]])
    X, logs, entropies = controller(4000, np.random.default_rng(0))
    assert set(map(tuple, X.tolist())) == {(i, j) for i in range(2) for j in range(3)}
    found = {tuple(x): float(log) for x, log in zip(X.tolist(), logs.detach(), strict=True)}
    assert sum(np.exp(list(found.values()))) == pytest.approx(1.0, abs=1e-6)
    for x, log in found.items():
        assert (X == x).all(axis=1).mean() == pytest.approx(np.exp(log), abs=0.03)
    assert float(entropies.detach().max()) <= np.log(2) + np.log(3) + 1e-6


def test_the_best_of_five_arms_is_drawn_nearly_always():
    controller, rng = built(np.ones((1, 5), dtype=bool)), np.random.default_rng(0)
    optimizer = torch.optim.Adam(controller.parameters(), lr=3.5e-3, betas=(0.0, 0.999), eps=1e-3)
    for _ in range(300):
        X, logs, entropies = controller(10, rng)
        rewards = torch.tensor([0.5, 0.2, 0.9, 0.1, 0.4])[X[:, 0]]
        loss = policy_loss(logs, rewards, float(rewards.mean()), entropies, entropy_weight=1e-4)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (controller(1000, rng)[0][:, 0] == 2).mean() > 0.9


@pytest.mark.long
def test_what_it_draws_is_dearer_the_more_the_error_counts():
    problem = make_problem("bilevel_toys", {"name": "ridgenet"})
    run = Run(problem, limit=parse_budget({"flops": 10_000}, problem.training))
    options = Options(learning_rate=0.3, finalists=0)
    controlled = Controlled(run, options)
    _one_shot.search(run, options, lambda scores: None, controlled)
    costs = [problem.score(controlled.draw(np.full(300, k)))[:, 1].mean() for k in range(8)]
    assert costs[7] > costs[0] + 1.0
    assert np.corrcoef(costs, np.arange(8))[0, 1] > 0.8


@pytest.mark.parametrize("at", [3, 14])  # in the warm-up, and behind it
def test_a_killed_run_goes_on_to_the_same_log(at, tmp_path, monkeypatch):
    spec = RunSpec("bilevel_toys", "enas", 0, {"flops": 3000.0}, {"name": "ridgenet"}, {"every": 2})
    check_killed(spec, at, tmp_path, monkeypatch)
