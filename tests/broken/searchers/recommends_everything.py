"""It recommends the whole space, of which it had one answer."""


def search(run):
    run.evaluate(run.space.sample(run.rng, 1))
    run.recommend(run.space.all())
    while True:
        run.evaluate(run.space.sample(run.rng, 10))
