"""The auxiliary bilevel program: architecture and weights descend jointly (Savard and Gauvin 1994)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from mobench import Run, Supernet
from mobench.searchers._relaxed import joint as _joint
from mobench.searchers._relaxed import krylov as _krylov
from mobench.searchers._relaxed.ball import Ball
from mobench.searchers._relaxed.descent import POSITIVE
from mobench.searchers._relaxed.epo import epo_weights
from mobench.searchers._relaxed.linear import Operator, Solution, Vector, conjugate_gradients, plus
from mobench.searchers._relaxed.search import Search
from mobench.searchers._relaxed.settings import Bilevel, Count, NotNegative, Positive
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (Supernet,)


@dataclass(frozen=True, kw_only=True)
class Options(Bilevel):
    """Options of the auxiliary program; what is its own is ours.

    Attributes
    ----------
    norm : {"2", "inf", "1"}
        The ball of architecture directions: steepest descent, all signs, or the one coordinate that matters most.
    aggregation : {"preference", "min_norm", "epo"}
        How the objectives' hypergradients become one: weighted; the common descent of the min-norm point, each at unit
        length; or towards the preference's ray and along it (EPO).
    limits : tuple of float or None
        The most of each objective but the first, in its unit: linear constraints on alpha's direction keep its
        expectation under the softmax of alpha there, or lead back there.
    step_size : {"armijo", "quadratic"}
        Backtracking from `radius`, or from the minimum of a quadratic model along the direction, at most ten radii.
    radius : float
        First step tried, in logits.
    inner_steps : int
        Steps of the weights before each joint step; they also correct what the joint step left behind.
    solver : {"chebyshev", "cg"}
        One polynomial of the Hessian for both solves, so that the slope that is promised is the one that is met; or
        conjugate gradients for each, whose polynomials differ: right only where both converge.
    products : int
        Most Hessian-vector products of each of the two solves; ten more show the ends of the spectrum.
    damping : float
        Added to the Hessian, in units of the magnitude of its least eigenvalue, where that is negative: above one, or
        the system is not positive definite.
    warm : bool
        Start each solve of cg from the solution of the step before: one product more, and as good as the system is the
        same.
    """

    norm: Ball = "2"
    aggregation: Literal["preference", "min_norm", "epo"] = "preference"
    limits: tuple[float, ...] | None = None
    step_size: Literal["armijo", "quadratic"] = "armijo"
    radius: Positive = 0.1
    inner_steps: Count = 20
    solver: Literal["chebyshev", "cg"] = "chebyshev"
    products: Count = 10
    damping: NotNegative = 1.5
    warm: bool = False

    def __post_init__(self) -> None:
        if self.warm and self.solver != "cg":
            raise ValueError("warm: a polynomial starts from nothing; take solver='cg' or leave warm out")


def search(run: Run, options: Options) -> None:
    """Train the weights, then move alpha and the weights together along the auxiliary program's solution."""

    def step(search: Search) -> Mapping[str, float]:
        for _ in range(options.inner_steps):
            search.train(search.lower(search.relax()))
        relaxed = search.relax()
        valid, costs, lower = search.valid(relaxed), search.costs(relaxed), search.lower(relaxed)
        seen: dict[str, float] = {}
        point = _joint.Point(valid, costs, lower, search.weights, search.alpha)
        joint = _joint.direction(
            point,
            mixture=_mixture(search, options.aggregation),
            ball=options.norm,
            limits=None if options.limits is None else _excess(search, options.limits),
            radius=options.radius,
            prepare=_solver(search, options, seen),
        )
        merit, first = point.merit(joint.mix), options.radius
        if options.step_size == "quadratic":
            longest = 10 * options.radius if options.limits is None else options.radius
            first = min(_joint.quadratic_step(merit, point, joint) or options.radius, longest)
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
            "slope": joint.slope,
            "true_slope": joint.true_slope,
            "adjoint_residual": joint.adjoint,
            "response_residual": joint.response,
            **seen,
        }

    sweep(run, options, Method(step=step))


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
    costs = search.costs(search.draw("softmax"))
    most = torch.as_tensor(limits, dtype=search.alpha.dtype, device=search.alpha.device) / search.scales
    return lambda alpha: costs(alpha) - most


def _solver(search: Search, options: Options, seen: dict[str, float]) -> Callable[[Operator, Vector], _joint.Solve]:
    """Solves with the damped Hessian; warm ones are kept in `Search.extra`. Notes the spectrum in `seen`."""

    def prepare(multiply: Operator, like: Vector) -> _joint.Solve:
        ends = _krylov.spectrum(multiply, like, generator=search.generator)
        polynomial = _krylov.Polynomial.fitting(ends, damping=options.damping, products=options.products)
        shift = polynomial.shift
        seen.update(lambda_min=ends.least, lambda_max=ends.largest, damping=shift)

        def solve(name: str, b: Vector) -> Solution:
            if options.solver == "chebyshev":
                return polynomial.solve(multiply, b)
            start = {key: search.extra[f"{name}/{key}"] for key in b if f"{name}/{key}" in search.extra}
            solution = conjugate_gradients(
                lambda v: plus(multiply(v), v, shift), b, iterations=options.products, start=start or None
            )
            if options.warm:
                search.extra |= {f"{name}/{key}": value for key, value in solution.x.items()}
            return solution

        return solve

    return prepare
