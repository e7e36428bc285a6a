"""mobench's problems in the dress of other libraries."""

from __future__ import annotations

from typing import Any

import numpy as np

from mobench.core.indicators import finite
from mobench.core.limits import in_words, true_front, upper_limits
from mobench.core.problem import Problem, minimised
from mobench.core.space import Array
from mobench.harness.answers import addresses

__all__ = ["as_pymoo"]


def as_pymoo(problem: Problem, *, seed: int = 0) -> Any:
    """Turn `problem` into a pymoo problem of integer variables, evaluated in batches, all objectives minimised.

    F is what a searcher sees (`problem.evaluate` at full fidelity, maximised columns negated). Each objective with a
    limit has a column of G, the value less the limit, which is feasible up to 0. ``pareto_front()`` and
    ``pareto_set()`` are the true front as scored, as far as it is feasible, None where it cannot be listed. Nothing is
    metered, logged or answered from memory: for that, run a searcher through mobench. Where the space has a pool, an
    answer is that of the nearest row that exists, which is ``problem.space.canonical(X)``.

    Parameters
    ----------
    problem : Problem
        Any problem of mobench.
    seed : int
        Of the noise: the i-th architecture asked of the returned object is answered with the noise of answer i in a
        run with this seed, however the questions are batched.

    Returns
    -------
    pymoo.core.problem.Problem
        With ``names`` (genes) and ``objectives`` (the `Objective` of each column) besides what pymoo gives it.

    Examples
    --------
    >>> import mobench
    >>> from pymoo.algorithms.moo.nsga2 import NSGA2
    >>> from pymoo.operators.repair.rounding import RoundingRepair
    >>> from pymoo.operators.sampling.rnd import IntegerRandomSampling
    >>> from pymoo.optimize import minimize
    >>> catsum = as_pymoo(mobench.make_problem("catsum", {}))
    >>> nsga2 = NSGA2(pop_size=20, sampling=IntegerRandomSampling(), repair=RoundingRepair())
    >>> minimize(catsum, nsga2, ("n_gen", 5), seed=1).F.shape[1]
    2
    """
    from pymoo.core.problem import Problem as PymooProblem

    most = upper_limits(problem.objectives)
    limited = np.flatnonzero(np.isfinite(most))
    if len(limited) and (known := true_front(problem)) is not None and not len(known[0]):
        raise ValueError(f"limits: no architecture is {in_words(problem.objectives)}; loosen a limit")

    class FromMobench(PymooProblem):  # type: ignore[misc] # pymoo has no types
        names = problem.space.names
        objectives = problem.objectives

        def __init__(self) -> None:
            upper = np.array(problem.space.cardinalities) - 1
            super().__init__(
                n_var=len(upper),
                n_obj=len(problem.objectives),
                n_ieq_constr=len(limited),
                xl=np.zeros_like(upper),
                xu=upper,
                vtype=int,
            )
            self.answers = 0

        def name(self) -> str:
            return type(problem).__name__

        def _evaluate(self, x: Array, out: dict[str, Any], *args: Any, **kwargs: Any) -> None:
            X = problem.space.check(_integers(x))
            seeds = addresses(seed, self.answers, len(X))
            self.answers += len(X)
            F = problem.evaluate(X, fidelity=None, seeds=seeds).F
            out["F"] = minimised(finite(F), problem.objectives)
            if len(limited):
                out["G"] = out["F"][:, limited] - most[limited]

        def _calc_pareto_front(self, *args: Any, **kwargs: Any) -> Array | None:
            front = true_front(problem)
            return None if front is None else minimised(front[1], problem.objectives)

        def _calc_pareto_set(self, *args: Any, **kwargs: Any) -> Array | None:
            front = true_front(problem)
            return None if front is None else front[0]

    return FromMobench()


def _integers(x: Array) -> Array:
    """Genes that are whole numbers, whatever their type, as int64.

    Raises
    ------
    ValueError
        A gene is not a whole number.
    """
    try:
        X = np.asarray(x).astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"X: expected whole numbers, found {np.asarray(x).dtype} values") from None
    bad = ~(np.isfinite(X) & (np.floor(X) == X))
    if bad.any():
        raise ValueError(
            f"X: expected whole numbers, found {X[bad][0]:.4g}; give the pymoo algorithm "
            "sampling=IntegerRandomSampling() and repair=RoundingRepair()"
        )
    return X.astype(np.int64)
