"""Perturbation-based selection: operations are chosen by what the supernet loses without them (Wang et al. 2021)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mobench.searchers._relaxed.relaxations import one_hot
from mobench.searchers._relaxed.search import Search

START = 0.75
"""Share of a preference's steps or budget after which alpha rests and its genes are decided."""
END = 0.95
"""Share at which the last gene is decided."""
BATCHES = 4
"""Validation batches on which the operations of a gene are compared."""


def step(search: Search) -> Mapping[str, float]:
    """Decide the genes that are due, and train the weights under what is decided; alpha's steps are over."""
    due = 1 + int((search.progress - START) / (END - START) * len(search.alpha))
    decide(search, min(due, len(search.alpha)))
    search.train(search.lower(lambda alpha: mixture(search.draw("softmax")(alpha), _decided(search))))
    return {"decided": float((_decided(search) >= 0).sum())}


def decide(search: Search, count: int) -> None:
    """Decide genes, in random order, until there are `count`: the operation that is missed most, by `losses_without`.

    A decided operation becomes the largest entry of its gene.
    """
    decided = _decided(search)
    while int((decided >= 0).sum()) < count:
        rest = torch.nonzero(decided < 0).flatten()
        gene = int(rest[int(torch.randint(len(rest), (), generator=search.generator))])
        p = mixture(search.draw("softmax")(search.alpha.detach()), decided)
        op = int(losses_without(search, gene, p).argmax())
        decided[gene] = op
        with torch.no_grad():
            search.alpha[gene, op] = search.alpha[gene].max() + 1.0


def losses_without(search: Search, gene: int, p: Tensor) -> Tensor:
    """How much each operation of a gene is worth, (k,): the weighted loss without it, less the cost of keeping it.

    Parameters
    ----------
    gene : int
        The gene; k is the number of operations that it has.
    p : Tensor
        (d, k) shares. Without an operation its share is zero and the others stay as they are.

    Returns
    -------
    Tensor
        ``r_1 F(p without the operation) - sum_k r_k c_k(p with the operation alone) / s_k``; F is the mean over the
        same `BATCHES` batches for all operations, charged.
    """
    valid, r = [search.valid(lambda p: p) for _ in range(BATCHES)], search.preference
    costs = search.costs(lambda p: p)
    worth = []
    with torch.no_grad():
        for op in range(p.shape[1] if search.mask is None else int(search.mask[gene].sum())):
            without, alone = p.clone(), p.clone()
            without[gene, op] = 0.0
            alone[gene] = one_hot(torch.tensor(op), p)
            loss = torch.stack([value(search.weights, without) for value in valid]).mean()
            worth.append(r[0] * loss - (r[1:] * costs(alone)).sum() if len(r) > 1 else loss)
    return torch.stack(worth)


def mixture(soft: Tensor, decided: Tensor) -> Tensor:
    """Shares (d, k): one for a decided operation, as in `soft` for genes whose entry of (d,) is negative."""
    return torch.where((decided < 0)[:, None].to(soft.device), soft, one_hot(decided.clamp_min(0), soft))


def _decided(search: Search) -> Tensor:
    """(d,) the operation of each gene, -1 where it is open; part of the checkpoint."""
    return search.extra.setdefault("decided", torch.full((len(search.alpha),), -1))
