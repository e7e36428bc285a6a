"""Draws from a generator that nobody seeded."""

import numpy as np


def search(run):
    rng = np.random.default_rng()
    while True:
        run.evaluate(run.space.sample(rng, 10))
