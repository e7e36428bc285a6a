"""It records all that it saw as its population, so that scoring chooses."""

import numpy as np


def search(run):
    seen = []
    while True:
        X = run.space.sample(run.rng, 10)
        run.evaluate(X)
        seen.append(X)
        run.record(population=np.concatenate(seen))
