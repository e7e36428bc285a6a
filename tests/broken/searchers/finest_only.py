"""Asks at a fidelity that is not on offer."""


def search(run):
    while True:
        run.evaluate(run.space.sample(run.rng, 10), fidelity=50 if run.fidelities else None)
