"""Keeps what it learned in a mutable default, from one run to the next."""

import numpy as np


def search(run, *, known=[]):  # noqa: B006 - the fault
    while True:
        X = run.space.sample(run.rng, 10)
        run.evaluate(np.roll(X, len(known), axis=0))
        known.append(X)
