"""Goes through a set of strings, whose order is another in every process."""


def search(run):
    X = run.space.sample(run.rng, 40)
    for text in {" ".join(map(str, x)) for x in X.tolist()}:
        run.evaluate([int(gene) for gene in text.split()])
