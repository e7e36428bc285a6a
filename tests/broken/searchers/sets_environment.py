"""Sets an environment variable for a library of its own."""

import os


def search(run):
    os.environ["MOBENCH_BROKEN_PLUGIN"] = str(run.rng.random())
    while True:
        run.evaluate(run.space.sample(run.rng, 10))
