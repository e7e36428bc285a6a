"""Asks for the same few architectures again and again."""


def search(run):
    X = run.space.sample(run.rng, 3)
    while True:
        run.evaluate(X)
