"""UCT: sizes, bounds and completions are right, all is found in the end, and exploration has its two limits."""

from __future__ import annotations

import numpy as np
import pytest

import mobench
from mobench import Cost, Objective, Space, Values
from mobench.searchers.tree import mcts

POOL = np.array([[0, 1, 0], [0, 1, 1], [1, 0, 1], [2, 2, 0]])


class Arms:
    """One gene decides; the others are noise without effect."""

    space = Space((5, 3, 3, 3, 3, 3))
    objectives = (Objective("error"),)
    training = Cost(evaluations=1)
    deterministic = True

    def evaluate(self, X, *, fidelity=None, seeds=None):
        return Values(self.score(X))

    def score(self, X):
        X = np.asarray(X)
        return np.abs(X[:, :1] - 3.0) + 0.01 * X[:, 1:].sum(axis=1, keepdims=True)


def test_rows_beneath_a_prefix_are_counted():
    space = Space((3, 2, 4))
    assert [mcts.sizes(space, prefix).tolist() for prefix in ((), (1,), (1, 0))] == [[8] * 3, [4] * 2, [1] * 4]
    pool = Space((3, 3, 2), pool=POOL)
    assert [mcts.sizes(pool, prefix).tolist() for prefix in ((), (0,), (2, 1))] == [[2, 1, 1], [0, 2, 0], [0, 0]]


def test_completions_keep_the_prefix_and_are_uniform():
    rng = np.random.default_rng(0)
    found = np.array([mcts.complete(rng, Space((3, 2, 4)), (2, 1)) for _ in range(800)])
    assert (found[:, :2] == [2, 1]).all()
    assert np.bincount(found[:, 2]) / 800 == pytest.approx([0.25] * 4, abs=0.05)
    pool = Space((3, 3, 2), pool=POOL)
    assert {tuple(mcts.complete(rng, pool, (0,))) for _ in range(50)} == {(0, 1, 0), (0, 1, 1)}


def test_bounds_are_uct():
    node = mcts._Node(np.array([9.0, 9.0, 0.0, 9.0]), 1)
    node.visits[:] = [4, 12, 4, 0]
    found = node.bounds(np.array([0.5, 0.6, 0.9, 0.0]), 0.1)
    root = np.sqrt(2 * np.log(20))
    assert found.tolist() == pytest.approx([0.5 + 0.2 * root / 2, 0.6 + 0.2 * root / np.sqrt(12), -np.inf, np.inf])


def test_greedy_or_not_the_good_arm_is_pulled_most_and_much_exploration_is_even():
    def shares(exploration):
        X = np.concatenate(
            [
                mobench.run("mcts", Arms(), budget=200, seed=s, exploration=exploration).history.X[20:, 0]
                for s in range(3)
            ]
        )
        return np.bincount(X, minlength=5) / len(X)

    assert shares(0.05)[3] > 0.6
    assert shares(100.0) == pytest.approx([0.2] * 5, abs=0.05)


@pytest.mark.parametrize("space", [Space((3, 2, 4)), Space((3, 3, 2), pool=POOL)])
def test_everything_is_asked_once_then_it_ends(space):
    class Whole(Arms):
        objectives = (Objective("a"), Objective("b"))

        def score(self, X):
            return np.column_stack([np.sum(X, axis=1), -X[:, 0]]).astype(float)

    problem = Whole()
    problem.space = space
    result = mobench.run("mcts", problem, budget={"evaluations": 100, "asked": 300})
    assert result.reason == "finished"
    assert len(result.history.X) == space.size == result.history.total["asked"]
