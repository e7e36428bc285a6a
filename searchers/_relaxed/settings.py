"""Options of searchers over a relaxed architecture: all that their loop reads, and records that open some of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Interval

from mobench import Operation
from mobench.searchers._relaxed.relaxations import Relaxation, Sampling

Stop = Literal["never", "eigenvalue", "skips", "ranking", "convolutions"]
Selection = Literal["largest", "perturbation"]
Paths = Literal["alpha", "uniform"]

Count = Annotated[int, Ge(1)]
Width = Annotated[int, Interval(ge=1, le=4096)]
"""Of a searcher's own network: its square is allocated."""
Positive = Annotated[float, Gt(0)]
NotNegative = Annotated[float, Ge(0)]
Share = Annotated[float, Interval(ge=0, lt=1)]

RADIUS = 0.1
"""Radius of finite differences of the mixed product; DARTS has 0.01, see docs/methods/bilevel/darts.md."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the loop reads: first what every searcher offers as options, then what rests unless a record opens it.

    Attributes
    ----------
    finalists : int
        Architectures that are trained through the first door before the budget ends, evenly many of the last set along
        its first cost; ours: only what was trained is delivered. Their price is kept, at most half of the budget.
    steps : int or None
        Steps of alpha a preference; none: as many as an equal share of the budget's multiply-adds pays for.
    relaxation : {"softmax", "gumbel", "gdas", "concrete", "reinmax", "reinmax_sampled", "dirichlet", "score"}
        How alpha becomes weights of operations: the softmax mixture (DARTS), one sampled operation (gumbel, reinmax), a
        mixture drawn from a concrete (SNAS) or a Dirichlet distribution (DrNAS). The steps of gumbel and reinmax on
        alpha compute all operations, at the price of a mixture; gdas and reinmax_sampled, the cheap forms, compute the
        sampled one, and the error's gradient misses the others.
    temperatures : tuple of float
        First and last of gumbel, gdas and concrete, linear in between: 10 to 0.1 in GDAS, 10 to 1 in MiLeNAS.
    warm_up : float
        Share of the budget, or of all steps, in which the weights alone learn, on uniform paths, once for all
        preferences: none in DARTS, 15 of 50 epochs in PC-DARTS. After it the error is in units of its range over 50
        random architectures, as costs are; without it costs may decide (docs/motif-live.md).
    learning_rate : float
        Of gradient descent on the weights, by a cosine down to a 25th, gradients clipped at norm 5; as in DARTS.
    momentum : float
        Of the weights' descent; as in DARTS.
    weight_decay : float
        Of the weights; as in DARTS.
    preferences : int
        How many trade-offs are swept, one search each, with equal shares of what is left of the budget; ours.
    preference : float or None
        The weight of the first objective in a search for one trade-off instead of a sweep; the others share the rest.
    paths : {"alpha", "uniform"}
        What the weights of a sampling search learn on: paths drawn as alpha says, or each with the same probability.
    stop : {"never", "eigenvalue", "skips", "ranking", "convolutions"}
        What ends a preference's search early: curvature that grows too fast (RobustDARTS), two skip connections or an
        order of the operations with weights that stays (DARTS+), or three quarters of convolutions (MiLeNAS);
        docs/methods/bilevel/stabilisers.md.
    selection : {"largest", "perturbation"}
        The architecture that alpha stands for: the largest entries, or gene by gene the operation without which the
        supernet loses most, in the last quarter of a preference's search (DARTS-PT);
        docs/methods/bilevel/stabilisers.md.
    partial_channels : int
        One channel of so many goes through the operations of an edge while searching, the others are carried over
        (4 in PC-DARTS), and what is charged shrinks accordingly; docs/methods/bilevel/stabilisers.md.
    alpha_rate : float
        Of Adam on alpha, with betas (0.5, 0.999); DARTS's, for 50 epochs: short budgets want more.
    alpha_decay : float
        Weight decay of Adam on alpha; as in DARTS.
    leave_out : tuple of str
        Operations that no architecture is made of, though mixtures hold them: ``["none"]`` where a missing edge wins
        because it makes a mixture no worse (docs/methods/bilevel/stabilisers.md).
    candidates : int
        Architectures of the largest shares that are compared as paths, with the weights as they are, at the end of a
        preference, for the price of these passes; 1: the largest entries, as in DARTS.
    """

    finalists: Annotated[int, Ge(0)] = 5
    steps: Count | None = None
    relaxation: Sampling = "softmax"
    temperatures: tuple[Positive, Positive] = (10.0, 0.1)
    warm_up: Share = 0.0
    learning_rate: Positive = 0.025
    momentum: Share = 0.9
    weight_decay: NotNegative = 3e-4
    preferences: int = field(default=5, init=False)
    preference: float | None = field(default=None, init=False)
    paths: Paths = field(default="alpha", init=False)
    stop: Stop = field(default="never", init=False)
    selection: Selection = field(default="largest", init=False)
    partial_channels: int = field(default=1, init=False)
    alpha_rate: float = field(default=3e-4, init=False)
    alpha_decay: float = field(default=1e-3, init=False)
    leave_out: tuple[Operation, ...] = field(default=(), init=False)
    candidates: int = field(default=1, init=False)

    @property
    def searches(self) -> int:
        """How many preferences are searched for, or whatever a method has in place of them."""
        return self.preferences


