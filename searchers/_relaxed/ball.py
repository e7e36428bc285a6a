"""The steepest direction within a norm's unit ball, under linear constraints."""

from __future__ import annotations

import itertools
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from mobench import Array

Ball = Literal["2", "inf", "1"]


def steepest(h: Tensor, ball: Ball, *, rows: Tensor | None = None, room: Tensor | None = None) -> Tensor:
    """Minimise ``h . d`` over the unit ball of a norm, where ``rows @ d <= room``.

    Without constraints: ``-h / ||h||``, ``-sign(h)``, or minus the unit vector of h's largest entry ("change one
    operation").

    Parameters
    ----------
    h : Tensor
        Any shape, n entries.
    ball : {"2", "inf", "1"}
        The norm.
    rows, room : Tensor, optional
        (k, n) and (k,). Where the ball does not reach what they allow, d is the steepest direction towards it: against
        the sum of the unit gradients of the violated constraints.

    Returns
    -------
    Tensor
        d, in h's shape; zero where nothing falls.
    """
    if rows is None or room is None or bool((steepest_free(h, ball).flatten() @ rows.T <= room).all()):
        return steepest_free(h, ball)
    g, G, b = (x.detach().to("cpu", torch.float64).numpy() for x in (h.flatten(), rows, room))
    found = _in_the_round(g, G, b) if ball == "2" else _in_the_polytope(g, G, b, ball)
    if found is None:
        violated = torch.as_tensor(room < 0, device=rows.device)
        units = torch.nn.functional.normalize(rows[violated], dim=1)
        return steepest_free(units.sum(dim=0).reshape(h.shape), ball)
    return torch.as_tensor(found, dtype=h.dtype, device=h.device).reshape(h.shape)


def steepest_free(h: Tensor, ball: Ball) -> Tensor:
    """Minimise ``h . d`` over the unit ball of a norm: d in h's shape; zero where h is."""
    if ball == "inf":
        return -h.sign()
    if ball == "1":
        flat = torch.zeros_like(h).flatten()
        largest = h.flatten().abs().argmax()
        flat[largest] = -h.flatten()[largest].sign()
        return flat.reshape(h.shape)
    length = h.norm()
    return -h / length if length > 0 else torch.zeros_like(h)


def _in_the_round(h: Array, G: Array, b: Array) -> Array | None:
    """The best of the points at which some constraints bind, for every choice of them; None if none is allowed.

    Where the rows N bind, d is ``N+ b`` and the steepest rest within the ball, in the space that N leaves free. The
    optimum is among these points, and constraints are as few as costs.
    """
    best, slack = None, 1e-9 * (1.0 + np.abs(b))
    for size in range(len(b) + 1):
        for chosen in map(list, itertools.combinations(range(len(b)), size)):
            inverse = np.linalg.pinv(G[chosen])
            d = inverse @ b[chosen]
            free = h - inverse @ (G[chosen] @ h)
            rest, length = 1.0 - d @ d, np.linalg.norm(free)
            if rest >= 0.0 and length > 1e-12 * np.linalg.norm(h):
                d = d - np.sqrt(rest) * free / length
            if rest >= -1e-12 and (G @ d <= b + slack).all() and (best is None or h @ d < h @ best):
                best = d
    return best


def _in_the_polytope(h: Array, G: Array, b: Array, ball: Ball) -> Array | None:
    """The linear program, in d for the box and in its positive and negative part for the cross-polytope."""
    from scipy.optimize import linprog

    n = len(h)
    if ball == "inf":
        box: Any = linprog(h, A_ub=G, b_ub=b, bounds=(-1.0, 1.0))
        return None if box.x is None else np.asarray(box.x)
    parts: Any = linprog(
        np.concatenate([h, -h]),
        A_ub=np.vstack([np.hstack([G, -G]), np.ones((1, 2 * n))]),
        b_ub=np.append(b, 1.0),
        bounds=(0.0, None),
    )
    return None if parts.x is None else np.asarray(parts.x[:n] - parts.x[n:])
