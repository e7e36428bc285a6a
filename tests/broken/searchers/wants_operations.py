"""Asks for a supernet of any kind, and takes it for granted that its genes choose among operations."""

from mobench import Supernet

needs = (Supernet,)


def search(run):
    weights, names = run.supernet.initial_weights(), run.supernet.operations
    for _ in range(20):
        X = run.space.sample(run.rng, 1)
        run.supernet.one_shot(weights, X, batches=1)
        run.record(first=names[0][X[0, 0]])
        run.recommend(X)
