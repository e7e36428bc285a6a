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
STABLE = 10
"""Marks in which the order of the operations with weights stays the same, which ends the search (DARTS+: epochs)."""
WITHOUT_WEIGHTS = ("none", "skip", "pool")
"""What operations that have nothing to learn have in their names."""
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
    found = ", ".join(names) or "a plain vector"
    if stop in ("skips", "convolutions") and not any(_counted(stop, name) for name in names):
        raise ValueError(f"stop={stop!r} counts {stop}, and this problem has none among its operations: {found}")
    if stop == "ranking" and not any(sum(has_weights(name) for name in names) > 1 for names in operations or ()):
        raise ValueError(f"stop={stop!r} orders operations with weights, and no gene has two of them: {found}")


def watch(search: Search) -> Mapping[str, float]:
    """Look at a search at one of its marks; what is returned is recorded. It ends where its progress is set to 1."""
    rule = search.settings.stop
    if rule == "eigenvalue":
        return _watch_curvature(search)
    if rule == "never":
        return {}
    if rule == "ranking":
        return _watch_ranking(search)
    x = search.network.discretise(search.alpha)[0]
    chosen = [names[op] for names, op in zip(search.operations or (), x, strict=True)]
    count = sum(_counted(rule, name) for name in chosen)
    stopped = count >= (SKIPS if rule == "skips" else CONVOLUTIONS * len(chosen))
    if stopped:
        search.progress = 1.0
    return {"stopped": float(stopped)}


def _counted(rule: str, operation: str) -> bool:
    return ("skip" if rule == "skips" else "conv") in operation


def has_weights(operation: str) -> bool:
    """Whether an operation of this name has something to learn."""
    return not any(part in operation for part in WITHOUT_WEIGHTS)


def _watch_ranking(search: Search) -> Mapping[str, float]:
    """DARTS+: end where each gene has had its operations with weights in the same order for `STABLE` marks."""
    orders = ranking(search.alpha.detach(), search.operations or ())
    before = search.extra.get("orders")
    same = before is not None and torch.equal(before.cpu(), orders)
    count = 1 + int(search.extra["stable"]) if same else 0
    search.extra |= {"orders": orders, "stable": torch.tensor(count)}
    stopped = count >= STABLE
    if stopped:
        search.progress = 1.0
    return {"stable": float(count), "stopped": float(stopped)}


def ranking(alpha: Tensor, operations: tuple[tuple[str, ...], ...]) -> Tensor:
    """The operations with weights of each gene, the largest entry of alpha first: (k,), gene after gene."""
    learning = [[op for op, name in enumerate(names) if has_weights(name)] for names in operations]
    rows = [
        torch.tensor(ops)[alpha[gene, ops].cpu().argsort(descending=True)] for gene, ops in enumerate(learning) if ops
    ]
    return torch.cat(rows)


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
