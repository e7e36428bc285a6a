"""Rules that end the search of a preference before its budget does: RobustDARTS, DARTS+ and MiLeNAS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import torch
from torch import Tensor

from mobench.searchers._relaxed.linear import gradient, largest_eigenvalue, product
from mobench.searchers._relaxed.search import Search
from mobench.searchers._relaxed.settings import Stop

WINDOW = 5
"""Marks that are averaged, and marks between the averages that are compared (RobustDARTS: k, in epochs)."""
GROWTH = 0.75
"""An earlier average below this share of the present one ends the search (RobustDARTS)."""
SKIPS = 2
"""Skip connections in a cell that end the search (DARTS+)."""
CONVOLUTIONS = 6 / 8
"""Share of convolutions that ends the search: 6 of the 8 operations of MiLeNAS's normal cell."""


def check(stop: Stop, operations: tuple[tuple[str, ...], ...] | None) -> None:
    """Refuse a rule that these operations of the genes never meet; None stands for a plain vector.

    Raises
    ------
    ValueError
        There is no such rule, or no operation of the kind that it counts.
    """
    if stop not in get_args(Stop):
        raise ValueError(f"stop: expected one of {', '.join(get_args(Stop))}, found {stop!r}")
    names = list(dict.fromkeys(name for names in operations or () for name in names))
    if stop in ("skips", "convolutions") and not any(_counted(stop, name) for name in names):
        found = ", ".join(names) or "a plain vector"
        raise ValueError(f"stop={stop!r} counts {stop}, and this problem has none among its operations: {found}")


def watch(search: Search) -> Mapping[str, float]:
    """Look at a search at one of its marks; what is returned is recorded. It ends where its progress is set to 1."""
    rule = search.settings.stop
    if rule == "eigenvalue":
        return _watch_curvature(search)
    if rule == "never":
        return {}
    x = search.network.discretise(search.alpha)[0]
    chosen = [names[op] for names, op in zip(search.operations or (), x, strict=True)]
    count = sum(_counted(rule, name) for name in chosen)
    stopped = count >= (SKIPS if rule == "skips" else CONVOLUTIONS * len(chosen))
    if stopped:
        search.progress = 1.0
    return {"stopped": float(stopped)}


def _counted(rule: str, operation: str) -> bool:
    return ("skip" if rule == "skips" else "conv") in operation


def _watch_curvature(search: Search) -> Mapping[str, float]:
    """RobustDARTS: where the averaged curvature grows too fast, go back to the alpha before that, and end there."""
    values, alphas = search.extra.get("curvatures"), search.extra.get("alphas")
    value, alpha = torch.tensor([curvature(search)], dtype=torch.float64), search.alpha.detach().clone()[None]
    values = value if values is None else torch.cat([values.cpu(), value])[-2 * WINDOW :]
    alphas = alpha if alphas is None else torch.cat([alphas, alpha])[-WINDOW - 1 :]
    search.extra |= {"curvatures": values, "alphas": alphas}
    stopped = grows_too_fast(values)
    if stopped:
        with torch.no_grad():
            search.alpha.copy_(alphas[0])
        search.progress = 1.0
    return {"eigenvalue": float(value), "stopped": float(stopped)}


def grows_too_fast(values: Tensor) -> bool:
    """Whether the mean of the last `WINDOW` of (n,) curvatures exceeds that of the ones before by more than `GROWTH`.

    ``lambda(i - k) / lambda(i) < 0.75`` for windows of k = 5 (Zela et al. 2020, section 4.3); never before 2k values.
    """
    if len(values) < 2 * WINDOW:
        return False
    before, now = values[-2 * WINDOW : -WINDOW].mean(), values[-WINDOW:].mean()
    return bool(before < GROWTH * now)


def curvature(search: Search, *, iterations: int = 10) -> float:
    """Largest eigenvalue, in magnitude, of the Hessian by alpha of the validation loss under the softmax mixture.

    By power iteration on the next validation batch; each of the at most `iterations` products is charged.
    """
    loss, alpha = search.valid(search.draw("softmax")), {"alpha": search.alpha}
    fixed = {name: weight.detach() for name, weight in search.weights.items()}
    slope = gradient(loss(fixed, search.alpha), alpha, graph=True)
    found = largest_eigenvalue(
        product(slope, alpha), alpha, generator=search.generator, iterations=iterations, tolerance=0.01
    )
    return abs(found)
