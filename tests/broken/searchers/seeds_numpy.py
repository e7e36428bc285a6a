"""Seeds numpy's global random state from its own stream, and draws from it: repeatable, and rude."""

import numpy as np


def search(run):
    np.random.seed(int(run.rng.integers(2**31)))  # noqa: NPY002 - the fault
    while True:
        X = np.random.randint(0, run.space.cardinalities, (10, len(run.space.cardinalities)))  # noqa: NPY002 - the fault
        run.evaluate(X)
