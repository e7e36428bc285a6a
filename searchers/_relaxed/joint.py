"""The auxiliary bilevel program at a point: its joint direction of architecture and weights, and the step along it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from mobench.searchers._relaxed.ball import Ball, steepest
from mobench.searchers._relaxed.linear import (
    Loss,
    Operator,
    Solution,
    Vector,
    Weights,
    by_alpha,
    by_both,
    conjugate_gradients,
    detached,
    dot,
    gradient,
    mixed_product,
    mixed_transposed,
    norm,
    plus,
    product,
    times,
)
from mobench.searchers._relaxed.min_norm import min_norm_weights, normalise

Mixture = Callable[[Tensor, Tensor], Tensor]
"""``(values (m,), hypergradients (m, n)) -> (m,)``: weights of the objectives."""
Solve = Callable[[str, Vector], Solution]
"""``("adjoint" or "response", right-hand side) -> solution`` of a system with the lower level's Hessian."""

ARMIJO = 1e-4
"""Share of the predicted decrease that a step must reach (c1)."""
HALVINGS = 5
"""Most halvings of a step before the weights stay behind."""
GUARD = 2.0
"""Most growth of the lower level's gradient along a step (kappa)."""


@dataclass(frozen=True)
class Point:
    """Both levels, on one batch each, at one alpha and its weights.

    Attributes
    ----------
    valid, lower : callable
        F, the first objective, and f, the lower level: (weights, alpha) -> scalar.
    costs : callable
        The other objectives: alpha -> (m - 1,).
    weights, alpha : dict of Tensor and Tensor
        Leaves that require a gradient.
    """

    valid: Loss
    costs: Callable[[Tensor], Tensor]
    lower: Loss
    weights: Vector
    alpha: Tensor

    def merit(self, mix: Tensor) -> Loss:
        """The objectives weighted by `mix`, (m,), as one loss."""

        def loss(weights: Weights, alpha: Tensor) -> Tensor:
            value = mix[0] * self.valid(weights, alpha)
            return value + (mix[1:] * self.costs(alpha)).sum() if len(mix) > 1 else value

        return loss


@dataclass(frozen=True)
class Joint:
    """A joint direction.

    Attributes
    ----------
    h : Tensor
        The hypergradient of the weighted objectives, in alpha's shape.
    alpha, weights : Tensor and dict of Tensor
        d_alpha and its linear response d_w: ``H d_w + C' d_alpha = 0``.
    mix : Tensor
        (m,) weights of the objectives.
    slope : float
        ``h . d_alpha``: the first-order change of the weighted objectives that h promises; positive only
        on the way back to limits.
    true_slope : float
        Their derivative along ``(d_alpha, d_w)``: the same where one symmetric matrix served both solves.
    residual : float
        ``||grad_w f||`` where the direction starts: 0 if the weights are stationary.
    adjoint, response : float
        Relative residuals of the systems behind h and behind d_w.
    products : int
        Hessian-vector products of the two solves.
    indefinite : bool
        Whether a solve met nonpositive curvature.
    """

    h: Tensor
    alpha: Tensor
    weights: Vector
    mix: Tensor
    slope: float
    true_slope: float
    residual: float
    adjoint: float
    response: float
    products: int
    indefinite: bool


