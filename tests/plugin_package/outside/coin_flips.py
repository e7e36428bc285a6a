"""Change each gene of a nondominated architecture by the flip of a coin."""

from typing import Annotated

import numpy as np
from annotated_types import Ge, Interval

from mobench import Run, nondominated


def search(run: Run, *, batch: Annotated[int, Ge(1)] = 20, heads: Annotated[float, Interval(gt=0, lt=1)] = 0.5) -> None:
    X = run.space.sample(run.rng, batch)
    F = run.evaluate(X)
    while True:
        best = X[nondominated(F)]
        parents = best[run.rng.integers(len(best), size=batch)]
        fresh = run.space.sample(run.rng, batch)
        children = np.where(run.rng.random(parents.shape) < heads, fresh, parents)
        X, F = np.concatenate([X, children]), np.concatenate([F, run.evaluate(children)])
