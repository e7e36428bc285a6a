"""The bilevel toys as networks: weights and architecture in float64, a lower and an upper loss, metered at 1 a pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from mobench import Array, operation_mask
from mobench.live.meter import FORWARD, Charge, metered
from mobench.problems._toys import constants as toys
from mobench.problems._toys import ridgenet_data as ridgenet

Loss = Callable[[Tensor, Tensor], Tensor]
"""(w, p) -> scalar."""
PRICE = 1.0
"""Price of a forward pass of any toy."""


class Continuous(Protocol):
    """What a network asks of a toy with a continuous architecture: its name, its box and its grid."""

    @property
    def name(self) -> str:
        """Which toy."""
        ...

    @property
    def low(self) -> tuple[float, ...]:
        """The box's lower corner, (d,)."""
        ...

    @property
    def high(self) -> tuple[float, ...]:
        """The box's upper corner, (d,)."""
        ...

    def alpha(self, X: Array) -> Array:
        """Positions, (n, d), of grid rows."""
        ...

    def rows(self, alpha: Array) -> Array:
        """Nearest grid rows, (n, d), of positions."""
        ...


def _tensor(values: Any) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float64)


class _Metered:
    """What all toys share: no batches, and losses of one weight vector that are metered and reach every input."""

    def __init__(self, *, charge: Charge) -> None:
        self._charge = charge
        self.drawn = {"train": 0, "valid": 0}

    def train_batch(self) -> None:
        """Nothing: the losses are of all data."""

    def valid_batch(self) -> None:
        """Nothing: the losses are of all data."""

    def _loss(self, loss: Loss, weights: Mapping[str, Tensor], p: Tensor) -> Tensor:
        w = weights["w"]
        tie = 0.0  # times a product, so that every derivative of first and second order exists, as a zero if need be
        return metered(lambda: loss(w, p) + tie * (w.sum() * p.sum()) ** 2, flops=PRICE, charge=self._charge)


class BoxNetwork(_Metered):
    """A toy whose architecture is a plain vector alpha; p is alpha itself.

    The starting points are those of `docs/problems/toys/bilevel_toys.md`, the same for every seed; of
    `two_quadratics` and `fonseca`, which name none, they are drawn in the middle half of the box at the address
    [seed, 3].
    """

    def __init__(self, toy: Continuous, *, charge: Charge, seed: int) -> None:
        super().__init__(charge=charge)
        self.low, self.high = toy.low, toy.high
        self._toy = toy
        self._seed = seed
        self._size, self._lower, self._upper, self._costs = _formulas(toy.name)

    def initial_alpha(self) -> Tensor:
        """Starting point of alpha, (d,), that requires a gradient."""
        low, high = np.array(self.low), np.array(self.high)
        start = _STARTS.get(self._toy.name)
        if start is None:
            start = (low + high) / 2 + (high - low) / 2 * np.random.default_rng([self._seed, 3]).uniform(
                -0.5, 0.5, len(low)
            )
        return _tensor(start).clone().requires_grad_()

    def initial_weights(self, *, partial_channels: int = 1) -> dict[str, Tensor]:
        """Zeros: ``w`` of shape (n,)."""
        _whole(partial_channels)
        return {"w": torch.zeros(self._size, dtype=torch.float64, requires_grad=True)}

    def train_loss(self, weights: Mapping[str, Tensor], p: Tensor, batch: Any) -> Tensor:
        """Lower-level loss f(alpha, w)."""
        return self._loss(self._lower, weights, p)

    def valid_loss(self, weights: Mapping[str, Tensor], p: Tensor, batch: Any) -> Tensor:
        """Upper-level loss F(alpha, w): the first objective."""
        return self._loss(self._upper, weights, p)

    def costs(self, p: Tensor) -> Tensor:
        """The second objective, (1,), where there is one, else (0,)."""
        return p.new_zeros(0) if self._costs is None else self._costs(p)[None]

    def one_shot(self, weights: Mapping[str, Tensor], X: Array, *, batches: int) -> Array:
        """First objective, (n,), of (n, d) rows with the weights as they are; each is charged `batches` passes."""
        found = []
        with torch.no_grad():
            for alpha in self._toy.alpha(X):
                self._charge(FORWARD * PRICE * batches)
                found.append(float(self._upper(weights["w"], _tensor(alpha))))
        return np.array(found)

    def discretise(self, alpha: Tensor) -> Array:
        """The nearest row of the grid: (1, d)."""
        return self._toy.rows(alpha.detach().cpu().numpy()[None])


