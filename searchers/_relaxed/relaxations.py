"""Relaxations of a choice of operations: softmax, Gumbel straight-through, concrete, ReinMax and Dirichlet (DrNAS).

Straight-through estimators take the loss's derivative by every share, those of operations that were not drawn, too,
which takes computing these operations (`DENSE`). Their cheap forms, of what was drawn alone, have names of their own.

Genes may have different numbers of operations: logits (d, k) are padded then, and a mask says which entries exist.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor

from mobench import Array

Relaxation = Literal["softmax", "gumbel", "gdas", "concrete", "reinmax", "reinmax_sampled", "dirichlet"]
Sampling = Relaxation | Literal["score"]
"""A relaxation, or draws without a gradient: what the score function works with."""
DENSE: tuple[Sampling, ...] = ("gumbel", "reinmax")
"""One-hot relaxations whose gradient needs all operations computed (`computed=` of a network's losses)."""
TEMPERED: tuple[Sampling, ...] = ("gumbel", "gdas", "concrete")
"""Relaxations by the Gumbel-softmax, whose temperature falls."""
_TWINS: dict[Sampling, Sampling] = {"gdas": "gumbel", "reinmax_sampled": "reinmax"}
"""Cheap forms of `DENSE` ones: the same p, of which a supernet computes what was drawn."""


def relax(
    alpha: Tensor,
    kind: Sampling,
    *,
    mask: Tensor | None = None,
    generator: torch.Generator | None = None,
    temperature: float = 1.0,
) -> Tensor:
    """Weights p of the operations, in alpha's shape: one fresh draw (see `draw`)."""
    return draw(alpha, kind, mask=mask, generator=generator, temperature=temperature)(alpha)


def draw(
    alpha: Tensor,
    kind: Sampling,
    *,
    mask: Tensor | None = None,
    generator: torch.Generator | None = None,
    temperature: float = 1.0,
) -> Callable[[Tensor], Tensor]:
    """Draw the randomness of a relaxation once; all passes of a hypergradient must see the same draw.

    Parameters
    ----------
    alpha : Tensor
        (d, k) logits of k operations for each of d genes.
    kind : {"softmax", "gumbel", "gdas", "concrete", "reinmax", "reinmax_sampled", "dirichlet", "score"}
        A mixture of all operations; one sampled operation a gene with the gradient of the Gumbel-softmax sample (Jang
        et al. 2017); the same as far as the sampled operation's share goes (gdas: after Dong and Yang 2019, without the
        coefficients of the others that their code adds); the Gumbel-softmax sample itself, a mixture (concrete:
        Maddison et al. 2017, as in SNAS); one sampled operation a gene with the gradient of second order
        in the change of loss (Liu et al. 2023, ReinMax), and the same as far as its share goes; a mixture drawn from a
        Dirichlet distribution of concentration elu(alpha) + 1 with its pathwise gradient (Chen et al. 2021, DrNAS); one
        sampled operation a gene without a gradient, for the score function.
    mask : Tensor, optional
        (d, k) bool: which operations exist, at least one a gene; all of them where left out. The others have p = 0 and
        no gradient, and each gene is relaxed as it would be alone.
    generator : torch.Generator, optional
        The randomness; softmax needs none.
    temperature : float
        Of the softmax, of the Gumbel-softmax (annealed from 10 to 0.1 in GDAS), or of ReinMax (at least 1).

    What a sampled kind leaves out is left out by the network, which does not compute operations without a share unless
    it is told to; this function gives both forms the same p.

    Returns
    -------
    callable
        alpha -> p, both (d, k). p is one-hot in the forward pass of all kinds but mixtures.

    Raises
    ------
    ValueError
        Unknown kind, a temperature that is not positive (below 1 for ReinMax), or no generator where one is needed.
    """
    kinds = (*get_args(Relaxation), "score")
    if kind not in kinds:
        raise ValueError(f"kind: expected one of {', '.join(kinds)}, found {kind!r}")
    name, kind = kind, _TWINS.get(kind, kind)
    least = 1.0 if kind == "reinmax" else 0.0
    if not (temperature >= least and temperature > 0.0):
        found = f"expected {'at least 1' if least else 'more than 0'} for {name}, found {temperature}"
        raise ValueError(f"temperature: {found}")
    if kind == "softmax":
        return lambda alpha: torch.softmax(existing(alpha, mask) / temperature, dim=-1)
    if generator is None:
        raise ValueError(f"generator: {name} samples; pass a torch.Generator")
    if kind == "dirichlet":
        return _dirichlet(alpha.detach(), mask, generator)
    noise = _gumbel(alpha, generator)
    if kind == "concrete":
        return lambda alpha: _gumbel_softmax(existing(alpha, mask), noise, temperature)
    # the maximum of logits plus Gumbel noise is a draw from the softmax of the logits, at any temperature
    hard = one_hot((torch.log_softmax(existing(alpha.detach(), mask), dim=-1) + noise).argmax(dim=-1), alpha)
    if kind == "score":
        return lambda alpha: hard
    if kind == "gumbel":
        return lambda alpha: _straight_through(hard, _gumbel_softmax(existing(alpha, mask), noise, temperature))
    return lambda alpha: _straight_through(hard, _reinmax(alpha, hard, temperature, mask))


def existing(logits: Tensor, mask: Tensor | None) -> Tensor:
    """Logits (d, k), minus infinity where there is no operation; as they are without a mask."""
    return logits if mask is None else logits.masked_fill(~mask, -math.inf)


def one_hot(X: Array | Tensor, like: Tensor) -> Tensor:
    """The relaxations p, (..., d, k), that stand exactly for architectures (..., d); k, dtype and device of `like`."""
    return torch.nn.functional.one_hot(torch.as_tensor(X, device=like.device), like.shape[-1]).to(like.dtype)


def _gumbel(alpha: Tensor, generator: torch.Generator) -> Tensor:
    """Standard Gumbel noise in alpha's shape, always finite: minus the logarithm of exponential draws."""
    draws = torch.empty(alpha.shape, dtype=alpha.dtype, device=generator.device).exponential_(generator=generator)
    return -draws.clamp_min(torch.finfo(alpha.dtype).tiny).log().to(alpha.device)


def _straight_through(hard: Tensor, soft: Tensor) -> Tensor:
    """The value of `hard`, exactly, with the gradient of `soft`."""
    return hard + (soft - soft.detach())


def _gumbel_softmax(alpha: Tensor, noise: Tensor, temperature: float) -> Tensor:
    return torch.softmax((torch.log_softmax(alpha, dim=-1) + noise) / temperature, dim=-1)


def _reinmax(alpha: Tensor, hard: Tensor, temperature: float, mask: Tensor | None = None) -> Tensor:
    """A surrogate whose gradient is ``2 J(pi1) g - J(pi) g / 2``, ``pi1 = (softmax(alpha / tau) + D) / 2``."""
    logits = existing(alpha, mask)
    pi = torch.softmax(logits, dim=-1)
    pi1 = (torch.softmax(logits.detach() / temperature, dim=-1) + hard) / 2
    shifted = existing(pi1.log() - alpha.detach() + alpha, mask)
    shifted = torch.softmax(shifted, dim=-1)  # value pi1, Jacobian J(pi1)
    return 2 * shifted - pi / 2


def _dirichlet(start: Tensor, mask: Tensor | None, generator: torch.Generator) -> Callable[[Tensor], Tensor]:
    """A draw x at the logits `start`, continued along its pathwise derivative where alpha moves on.

    With the slopes G of `torch.distributions.Dirichlet`, ``dx_i / dbeta_j = G_j (delta_ij - x_i)``. The rows of p sum
    to one wherever alpha is. What does not exist has the concentration 0.
    """
    beta = _concentration(existing(start, mask))
    there = beta.to(generator.device)
    x = torch._sample_dirichlet(there, generator)
    slope = torch._dirichlet_grad(x, there, there.sum(dim=-1, keepdim=True).expand_as(there)).to(start.device)
    x = x.to(start.device)
    if mask is not None:
        x = x.masked_fill(~mask, 0.0)  # torch's least positive number

    def relaxed(alpha: Tensor) -> Tensor:
        change = slope * (_concentration(existing(alpha, mask)) - beta)
        return x + (change - x * change.sum(dim=-1, keepdim=True))

    return relaxed


def _concentration(alpha: Tensor) -> Tensor:
    return torch.nn.functional.elu(alpha) + 1.0
