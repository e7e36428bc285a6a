"""Looks architectures up by their class, under the numbers of their rows."""


def search(run):
    while True:
        X = run.space.sample(run.rng, 10)
        run.evaluate(X)
        known = dict(zip(run.space.index(X).tolist(), X, strict=True))
        for key in run.space.key(X).tolist():
            known[key]
