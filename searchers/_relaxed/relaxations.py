"""Relaxations of a choice of operations: softmax, Gumbel straight-through (GDAS), ReinMax and Dirichlet (DrNAS)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor

Relaxation = Literal["softmax", "gumbel", "reinmax", "dirichlet"]
Sampling = Relaxation | Literal["score"]
"""A relaxation, or draws without a gradient: what the score function works with."""


def relax(
    alpha: Tensor,
    kind: Sampling,
    *,
    generator: torch.Generator | None = None,
    temperature: float = 1.0,
) -> Tensor:
    """Weights p of the operations, in alpha's shape: one fresh draw (see `draw`)."""
    return draw(alpha, kind, generator=generator, temperature=temperature)(alpha)


def draw(
    alpha: Tensor,
    kind: Sampling,
    *,
    generator: torch.Generator | None = None,
    temperature: float = 1.0,
) -> Callable[[Tensor], Tensor]:
    """Draw the randomness of a relaxation once; all passes of a hypergradient must see the same draw.

    Parameters
    ----------
    alpha : Tensor
        (d, k) logits of k operations for each of d genes, or a plain vector, which is its own relaxation.
    kind : {"softmax", "gumbel", "reinmax", "dirichlet", "score"}
        A mixture of all operations; one sampled operation a gene with the gradient of the Gumbel-softmax sample
        (Dong and Yang 2019, GDAS); one sampled operation a gene with the gradient of second order in the change of
        loss (Liu et al. 2023, ReinMax); a mixture drawn from a Dirichlet distribution of concentration elu(alpha) + 1
        with its pathwise gradient (Chen et al. 2021, DrNAS); one sampled operation a gene without a gradient, for the
        score function.
    generator : torch.Generator, optional
        The randomness; softmax needs none.
    temperature : float
        Of the softmax, of the Gumbel-softmax (annealed from 10 to 0.1 in GDAS), or of ReinMax (at least 1).

    Returns
    -------
    callable
        alpha -> p, both (d, k). p is one-hot in the forward pass of gumbel and reinmax.

    Raises
    ------
    ValueError
        Unknown kind, a temperature that is not positive (below 1 for ReinMax), or no generator where one is needed.
    """
    kinds = (*get_args(Relaxation), "score")
    if kind not in kinds:
        raise ValueError(f"kind: expected one of {', '.join(kinds)}, found {kind!r}")
    least = 1.0 if kind == "reinmax" else 0.0
    if not (temperature >= least and temperature > 0.0):
        found = f"expected {'at least 1' if least else 'more than 0'} for {kind}, found {temperature}"
        raise ValueError(f"temperature: {found}")
    if alpha.ndim == 1:
        return lambda alpha: alpha
    if kind == "softmax":
        return lambda alpha: torch.softmax(alpha / temperature, dim=-1)
    if generator is None:
        raise ValueError(f"generator: {kind} samples; pass a torch.Generator")
    if kind == "dirichlet":
        return _dirichlet(alpha.detach(), generator)
    noise = _gumbel(alpha, generator)
    # the maximum of logits plus Gumbel noise is a draw from the softmax of the logits, at any temperature
    hard = _one_hot(torch.log_softmax(alpha.detach(), dim=-1) + noise)
    if kind == "score":
        return lambda alpha: hard
    if kind == "gumbel":
        return lambda alpha: _straight_through(hard, _gumbel_softmax(alpha, noise, temperature))
    return lambda alpha: _straight_through(hard, _reinmax(alpha, hard, temperature))


def _gumbel(alpha: Tensor, generator: torch.Generator) -> Tensor:
    """Standard Gumbel noise in alpha's shape, always finite: minus the logarithm of exponential draws."""
    draws = torch.empty(alpha.shape, dtype=alpha.dtype, device=generator.device).exponential_(generator=generator)
    return -draws.clamp_min(torch.finfo(alpha.dtype).tiny).log().to(alpha.device)


def _one_hot(scores: Tensor) -> Tensor:
    return torch.zeros_like(scores).scatter_(-1, scores.argmax(dim=-1, keepdim=True), 1.0)


def _straight_through(hard: Tensor, soft: Tensor) -> Tensor:
    """The value of `hard`, exactly, with the gradient of `soft`."""
    return hard + (soft - soft.detach())


def _gumbel_softmax(alpha: Tensor, noise: Tensor, temperature: float) -> Tensor:
    return torch.softmax((torch.log_softmax(alpha, dim=-1) + noise) / temperature, dim=-1)


def _reinmax(alpha: Tensor, hard: Tensor, temperature: float) -> Tensor:
    """A surrogate whose gradient is ``2 J(pi1) g - J(pi) g / 2``, ``pi1 = (softmax(alpha / tau) + D) / 2``."""
    pi = torch.softmax(alpha, dim=-1)
    pi1 = (torch.softmax(alpha.detach() / temperature, dim=-1) + hard) / 2
    shifted = torch.softmax(pi1.log() - alpha.detach() + alpha, dim=-1)  # value pi1, Jacobian J(pi1)
    return 2 * shifted - pi / 2


def _dirichlet(start: Tensor, generator: torch.Generator) -> Callable[[Tensor], Tensor]:
    """A draw x at the logits `start`, continued along its pathwise derivative where alpha moves on.

    With the slopes G of `torch.distributions.Dirichlet`, ``dx_i / dbeta_j = G_j (delta_ij - x_i)``. The rows of p sum
    to one wherever alpha is.
    """
    beta = _concentration(start)
    there = beta.to(generator.device)
    x = torch._sample_dirichlet(there, generator)
    slope = torch._dirichlet_grad(x, there, there.sum(dim=-1, keepdim=True).expand_as(there)).to(start.device)
    x = x.to(start.device)

    def relaxed(alpha: Tensor) -> Tensor:
        change = slope * (_concentration(alpha) - beta)
        return x + (change - x * change.sum(dim=-1, keepdim=True))

    return relaxed


def _concentration(alpha: Tensor) -> Tensor:
    return torch.nn.functional.elu(alpha) + 1.0
