"""Once-for-all: the largest network first, its parts after it and by its word, then NSGA-II (Cai et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import torch
from annotated_types import Ge, Interval

from mobench import Array, ComputeBudget, ElasticNetwork, ElasticSupernet, Run
from mobench.searchers._one_shot import supernet as _one_shot
from mobench.searchers._one_shot.evolution import evolved
from mobench.searchers._relaxed.checkpoints import packed, unpacked
from mobench.searchers._relaxed.relaxations import one_hot

needs = (ElasticSupernet, ComputeBudget)
PHASES = 3
"""In which sizes become smaller. The paper opens kernels, depths and widths, one kind after the other; a space of any
genes has no kinds, so each gene's options open from the largest on, all genes at once."""


@dataclass(frozen=True, kw_only=True)
class Options(_one_shot.Descent):
    """Options of once-for-all.

    Attributes
    ----------
    rule : {"shrinking", "sandwich"}
        Whether smaller options open by and by and the trained largest network is the teacher (Cai et al. 2020), or all
        are open and each batch trains the largest, which teaches at once, the smallest and sampled ones (Yu et al.
        2020, BigNAS).
    largest : float
        Share of the training that the largest network has for itself at first; 0.3, as 180 of the paper's 590 epochs.
    paths : int
        Architectures sampled for a batch; 2, the paper has 1 to 4 and the sandwich rule 2.
    population : int
        Of NSGA-II; 20 as in `nsga2`. The paper searches with a predictor fitted to 16,000 one-shot scores, which a
        budget here does not pay for.
    """

    rule: Literal["shrinking", "sandwich"] = "shrinking"
    largest: Annotated[float, Interval(ge=0, lt=1)] = 0.3
    paths: Annotated[int, Interval(ge=1, le=1000)] = 2
    population: Annotated[int, Ge(2)] = 20


def search(run: Run, options: Options) -> None:
    """Train the shared weights from the largest network down, then search with them; train finalists.

    Needs a budget of trainings or flops.
    """
    _one_shot.search(run, options, evolved(run, options.population), Taught(run, options))


class Taught(_one_shot.Sharing):
    """Shared weights whose parts learn from the largest network; that of shrinking is kept once it is trained."""

    def __init__(self, run: Run, options: Options) -> None:
        super().__init__(run)
        self.options = options
        self.teacher: dict[str, torch.Tensor] = {}

    def loss(self, done: float) -> torch.Tensor:
        """What a batch teaches."""
        network: ElasticNetwork = self.run.supernet  # type: ignore[assignment]
        options, weights = self.options, self.learned
        batch, like = network.train_batch(), network.initial_alpha().detach()
        largest, smallest = (one_hot(np.array([row[end] for row in network.descending]), like) for end in (0, -1))
        taught: torch.Tensor
        if done < options.largest:
            taught = network.train_loss(weights, largest, batch)
            return taught
        shrinking = options.rule == "shrinking"
        phase = int(PHASES * (done - options.largest) / (1.0 - options.largest)) if shrinking else PHASES
        share = min(1.0, (phase + 1) / PHASES)
        paths = list(one_hot(sampled(self.run.rng, network.descending, share, options.paths), like))
        if shrinking:
            if not self.teacher:
                self.teacher = {name: weight.detach().clone() for name, weight in weights.items()}
            taught = network.distilled_loss(weights, paths, batch, teacher=(self.teacher, largest))
            return taught
        own: torch.Tensor = network.train_loss(weights, largest, batch)
        taught = network.distilled_loss(weights, [smallest, *paths], batch, teacher=(weights, largest))
        n = len(paths) + 1
        return (own + n * taught) / (n + 1)

    def kept(self) -> Mapping[str, Array]:
        """The teacher."""
        return packed(teacher=self.teacher)

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on with the teacher."""
        self.teacher = {name: tensor.to(self.learned[name]) for name, tensor in unpacked(saved, "teacher").items()}


def sampled(rng: np.random.Generator, descending: tuple[tuple[int, ...], ...], share: float, n: int) -> Array:
    """Draw n architectures, (n, d), uniformly from a share of each gene's options, the largest ones, and one more."""
    open_now = [row[: 1 + round(share * (len(row) - 1))] for row in descending]
    columns = [np.array(row)[(rng.random(n) * len(row)).astype(np.int64)] for row in open_now]
    return np.column_stack(columns)
