"""Linear algebra over dictionaries of weights: Hessian products, conjugate gradients, Neumann, power iteration."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

Vector = dict[str, Tensor]
"""One tensor a weight, by name: a vector of the space of weights."""
Weights = Mapping[str, Tensor]
Operator = Callable[[Weights], Vector]
"""A symmetric matrix, as the function that multiplies by it."""
_ALPHA = "\0alpha"
Loss = Callable[[Weights, Tensor], Tensor]
"""A loss of weights and architecture parameters, with its batch already chosen: a scalar tensor."""


def dot(a: Weights, b: Weights) -> float:
    """Inner product of two vectors."""
    return float(pairing(a, b).detach())


def norm(a: Weights) -> float:
    """Euclidean norm of a vector."""
    return float(torch.stack(torch._foreach_norm([value.detach() for value in a.values()])).norm())


def plus(a: Weights, b: Weights, scale: float = 1.0) -> Vector:
    """Return ``a + scale * b``; a graph through the tensors is kept."""
    return dict(zip(a, torch._foreach_add(list(a.values()), [b[name] for name in a], alpha=scale), strict=True))


def times(a: Weights, scale: float) -> Vector:
    """Return ``scale * a``."""
    return dict(zip(a, torch._foreach_mul(list(a.values()), scale), strict=True))


def detached(a: Weights, *, leaf: bool = True) -> Vector:
    """Copy a vector off its graph; as leaves that require a gradient, unless told otherwise."""
    return {name: value.detach().clone().requires_grad_(leaf) for name, value in a.items()}


def gradient(value: Tensor, weights: Weights, *, graph: bool = False) -> Vector:
    """Gradient of a scalar by the weights; zeros where it does not depend on them.

    Parameters
    ----------
    graph : bool
        Keep the graph, so that the gradient can itself be differentiated.
    """
    if not value.requires_grad:
        return {name: torch.zeros_like(w) for name, w in weights.items()}
    found = torch.autograd.grad(
        value, list(weights.values()), create_graph=graph, retain_graph=graph, allow_unused=True
    )
    return {n: torch.zeros_like(w) if g is None else g for (n, w), g in zip(weights.items(), found, strict=True)}


def by_alpha(value: Tensor, alpha: Tensor, *, keep: bool = False) -> Tensor:
    """Gradient of a scalar by alpha, in its shape; zeros where it does not depend on it. `keep` keeps the graph."""
    if not value.requires_grad:
        return torch.zeros_like(alpha)
    (found,) = torch.autograd.grad(value, [alpha], retain_graph=keep, allow_unused=True)
    return torch.zeros_like(alpha) if found is None else found


def by_both(value: Tensor, weights: Weights, alpha: Tensor) -> tuple[Vector, Tensor]:
    """Gradients of a scalar by the weights and by alpha, in one backward pass."""
    both = gradient(value, {**weights, _ALPHA: alpha})
    return {name: both[name] for name in weights}, both[_ALPHA]


def pairing(a: Weights, b: Weights) -> Tensor:
    """Inner product as a tensor that can be differentiated."""
    first = torch.cat([value.flatten() for value in a.values()])
    return torch.dot(first, first if b is a else torch.cat([b[name].flatten() for name in a]))


def product(slope: Weights, weights: Weights, *, damping: float = 0.0) -> Operator:
    """Multiplication by ``H + damping I``, where ``slope`` is the gradient (with its graph) whose derivative H is.

    One batch, one graph: all products of a solve see the same matrix, and each costs a second-order backward pass.
    """

    def multiply(v: Weights) -> Vector:
        names = [name for name in weights if slope[name].requires_grad]
        if not names:
            return times(v, damping)
        found = torch.autograd.grad(
            [slope[name] for name in names],
            list(weights.values()),
            [v[name] for name in names],
            retain_graph=True,
            allow_unused=True,
        )
        return {
            n: v[n] * damping if g is None else torch.add(g, v[n], alpha=damping)
            for n, g in zip(weights, found, strict=True)
        }

    return multiply


def mixed_product(slope: Weights, alpha: Tensor, v: Weights) -> Tensor:
    """``C v``, in alpha's shape: the gradient by alpha of ``grad_w f . v``, for ``slope = grad_w f`` with its graph."""
    names = [name for name in slope if slope[name].requires_grad]
    if not names:
        return torch.zeros_like(alpha)
    (found,) = torch.autograd.grad(
        [slope[n] for n in names], [alpha], [v[n] for n in names], retain_graph=True, allow_unused=True
    )
    return torch.zeros_like(alpha) if found is None else found


