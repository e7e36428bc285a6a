"""From alpha to an architecture: the largest entries, some operations left out, or the best of the likeliest."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mobench import Array
from mobench.searchers._relaxed.relaxations import existing, one_hot
from mobench.searchers._relaxed.search import Search

BATCHES = 4
"""Validation batches on which candidates are compared, the same for all."""


def architecture(search: Search) -> Array:
    """What alpha stands for, (1, d): the network's own rule; of what is not left out, the largest entries."""
    entries, out = existing(search.alpha.detach(), search.mask), left_out(search)
    entries = entries if out is None else entries.masked_fill(out, -torch.inf)
    return np.asarray(search.network.discretise(entries), dtype=np.int64)


def left_out(search: Search) -> Tensor | None:
    """Entries of alpha, (d, k) bool, that no architecture is made of; None where all may be.

    A gene that has only operations of these names keeps them.
    """
    names = search.settings.leave_out
    if not names or search.operations is None:
        return None
    out = torch.zeros(search.alpha.shape, dtype=torch.bool)
    for gene, operations in enumerate(search.operations):
        found = [name in names for name in operations]
        if not all(found):
            out[gene, : len(found)] = torch.tensor(found)
    return out.to(search.alpha.device)


def compared(search: Search) -> bool:
    """Whether alpha stands for several architectures that can be compared: no plain vector, nor a selection."""
    settings = search.settings
    return settings.candidates > 1 and settings.selection == "largest" and search.operations is not None


def best_of_likeliest(search: Search) -> Array:
    """The best, (1, d), of the `candidates` architectures that alpha gives the largest shares, by the upper level.

    Each is computed as the path that it is, with the weights as they are, on the same `BATCHES` validation batches; the
    forward passes are charged.
    """
    alpha = search.alpha.detach()
    mask, out = search.mask, left_out(search)
    gone = torch.zeros(alpha.shape, dtype=torch.bool) if mask is None else ~mask.cpu()
    gone = gone if out is None else gone | out.cpu()
    shares = torch.log_softmax(alpha.cpu().double().masked_fill(gone, -torch.inf), dim=1)
    X = likeliest(shares.numpy(), search.settings.candidates)
    losses = [search.upper(lambda p: p) for _ in range(BATCHES)]
    with torch.no_grad():
        paths = one_hot(X, alpha)
        worth = [torch.stack([loss(search.weights, p) for loss in losses]).mean() for p in paths]
    return X[[int(torch.stack(worth).argmin())]]


def likeliest(logarithms: Array, count: int) -> Array:
    """The `count` rows, (c, d), whose sums of a (d, k) table's entries, one a gene, are the largest; the largest first.

    Gene by gene: what is among the best whole rows begins with one of the best beginnings. Entries of minus infinity
    are in none.
    """
    rows, sums = np.zeros((1, 0), dtype=np.int64), np.zeros(1)
    for gene in logarithms:
        values = np.flatnonzero(gene > -np.inf)
        totals = (sums[:, None] + gene[values]).ravel()
        best = np.argsort(-totals, kind="stable")[:count]
        rows = np.column_stack([rows[best // len(values)], values[best % len(values)]])
        sums = totals[best]
    return rows
