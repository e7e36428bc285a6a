"""Weight sharing: networks that hold every architecture at once, of categorical genes or a vector, and who offers them.

An architecture parameter alpha becomes the weights p of what it stands for, and a network's losses and costs are
functions of p. Genes that choose among operations and a plain vector are relaxed, sampled and counted in different
ways, so each is a protocol of its own; a searcher says which it can work with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from mobench.core.space import Array, Space

__all__ = [
    "CategoricalNetwork",
    "CategoricalSupernet",
    "ContinuousNetwork",
    "ContinuousSupernet",
    "ElasticNetwork",
    "ElasticSupernet",
    "Network",
    "Operations",
    "Supernet",
    "check_network",
    "operation_mask",
]

Operations = tuple[tuple[str, ...], ...]
"""Names of each gene's operations, in their order; genes may have different numbers of them."""


class Network(Protocol):
    """What `run.supernet` hands to a searcher: one set of weights that holds every architecture.

    Tensors are torch's. Losses are counted: their forward pass when called, their backward passes, first and second
    order, when autograd runs them. Batches, costs and discretisation are free. What alpha and p are, its two kinds
    say: `CategoricalNetwork` and `ContinuousNetwork`.

    One whose arithmetic is too coarse for differences of gradients (bfloat16) says so by an attribute `coarse`, true;
    searchers that take such differences refuse it.
    """

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
class CategoricalNetwork(Network, Protocol):
    """A network whose genes each choose one of some operations.

    Alpha and p have the shape (d, k): d genes, padded to the k operations of the gene that has most of them, each
    gene's own operations first (`operation_mask`). Rows of p weigh the operations of a gene and sum to one. Absent
    entries of p are 0; absent entries of alpha are ignored.

    One that knows may tell two more things, which `ghn` reads: `wires`, pairs (i, j) of genes of which j takes what i
    gives, without circles; and `owners`, the gene of each weight, by name, that belongs to one. One that can change a
    trained architecture into another has a method ``morph(weights, parent, child)``, which `lemonade` calls: a copy of
    weights with which the child, (d,), computes what the parent does, as far as its operations allow.

    A p that is drawn, not derived from alpha, may lie on the CPU wherever the network does, so that no pass
    waits for a device to learn what to compute.

    Operations with a share of 0 need not be computed, and their shares have no derivative then. Losses whose keyword
    `computed`, (d, k) bool, names them compute and charge them, too; straight-through estimators ask for that.

    A network that can leave cells out has a method ``shallow(weights, share)``, the weights of a share of its cells:
    losses that get no more than these compute and charge that share (P-DARTS).
    """

    @property
    def operations(self) -> Operations:
        """Names of each gene's operations: gene j of an architecture counts in ``operations[j]``."""
        ...


@runtime_checkable
class ElasticNetwork(CategoricalNetwork, Protocol):
    """A network whose options have an order, from the largest to the smallest, and that teaches its own parts."""

    @property
    def descending(self) -> tuple[tuple[int, ...], ...]:
        """Each gene's options from the most multiply-adds to the fewest, the other genes at their most."""
        ...

    def distilled_loss(
        self, weights: Mapping[str, Any], ps: Sequence[Any], batch: Any, *, teacher: tuple[Mapping[str, Any], Any]
    ) -> Any:
        """Mean over students ps, each (d, k), of cross entropy to the labels and to what the teacher says.

        The teacher, weights and p, is computed once, without a gradient. All passes are charged.
        """
        ...


@runtime_checkable
class ContinuousNetwork(Network, Protocol):
    """A network whose architecture is a vector in a box: alpha is a plain vector (d,), and p is alpha itself."""

    @property
    def low(self) -> tuple[float, ...]:
        """The box's lower corner, (d,); what lies outside is brought to the box when it is discretised."""
        ...

    @property
    def high(self) -> tuple[float, ...]:
        """The box's upper corner, (d,)."""
        ...


@runtime_checkable
class Supernet(Protocol):
    """All architectures share the weights of one network."""

    def supernet(self, *, charge: Callable[[float], None], seed: int) -> Network:
        """Open the network; it calls ``charge(flops)`` before every pass, forward and backward.

        `charge` raises BudgetExhausted where the budget is spent.
        """
        ...


@runtime_checkable
class CategoricalSupernet(Supernet, Protocol):
    """A supernet whose genes choose among named operations."""

    @property
    def operations(self) -> Operations:
        """The network's, known without opening it; as many names a gene as the space's cardinalities say."""
        ...

    def supernet(self, *, charge: Callable[[float], None], seed: int) -> CategoricalNetwork:
        """See `Supernet`."""
        ...


@runtime_checkable
class ElasticSupernet(CategoricalSupernet, Protocol):
    """A supernet whose options have an order of size, and whose largest network teaches the others."""

    @property
    def descending(self) -> tuple[tuple[int, ...], ...]:
        """The network's, known without opening it."""
        ...

    def supernet(self, *, charge: Callable[[float], None], seed: int) -> ElasticNetwork:
        """See `Supernet`."""
        ...


@runtime_checkable
class ContinuousSupernet(Supernet, Protocol):
    """A supernet whose architecture is a vector in a box."""

    @property
    def low(self) -> tuple[float, ...]:
        """The network's, known without opening it."""
        ...

    @property
    def high(self) -> tuple[float, ...]:
        """The network's, known without opening it."""
        ...

    def supernet(self, *, charge: Callable[[float], None], seed: int) -> ContinuousNetwork:
        """See `Supernet`."""
        ...


def operation_mask(operations: Operations) -> Array:
    """Which entries of a padded alpha or p exist: (d, k) bool, each gene's own operations first."""
    counts = np.array([len(names) for names in operations])
    mask: Array = np.arange(counts.max()) < counts[:, None]
    return mask


def check_network(network: object, space: Space) -> None:
    """Refuse a network that is of neither kind, or whose genes are not those of its problem's space.

    Raises
    ------
    TypeError
        It lacks members of a network.
    ValueError
        Its numbers of operations differ from the space's cardinalities.
    """
    if isinstance(network, CategoricalNetwork):
        found = tuple(len(names) for names in network.operations)
        if found != space.cardinalities:
            raise ValueError(
                f"supernet: its genes have {found} operations, the space's cardinalities are {space.cardinalities}; "
                "name each gene's operations, one a value"
            )
    elif not isinstance(network, ContinuousNetwork):
        lacking = [name for name in dir(Network) if not name.startswith("_") and not hasattr(network, name)]
        missed = ", ".join(lacking) or "`operations` (genes that choose), or `low` and `high` (a vector)"
        raise TypeError(f"supernet: expected a CategoricalNetwork or a ContinuousNetwork, {network!r} lacks {missed}")
