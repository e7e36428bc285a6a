"""The auxiliary bilevel program: architecture and weights descend jointly (Savard and Gauvin 1994)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor

from mobench import Run, Supernet
from mobench.searchers._relaxed import joint as _joint
from mobench.searchers._relaxed.ball import Ball
from mobench.searchers._relaxed.descent import POSITIVE
from mobench.searchers._relaxed.epo import epo_weights
from mobench.searchers._relaxed.linear import Operator, Solution, Vector, conjugate_gradients, damped
from mobench.searchers._relaxed.relaxations import Relaxation, draw
from mobench.searchers._relaxed.search import Search, Settings
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (Supernet,)


def search(
    run: Run,
    *,
    norm: Ball = "2",
    aggregation: Literal["preference", "min_norm", "epo"] = "preference",
    limits: tuple[float, ...] | None = None,
    step_size: Literal["armijo", "quadratic"] = "armijo",
    radius: Annotated[float, Gt(0)] = 0.1,
    inner_steps: Annotated[int, Ge(1)] = 20,
    products: Annotated[int, Ge(1)] = 10,
    damping: Annotated[float, Ge(0)] = 1e-3,
    warm: bool = False,
    preferences: Annotated[int, Ge(1)] = 5,
    preference: Annotated[float, Interval(ge=0, le=1)] | None = None,
    steps: Annotated[int, Ge(1)] | None = None,
    relaxation: Relaxation = "softmax",
    warm_up: Annotated[float, Interval(ge=0, lt=1)] = 0.0,
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
    aggregation : {"preference", "min_norm", "epo"}
        How the objectives' hypergradients become one: weighted; the common descent of the min-norm point; or towards
        the preference's ray and along it (EPO).
    limits : tuple of float, optional
        The most of each objective but the first, in its unit: linear constraints on alpha's direction keep its
        expectation under the softmax of alpha there, or lead back there.
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
    warm : bool
        Start each solve from the solution of the step before.
    preferences, preference, steps, relaxation, warm_up, learning_rate, momentum, weight_decay
        See `mobench.searchers._relaxed.search.Settings`.
    """
    settings = Settings(
        preferences=preferences,
        preference=preference,
        steps=steps,
        relaxation=relaxation,
        warm_up=warm_up,
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
        joint = _joint.direction(
            point,
            mixture=_mixture(search, aggregation),
            ball=norm,
            limits=None if limits is None else _excess(search, limits),
            radius=radius,
            prepare=_solver(search, products=products, damping=damping, warm=warm),
        )
        merit, first = point.merit(joint.mix), radius
        if step_size == "quadratic":
            longest = 10 * radius if limits is None else radius
            first = min(_joint.quadratic_step(merit, point, joint) or radius, longest)
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


def _mixture(search: Search, aggregation: str) -> _joint.Mixture:
    r = search.preference
    if aggregation == "preference":
        return lambda values, H: r
    if aggregation == "min_norm":
        return lambda values, H: _joint.common_descent(H)
    return lambda values, H: epo_weights(H, values.clamp_min(0.0) + POSITIVE, r.clamp_min(POSITIVE))


def _excess(search: Search, limits: tuple[float, ...]) -> Callable[[Tensor], Tensor]:
    """By how much the expected costs exceed their limits, in units of their scales: alpha -> (m - 1,)."""
    if len(limits) != len(search.scales):
        raise ValueError(f"limits: expected {len(search.scales)}, one an objective but the first, found {len(limits)}")
    costs = search.costs(draw(search.alpha, "softmax"))
    most = torch.as_tensor(limits, dtype=search.alpha.dtype, device=search.alpha.device) / search.scales
    return lambda alpha: costs(alpha) - most


def _solver(search: Search, *, products: int, damping: float, warm: bool) -> Callable[[Operator, Vector], _joint.Solve]:
    """Conjugate gradients with the damped Hessian; `warm` ones keep their solutions in `Search.extra`."""

    def prepare(multiply: Operator, like: Vector) -> _joint.Solve:
        H = damped(multiply, like, damping, generator=search.generator)

        def solve(name: str, b: Vector) -> Solution:
            start = {key: search.extra[f"{name}/{key}"] for key in b if f"{name}/{key}" in search.extra}
            solution = conjugate_gradients(H, b, iterations=products, start=start or None)
            if warm:
                search.extra |= {f"{name}/{key}": value for key, value in solution.x.items()}
            return solution

        return solve

    return prepare
