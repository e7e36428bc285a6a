"""GBHO: an augmented Lagrangian on the gap to a model of the lower level's value function (Sinha et al. 2023)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import Ge
from scipy.linalg import solve_triangular
from scipy.stats.qmc import Halton
from torch import Tensor

from mobench import Array, ContinuousSupernet, Run
from mobench.searchers._relaxed.linear import Vector, Weights, by_both
from mobench.searchers._relaxed.search import Search
from mobench.searchers._relaxed.settings import Bilevel, Count, NotNegative, Positive
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (ContinuousSupernet,)

LENGTHS = tuple(np.geomspace(0.05, 5.0, 30))
"""Length scales of the process that are tried, as shares of the box's sides."""
NOISE = 1e-8
"""Variance of the samples' noise as a share of the process's."""


@dataclass(frozen=True, kw_only=True)
class Options(Bilevel):
    """Options of GBHO.

    Attributes
    ----------
    samples : int
        Points of the box at which weights are trained for the model of the value function, in any number of dimensions;
        a grid of 5 x 5 in the paper, for two.
    inner_steps : int
        Most steps of L-BFGS at each of them, from the weights of the one before; ours: penalties that differ by
        factors of thousands want steps of other lengths, and what is not trained well is no bound.
    multiplier : float
        First multiplier of the gap; the paper's. Larger ones hold the weights nearer to the lower level's minimum, and
        amplify what is wrong with the model of the value function.
    penalty : float
        First factor of half the squared gap; the paper's.
    growth : float
        Of multiplier and penalty from round to round; the paper's.
    rounds : int
        Times that the multiplier takes in what is left of the gap; the paper's.
    alpha_rate : float
        Of Adam on alpha, with betas (0.5, 0.999); ours.
    """

    samples: Annotated[int, Ge(2)] = 25
    inner_steps: Count = 100
    multiplier: NotNegative = 2.0
    penalty: NotNegative = 2.0
    growth: Annotated[float, Ge(1)] = 1.5
    rounds: Count = 5
    alpha_rate: Positive = 0.05


def search(run: Run, options: Options) -> None:
    """Train at some points, model how good weights can get, then move alpha and weights together under that bound.

    With the value function ``v(alpha) = min_w f`` the gap is ``c = f(w, alpha) - v(alpha)``; what falls is ``F + mu c +
    R c^2 / 2``. The samples serve all preferences.
    """

    def begin(search: Search, before: Vector) -> None:
        names = ("points", "values", "sampled", "coefficients", "length")
        d, like = len(search.alpha), search.alpha.detach()
        start = {
            "points": torch.as_tensor(design(options.samples, d)).to(like),
            "values": like.new_zeros(options.samples),
            "sampled": like.new_zeros(()),
        }
        search.extra |= {name: before[name] for name in names if name in before} or start
        search.extra |= {"mu": like.new_tensor(options.multiplier), "R": like.new_tensor(options.penalty)}
        search.extra |= {"round": like.new_zeros(()), "begun": like.new_ones(())}

    def step(search: Search) -> Mapping[str, float]:
        if search.extra["sampled"] < options.samples:
            return _sample(search, options.inner_steps)
        return _descend(search, options)

    sweep(run, options, Method(step=step, begin=begin))


