"""Cannot run without an option."""


def search(run, *, size: int):
    while True:
        run.evaluate(run.space.sample(run.rng, size))