def mixed_difference(loss: Loss, weights: Weights, alpha: Tensor, v: Weights, *, radius: float = 0.01) -> Tensor:
    """``C v`` by central differences of ``grad_alpha f`` at ``w +- R v``, ``R = radius / ||v||`` (DARTS eq. 8).

    Exact where f is quadratic. Costs two first-order backward passes; zero where v is zero.
    """
    length = norm(v)
    if length == 0.0:
        return torch.zeros_like(alpha)
    R = radius / length
    above, below = (by_alpha(loss(plus(weights, v, sign * R), alpha), alpha) for sign in (1.0, -1.0))
    return (above - below) / (2.0 * R)


def mixed_transposed(loss: Loss, weights: Weights, alpha: Tensor, direction: Tensor) -> Vector:
    """``C' d``: the gradient by the weights of ``grad_alpha f . d``, d in alpha's shape."""
    value = loss(weights, alpha)
    if not value.requires_grad:
        return {name: torch.zeros_like(w) for name, w in weights.items()}
    (slope,) = torch.autograd.grad(value, [alpha], create_graph=True, allow_unused=True)
    if slope is None:
        return {name: torch.zeros_like(w) for name, w in weights.items()}
    return gradient(torch.vdot(slope.flatten(), direction.flatten()), weights)


@dataclass(frozen=True)
class Solution:
    """What a solver found.

    Attributes
    ----------
    x : dict of Tensor
        The solution.
    products : int
        How many products with the matrix it cost.
    residual : float
        ``||b - A x|| / ||b||`` where the solver knows it, else nan.
    indefinite : bool
        Whether the solver met a direction of nonpositive curvature and stopped there.
    """

    x: Vector
    products: int
    residual: float
    indefinite: bool = False


def conjugate_gradients(
    multiply: Operator,
    b: Weights,
    *,
    iterations: int = 10,
    tolerance: float = 1e-6,
    start: Weights | None = None,
) -> Solution:
    """Solve ``A x = b`` for a symmetric positive definite A (Hestenes and Stiefel 1952).

    Stops at ``||r|| <= tolerance ||b||`` with the newest iterate, or where ``p.Ap <= 0`` up to rounding: the matrix is
    not positive definite there, and the iterate before that step is returned.
    """
    x = times(b, 0.0) if start is None else {name: value.clone() for name, value in start.items()}
    r = {name: value.clone() for name, value in b.items()} if start is None else plus(b, multiply(x), -1.0)
    p, products, scale, largest = r, int(start is not None), norm(b), 0.0
    rounding = max(torch.finfo(value.dtype).eps for value in b.values())
    rr = dot(r, r)
    for _ in range(iterations):
        if math.sqrt(rr) <= tolerance * scale:
            break
        q = multiply(p)
        products += 1
        curvature, length = dot(p, q), dot(p, p)
        largest = max(largest, curvature / length)
        if curvature <= rounding * largest * length:
            return Solution(x, products, math.sqrt(rr) / scale if scale else 0.0, indefinite=True)
        a = rr / curvature
        x, r = plus(x, p, a), plus(r, q, -a)
        rr, before = dot(r, r), rr
        p = plus(r, p, rr / before)
    return Solution(x, products, math.sqrt(rr) / scale if scale else 0.0)


def neumann(multiply: Operator, b: Weights, *, step: float, terms: int) -> Solution:
    """Approximate ``A^-1 b`` by ``step * sum_{k=0}^{terms} (I - step A)^k b`` (Lorraine et al. 2020, algorithm 3).

    Converges for ``0 < step < 2 / lambda_max``. `terms` counts the products; iDARTS takes 2.
    """
    total = term = {name: value.clone() for name, value in b.items()}
    for _ in range(terms):
        term = plus(term, multiply(term), -step)
        total = plus(total, term)
    return Solution(times(total, step), terms, float("nan"))


def largest_eigenvalue(
    multiply: Operator, like: Weights, *, generator: torch.Generator, iterations: int = 20, tolerance: float = 1e-3
) -> float:
    """Eigenvalue of largest magnitude of a symmetric matrix, with its sign, by power iteration.

    Parameters
    ----------
    like : dict of Tensor
        Any vector of the space: its shapes, dtype and device are what counts.
    tolerance : float
        Stop where the Rayleigh quotient changes by less than this, relatively.
    """
    v = random_vector(like, generator)
    v = times(v, 1.0 / norm(v))
    quotient = 0.0
    for _ in range(iterations):
        q = multiply(v)
        quotient, before = dot(v, q), quotient
        length = norm(q)
        if length == 0.0:
            return 0.0
        v = times(q, 1.0 / length)
        if abs(quotient - before) <= tolerance * abs(quotient):
            break
    return quotient


def random_vector(like: Weights, generator: torch.Generator) -> Vector:
    """A standard normal vector in the shapes, dtype and on the device of `like`; drawn on the generator's device."""
    return {
        name: torch.randn(value.shape, dtype=value.dtype, generator=generator, device=generator.device).to(value.device)
        for name, value in like.items()
    }