def _sample(search: Search, inner_steps: int) -> Mapping[str, float]:
    """Train the weights at the next point, and keep the loss they reach."""
    index, relaxed = int(search.extra["sampled"]), search.relax()
    p = place(search, search.extra["points"][index])
    lower, weights = search.lower(relaxed), list(search.weights.values())
    solver = torch.optim.LBFGS(weights, max_iter=inner_steps, tolerance_change=1e-12, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        solver.zero_grad()
        loss = lower(search.weights, p)
        torch.autograd.backward(loss)
        return loss.detach()

    solver.step(closure)  # type: ignore[no-untyped-call]
    for weight in weights:
        weight.grad = None
    with torch.no_grad():
        search.extra["values"][index] = lower(search.weights, p)
    search.extra["sampled"] += 1
    if search.extra["sampled"] == len(search.extra["points"]):
        search.extra |= fitted(search.extra["points"], search.extra["values"])
    return {"value": float(search.extra["values"][index])}


def _descend(search: Search, options: Options) -> Mapping[str, float]:
    """Step alpha and the weights against the augmented Lagrangian; at the end of a round take the gap in."""
    extra, relaxed = search.extra, search.relax()
    begun = extra["begun"].copy_(torch.minimum(extra["begun"], extra["begun"].new_tensor(search.progress)))
    lower, upper = search.lower(relaxed), search.upper(relaxed)
    gap = lower(search.weights, search.alpha) - value(extra, share(search, search.alpha))
    F = upper(search.weights, search.alpha)
    total = (F + extra["mu"] * gap + extra["R"] * gap**2 / 2) / (1.0 + extra["mu"])  # so that rates fit any multiplier
    slopes, h = by_both(total, search.weights, search.alpha)
    search.step_alpha(h)
    search.step_weights(slopes)
    done = (search.progress - float(begun)) / max(1.0 - float(begun), 1e-9)
    if done * options.rounds >= float(extra["round"]) + 1.0:
        extra["round"] += 1.0
        extra["mu"] += extra["R"] * gap.detach()
        extra["mu"] *= options.growth
        extra["R"] *= options.growth
    return {"gap": float(gap.detach()), "multiplier": float(extra["mu"]), "gradient": float(h.norm())}


def place(search: Search, share: Tensor) -> Tensor:
    """Alpha at shares of the box, (d,)."""
    low, high = _box(search)
    return low + (high - low) * share


def share(search: Search, alpha: Tensor) -> Tensor:
    """Shares of the box at alpha, (d,); outside they are below 0 or above 1."""
    low, high = _box(search)
    return (alpha - low) / (high - low)


def _box(search: Search) -> tuple[Tensor, Tensor]:
    network: Any = search.network  # a plain vector's, as `needs` says
    like = search.alpha.detach()
    return like.new_tensor(network.low), like.new_tensor(network.high)


def fitted(points: Tensor, values: Tensor) -> Vector:
    """A Gaussian process with a squared exponential kernel through (n,) values at (n, d) points of the unit cube.

    Returns
    -------
    dict
        ``coefficients``, (n + 1,), of the kernel at the points, and the values' mean; ``length``, the likeliest of
        `LENGTHS`.
    """
    X, y = points.cpu().double().numpy(), values.cpu().double().numpy()
    apart, y = ((X[:, None] - X[None]) ** 2).sum(axis=2), y - y.mean()
    best, length, coefficients = -np.inf, LENGTHS[0], np.zeros(len(y))
    for tried in LENGTHS:
        L = np.linalg.cholesky(np.exp(-apart / (2.0 * tried**2)) + NOISE * np.eye(len(y)))
        half = solve_triangular(L, y, lower=True)
        likelihood = -len(y) / 2.0 * np.log(half @ half + 1e-300) - np.log(np.diag(L)).sum()
        if likelihood > best:
            best, length, coefficients = likelihood, tried, solve_triangular(L.T, half, lower=False)
    mean = float(values.mean())
    return {
        "coefficients": torch.as_tensor(np.append(coefficients, mean)).to(points),
        "length": points.new_tensor(length),
    }


def value(model: Weights, share: Tensor) -> Tensor:
    """The process's mean at (d,) shares of the box, a scalar, of what `fitted` gave and the ``points``."""
    apart = ((model["points"] - share) ** 2).sum(dim=1)
    kernel = torch.exp(-apart / (2.0 * model["length"] ** 2))
    return kernel @ model["coefficients"][:-1] + model["coefficients"][-1]


def design(n: int, d: int) -> Array:
    """Points that fill the unit cube, (n, d): Halton's sequence, along its first axis, so that neighbours follow."""
    points: Array = Halton(d, scramble=False).random(n + 1)[1:]  # the first is a corner
    return points[np.argsort(points[:, 0])]
