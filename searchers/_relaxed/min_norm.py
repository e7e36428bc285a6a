"""Common descent of several objectives: min-norm points of gradients, normalisations, and TorchJD's aggregators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from mobench import nearest

Normalisation = Literal["none", "l2", "loss", "loss+"]
Aggregation = Literal[
    "min_norm", "frank_wolfe", "UPGrad", "CAGrad", "NashMTL", "AlignedMTL", "IMTLG", "PCGrad", "DualProj"
]
"""The usual choices; `aggregate` takes the other names of TorchJD that need no argument, too."""

_ARGUMENTS: dict[str, Callable[[int], dict[str, Any]]] = {
    "CAGrad": lambda m: {"c": 0.5},
    "FairGrad": lambda m: {"alpha": 1.0},
    "NashMTL": lambda m: {"n_tasks": m},
}
"""Arguments of TorchJD's aggregators that have no default there: the settings of their papers."""


def min_norm_weights(gradients: Tensor) -> Tensor:
    """Weights of the shortest vector in the convex hull of the gradients (Désidéri 2012), exactly.

    Two gradients have a closed form; more are a nonnegative least-squares problem: the solution of
    ``[G'/s; 1'] x = [0; 1]``, ``s = max ||g_i||``, points along the weights.

    Parameters
    ----------
    gradients : Tensor
        (m, n): one gradient an objective.

    Returns
    -------
    Tensor
        (m,) weights on the simplex: ``d = weights @ gradients`` has ``g_i . d >= ||d||^2`` for all i, so that -d
        improves every objective, or none can be improved without another where d = 0.

    Raises
    ------
    FloatingPointError
        `gradients` are not finite.
    ValueError
        `gradients` is not a matrix.
    """
    G = _checked(gradients)
    lengths = np.linalg.norm(G, axis=1)
    if len(G) == 1 or lengths.max() == 0.0:
        return torch.full((len(G),), 1.0 / len(G), dtype=gradients.dtype, device=gradients.device)
    G = G / lengths.max()
    weights = _of_two(G[0], G[1]) if len(G) == 2 else _of_many(G)
    return torch.as_tensor(weights, dtype=gradients.dtype, device=gradients.device)


def _of_two(a: Any, b: Any) -> Any:
    gap = a - b
    length = gap @ gap
    first = float(np.clip((b - a) @ b / length, 0.0, 1.0)) if length > 0.0 else 0.5
    return np.array([first, 1.0 - first])


def _of_many(G: Any) -> Any:
    from scipy.optimize import nnls

    m = len(G)
    R = np.linalg.qr(G.T, mode="r")  # at most m rows, and the same Gram matrix
    x, _ = nnls(np.vstack([R, np.ones(m)]), np.append(np.zeros(len(R)), 1.0), maxiter=100 * m)
    return x / x.sum()


def frank_wolfe_weights(gradients: Tensor, *, iterations: int = 100, tolerance: float = 1e-3) -> Tensor:
    """Approximate the min-norm weights by Frank-Wolfe steps from the uniform ones (Sener and Koltun 2018, algorithm 2).

    Kept for comparison with published results: it converges sublinearly. Stops at steps below `tolerance`.

    Parameters
    ----------
    gradients : Tensor
        (m, n).

    Returns
    -------
    Tensor
        (m,) weights on the simplex.
    """
    G = _checked(gradients)
    gram = G @ G.T
    weights = np.full(len(G), 1.0 / len(G))
    for _ in range(iterations):
        image = gram @ weights
        t = int(image.argmin())
        here, there, cross = weights @ image, gram[t, t], image[t]
        curvature = here + there - 2.0 * cross
        step = float(np.clip((here - cross) / curvature, 0.0, 1.0)) if curvature > 0.0 else 0.0
        weights *= 1.0 - step
        weights[t] += step
        if step < tolerance:
            break
    return torch.as_tensor(weights, dtype=gradients.dtype, device=gradients.device)


