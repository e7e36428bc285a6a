"""Gives itself a larger budget."""

from mobench import Cost


def search(run):
    run.spent = Cost()
    run.limit = Cost(1e9, 1e9, 1e9, 1e9)
    while True:
        run.evaluate(run.space.sample(run.rng, 10))
