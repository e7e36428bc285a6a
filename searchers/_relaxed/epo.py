"""EPO: the descent direction towards the Pareto optimal point on a preference's ray (Mahapatra and Rajan 2020)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Floats = npt.NDArray[np.float64]

BALANCED = 1e-4
"""Non-uniformity up to which the losses count as on the ray (the authors' code)."""


def non_uniformity(losses: Floats, preference: Floats) -> tuple[float, Floats]:
    """How far (m,) losses are from the ray ``r_1 f_1 = ... = r_m f_m``, and the adjustment that leads there.

    Returns
    -------
    tuple
        ``mu = sum l log(m l)`` with ``l = r f / sum(r f)``, zero on the ray only (eq. 10 of the paper), and
        ``a = r (log(m l) - mu)``, (m,).
    """
    share = preference * losses
    share = share / share.sum()
    logs = np.log(np.maximum(share * len(share), 1e-300))
    mu = float(share @ logs)
    return mu, preference * (logs - mu)


def epo_weights(gradients: Tensor, losses: Tensor, preference: Tensor, *, restricted: bool = True) -> Tensor:
    """Weights of the gradients in the EPO direction: a step goes against ``weights @ gradients``.

    Off the ray the step balances the losses without making the largest weighted one worse; on the ray it descends in
    all of them. Two linear programs with m unknowns (the authors' `EPO_LP`).

    Parameters
    ----------
    gradients, losses, preference : Tensor
        (m, n), (m,) positive and on comparable scales, (m,) positive.
    restricted : bool
        Keep the balance while descending on the ray.

    Returns
    -------
    Tensor
        (m,) weights on the simplex.

    Raises
    ------
    FloatingPointError
        Gradients or losses are not finite.
    ValueError
        A shape that does not fit, or a loss or preference that is not positive.
    RuntimeError
        The linear program failed.
    """
    G, f, r = (x.detach().to("cpu", torch.float64).numpy() for x in (gradients, losses, preference))
    if G.ndim != 2 or f.shape != (len(G),) or r.shape != (len(G),):
        raise ValueError(
            f"expected (m, n) gradients, (m,) losses and preference, found {G.shape}, {f.shape}, {r.shape}"
        )
    if not (np.isfinite(G).all() and np.isfinite(f).all()):
        raise FloatingPointError(f"losses: found {f.tolist()}: the search diverged; lower alpha_rate or learning_rate")
    for name, values in (("losses", f), ("preference", r)):
        if not (values > 0).all():
            raise ValueError(f"{name}: EPO needs positive ones, found {values.tolist()}; shift or normalise them")
    mu, adjustment = non_uniformity(f, r)
    gram = G @ G.T
    scale = np.abs(gram).max()
    if scale == 0.0:
        return torch.full_like(preference, 1.0 / len(r))
    gram = gram / scale  # the solution is the same, and the solver's tolerances fit
    image = gram @ adjustment
    solved = _balance(gram, image, r * f) if mu > BALANCED else _descend(gram, image, restricted)
    return torch.as_tensor(solved, dtype=preference.dtype, device=preference.device)


def _balance(gram: Floats, image: Floats, weighted: Floats) -> Floats:
    """Maximise ``x . C a`` where ``(C x)_i`` is at least 0 for the largest weighted losses, (C a)_i for shrinking ones.

    Returns (m,) weights.
    """
    bound = np.where(image > 0, -np.inf, image) if (image > 0).any() else np.zeros_like(image)
    bound[weighted >= weighted.max() * (1 - 1e-12)] = 0.0
    finite = np.isfinite(bound)
    return _solve(-image, -gram[finite], -bound[finite])


def _descend(gram: Floats, image: Floats, restricted: bool) -> Floats:
    """Maximise ``sum_i (C x)_i`` where no objective gets worse; the restricted program keeps the balance, too.

    Returns (m,) weights.
    """
    rows, bound = -gram, np.zeros(len(gram))
    if restricted:
        rows = np.vstack([rows, -image])
        bound = np.append(bound, -min(0.0, float(image.max())))
    return _solve(-gram.sum(axis=0), rows, bound)


def _solve(objective: Floats, rows: Floats, bound: Floats) -> Floats:
    from scipy.optimize import linprog

    m = len(objective)
    found = linprog(objective, A_ub=rows, b_ub=bound, A_eq=np.ones((1, m)), b_eq=[1.0], bounds=(0.0, None))
    if found.x is None:
        raise RuntimeError(f"EPO: the linear program has no solution: {found.message}")
    weights: Floats = np.maximum(found.x, 0.0) / np.maximum(found.x, 0.0).sum()
    return weights