@dataclass(frozen=True, kw_only=True)
class Bilevel(Settings):
    """Opens the sweep over preferences; the relaxation has a gradient."""

    preferences: Count = 5
    preference: Annotated[float, Interval(ge=0, le=1)] | None = None
    relaxation: Relaxation = "softmax"
    leave_out: tuple[Operation, ...] = ()
    candidates: Count = 1


@dataclass(frozen=True, kw_only=True)
class BilevelAdam(Bilevel):
    """Opens the steps of alpha, with the defaults that equal tuning chose.

    Attributes
    ----------
    warm_up : float
        Share of the budget, or of all steps, in which the weights alone learn, on uniform paths, once for all
        preferences; chosen by equal tuning (docs/tuning.md), none in DARTS. After it the error is in units of its range
        over 50 random architectures, as costs are; without it costs may decide (docs/motif-live.md).
    alpha_rate : float
        Of Adam on alpha, with betas (0.5, 0.999); chosen by equal tuning, 3e-4 in DARTS, for 50 epochs.
    alpha_decay : float
        Weight decay of Adam on alpha; as in DARTS.
    candidates : int
        Architectures of the largest shares that are compared as paths, with the weights as they are, at the end of a
        preference, for the price of these passes; chosen by equal tuning. 1: the largest entries, as in DARTS. Nothing
        is compared where alpha is a plain vector, after a selection by perturbation, or where MiLeNAS keeps sizes.
    """

    warm_up: Share = 0.5
    alpha_rate: Positive = 0.1
    alpha_decay: NotNegative = 1e-3
    candidates: Count = 8


@dataclass(frozen=True, kw_only=True)
class Stabilised(BilevelAdam):
    """Opens what keeps a search with mixtures from collapsing."""

    stop: Stop = "never"
    selection: Selection = "largest"
    partial_channels: Count = 1


@dataclass(frozen=True, kw_only=True)
class Sampled(Settings):
    """Opens the paths that the weights learn on, with the defaults of searches that sample operations.

    Attributes
    ----------
    relaxation : {"softmax", "gumbel", "gdas", "concrete", "reinmax", "reinmax_sampled", "dirichlet", "score"}
        How alpha becomes weights of operations: sampled ones with the score function, which alone is not biased where
        only sampled operations are computed, or with gumbel or reinmax, whose steps on alpha compute all, or with their
        cheap forms gdas and reinmax_sampled, which do not; with mixtures the weights make up for small coefficients,
        and the search ends at cheap, poor cells (docs/methods/gradient/scalarization.md).
    warm_up : float
        Share of the budget, or of all steps, in which the weights alone learn, on uniform paths, once for all
        preferences; ours: until then the error says nothing of the operations, and costs would decide. Other searches
        have 15 of 50 epochs (PC-DARTS).
    paths : {"alpha", "uniform"}
        What the weights learn on: each path with the same probability (ours), because weights that follow alpha learn
        what it favours by chance; or paths that alpha draws, as in the first-order methods of the literature.
    """

    relaxation: Sampling = "score"
    warm_up: Share = 0.5
    paths: Paths = "uniform"


@dataclass(frozen=True, kw_only=True)
class SampledAdam(Sampled):
    """Opens the steps of alpha.

    Attributes
    ----------
    alpha_rate : float
        Of Adam on alpha, with betas (0.5, 0.999). DARTS has 3e-4 for 50 epochs; a preference here has 100 to 300 steps,
        which at 3e-3 leave alpha where it began (mean of the largest share 0.26 of five operations).
    alpha_decay : float
        Weight decay of Adam on alpha.
    """

    alpha_rate: Positive = 0.1
    alpha_decay: NotNegative = 0.0
    leave_out: tuple[Operation, ...] = ()
    candidates: Count = 1


@dataclass(frozen=True, kw_only=True)
class SampledSweep(SampledAdam):
    """Opens the sweep over preferences."""

    preferences: Count = 5
    preference: Annotated[float, Interval(ge=0, le=1)] | None = None


@dataclass(frozen=True, kw_only=True)
class OwnRelaxation(SampledSweep):
    """Closes the relaxation, and what the weights learn on: they are the method.

    Attributes
    ----------
    alpha_rate : float
        Of Adam on alpha; ours. Published ones, 3e-4 to 1e-2, are for tens of epochs of hundreds of steps each: with the
        tens of steps that a preference has here they leave alpha where it began.
    """

    relaxation: Sampling = field(default="softmax", init=False)
    temperatures: tuple[float, float] = field(default=(1.0, 1.0), init=False)
    paths: Paths = field(default="alpha", init=False)
