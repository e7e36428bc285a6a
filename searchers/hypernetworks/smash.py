"""SMASH: a hypernetwork that makes any architecture's weights, and a walk among what it scores (Brock et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mobench import Array, CategoricalSupernet, ComputeBudget, Run
from mobench.searchers._one_shot import supernet as _one_shot
from mobench.searchers._one_shot.making import Made, Making, layer
from mobench.searchers._population.genetics import mutate_one
from mobench.searchers._relaxed.linear import Weights
from mobench.searchers._relaxed.settings import Count, NotNegative, Positive, Width

needs = (CategoricalSupernet, ComputeBudget)

BETAS, TINY = (0.5, 0.999), 1e-4
"""Of Adam (the paper's code)."""
SLOPE = 0.02
"""Of leaky rectifiers (the paper's code)."""


@dataclass(frozen=True, kw_only=True)
class Options(Making):
    """Options of SMASH.

    Attributes
    ----------
    hidden : int
        Width of the hypernetwork's two hidden layers; ours: the paper's is a convolutional DenseNet over a map of
        memory banks, which genes do not have.
    code : int
        Length of the code that weights are linear in; ours.
    random : int
        Architectures scored at random, fewer where five sevenths of what the training leaves are spent before.
    perturbed : int
        Architectures scored that differ in one gene from one of the best of these, for a seventh.
    chain : int
        The same from whatever is best by then, for the rest; all three as in the paper's code, which changes one
        architecture's parts with probability 0.05 each.
    learning_rate : float
        Of Adam, with betas (0.5, 0.999) and cosine decay along the ledger; the paper's code.
    weight_decay : float
        Of the shared weights; the hypernetwork has none, as in the paper's code.
    """

    hidden: Width = 64
    code: Width = 16
    random: Count = 500
    perturbed: Count = 100
    chain: Count = 100
    learning_rate: Positive = 1e-3
    weight_decay: NotNegative = 1e-4

    def optimizer(self, learned: Weights) -> torch.optim.Optimizer:
        """Adam; the hypernetwork's parameters do not decay."""
        shared = [value for name, value in learned.items() if name.startswith("shared.")]
        made = [value for name, value in learned.items() if not name.startswith("shared.")]
        groups: list[dict[str, Any]] = [{"params": shared}, {"params": made, "weight_decay": 0.0}]
        return torch.optim.Adam(groups, self.learning_rate, BETAS, TINY, self.weight_decay)


def search(run: Run, options: Options) -> None:
    """Train the hypernetwork on uniform architectures, score some with the weights it makes; train finalists.

    Needs a budget of trainings or flops.
    """
    like = run.supernet.initial_alpha()
    generator = torch.Generator().manual_seed(int(run.rng.integers(2**31)))
    made = Made(run, Encoder(like.numel(), options, generator), {}, (1, options.code))

    def walk(scores: _one_shot.Scores) -> None:
        begun, left = run.spent.flops, run.left.flops

        def score(count: int, share: float, propose: Callable[[], Array]) -> None:
            for _ in range(count):
                if run.spent.flops > begun + share * left or scores.are_all:
                    break
                scores(propose())
            run.recommend(scores.best)

        score(options.random, 5 / 7, lambda: run.space.sample(run.rng, 1))
        best = scores.best
        score(options.perturbed, 6 / 7, lambda: mutate_one(run.rng, _one_of(run, best), run.space))
        score(options.chain, 1.0, lambda: mutate_one(run.rng, _one_of(run, scores.best), run.space))

    _one_shot.search(run, options, walk, made)


def _one_of(run: Run, X: Array) -> Array:
    """One of (n, d) rows, (1, d)."""
    row: Array = X[[run.rng.integers(len(X))]]
    return row


class Encoder(nn.Module):
    """An architecture as p, (d, k), to one code, (1, r), by two hidden layers."""

    def __init__(self, inputs: int, options: Options, generator: torch.Generator) -> None:
        super().__init__()
        rectifier = nn.LeakyReLU(SLOPE)
        self.layers = nn.Sequential(
            layer(inputs, options.hidden, generator),
            rectifier,
            layer(options.hidden, options.hidden, generator),
            rectifier,
            layer(options.hidden, options.code, generator),
        )

    def forward(self, p: Tensor) -> Tensor:
        """The code."""
        code: Tensor = self.layers(p.reshape(1, -1))
        return code
