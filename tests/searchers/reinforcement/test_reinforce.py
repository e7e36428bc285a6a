"""REINFORCE: rewards are the published ones, the slope is that of the expected reward, and arms are found."""

from __future__ import annotations

import numpy as np
import pytest

import mobench
from mobench import Cost, Objective, Space, Values
from mobench.searchers.reinforcement.reinforce import Policies, mnasnet, ratios, sweep


class Arms:
    """One architecture of many is best in every gene; f grows with the distance."""

    space = Space((5, 3, 4))
    objectives = (Objective("error"),)
    training = Cost(evaluations=1)
    deterministic = True
    best = np.array([3, 0, 2])

    def evaluate(self, X, *, fidelity=None, seeds=None):
        return Values(self.score(X))

    def score(self, X):
        return (np.asarray(X) != self.best).sum(axis=1, keepdims=True).astype(float)


def test_mnasnets_reward_is_the_published_one():
    accuracy, twice = np.array([0.75]), np.array([[2.0]])
    assert mnasnet(accuracy, twice)[0] == pytest.approx(0.75 * 2**-0.07) == pytest.approx(0.7145, abs=5e-5)
    assert mnasnet(accuracy, twice, within=0.0, beyond=-1.0)[0] == 0.375
    assert mnasnet(accuracy, twice / 4, within=0.0, beyond=-1.0)[0] == 0.75
    assert mnasnet(accuracy, np.array([[1.0, 1.0]]))[0] == 0.75
    both = mnasnet(accuracy, np.array([[2.0, 4.0]]))[0]
    assert both == pytest.approx(0.75 * 8**-0.07)


@pytest.mark.parametrize("m", [1, 2, 3, 5])
@pytest.mark.parametrize("policies", [1, 4, 8])
def test_as_many_policies_learn_as_were_asked_for(policies, m):
    weights = sweep(np.random.default_rng(0), m, policies)
    assert weights.shape == (policies, m)
    assert weights.sum(axis=1) == pytest.approx(np.ones(policies))
    assert len(np.unique(weights.round(9), axis=0)) == (policies if m > 1 else 1)


def test_a_sweep_of_two_objectives_is_even_and_that_of_three_holds_their_ends():
    assert sweep(np.random.default_rng(0), 2, 4)[:, 0] == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert (np.sort(sweep(np.random.default_rng(0), 3, 4), axis=1)[:, 2] == 1).sum() == 3


def test_targets_lie_between_the_costs_by_ratio_and_signs_do_not_matter():
    C = np.array([[2.0], [8.0]])
    found = ratios(C, np.array([2.0]), np.array([32.0]), np.array([0.0, 0.5]))
    assert found == pytest.approx(np.array([[1.0], [1.0]]))
    shifted = ratios(C - 8.0, np.array([-6.0]), np.array([24.0]), np.array([0.0, 1.0]))
    assert shifted == pytest.approx(np.array([[1.0], [6.3 / 30.3]]))
    assert ratios(C * 0.0, np.zeros(1), np.zeros(1), np.array([0.1, 0.9])) == pytest.approx(np.ones((2, 1)))


def test_the_estimated_slope_is_that_of_the_expected_reward():
    """Mean over draws of (R - b) grad log pi against pi_j (R_j - sum pi R), enumerated for five arms."""
    rng = np.random.default_rng(0)
    learners = Policies(np.array([5]), 1, 0.1, 0.9)
    learners.begin(rng, np.array([0]))
    learners.theta[0, 0] = [0.3, -0.2, 0.0, 0.5, -0.4]
    shares, R = learners.shares()[0, 0], np.array([0.1, 0.9, 0.4, 0.2, 0.6])
    exact = shares * (R - shares @ R)
    drawn = np.array([learners.draw(rng)[0, 0] for _ in range(20000)])
    assert np.bincount(drawn) / 20000 == pytest.approx(shares, abs=0.012)
    slopes = (R[drawn] - 0.4)[:, None] * ((drawn[:, None] == np.arange(5)) - shares)
    assert slopes.mean(axis=0) == pytest.approx(exact, abs=0.004)


def test_adam_and_the_baseline_are_torchs_and_the_scripts():
    import torch

    rng = np.random.default_rng(1)
    learners = Policies(np.array([3, 2]), 1, 0.2, 0.9)
    learners.begin(rng, np.array([0]))
    theta = [torch.tensor(learners.theta[0, j, :c].copy(), requires_grad=True) for j, c in enumerate((3, 2))]
    adam, above, under = torch.optim.Adam(theta, lr=0.2), 0.0, 0.0
    for _ in range(12):
        X, R = learners.draw(rng), rng.random(1)
        above, under = 0.9 * above + 0.1 * float(R[0]), 0.9 * under + 0.1
        logs = [torch.log_softmax(t, 0)[int(x)] for t, x in zip(theta, X[0], strict=True)]
        adam.zero_grad()
        (-sum(logs) * (float(R[0]) - above / under)).backward()
        adam.step()
        learners.learn(X, R)
    assert learners.theta[0, 1, 2] == -np.inf
    for j, t in enumerate(theta):
        assert learners.theta[0, j, : len(t)] == pytest.approx(t.detach().numpy(), abs=1e-6)


def test_a_policy_comes_to_prefer_the_best_arm():
    rng = np.random.default_rng(2)
    learners = Policies(np.array([5]), 4, 0.2, 0.9)
    learners.begin(rng, np.arange(4))
    for _ in range(300):
        X = learners.draw(rng)
        learners.learn(X, (X[:, 0] == 3) + 0.1 * rng.standard_normal(4))
    assert (learners.shares()[:, 0, 3] > 0.9).all()


@pytest.mark.parametrize("reward", ["linear", "chebyshev", "mnasnet"])
def test_the_best_architecture_is_found_and_policies_begin_anew(reward):
    result = mobench.run("reinforce", Arms(), budget={"evaluations": 60, "asked": 900}, reward=reward, seed=1)
    assert result.history.F.min() == 0.0
    assert len(result.history.X) == 60  # one that knew all it draws would end the run by questions


def test_a_sweep_of_targets_finds_both_ends_of_a_front():
    fronts = [mobench.run("reinforce", "catsum", budget=500, seed=s, reward="mnasnet").front() for s in range(3)]
    assert np.mean([front["cost"].max() - front["cost"].min() for front in fronts]) > 14  # of 24


@pytest.mark.long
@pytest.mark.parametrize("reward", ["linear", "chebyshev", "mnasnet"])
def test_on_catsum_it_is_better_than_chance(reward):
    mine, chance = (
        np.array([mobench.run(name, "catsum", budget=500, seed=s, **more).hypervolume() for s in range(20)])
        for name, more in (("reinforce", {"reward": reward}), ("random_search", {}))
    )
    error = np.sqrt((mine.var(ddof=1) + chance.var(ddof=1)) / 20)
    assert mine.mean() - chance.mean() > 3 * error


def test_policies_turn_away_from_what_is_beyond_limits():
    class Limited(Arms):
        objectives = (Objective("error"), Objective("cost", limit=1.0))

        def score(self, X):
            X = np.asarray(X)
            return np.column_stack([super().score(X)[:, 0], X[:, 0]]).astype(float)  # the best arm costs 3

    X = np.concatenate([mobench.run("reinforce", Limited(), budget=40, seed=s).history.X[20:] for s in range(10)])
    free = np.concatenate([mobench.run("reinforce", Arms(), budget=40, seed=s).history.X[20:] for s in range(10)])
    assert (X[:, 0] <= 1).mean() > (free[:, 0] <= 1).mean() + 0.1
