"""Takes for granted that an architecture gets the same answer again."""


def search(run):
    x = run.space.sample(run.rng, 1)
    first = run.evaluate(x)
    while True:
        if (run.evaluate(x) != first).any():
            raise RuntimeError("another answer")
        run.evaluate(run.space.sample(run.rng, 1))
