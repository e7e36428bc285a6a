"""Takes exponentials of values that may be large."""

import math


def search(run):
    while True:
        for f in run.evaluate(run.space.sample(run.rng, 10)).ravel():
            math.exp(f)
