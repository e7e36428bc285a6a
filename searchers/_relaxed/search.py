"""What a step of a bilevel searcher works with: both levels' variables, their losses, and their steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import get_args

import torch
from torch import Tensor

from mobench import Array, CategoricalNetwork, Network, operation_mask
from mobench.searchers._relaxed.divergence import check_alpha, check_rate, check_weights
from mobench.searchers._relaxed.linear import Loss, Vector, Weights, detached, gradient, norm, pairing, times
from mobench.searchers._relaxed.relaxations import DENSE, TEMPERED, Relaxation, Sampling, draw
from mobench.searchers._relaxed.settings import Settings

CLIP = 5.0
"""Largest norm of a gradient of the weights (DARTS)."""
FLOOR = 0.04
"""Final learning rate of the weights as a share of the first: 0.001 after 0.025 (DARTS)."""
BETAS = (0.5, 0.999)
"""Decay of the means of Adam on alpha (DARTS)."""

Relaxed = Callable[[Tensor], Tensor]
Diagnostics = Mapping[str, float | Tensor]
"""What a step tells: numbers, or scalars that become numbers where they are recorded, so that no other step waits."""


@dataclass(eq=False)
class Search:
    """One preference's search as a method's step sees it: both levels' variables, their losses and their steps.

    Attributes
    ----------
    preference : Tensor
        (m,) weights of the objectives, on the simplex.
    scales : Tensor
        (m - 1,) units of the costs.
    generator : torch.Generator
        Randomness of the relaxation, on the CPU.
    alpha, weights : Tensor and dict of Tensor
        Leaves, changed in place by the steps.
    operations : tuple of tuple of str or None
        Names of each gene's operations; None where alpha is a plain vector, which is its own relaxation.
    existing : Tensor or None
        (d, k) bool, where alpha is padded: the operations that exist.
    velocity : dict of Tensor
        Momentum of the weights.
    moments : Tensor
        (2, ...) first and second moments of alpha's gradient.
    extra : dict of Tensor
        What a method, its stopping rule and its selection want to keep between steps; part of the checkpoint.
    count : int
        Steps of the method taken before this one.
    progress : float
        Share of this preference's steps or budget that is used, 0 to 1.
    first : float
        Norm of the initial weights.
    """

    network: Network
    settings: Settings
    preference: Tensor
    scales: Tensor
    generator: torch.Generator
    alpha: Tensor
    weights: Vector
    velocity: Vector
    moments: Tensor
    operations: tuple[tuple[str, ...], ...] | None = None
    existing: Tensor | None = None
    extra: Vector = field(default_factory=dict)
    count: int = 0
    progress: float = 0.0
    first: float = 0.0

    @property
    def rate(self) -> float:
        """Learning rate of the weights now: half a cosine from the first to `FLOOR` times the first."""
        cosine = (1.0 + math.cos(math.pi * min(self.progress, 1.0))) / 2.0
        return self.settings.learning_rate * (FLOOR + (1.0 - FLOOR) * cosine)

    @property
    def mask(self) -> Tensor | None:
        """(d, k) bool: the operations that exist and were not dropped (`extra`: kept); None where these are all."""
        return self.extra.get("kept", self.existing)

    @property
    def unit(self) -> Tensor | float:
        """Unit of the first objective: its range over random architectures after a warm-up; one without."""
        return self.extra.get("unit", 1.0)

    def relax(self) -> Relaxed:
        """Draw the randomness of the relaxation for the passes of one step: alpha -> p."""
        first, last = self.settings.temperatures if self.settings.relaxation in TEMPERED else (1.0, 1.0)
        temperature = first + (last - first) * min(self.progress, 1.0)
        return self.draw(self.settings.relaxation, temperature=temperature)

    def draw(self, kind: Sampling, *, temperature: float = 1.0) -> Relaxed:
        """Draw the randomness of any relaxation at the present alpha."""
        if self.operations is None:
            return lambda alpha: alpha
        return draw(self.alpha, kind, mask=self.mask, generator=self.generator, temperature=temperature)

    def computed(self, alpha: Tensor) -> dict[str, Tensor]:
        """What the losses are told to compute beside operations with a share, where alpha's gradient needs it."""
        wanted = self.operations is not None and self.settings.relaxation in DENSE and alpha.requires_grad
        if not wanted or not torch.is_grad_enabled():
            return {}
        return {"computed": torch.ones(alpha.shape, dtype=torch.bool) if self.mask is None else self.mask}

    def lower(self, relaxed: Relaxed) -> Loss:
        """The training loss, weight decay included, on the next training batch."""
        batch, decay = self.network.train_batch(), self.settings.weight_decay

        def loss(weights: Weights, alpha: Tensor) -> Tensor:
            value: Tensor = self.network.train_loss(weights, relaxed(alpha), batch, **self.computed(alpha))
            return value + pairing(weights, weights) * (decay / 2.0) if decay else value

        return loss

    def valid(self, relaxed: Relaxed) -> Loss:
        """The validation loss in its unit on the next validation batch: the first objective."""
        batch, unit = self.network.valid_batch(), self.unit

        def loss(weights: Weights, alpha: Tensor) -> Tensor:
            value: Tensor = self.network.valid_loss(weights, relaxed(alpha), batch, **self.computed(alpha))
            return value / unit

        return loss

    def costs(self, relaxed: Relaxed) -> Callable[[Tensor], Tensor]:
        """The other objectives in units of their scales: alpha -> (m - 1,)."""
        return lambda alpha: self.network.costs(relaxed(alpha)) / self.scales

    def upper(self, relaxed: Relaxed) -> Loss:
        """The scalarised upper level: ``r_1 F / s_0 + sum_k r_k c_k / s_k`` on the next validation batch."""
        valid, costs, r = self.valid(relaxed), self.costs(relaxed), self.preference

        def loss(weights: Weights, alpha: Tensor) -> Tensor:
            value = r[0] * valid(weights, alpha)
            return value + (r[1:] * costs(alpha)).sum() if len(r) > 1 else value

        return loss

    def check(self) -> None:
        """Refuse to go on where the search diverged.

        Raises
        ------
        FloatingPointError
            Alpha is not finite, or the weights have grown beyond reason.
        """
        check_alpha(self.alpha.detach(), self.mask, steps=self.count)
        check_weights(self.weights, self.first, steps=self.count)

    def check_precision(self) -> None:
        """Refuse differences of gradients, and derivatives of them, of a network that computes them in bfloat16.

        Raises
        ------
        ValueError
            The network says that its arithmetic is coarse (``autocast``).
        """
        if getattr(self.network, "coarse", False):
            raise ValueError(
                "autocast: second derivatives are far off in bfloat16; leave autocast out, or take a first-order method"
            )

    def step_alpha(self, h: Tensor, betas: tuple[float, float] = BETAS, *, taken: int | None = None) -> None:
        """Take a step of Adam on alpha against the hypergradient `h`, in alpha's shape.

        `taken` steps went into the moments before this one; as many as the method's where left out.
        """
        k = (self.count if taken is None else taken) + 1
        with torch.no_grad():
            h = h + self.settings.alpha_decay * self.alpha
            for moment, beta, power in zip(self.moments, betas, (h, h * h), strict=True):
                moment.mul_(beta).add_(power, alpha=1.0 - beta)
            first, second = (m / (1.0 - b**k) for m, b in zip(self.moments, betas, strict=True))
            self.alpha.sub_(self.settings.alpha_rate * first / (second.sqrt() + 1e-8))

    def step_weights(self, gradients: Weights) -> None:
        """Take a step of gradient descent with momentum on the weights, the gradient clipped to `CLIP`."""
        descend(self.weights, clipped(gradients), self.velocity, rate=self.rate, momentum=self.settings.momentum)

    def train(self, loss: Loss) -> None:
        """Take a step on the weights against the gradient of `loss` at the present alpha."""
        self.step_weights(gradient(loss(self.weights, self.alpha.detach()), self.weights))


