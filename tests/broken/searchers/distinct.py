"""Wants five different architectures to begin with, also where there are fewer."""


def search(run):
    numbers = run.rng.choice(min(run.space.size, 1000), 5, replace=False)
    run.evaluate(run.space.at(numbers))
    while True:
        run.evaluate(run.space.sample(run.rng, 10))
