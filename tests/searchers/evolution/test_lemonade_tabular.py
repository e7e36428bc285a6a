"""LEMONADE's emulation: its population is the front, its children are neighbours, and costs are foretold."""

from __future__ import annotations

import moocore
import numpy as np
import pytest

import mobench
from mobench import Objective, Space
from mobench.searchers.evolution.lemonade_tabular import predicted


def test_sums_over_genes_are_foretold_exactly() -> None:
    rng, space = np.random.default_rng(0), Space((4, 3, 5))
    parts = [rng.random((c, 2)) for c in space.cardinalities]
    costs = lambda X: sum(part[X[:, j]] for j, part in enumerate(parts))  # noqa: E731
    X, at = space.sample(rng, 40), space.sample(rng, 30)
    assert predicted(space, X, costs(X), at) == pytest.approx(costs(at))
    assert predicted(space, X, np.zeros((40, 0)), at).shape == (30, 0)


def test_the_population_is_what_no_answer_dominates_and_children_are_its_neighbours() -> None:
    result = mobench.run("lemonade_tabular", "catsum", budget=150, seed=2)
    X, F = result.history.X, result.history.F
    for note in result.history.records:
        members, n = np.array(note.content["population"]), note.answers
        front = X[:n][moocore.is_nondominated(F[:n], keep_weakly=True)]
        assert sorted(members.tolist()) == sorted(front.tolist())
        children = X[n : n + 5]
        assert ((children[:, None] != members).sum(axis=2).min(axis=1) == 1).all()


def test_where_costs_alone_count_the_extremes_are_found() -> None:
    """CatSum without its error: the cheapest architectures are all there is to find."""

    class Costs:
        inner = mobench.make_problem("catsum", {})
        space, training, deterministic = inner.space, inner.training, True
        objectives = (Objective("cost"), Objective("other"))

        def evaluate(self, X, *, fidelity=None, seeds=None):
            return mobench.Values(self.score(X))

        def score(self, X):
            cost = self.inner.score(X)[:, 1]
            return np.column_stack([cost, 24 - cost])

    F = mobench.run("lemonade_tabular", Costs(), budget=300, seed=0).history.F
    assert F[:, 0].min() == 0
    assert F[:, 0].max() == 24