_STARTS: dict[str, tuple[float, ...]] = {
    "quadratic": (0.5, -0.5),
    "quadratic_front": (0.5, -0.5),
    "ridge": (0.0,),
    "toll": (1.0,),
    "toll_saturated": (1.0,),
    "non_unique": (0.0,),
    "skip_collapse": (0.0,),
}


def _formulas(name: str) -> tuple[int, Loss, Loss, Callable[[Tensor], Tensor] | None]:
    """Number of weights, f(w, alpha), F(w, alpha) and the second objective of a toy."""
    if name in ("quadratic", "quadratic_front"):
        return _quadratic(single=name == "quadratic")
    if name == "ridge":
        return _ridge()
    if name in ("toll", "toll_saturated"):
        return _toll(name)
    if name == "non_unique":
        t = _tensor([1.0, 0.0])
        return 2, lambda w, a: ((w.sum() - a[0]) ** 2) / 2, lambda w, a: ((w - t) ** 2).sum() / 2, None
    if name == "skip_collapse":
        return _skip_collapse()
    first, second = _two_quadratics() if name == "two_quadratics" else _fonseca()
    return 1, lambda w, a: (w**2).sum() / 2, lambda w, a: first(a), second


def _quadratic(*, single: bool) -> tuple[int, Loss, Loss, Callable[[Tensor], Tensor] | None]:
    A, B, c, t = (_tensor(values) for values in (toys.A, toys.B, toys.C, toys.T))

    def lower(w: Tensor, a: Tensor) -> Tensor:
        return w @ A @ w / 2 - w @ (B @ a + c)

    def size(a: Tensor) -> Tensor:
        return (a**2).sum() / 2

    def upper(w: Tensor, a: Tensor) -> Tensor:
        distance = ((w - t) ** 2).sum() / 2
        return distance + toys.RHO * size(a) if single else distance

    return 2, lower, upper, None if single else size


def _ridge() -> tuple[int, Loss, Loss, None]:
    X, y, X_v, y_v = (_tensor(v) for v in (toys.INPUTS, toys.TARGETS, toys.VALID_INPUTS, toys.VALID_TARGETS))

    def lower(w: Tensor, a: Tensor) -> Tensor:
        return ((X @ w - y) ** 2).mean() / 2 + a[0].exp() * (w**2).sum() / 2

    return 2, lower, lambda w, a: ((X_v @ w - y_v) ** 2).mean() / 2, None


def _toll(name: str) -> tuple[int, Loss, Loss, None]:
    """The follower's potential without its bounds; the flow is the clipped weight, which solves the bounded one."""
    D = toys.OTHER_COST[name] + toys.SLOPE / 2 - toys.ROUTE_COST

    def lower(w: Tensor, a: Tensor) -> Tensor:
        return toys.SLOPE * w[0] ** 2 / 2 - (D - a[0]) * w[0]

    return 1, lower, lambda w, a: -a[0] * w[0].clamp(0.0, 1.0), None


def _skip_collapse() -> tuple[int, Loss, Loss, None]:
    def upper(w: Tensor, a: Tensor) -> Tensor:
        p = torch.sigmoid(a[0])
        return (p * w[0] + (1.0 - p) * toys.SKIP_GAIN - toys.TARGET) ** 2 / 2

    return 1, lambda w, a: upper(w, a) + toys.DECAY * w[0] ** 2 / 2, upper, None


def _two_quadratics() -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    ends = _tensor(toys.ENDS)
    return lambda a: ((a - ends[0]) ** 2).sum() / 2, lambda a: ((a - ends[1]) ** 2).sum() / 2


