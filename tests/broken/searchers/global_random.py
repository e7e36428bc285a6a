"""Draws from numpy's global random state."""

import numpy as np


def search(run):
    while True:
        X = np.random.randint(0, run.space.cardinalities, (10, len(run.space.cardinalities)))  # noqa: NPY002 - the fault
        run.evaluate(X)