def normalise(gradients: Tensor, losses: Tensor, kind: Normalisation) -> Tensor:
    """Scale gradients before their aggregation; this changes which trade-off is reached.

    Parameters
    ----------
    gradients, losses : Tensor
        (m, n) and (m,).
    kind : {"none", "l2", "loss", "loss+"}
        Divide by nothing, by the norm, by the loss, or by both (the names of Sener and Koltun's code). A divisor of
        zero leaves a gradient as it is.

    Raises
    ------
    ValueError
        Unknown kind, or a loss that is negative where it divides.
    """
    if kind not in get_args(Normalisation):
        raise ValueError(f"kind: expected one of {', '.join(get_args(Normalisation))}, found {kind!r}")
    scale = torch.ones_like(losses)
    if kind in ("l2", "loss+"):
        scale = scale * gradients.norm(dim=1)
    if kind in ("loss", "loss+"):
        if bool((losses < 0).any()):
            raise ValueError(f"losses: normalisation {kind!r} divides by them; expected >= 0, found {losses.tolist()}")
        scale = scale * losses.detach()
    return gradients / torch.where(scale > 0, scale, torch.ones_like(scale))[:, None]


def aggregate(gradients: Tensor, name: str, *, generator: torch.Generator | None = None) -> Tensor:
    """One direction for several objectives, by name.

    Parameters
    ----------
    gradients : Tensor
        (m, n): one gradient an objective.
    name : str
        ``"min_norm"``, ``"frank_wolfe"``, or an aggregator of TorchJD (``"UPGrad"``, ``"CAGrad"``, ...) with its
        defaults, fresh at each call. Where one has no default, its paper's value is taken: c = 0.5 for CAGrad,
        alpha = 1 for FairGrad.
    generator : torch.Generator, optional
        Randomness of the aggregators that draw (PCGrad, GradDrop, Random); torch's global one stays untouched.

    Returns
    -------
    Tensor
        (n,): a combination of the gradients; a step goes against it.

    Raises
    ------
    FloatingPointError
        A gradient is not finite.
    ModuleNotFoundError
        TorchJD is not installed.
    ValueError
        TorchJD has no such aggregator, or it needs arguments.
    """
    if name == "min_norm":
        return min_norm_weights(gradients) @ gradients
    if name == "frank_wolfe":
        return frank_wolfe_weights(gradients) @ gradients
    combine = _torchjd(name, len(gradients))
    _checked(gradients)
    with torch.random.fork_rng(devices=[]):
        if generator is not None:
            torch.manual_seed(int(torch.randint(2**31, (), generator=generator, device=generator.device)))
        combined: Tensor = combine(gradients)
    return combined


def _torchjd(name: str, m: int) -> Callable[[Tensor], Tensor]:
    try:
        from torchjd import aggregation
    except ImportError as error:
        raise ModuleNotFoundError(f"aggregator {name!r} needs TorchJD: pip install torchjd") from error
    abstract = ("Aggregator", "GramianWeightedAggregator", "WeightedAggregator")
    base = aggregation.Aggregator
    known: dict[str, Any] = {n: c for n, c in vars(aggregation).items() if isinstance(c, type) and issubclass(c, base)}
    if name not in known or name in abstract:
        names = ["min_norm", "frank_wolfe", *(n for n in known if n not in abstract)]
        raise ValueError(f"aggregator: TorchJD has no {name!r}{nearest(name, names)}")
    arguments = _ARGUMENTS[name](m) if name in _ARGUMENTS else {}
    try:
        built: Callable[[Tensor], Tensor] = known[name](**arguments)
    except TypeError as error:
        raise ValueError(f"aggregator {name!r} cannot be used by name: {error}") from error
    except ImportError as error:
        raise ModuleNotFoundError(f"aggregator {name!r} of TorchJD lacks a library: {error}") from error
    return built


def _checked(gradients: Tensor) -> Any:
    if gradients.ndim != 2 or not len(gradients):
        raise ValueError(f"gradients: expected (m, n), one row an objective, found {tuple(gradients.shape)}")
    G = gradients.detach().to("cpu", torch.float64).numpy()
    if not np.isfinite(G).all():
        row = int(np.argwhere(~np.isfinite(G))[0, 0])
        raise FloatingPointError(f"gradients: row {row} is not finite; the training diverged: lower the learning rates")
    return G