def _fonseca() -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    end = toys.FONSECA_SIZE**-0.5
    return lambda a: 1.0 - (-((a - end) ** 2).sum()).exp(), lambda a: 1.0 - (-((a + end) ** 2).sum()).exp()


class RidgeNetwork(_Metered):
    """RidgeNet's supernet: 25 weights, whose columns are scaled by the shares p, (3, 4), of their operations.

    An edge may lack the last of the operations; what is absent has no share, and its weights stay zero.
    """

    def __init__(self, operations: tuple[tuple[str, ...], ...], *, charge: Charge) -> None:
        super().__init__(charge=charge)
        self.operations = operations
        self._absent = ~torch.from_numpy(operation_mask(operations))
        self._train, self._valid = (
            tuple(_tensor(part) for part in ridgenet.data(offset))
            for offset in (ridgenet.TRAIN_OFFSET, ridgenet.VALID_OFFSET)
        )
        self._owners = torch.tensor(ridgenet.OWNERS)  # a copy: the columns are every run's
        self._terms = _tensor(ridgenet.TERMS)

    def initial_alpha(self) -> Tensor:
        """Zeros, (3, 4), that require a gradient."""
        return torch.zeros(self._absent.shape, dtype=torch.float64, requires_grad=True)

    def initial_weights(self, *, partial_channels: int = 1) -> dict[str, Tensor]:
        """Zeros: ``w`` of shape (25,), the intercept's first."""
        _whole(partial_channels)
        return {"w": torch.zeros(1 + len(self._owners), dtype=torch.float64, requires_grad=True)}

    def _residual(self, part: tuple[Tensor, ...], w: Tensor, p: Tensor) -> Tensor:
        shares = torch.cat([p.new_ones(1), p[self._owners[:, 0], self._owners[:, 1]]])
        return part[0] @ (shares * w) - part[1]

    def train_loss(
        self, weights: Mapping[str, Tensor], p: Tensor, batch: Any, *, computed: Tensor | None = None
    ) -> Tensor:
        """Half the mean squared training error and the ridge; every pass computes all operations anyway."""

        def lower(w: Tensor, p: Tensor) -> Tensor:
            return (self._residual(self._train, w, p) ** 2).mean() / 2 + ridgenet.RIDGE * (w**2).sum() / 2

        return self._loss(lower, weights, p)

    def valid_loss(
        self, weights: Mapping[str, Tensor], p: Tensor, batch: Any, *, computed: Tensor | None = None
    ) -> Tensor:
        """Mean squared validation error; every pass computes all operations anyway."""
        return self._loss(lambda w, p: (self._residual(self._valid, w, p) ** 2).mean(), weights, p)

    def costs(self, p: Tensor) -> Tensor:
        """Expected number of weights, (1,)."""
        return (p @ self._terms.to(p)).sum()[None]

    def one_shot(self, weights: Mapping[str, Tensor], X: Array, *, batches: int) -> Array:
        """Validation error, (n,), of (n, 3) rows with the weights as they are; each is charged `batches` passes."""
        found = []
        with torch.no_grad():
            for genes in torch.from_numpy(np.asarray(X, dtype=np.int64)):
                self._charge(FORWARD * PRICE * batches)
                p = torch.nn.functional.one_hot(genes, len(ridgenet.TERMS)).to(torch.float64)
                found.append(float((self._residual(self._valid, weights["w"], p) ** 2).mean()))
        return np.array(found)

    def discretise(self, alpha: Tensor) -> Array:
        """The largest entry of each edge, of the operations that it has: (1, 3)."""
        genes: Array = (
            alpha.detach().masked_fill(self._absent, -torch.inf).argmax(dim=1).cpu().numpy().astype(np.int64)[None]
        )
        return genes


def _whole(partial_channels: int) -> None:
    if partial_channels != 1:
        raise ValueError(f"partial_channels: a toy has no channels to share out, expected 1, found {partial_channels}")
