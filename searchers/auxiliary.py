"""The auxiliary bilevel program: architecture and weights descend jointly (Savard and Gauvin 1994)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt, Interval

from mobench import Run, Supernet
from mobench.searchers import _joint
from mobench.searchers._bilevel import Search, Settings
from mobench.searchers._joint import Ball
from mobench.searchers._linear import Operator, Vector, damped
from mobench.searchers._relaxations import Relaxation
from mobench.searchers._sweep import Method, sweep

needs = (Supernet,)


def search(
    run: Run,
    *,
    norm: Ball = "2",
    aggregation: Literal["preference", "min_norm"] = "preference",
    step_size: Literal["armijo", "quadratic"] = "armijo",
    radius: Annotated[float, Gt(0)] = 0.1,
    inner_steps: Annotated[int, Ge(1)] = 20,
    products: Annotated[int, Ge(1)] = 10,
    damping: Annotated[float, Ge(0)] = 1e-3,
    preferences: Annotated[int, Ge(1)] = 5,
    preference: Annotated[float, Interval(ge=0, le=1)] | None = None,
    steps: Annotated[int, Ge(1)] | None = None,
    relaxation: Relaxation = "softmax",
    learning_rate: Annotated[float, Gt(0)] = 0.025,
    momentum: Annotated[float, Interval(ge=0, lt=1)] = 0.9,
    weight_decay: Annotated[float, Ge(0)] = 3e-4,
) -> None:
    """Train the weights, then move alpha and the weights together along the auxiliary program's solution.

    Parameters
    ----------
    run : Run
        The problem, with a supernet.
    norm : {"2", "inf", "1"}
        The ball of architecture directions: steepest descent, all signs, or the one coordinate that matters most.
    aggregation : {"preference", "min_norm"}
        How the objectives' hypergradients become one: weighted, or the common descent of the min-norm point.
    step_size : {"armijo", "quadratic"}
        Backtracking from `radius`, or from the minimum of a quadratic model along the direction, at most ten radii.
    radius : float
        First step tried, in logits.
    inner_steps : int
        Steps of the weights before each joint step; they also correct what the joint step left behind.
    products : int
        Most Hessian-vector products of each of the two solves.
    damping : float
        Added to the Hessian, relative to its mean eigenvalue.
    preferences, preference, steps, relaxation, learning_rate, momentum, weight_decay
        See `mobench.searchers._bilevel.Settings`.
    """
    settings = Settings(
        preferences=preferences,
        preference=preference,
        steps=steps,
        relaxation=relaxation,
        learning_rate=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
    )

    def step(search: Search) -> Mapping[str, float]:
        for _ in range(inner_steps):
            search.train(search.lower(search.relax()))
        relaxed = search.relax()
        valid, costs, lower = search.valid(relaxed), search.costs(relaxed), search.lower(relaxed)
        point = _joint.Point(valid, costs, lower, search.weights, search.alpha)

        def damp(multiply: Operator, like: Vector) -> Operator:
            return damped(multiply, like, damping, generator=search.generator)

        mix = search.preference if aggregation == "preference" else None
        joint = _joint.direction(point, mix=mix, ball=norm, iterations=products, damp=damp)
        merit, first = point.merit(joint.mix), radius
        if step_size == "quadratic":
            first = min(_joint.quadratic_step(merit, point, joint) or radius, 10 * radius)
        if "floor" not in search.extra:  # a tenth of the first residual
            search.extra["floor"] = torch.tensor(0.1 * joint.residual, dtype=torch.float64)
        t, joined = _joint.backtrack(merit, point, joint, first=first, floor=float(search.extra["floor"]))
        _joint.take(point, joint, t, joined=joined)
        return {
            "gradient": float(joint.h.norm()),
            "step_size": t,
            "joint": float(joined),
            "products": float(joint.products),
            "indefinite": float(joint.indefinite),
            "lower_gradient": joint.residual,
        }

    sweep(run, settings, Method(step=step))