def direction(
    point: Point,
    *,
    mixture: Mixture,
    ball: Ball = "2",
    limits: Callable[[Tensor], Tensor] | None = None,
    radius: float = 1.0,
    prepare: Callable[[Operator, Vector], Solve] = lambda multiply, like: (
        lambda name, b: conjugate_gradients(multiply, b, iterations=50)
    ),
) -> Joint:
    """Solve the auxiliary bilevel program: minimise ``grad F . (d_alpha, d_w)``, d_w the weights' linear response.

    Its lower level, ``min 1/2 d'Hd + d'(C' d_alpha)``, is replaced by ``H d_w + C' d_alpha = 0``; eliminating d_w
    leaves ``h . d_alpha`` with the implicit gradient ``h = grad_alpha F - C H^-1 grad_w F``.

    Parameters
    ----------
    mixture : callable
        Weights of the objectives, by their values and hypergradients.
    ball : {"2", "inf", "1"}
        The norm of alpha's direction.
    limits : callable, optional
        ``alpha -> (k,)``, nonpositive where alpha is allowed.
    radius : float
        The longest step along d_alpha after which the linear model of `limits` is to be kept.
    prepare : callable
        ``(multiply by H, a vector) -> Solve``.
    """
    weights, alpha = point.weights, point.alpha
    value, costs = point.valid(weights, alpha), point.costs(alpha)
    u, direct = by_both(value, weights, alpha)
    slope = gradient(point.lower(weights, alpha), weights, graph=True)
    solve = prepare(product(slope, weights), u)
    adjoint = solve("adjoint", u)
    rows = _rows(costs, alpha)
    H = torch.stack([(direct - mixed_product(slope, alpha, adjoint.x)).flatten(), *rows])
    mix = mixture(torch.cat([value[None], costs]).detach(), H)
    h = (mix @ H).reshape(alpha.shape)
    if limits is None:
        d = steepest(h, ball)
    else:
        excess = limits(alpha)
        d = steepest(h, ball, rows=torch.stack(_rows(excess, alpha)), room=-excess.detach() / radius)
    pull = mixed_transposed(point.lower, weights, alpha, d)
    response = solve("response", times(pull, -1.0))
    partial = torch.stack([direct.flatten(), *rows])
    return Joint(
        h=h,
        alpha=d,
        weights=response.x,
        mix=mix,
        slope=float((h * d).sum()),
        true_slope=float(mix @ partial @ d.flatten()) + float(mix[0]) * dot(u, response.x),
        residual=norm({name: g.detach() for name, g in slope.items()}),
        adjoint=adjoint.residual,
        response=response.residual,
        products=adjoint.products + response.products,
        indefinite=adjoint.indefinite or response.indefinite,
    )


def _rows(values: Tensor, alpha: Tensor) -> list[Tensor]:
    """Gradients by alpha, (n,) each, of (k,) values."""
    return [by_alpha(value, alpha, keep=True).flatten() for value in values]


def common_descent(H: Tensor) -> Tensor:
    """Weights, (m,) on the simplex, that give the hypergradients H, (m, n), the min-norm direction of the unit ones."""
    lengths = H.norm(dim=1)
    mix = min_norm_weights(normalise(H, torch.ones_like(lengths), "l2")) / torch.where(lengths > 0, lengths, 1.0)
    return mix / mix.sum()


def quadratic_step(merit: Loss, point: Point, joint: Joint, *, radius: float = 1e-3) -> float | None:
    """Minimum of a quadratic model along the direction, its curvature by a forward difference of the gradient.

    None where the curvature is not positive. Exact, up to rounding, where the merit is quadratic.
    """

    def derivative(t: float) -> float:
        weights, alpha = moved(point, joint, t)
        slopes, slope = by_both(merit(weights, alpha), weights, alpha)
        return dot(slopes, joint.weights) + float((slope * joint.alpha).sum())

    here, there = derivative(0.0), derivative(radius)
    curvature = (there - here) / radius
    return -here / curvature if curvature > 0.0 and here < 0.0 else None


def moved(point: Point, joint: Joint, t: float, *, joined: bool = True) -> tuple[Vector, Tensor]:
    """Weights and alpha after the step t, as fresh leaves; the weights stay behind unless `joined`."""
    weights = plus(point.weights, joint.weights, t) if joined else point.weights
    return detached(weights), (point.alpha + t * joint.alpha).detach().requires_grad_()


def backtrack(merit: Loss, point: Point, joint: Joint, *, first: float, floor: float = 0.0) -> tuple[float, bool]:
    """Halve a step until the merit falls by Armijo's rule and the weights stay about as stationary as they were.

    On the way back to `limits` the merit may rise.

    Parameters
    ----------
    first : float
        The step tried first.
    floor : float
        Gradients of the lower level up to this do not count as a loss of stationarity.

    Returns
    -------
    tuple
        The step, and whether the weights go along: where no step is accepted, alpha alone takes the shortest.
    """
    with torch.no_grad():
        start = float(merit(point.weights, point.alpha))
    t = first
    for halving in range(HALVINGS + 1):
        t = first * 0.5**halving
        weights, alpha = moved(point, joint, t)
        with torch.no_grad():
            falls = joint.slope > 0.0 or float(merit(weights, alpha)) <= start + ARMIJO * t * joint.slope
        if falls and norm(gradient(point.lower(weights, alpha), weights)) <= GUARD * max(joint.residual, floor):
            return t, True
    return t, False


def take(point: Point, joint: Joint, t: float, *, joined: bool) -> None:
    """Change alpha, and the weights where they go along, in place; momentum is not touched."""
    weights, alpha = moved(point, joint, t, joined=joined)
    with torch.no_grad():
        point.alpha.copy_(alpha)
        for name, weight in point.weights.items():
            weight.copy_(weights[name])