def descend(weights: Vector, gradients: Weights, velocity: Vector, *, rate: float, momentum: float) -> None:
    """Change weights and velocity in place: ``v = momentum v + g``, ``w -= rate v``."""
    moving = [velocity[name] for name in weights]
    with torch.no_grad():
        torch._foreach_mul_(moving, momentum)
        torch._foreach_add_(moving, [gradients[name] for name in weights])
        torch._foreach_add_(list(weights.values()), moving, alpha=-rate)


def clipped(gradients: Weights, limit: float = CLIP) -> Vector:
    """Gradients, scaled down to the norm `limit` where they are longer."""
    values = [value.detach() for value in gradients.values()]
    length = torch.stack(torch._foreach_norm(values)).norm()
    scale = torch.where(length > limit, limit / length, torch.ones_like(length))  # no decision waits for the device
    return dict(zip(gradients, torch._foreach_mul(list(gradients.values()), scale), strict=True))


def initial(network: Network, settings: Settings, preference: Array, seed: int) -> Search:
    """A search at its beginning, for a preference of shape (m,): alpha and weights by address, nothing moves.

    Raises
    ------
    ValueError
        A relaxation of operations where alpha is a plain vector, or a rate beyond what alpha's numbers hold.
    """
    operations = network.operations if isinstance(network, CategoricalNetwork) else None
    if operations is None and settings.relaxation in get_args(Relaxation) and settings.relaxation != "softmax":
        raise ValueError(
            f"relaxation={settings.relaxation!r} relaxes a choice of operations, and this problem's alpha is a plain "
            "vector, its own relaxation; leave the option out"
        )
    if settings.relaxation in DENSE:
        check_computes(network, f"relaxation={settings.relaxation!r}", instead="take 'gdas' or 'reinmax_sampled'")
    alpha: Tensor = network.initial_alpha().detach().clone().requires_grad_()
    for name in ("alpha_rate", "learning_rate"):
        check_rate(name, getattr(settings, name), alpha)
    whole = settings.partial_channels == 1
    drawn = network.initial_weights() if whole else network.initial_weights(partial_channels=settings.partial_channels)
    weights = detached(drawn)
    r = torch.as_tensor(preference, dtype=alpha.dtype, device=alpha.device)
    still = detached(times(weights, 0.0), leaf=False)
    moments = torch.zeros((2, *alpha.shape), dtype=alpha.dtype, device=alpha.device)
    generator = torch.Generator().manual_seed(seed)
    mask = None if operations is None else _mask(operations, alpha)
    scales = torch.ones_like(r[1:])
    return Search(
        network,
        settings,
        r,
        scales,
        generator,
        alpha,
        weights,
        still,
        moments,
        operations,
        mask,
        first=norm(weights),
    )


def check_computes(network: Network, what: str, *, instead: str = "take a method that samples one operation") -> None:
    """Refuse a network whose losses do not know `computed`, where `what` takes gradients of other operations.

    Raises
    ------
    ValueError
    """
    if not all("computed" in signature(loss).parameters for loss in (network.train_loss, network.valid_loss)):
        raise ValueError(
            f"{what} takes gradients of operations that were not drawn, and this problem's supernet does not compute "
            f"these (computed=); {instead}"
        )


def _mask(operations: tuple[tuple[str, ...], ...], like: Tensor) -> Tensor | None:
    """What exists, (d, k); None where nothing is padded, so that nothing is masked either."""
    mask = torch.as_tensor(operation_mask(operations), device=like.device)
    return None if bool(mask.all()) else mask
