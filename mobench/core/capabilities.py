"""What a problem can offer beyond answers, each a protocol: a known front, fidelities, weight sharing, and more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

from mobench.core.space import Array

__all__ = [
    "Decodable",
    "Drawable",
    "Enumerable",
    "Fingerprinted",
    "MultiFidelity",
    "Network",
    "Published",
    "Slow",
    "Supernet",
]


@runtime_checkable
class Enumerable(Protocol):
    """The true front can be listed."""

    def front(self) -> tuple[Array, Array]:
        """All architectures (k, d) whose scored values (k, m) are nondominated."""
        ...


@runtime_checkable
class MultiFidelity(Protocol):
    """Answers can be had for less, at a lower fidelity."""

    @property
    def fidelities(self) -> tuple[int, ...]:
        """Epochs on offer, ascending; the last is the full fidelity."""
        ...


@runtime_checkable
class Decodable(Protocol):
    """Architectures have a written form."""

    def decode(self, X: Array) -> list[str]:
        """One string a row of X."""
        ...


@runtime_checkable
class Drawable(Protocol):
    """Architectures can be drawn as graphs."""

    def graph(self, x: Array) -> list[tuple[str, str, str]]:
        """The edges of one architecture, (d,), without cycles: names of source and target node, and a label."""
        ...


@runtime_checkable
class Slow(Protocol):
    """Answers take long: they are computed, charged and logged in portions, so that an end or a kill loses little."""

    @property
    def portion(self) -> int:
        """Architectures answered at a time."""
        ...


class Network(Protocol):
    """What `run.supernet` hands to a searcher: one set of weights that holds every architecture.

    Tensors are torch's. An architecture parameter ``alpha`` and its relaxation ``p`` (the weights of the operations)
    have the shape (d, k) for d genes of k operations each; where `genes` is empty, alpha is a plain vector and p is
    alpha itself. Losses are counted: their forward pass when called, their backward passes, first and second order,
    when autograd runs them. Batches, costs and discretisation are free.
    """

    @property
    def genes(self) -> tuple[int, ...]:
        """Number of operations of each gene, all equal; empty where alpha is a plain vector."""
        ...

    @property
    def operations(self) -> tuple[str, ...]:
        """Names of a gene's operations, in their order; empty where alpha is a plain vector."""
        ...

    @property
    def drawn(self) -> dict[str, int]:
        """Batches drawn so far from each half, ``train`` and ``valid``; a checkpoint sets them."""
        ...

    def initial_alpha(self) -> Any:
        """Starting point of alpha, by address."""
        ...

    def initial_weights(self, *, partial_channels: int = 1) -> dict[str, Any]:
        """Fresh weights, by address: leaves that require a gradient.

        With `partial_channels`, those of partial connections (Xu et al. 2020): one channel of so many goes through the
        operations. ValueError where there are no such channels.
        """
        ...

    def train_batch(self) -> Any:
        """Next batch of the training half, in an order by address."""
        ...

    def valid_batch(self) -> Any:
        """Next batch of the validation half."""
        ...

    def train_loss(self, weights: Mapping[str, Any], p: Any, batch: Any) -> Any:
        """Lower-level loss f, a scalar tensor."""
        ...

    def valid_loss(self, weights: Mapping[str, Any], p: Any, batch: Any) -> Any:
        """Upper-level loss F of the first objective, a scalar tensor."""
        ...

    def costs(self, p: Any) -> Any:
        """The other objectives, (m - 1,), minimised, in natural units, exact at discrete p and differentiable."""
        ...

    def one_shot(self, weights: Mapping[str, Any], X: Array, *, batches: int) -> Array:
        """First objective of (n, d) architectures with inherited weights on `batches` validation batches; (n,)."""
        ...

    def discretise(self, alpha: Any) -> Array:
        """The architecture that alpha stands for: (1, d)."""
        ...


@runtime_checkable
class Supernet(Protocol):
    """Weight sharing: architectures can be searched with one set of weights for all."""

    def supernet(self, *, charge: Callable[[float, bool], None], seed: int) -> Network:
        """Open the network; it calls ``charge(flops, may_stop)`` for every pass, before a forward, during a backward.

        `charge` raises BudgetExhausted where it may stop and the budget is spent.
        """
        ...


@runtime_checkable
class Fingerprinted(Protocol):
    """Answers come from data that can change under the same name (a table, an import)."""

    @property
    def fingerprint(self) -> str:
        """Checksum of the data that decides the answers and the scores."""
        ...


@runtime_checkable
class Published(Protocol):
    """A paper fixed bounds for comparing fronts on this problem."""

    def bounds(self, contract: str) -> tuple[Array, Array]:
        """Ideal and nadir point, (m,) each, as the named contract's paper gives them.

        Raises
        ------
        ValueError
            The contract has no bounds for this choice of data and objectives.
        """
        ...
