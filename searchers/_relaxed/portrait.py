"""Diagnostics of logits: how decided a search is, and for what."""

from __future__ import annotations

import torch
from torch import Tensor

from mobench.searchers._relaxed.relaxations import existing


def entropy(alpha: Tensor, mask: Tensor | None = None) -> float:
    """Mean entropy, in nats, of the softmax of each gene's logits, (d, k)."""
    logs = torch.log_softmax(existing(alpha.detach(), mask), dim=-1)
    logs = logs.clamp_min(torch.finfo(logs.dtype).min)  # absent: 0 log 0 = 0
    return float(-(logs.exp() * logs).sum(dim=-1).mean())


def portrait(alpha: Tensor, operations: tuple[tuple[str, ...], ...], mask: Tensor | None = None) -> dict[str, float]:
    """Diagnostics of alpha, (d, k): what its softmax looks like.

    Returns
    -------
    dict
        ``entropy``, the mean over the genes, in nats; ``margin``, the mean difference of the two largest shares; and,
        where there is a skip connection among the operations, ``skips``, the share of genes of which it is the largest.
    """
    logits = existing(alpha.detach(), mask)
    shares = torch.nn.functional.pad(torch.softmax(logits, dim=-1), (0, 1))  # a gene may have one operation only
    first, second = shares.topk(2, dim=-1).values.unbind(dim=-1)
    found = {"entropy": entropy(alpha, mask), "margin": float((first - second).mean())}
    if any("skip" in name for names in operations for name in names):
        largest = [names[op] for names, op in zip(operations, logits.argmax(dim=-1).tolist(), strict=True)]
        found["skips"] = sum("skip" in name for name in largest) / len(largest)
    return found
