"""ENAS: controllers learn by reinforcement which paths of a supernet are worth their cost (Pham et al. 2018)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import Ge

from mobench import Array, CategoricalSupernet, ComputeBudget, Run, operation_mask
from mobench.searchers._one_shot import supernet as _one_shot
from mobench.searchers._one_shot.controller import Controller, policy_loss
from mobench.searchers._relaxed.checkpoints import fill, moments, packed, remember, unpacked
from mobench.searchers._relaxed.preferences import spread
from mobench.searchers._relaxed.relaxations import one_hot
from mobench.searchers._relaxed.settings import Count, NotNegative, Positive, Share
from mobench.searchers._relaxed.units import cost_scales, loss_range

needs = (CategoricalSupernet, ComputeBudget)


@dataclass(frozen=True, kw_only=True)
class Options(_one_shot.Descent):
    """Options of ENAS.

    Attributes
    ----------
    preferences : int
        How many trade-offs there is a controller for; ours: the paper has accuracy alone. One controller that is told
        the preference answers all alike.
    controller_rate : float
        Of Adam on the controllers, with betas (0, 0.999) and epsilon 0.001; ours, for a dozen of steps each: 0.0035 in
        the paper, for 4,500.
    entropy_weight : float
        Of the policy's entropy in what the controller maximises; the paper's.
    baseline_decay : float
        How much of a preference's baseline stays at its next step, the rest is its mean reward there: 0.9 for ten draws
        is the 0.99 a draw of NAS-Bench-201's code.
    aggregate : int
        Architectures behind a step of the controller, each a forward pass on a validation batch; the paper's.
    every : int
        Steps of the weights from one step of the controller to the next: about as many batches for both, as in the
        paper's search of cells on CIFAR-10.
    warm_up : float
        Share of the training in which the weights alone learn, on uniform paths; ours: until then rewards say nothing
        of errors, and costs would decide. At its end the error's unit is measured. None in the paper.
    samples : int
        Architectures that the controller draws in the end, evenly many for each preference, to be scored with the
        shared weights; 100 in NAS-Bench-201's code.
    learning_rate : float
        Of SGD with cosine decay along the ledger; the paper's for cells on CIFAR-10.
    weight_decay : float
        Of SGD; the paper's.
    """

    preferences: Count = 8
    controller_rate: Positive = 0.03
    entropy_weight: NotNegative = 1e-4
    baseline_decay: Share = 0.9
    aggregate: Count = 10
    every: Count = 10
    warm_up: Share = 0.5
    samples: Annotated[int, Ge(1)] = 100
    learning_rate: Positive = 0.05
    weight_decay: NotNegative = 1e-4


def search(run: Run, options: Options) -> None:
    """Train the shared weights on paths that controllers draw, one a preference, and these by what their paths reach.

    The reward of a path is minus the weighted sum of its validation loss and its costs, in their units. In the end all
    controllers draw architectures; those scored best with the shared weights are trained.
    """
    controlled = Controlled(run, options)

    def choose(scores: _one_shot.Scores) -> None:
        for x in controlled.draw(np.arange(options.samples) % len(controlled.wanted)):
            scores(x[None])

    _one_shot.search(run, options, choose, controlled)


class Controlled(_one_shot.Sharing):
    """One set of weights, trained on the paths of controllers, of which one learns every so many steps of theirs."""

    def __init__(self, run: Run, options: Options) -> None:
        super().__init__(run)
        self.options, m = options, len(run.objectives)
        self.wanted = torch.as_tensor(spread(m, options.preferences), dtype=torch.float32)
        network: Any = run.supernet  # of genes, as `needs` says
        mask = torch.from_numpy(operation_mask(network.operations))
        generator = torch.Generator().manual_seed(int(run.rng.integers(2**31)))
        self.controllers = torch.nn.ModuleList([Controller(mask, generator) for _ in self.wanted])
        self.optimizer = torch.optim.Adam(
            self.controllers.parameters(), lr=options.controller_rate, betas=(0.0, 0.999), eps=1e-3
        )
        self.like = run.supernet.initial_alpha().detach()
        self.scales = cost_scales(run.supernet, run.space, m, self.like)
        self.baselines = np.full(len(self.wanted), np.nan)
        self.unit = self.like.new_zeros(())
        self.count = 0
        self.paths = np.empty((0, len(run.space.cardinalities)), dtype=np.int64)

    def draw(self, preferences: Array) -> Array:
        """An architecture, (n, d), for each of (n,) numbers of preferences."""
        X = np.empty((len(preferences), len(self.run.space.cardinalities)), dtype=np.int64)
        with torch.no_grad():
            for index in np.unique(preferences):
                wanted = preferences == index
                X[wanted] = self.controllers[index](int(wanted.sum()), self.run.rng)[0]
        return X

    def path(self, done: float) -> Array:
        """A uniform path in the warm-up, then one that the controller draws for a preference drawn at random.

        As many are drawn at once as there are until its next step.
        """
        if done < self.options.warm_up:
            return super().path(done)
        if not len(self.paths):
            self.paths = self.draw(self.run.rng.integers(len(self.wanted), size=self.options.every))
        x: Array = self.paths[0]
        self.paths = self.paths[1:]
        return x

    def learn(self, done: float) -> None:
        """Step the controller of the next preference, every so many steps of the weights after the warm-up."""
        if done < self.options.warm_up:
            return
        self.count += 1
        if self.count % self.options.every:
            return
        if not self.unit:
            self.unit.copy_(loss_range(self.run.supernet, self.learned, self.run.space, self.like))
        index = self.count // self.options.every % len(self.wanted)
        X, logs, entropies = self.controllers[index](self.options.aggregate, self.run.rng)
        rewards = self.rewards(X, self.wanted[index])
        before, mean = self.baselines[index], float(rewards.mean())
        decay = self.options.baseline_decay
        self.baselines[index] = mean if np.isnan(before) else decay * before + (1.0 - decay) * mean
        loss = policy_loss(logs, rewards, self.baselines[index], entropies, entropy_weight=self.options.entropy_weight)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.controllers.parameters(), self.options.clip)
        self.optimizer.step()

    def rewards(self, X: Array, r: torch.Tensor) -> torch.Tensor:
        """Minus the weighted objectives in their units, (n,), of (n, d) architectures, each on its own batch."""
        network = self.run.supernet
        with torch.no_grad():
            paths = one_hot(X, self.like.cpu())
            losses = torch.stack([network.valid_loss(self.learned, p, network.valid_batch()) for p in paths])
            costs = torch.stack([network.costs(p) for p in paths]) / self.scales.cpu()
            values = torch.cat([(losses[:, None] / self.unit).cpu(), costs], dim=1)
        return -(values.float() @ r)

    def kept(self) -> Mapping[str, Any]:
        """The controllers, what their optimiser remembers, paths, baselines and unit."""
        return {
            "count": self.count,
            "baselines": self.baselines,
            "paths": self.paths,
            **packed(controllers=dict(self.controllers.named_parameters()), adam=moments(self.optimizer)),
            **packed(own={"unit": self.unit}),
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on from what `kept` gave."""
        self.count, self.baselines = int(saved["count"]), saved["baselines"].copy()
        self.paths = saved["paths"].astype(np.int64)
        fill(dict(self.controllers.named_parameters()), saved, "controllers")
        remember(self.optimizer, unpacked(saved, "adam"))
        fill({"unit": self.unit}, saved, "own")
