"""P-DARTS: a network that deepens in three stages while operations are dropped, skips restrained (Chen et al. 2019)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any

import torch
from annotated_types import Ge
from torch import Tensor

from mobench import Array, CategoricalSupernet, Run
from mobench.searchers._relaxed import discretisation as _discretisation
from mobench.searchers._relaxed.linear import Weights, by_alpha, detached
from mobench.searchers._relaxed.relaxations import existing
from mobench.searchers._relaxed.search import Relaxed, Search
from mobench.searchers._relaxed.settings import Count, OwnRelaxation, Share
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (CategoricalSupernet,)
DEPTHS = (5 / 20, 11 / 20, 17 / 20)
"""Share of the network's cells in each stage: 5, 11 and 17 of the 20 cells that the paper trains in the end."""
RESTS = 0.4
"""Share of a stage in which alpha rests: 10 of 25 epochs."""
DECAY = 5.0
"""Of the dropout over the rest of a stage of length one: a factor exp(-0.2) in each of 25 epochs."""


@dataclass(frozen=True, kw_only=True)
class Options(OwnRelaxation):
    """Options of P-DARTS.

    Attributes
    ----------
    keep : tuple of int
        Operations that a gene keeps in the second and in the third stage; 5 and 3 of 8 in the paper, ours of five.
    dropout : tuple of float
        Share of skip connections that are dropped when each stage begins, falling within it; the authors' for CIFAR-10.
    restart : bool
        Train the weights from the beginning in each stage, as the paper does; ours: go on with them, since a preference
        has a part of a training here, and a warm-up would be lost.
    skips : int
        Most skip connections of an architecture, which keeps those of the largest shares; as in the paper.
    """

    keep: tuple[Count, Count] = (4, 3)
    dropout: tuple[Share, Share, Share] = (0.1, 0.4, 0.7)
    restart: bool = False
    skips: Annotated[int, Ge(0)] = 2
    candidates: int = field(default=1, init=False)


def search(run: Run, options: Options) -> None:
    """Alternate steps as first-order DARTS does, from stage to stage in a deeper network and among fewer operations."""

    def step(search: Search) -> Mapping[str, float]:
        stage, progress = divmod(min(search.progress, 1.0) * len(DEPTHS), 1.0)
        number = min(int(stage), len(DEPTHS) - 1)
        if number > int(search.extra.get("stage", torch.zeros(()))):
            enter(search, number, options.keep[number - 1], restart=options.restart)
        relaxed = without_skips(search, dropped(options.dropout[number], progress))
        deep = shallow(search, DEPTHS[number])
        h = torch.zeros_like(search.alpha)
        if progress >= RESTS:
            h = gradient(search, relaxed, deep)
            taken = int(search.extra.get("taken", torch.zeros(())))
            search.step_alpha(h, taken=taken)
            search.extra["taken"] = torch.tensor(taken + 1)
        lower = search.lower(relaxed)
        search.train(lambda weights, alpha: lower(deep(weights), alpha))
        return {"gradient": float(h.norm()), "stage": float(number)}

    sweep(run, options, Method(step=step, architecture=partial(architecture, skips=options.skips)))


def dropped(rate: float, progress: float) -> float:
    """The dropout at a share of a stage: it falls on a line while alpha rests, then anew from its start by a factor."""
    return rate * (1.0 - progress if progress < RESTS else math.exp(-DECAY * (progress - RESTS)))


def enter(search: Search, stage: int, keep: int, *, restart: bool) -> None:
    """Begin a stage: each gene drops all but the `keep` operations of the largest shares, and alpha starts anew.

    Operations that no architecture is made of go first. With `restart` the weights start anew, too.
    """
    logits, out = existing(search.alpha.detach(), search.mask), _discretisation.left_out(search)
    ranks = logits if out is None else torch.where(out, logits - 1e6, logits)
    kept = torch.zeros_like(ranks, dtype=torch.bool)
    kept.scatter_(1, ranks.topk(min(keep, ranks.shape[1]), dim=1).indices, value=True)
    search.extra |= {"kept": kept & torch.isfinite(logits), "stage": torch.tensor(stage), "taken": torch.tensor(0)}
    with torch.no_grad():
        search.alpha.copy_(search.network.initial_alpha())
        search.moments.zero_()
        for name, weight in search.network.initial_weights().items() if restart else ():
            search.weights[name].copy_(weight)
            search.velocity[name].zero_()


def shallow(search: Search, share: float) -> Callable[[Weights], Weights]:
    """Pick the weights of a network of a share of the cells; all, where a network has no cells to leave out."""
    pick: Any = getattr(search.network, "shallow", None)
    return (lambda weights: weights) if pick is None else lambda weights: pick(weights, share)


def without_skips(search: Search, rate: float) -> Relaxed:
    """The softmax of what is kept, in which each skip connection is dropped with probability `rate`.

    The others' shares grow by ``1 / (1 - rate)``, so that the mean stays.
    """
    mask, noise = search.mask, torch.ones_like(search.alpha)
    skip = _skips(search)
    draws = torch.rand(skip.shape, generator=search.generator).to(noise.device)
    noise = torch.where(skip.to(noise.device), (draws >= rate) / (1.0 - rate), noise)
    return lambda alpha: torch.softmax(existing(alpha, mask), dim=-1) * noise


def gradient(search: Search, relaxed: Relaxed, deep: Callable[[Weights], Weights]) -> Tensor:
    """First-order gradient by alpha of the upper level: the error of the shallow network, costs of the whole one."""
    alpha, r, mask = search.alpha, search.preference, search.mask
    loss = r[0] * search.valid(relaxed)(deep(detached(search.weights, leaf=False)), alpha)
    if len(r) > 1:
        loss = loss + (r[1:] * search.costs(lambda alpha: torch.softmax(existing(alpha, mask), dim=-1))(alpha)).sum()
    return by_alpha(loss, alpha)


def architecture(search: Search, *, skips: int) -> Array:
    """What alpha stands for, (1, d), with at most `skips` skip connections: those of the largest shares.

    A gene that has nothing else keeps its skip.
    """
    x, alpha = _discretisation.architecture(search), search.alpha.detach()
    shares = torch.softmax(existing(alpha, search.mask), dim=-1).cpu()
    skip, out = _skips(search), _discretisation.left_out(search)
    others = shares.masked_fill(skip if out is None else skip | out.cpu(), 0.0)
    chosen = [gene for gene, op in enumerate(x[0].tolist()) if skip[gene, op]]
    for gene in sorted(chosen, key=lambda gene: -float(shares[gene, x[0, gene]]))[skips:]:
        if float(others[gene].max()) > 0.0:
            x[0, gene] = int(others[gene].argmax())
    return x


def _skips(search: Search) -> Tensor:
    """(d, k) bool, on the CPU: which operations are skip connections, by their names."""
    found = torch.zeros(search.alpha.shape, dtype=torch.bool)
    for gene, names in enumerate(search.operations or ()):
        found[gene, : len(names)] = torch.tensor(["skip" in name for name in names])
    return found
