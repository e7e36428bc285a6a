"""Hyper local search: linear programs move alpha and trained weights together (Sinha and Gunwal 2025)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import linprog
from torch import Tensor

from mobench import Array, Run, Supernet
from mobench.searchers._relaxed.linear import Loss, Vector, Weights, by_both, gradient, plus
from mobench.searchers._relaxed.search import Search
from mobench.searchers._relaxed.settings import Bilevel, Count, Positive
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (Supernet,)

DOUBLINGS, SECTIONS = 10, 12
"""Most doublings of the bounding phase, and golden sections after it."""
GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True, kw_only=True)
class Options(Bilevel):
    """Options of hyper local search.

    Attributes
    ----------
    inner_steps : int
        Steps of the weights before each program: it starts from trained weights; ours.
    box : float
        Most change of each weight in the program, where that of each entry of alpha is 1: in the paper 1 for networks
        and 100 for the elastic net. A box that binds turns the direction away from steepest descent.
    slack : float
        By how much each entry of the lower level's gradient may change along the direction; the paper's.
    rows : int
        Most entries of that gradient that are constrained, drawn anew each step: a second backward pass each. All of
        small models; the paper has 1 % of a network's, with an approximate Hessian (SR1), where these rows are exact.
    radius : float
        First length of the bounding phase along the joint direction, of length one; as the paper's for networks.
    """

    inner_steps: Count = 20
    box: Positive = 1.0
    slack: Positive = 1e-4
    rows: Count = 256
    radius: Positive = 0.1


def search(run: Run, options: Options) -> None:
    """Train the weights, solve the linear program there, and go along its solution as far as the upper level falls."""

    def step(search: Search) -> Mapping[str, float]:
        for _ in range(options.inner_steps):
            search.train(search.lower(search.relax()))
        search.check()
        search.check_precision()
        relaxed = search.relax()
        lower, upper = search.lower(relaxed), search.upper(relaxed)
        weights, alpha = search.weights, search.alpha
        u, direct = by_both(upper(weights, alpha), weights, alpha)
        exists = np.ones(alpha.numel()) if search.mask is None else search.mask.cpu().numpy().ravel().astype(float)
        joint, slope = program(
            _flat(u, direct),
            stationarity(lower, weights, alpha, most=options.rows, generator=search.generator),
            bounds=np.concatenate([exists, np.full(sum(w.numel() for w in weights.values()), options.box)]),
            slack=options.slack,
        )
        d_alpha, d_weights = _shaped(joint, weights, alpha)

        def value(t: float) -> float:
            with torch.no_grad():
                return float(upper(plus(weights, d_weights, t), alpha + t * d_alpha))

        t = longest_fall(value, options.radius)
        with torch.no_grad():
            alpha.add_(d_alpha, alpha=t)
            for name, w in weights.items():
                w.add_(d_weights[name], alpha=t)
        return {"slope": slope, "step_size": t, "gradient": float(direct.norm())}

    sweep(run, options, Method(step=step))


def stationarity(
    lower: Loss, weights: Weights, alpha: Tensor, *, most: int, generator: torch.Generator | None = None
) -> Array:
    """Rows of [f_wa, f_ww], (k, d + n): how entries of the lower level's gradient change with alpha and the weights.

    Parameters
    ----------
    most : int
        All n rows where there are no more, else so many, drawn by `generator`.
    """
    slope = torch.cat([g.flatten() for g in gradient(lower(weights, alpha), weights, graph=True).values()])
    picked = torch.arange(len(slope))
    if len(slope) > most:
        picked = torch.randperm(len(slope), generator=generator)[:most].sort().values
    variables = [alpha, *weights.values()]
    rows = []
    for i in picked.tolist():
        found = torch.autograd.grad(slope[i], variables, retain_graph=True, allow_unused=True)
        filled = [torch.zeros_like(x) if g is None else g for x, g in zip(variables, found, strict=True)]
        rows.append(torch.cat([g.flatten() for g in filled]).cpu().numpy().astype(np.float64))
    return np.array(rows)


def program(cost: Array, rows: Array, *, bounds: Array, slack: float) -> tuple[Array, float]:
    """Minimise ``cost . x`` over ``|rows x| <= slack`` and ``|x| <= bounds``; x of length one, and the slope along it.

    Parameters
    ----------
    cost : Array
        (d + n,) gradient of the upper level by alpha and the weights.
    rows : Array
        (k, d + n) of `stationarity`.

    Raises
    ------
    ArithmeticError
        The solver gave up.
    """
    found = linprog(
        cost,
        A_ub=np.concatenate([rows, -rows]),
        b_ub=np.full(2 * len(rows), slack),
        bounds=np.column_stack([-bounds, bounds]),
        method="highs",
    )
    if found.x is None:
        raise ArithmeticError(f"linear program: {found.message}")
    length = float(np.linalg.norm(found.x)) or 1.0
    return found.x / length, float(cost @ found.x) / length


def longest_fall(value: Callable[[float], float], first: float) -> float:
    """Length t of least value: doubled from `first` until the value grows, then by golden sections; 0 if none is less.

    (Deb 1995, "Optimization for engineering design": bounding phase and golden section search.)
    """
    seen = {0.0: value(0.0), first: value(first)}
    low, high, t = 0.0, first, first
    for _ in range(DOUBLINGS):
        if seen[t] >= min(seen[x] for x in seen if x < t):
            break
        low, t = (t / 2 if t > first else 0.0), 2 * t
        seen[t], high = value(t), t
    inner = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)]
    seen |= {x: value(x) for x in inner}
    for _ in range(SECTIONS):
        if seen[inner[0]] < seen[inner[1]]:
            high, inner = inner[1], [inner[1] - GOLDEN * (inner[1] - low), inner[0]]
            seen[inner[0]] = value(inner[0])
        else:
            low, inner = inner[0], [inner[1], inner[0] + GOLDEN * (high - inner[0])]
            seen[inner[1]] = value(inner[1])
    return min(seen, key=lambda x: seen[x])


def _flat(weights: Weights, alpha: Tensor) -> Array:
    """Alpha's entries and then the weights', (d + n,)."""
    joined = torch.cat([alpha.flatten(), *(w.flatten() for w in weights.values())])
    flat: Array = joined.detach().cpu().numpy().astype(np.float64)
    return flat


def _shaped(x: Array, weights: Weights, alpha: Tensor) -> tuple[Tensor, Vector]:
    """The inverse of `_flat`, of the kinds and shapes of `weights` and `alpha`."""
    like = [alpha.detach(), *(w.detach() for w in weights.values())]
    cuts = np.cumsum([one.numel() for one in like])[:-1]
    parts = [
        torch.as_tensor(part, dtype=one.dtype, device=one.device).reshape(one.shape)
        for part, one in zip(np.split(x, cuts), like, strict=True)
    ]
    return parts[0], dict(zip(weights, parts[1:], strict=True))
