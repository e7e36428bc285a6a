"""BOME: descent on the upper level under a dynamic barrier on the lower level's value (Liu et al. 2022)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from mobench import Run, Supernet
from mobench.searchers._relaxed.linear import Loss, Vector, Weights, by_both, detached, dot, gradient, plus
from mobench.searchers._relaxed.search import Search
from mobench.searchers._relaxed.settings import BilevelAdam, Count, Positive
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (Supernet,)


@dataclass(frozen=True, kw_only=True)
class Options(BilevelAdam):
    """Options of BOME.

    Attributes
    ----------
    inner_steps : int
        Training steps of the weights' copy whose loss stands for the lower level's minimum (T); 1 to 20 in the paper.
    barrier : float
        How fast the lower level must descend (eta); 0.1, 0.5 or 0.9 in the paper.
    """

    inner_steps: Count = 10
    barrier: Positive = 0.5


def search(run: Run, options: Options) -> None:
    """Step alpha and the weights together against ``grad F + lambda grad q``; no second derivatives."""

    def step(search: Search) -> Mapping[str, float]:
        relaxed = search.relax()
        lower, upper = search.lower(relaxed), search.upper(relaxed)
        found = direction(
            upper,
            lower,
            search.weights,
            search.alpha,
            inner_steps=options.inner_steps,
            inner_rate=search.rate,
            barrier=options.barrier,
        )
        search.step_alpha(found.alpha)
        search.step_weights(found.weights)
        return {"gradient": float(found.alpha.norm()), "multiplier": found.multiplier, "gap": found.gap}

    sweep(run, options, Method(step=step))


@dataclass(frozen=True)
class Direction:
    """Where to step: gradients of both variables, the multiplier of the constraint, and its violation q."""

    alpha: Tensor
    weights: Vector
    multiplier: float
    gap: float


def direction(
    upper: Loss,
    lower: Loss,
    weights: Weights,
    alpha: Tensor,
    *,
    inner_steps: int,
    inner_rate: float,
    barrier: float = 0.5,
) -> Direction:
    """``grad F + lambda grad q`` in both variables, ``lambda = max(0, (phi - grad F . grad q) / ||grad q||^2)``.

    ``q = f(w, alpha) - f(w_T, alpha)`` with w_T, the weights after `inner_steps` steps at `inner_rate`, for a constant;
    ``phi = barrier ||grad q||^2`` (Liu et al. 2022, algorithm 1).
    """
    trained, fixed = detached(weights), alpha.detach()
    for _ in range(inner_steps):
        trained = detached(plus(trained, gradient(lower(trained, fixed), trained), -inner_rate))
    q = lower(weights, alpha) - lower(detached(trained, leaf=False), alpha)
    dq, dF = (by_both(value, weights, alpha) for value in (q, upper(weights, alpha)))
    length = dot(dq[0], dq[0]) + float((dq[1] ** 2).sum())
    agreement = dot(dF[0], dq[0]) + float((dF[1] * dq[1]).sum())
    multiplier = max(0.0, (barrier * length - agreement) / (length + 1e-8))
    return Direction(dF[1] + multiplier * dq[1], plus(dF[0], dq[0], multiplier), multiplier, float(q.detach()))
