"""What there is to measure: the networks of each space that has a table, and how one of them is built.

A space more is a function here and a line of `SPACES`; where its table is, `pack_latency.py` says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from gpt import GPT
from torch import nn

from mobench import Array
from mobench.problems._cells.network import Network
from mobench.problems._cells.space import CIFAR10, Skeleton, all_cells, functional_classes
from mobench.problems._chain.network import chain
from mobench.problems._chain.space import SIZE
from mobench.problems._chain.space import all_networks as all_chains
from mobench.problems._embedded.tables import embedded
from mobench.problems._hw_gpt.columns import GENES
from mobench.problems._hw_gpt.scales import SCALES, TOKENS, VOCABULARY
from mobench.problems._motif.table import SKELETON
from mobench.problems._transformer.network import transformer
from mobench.problems._transformer.space import SIZE as PIXELS
from mobench.problems._transformer.space import all_networks as all_transformers

SAMPLED = 200
"""Networks of HW-GPT-Bench that are measured again."""


@dataclass(frozen=True)
class Networks:
    """The networks of a space, in the order of its table.

    Attributes
    ----------
    genes : Array
        (n, d).
    make : callable
        (d,) genes -> a module.
    shape : tuple of int
        One input.
    reference : sequence of int
        Genes of the network that is measured again and again, to see drift.
    tokens : int or None
        Inputs are whole numbers below it; None: random reals.
    """

    genes: Array
    make: Callable[[Sequence[int]], nn.Module]
    shape: tuple[int, ...]
    reference: Sequence[int]
    tokens: int | None = None


def cells(skeleton: Skeleton) -> Networks:
    """The 5,260 networks of cells; the reference has 3x3 convolutions alone, the slowest."""
    shape = (skeleton.inputs, skeleton.size, skeleton.size)
    genes = all_cells()[np.unique(functional_classes())]
    return Networks(genes, lambda x: Network(x, skeleton), shape, (3,) * 6)


def chains() -> Networks:
    """The 5,329 networks of motif_chain."""
    return Networks(all_chains(), chain, (1, SIZE, SIZE), (5, 8, 6, 2))


def transformers() -> Networks:
    """The 4,136 networks of motif_transformer; the reference is the largest network."""
    return Networks(all_transformers(), transformer, (1, PIXELS, PIXELS), (3, 2, 2, 2, 2, 2, 2, 0))


def hw_gpt() -> Networks:
    """Some networks of HW-GPT-Bench's scale s, of those that were measured; the reference is the largest network."""
    rows, scale = hw_gpt_rows(), SCALES["s"]
    genes = embedded("hw_gpt_pool_s")[GENES][rows].astype(np.int64)
    largest = (2,) * 2 + (1,) + (2,) * 2 * scale.layers
    return Networks(genes, lambda x: GPT(x, scale), (TOKENS,), largest, tokens=VOCABULARY)


def hw_gpt_rows() -> Array:
    """Which networks of the pool are measured: (200,) rows."""
    return np.sort(np.random.default_rng(0).choice(len(embedded("hw_gpt_pool_s")[GENES]), SAMPLED, replace=False))


SPACES: dict[str, Callable[[], Networks]] = {
    "nasbench201": lambda: cells(CIFAR10),
    "motif": lambda: cells(SKELETON),
    "motif_chain": chains,
    "motif_transformer": transformers,
    "hw_gpt": hw_gpt,
}
