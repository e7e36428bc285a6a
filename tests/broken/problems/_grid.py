"""A sound problem, which each of its neighbours breaks in one place."""

import numpy as np

from mobench import Cost, Objective, Space, Values


class Grid:
    """Both objectives from two genes: x, and 8 - x where y is 0."""

    space = Space((9, 4))
    objectives = (Objective("f1"), Objective("f2", unit="s"))
    training = Cost(evaluations=1, seconds=2.0)
    deterministic = True

    def evaluate(self, X, *, fidelity, seeds):
        return Values(self.score(X), seconds=2.0)

    def score(self, X):
        return np.column_stack([X[:, 0] + X[:, 1], 8 - X[:, 0] + X[:, 1]]).astype(float)

    def front(self):
        X = np.column_stack([np.arange(9), np.zeros(9, dtype=int)])
        return X, self.score(X)
