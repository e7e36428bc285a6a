"""Hypergradients that several methods take: through one step of the weights, and through their stationarity."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from mobench.searchers._relaxed.linear import (
    Loss,
    Operator,
    Solution,
    Vector,
    Weights,
    by_both,
    detached,
    gradient,
    mixed_difference,
    mixed_product,
    plus,
    product,
    times,
)
from mobench.searchers._relaxed.search import Search


def one_step(
    upper: Loss,
    lower: Loss,
    weights: Weights,
    alpha: Tensor,
    *,
    step: float,
    inertia: Weights | None = None,
    radius: float = 0.01,
) -> Tensor:
    """Hypergradient through one step of the weights, the mixed term by finite differences (DARTS eqs. 7 and 8).

    Parameters
    ----------
    step : float
        xi, the step of the weights: ``w' = w - xi (grad_w f + inertia)``.
    inertia : dict of Tensor, optional
        Momentum times velocity.
    radius : float
        Length of the weights' change of the finite differences.

    Returns
    -------
    Tensor
        ``grad_alpha F(w', alpha) - xi C grad_w F(w', alpha)``, in alpha's shape; `weights` stay as they are.
    """
    slope = gradient(lower(weights, alpha.detach()), weights)
    moved = detached(plus(weights, plus(slope, inertia) if inertia else slope, -step))
    u, direct = by_both(upper(moved, alpha), moved, alpha)
    return direct - step * mixed_difference(lower, detached(weights), alpha, u, radius=radius)


def through_next_step(search: Search, upper: Loss, lower: Loss, *, radius: float) -> Tensor:
    """`one_step` of a search's weights, with their momentum, as they will be trained next.

    Raises
    ------
    ValueError
        The network computes too coarsely for differences of gradients.
    """
    search.check_precision()
    inertia = times(search.velocity, search.settings.momentum)
    return one_step(upper, lower, search.weights, search.alpha, step=search.rate, inertia=inertia, radius=radius)


def implicit_gradient(
    upper: Loss,
    lower: Loss,
    weights: Weights,
    alpha: Tensor,
    *,
    solve: Callable[[Operator, Vector], Solution],
    radius: float | None = None,
) -> tuple[Tensor, Solution]:
    """Implicit gradient ``h = grad_alpha F - C v`` with ``H v = grad_w F``, at stationary weights of the lower level.

    Parameters
    ----------
    upper, lower : callable
        F and f, (weights, alpha) -> scalar, on one batch each.
    solve : callable
        ``(multiply by H, u) -> Solution``.
    radius : float, optional
        The mixed product by finite differences of grad_alpha f, over this length, instead of exactly.

    Returns
    -------
    tuple
        h, in alpha's shape, and the solution of the linear system.
    """
    u, direct = by_both(upper(weights, alpha), weights, alpha)
    slope = gradient(lower(weights, alpha), weights, graph=True)
    solution = solve(product(slope, weights), u)
    if radius is not None:
        return direct - mixed_difference(lower, detached(weights), alpha, solution.x, radius=radius), solution
    return direct - mixed_product(slope, alpha, solution.x), solution
