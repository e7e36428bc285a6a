"""It recommends the whole space and thinks better of it in the end."""


def search(run):
    run.recommend(run.space.all())
    X = run.space.sample(run.rng, 5)
    run.evaluate(X)
    run.recommend(X)
    while True:
        run.evaluate(run.space.sample(run.rng, 10))
