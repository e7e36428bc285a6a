"""One NAS-Bench-201 supernet: a set of weights that holds every cell, with metered losses and exact expected costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mobench import Array
from mobench.live.batch import Batch
from mobench.live.layouts import IMAGES_FIRST, IMAGES_LAST, LARGEST
from mobench.live.memory import check_room, enough_memory
from mobench.live.meter import Charge, metered
from mobench.live.one_shot import Path, one_shot_errors
from mobench.live.repeatable import choose_repeatable_kernels
from mobench.live.training import Augment
from mobench.problems._cells import mixture as _mixture
from mobench.problems._cells import plans as _plans
from mobench.problems._cells.latency_table import LatencyTable
from mobench.problems._cells.space import CHOICES, EDGES, OPERATIONS, Skeleton

Images = tuple[Tensor, Tensor]
"""Images (b, inputs, size, size) and labels (b,)."""
UNITS = {"flops": 1e6, "params": 1e3}
"""Costs are given in millions of multiply-adds and in thousands of parameters."""
WIRES = tuple((i, j) for i, (target, _) in enumerate(EDGES) for j, (_, source) in enumerate(EDGES) if target == source)
"""Pairs of edges of which the second begins where the first ends."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a supernet is trained and what it costs.

    Attributes
    ----------
    batch : int
        Images in a batch.
    costs : tuple of str
        Objectives beside the error: any of `UNITS` and of `latencies`.
    latencies : mapping of str to LatencyTable
        Sums over operations that stand for measured latencies, by the names of these objectives, in ms.
    dead : bool
        Count convolutions on dead edges in flops and parameters, as NAS-Bench-201's published figures do.
    device : str
        A torch device; data and weights live there.
    channels_last, autocast : bool
        Memory format, and bfloat16 arithmetic, of use on CUDA.
    images_last : bool or None
        Convolutions as products with matrices that hold their zeros too, for small images (see `_layouts`); None:
        for images up to 8x8 on the CPU. It changes speed and rounding, not what is charged.
    batched : bool
        Sum what a node of a whole mixture gives to all later nodes as one tensor: fewer launches, of use on CUDA.
    augment : callable or None
        ``(images, rng) -> images``: what is done to each training batch, by a generator at the address of the batch;
        validation batches are left as they are.
    """

    batch: int = 64
    costs: tuple[str, ...] = ("flops",)
    latencies: Mapping[str, LatencyTable] = field(default_factory=dict)
    dead: bool = False
    device: str = "cpu"
    channels_last: bool = False
    autocast: bool = False
    images_last: bool | None = None
    batched: bool = False
    augment: Augment | None = None


@lru_cache(maxsize=8)
def _order(seed: int, half: int, epoch: int, n: int) -> Array:
    """Order of n images in an epoch of a half."""
    return np.random.default_rng([seed, 2, half, epoch]).permutation(n)


def _images_last(options: Options, skeleton: Skeleton) -> bool:
    if options.images_last is None:
        plain = not (options.channels_last or options.autocast)
        return plain and torch.device(options.device).type == "cpu" and skeleton.size <= LARGEST
    if options.images_last and (options.channels_last or options.autocast):
        raise ValueError("images_last: goes neither with channels_last nor with autocast; leave these out")
    return options.images_last


class CellSupernet:
    """The network around a cell whose edges carry all operations at once, or any choice of them.

    A loss computes the operations whose share in p is not zero, and charges for these: all of them under a softmax,
    one an edge where p is one-hot (also straight-through, where p's gradient is that of the sampled operation and
    zero for the others). What its `computed`, (6, 5) bool, names is computed and charged, too: shares of zero have a
    gradient then. What lies on dead edges is neither computed nor charged. Weights that took no part have no
    gradient: pass ``allow_unused=True`` to `torch.autograd.grad`. Batch norms use the statistics of the batch, in
    training, in validation and in one-shot scores. Equal seeds give equal numbers, on CUDA, too: opening it chooses
    deterministic kernels for the process, for passes of any order.

    Parameters
    ----------
    skeleton : Skeleton
    train, valid : tuple of Tensor
        Images (n, inputs, size, size), whose dtype the weights get, and labels (n,), int64, of the two halves.
    charge : callable
        ``charge(flops)``, see `meter`.
    seed : int
        Address of weights ``[seed, 3]``, alpha ``[seed, 3, 1]``, batches ``[seed, 2, half, epoch]`` and what is done to
        a training batch ``[seed, 2, 0, number, 1]``.
    options : Options, optional

    Attributes
    ----------
    drawn : dict of str to int
        Batches drawn so far from each half, ``train`` and ``valid``; set the numbers to go on from there.

    Raises
    ------
    ValueError
        Images that do not fit the skeleton, labels that do not fit the images, or an unknown cost.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        *,
        train: Images,
        valid: Images,
        charge: Charge,
        seed: int,
        options: Options | None = None,
    ) -> None:
        self.skeleton = skeleton
        self.options = Options() if options is None else options
        self.seed = seed
        self.drawn = {"train": 0, "valid": 0}
        self._orders: dict[str, tuple[int, Tensor]] = {}
        self._largest = 0.0
        choose_repeatable_kernels(self.options.device)
        self._layout = IMAGES_LAST if _images_last(self.options, skeleton) else IMAGES_FIRST
        self._charge = charge
        self._halves = {half: self._place(half, data) for half, data in (("train", train), ("valid", valid))}
        latencies = self.options.latencies
        for name in self.options.costs:
            if name not in {*UNITS, *latencies}:
                raise ValueError(f"costs: expected any of {', '.join([*UNITS, *latencies])}, found {name!r}")
        self._prices = {name: _mixture.prices(skeleton, name=name) for name in UNITS}
        self._prices |= {
            name: _mixture.Prices(table.fixed, np.array(table.operations)) for name, table in latencies.items()
        }

    def _place(self, half: str, data: Images) -> Images:
        """Check one half of the data and bring it to the device."""
        images, labels = data
        expected = (self.skeleton.inputs, self.skeleton.size, self.skeleton.size)
        if images.ndim != 4 or tuple(images.shape[1:]) != expected or not len(images):
            raise ValueError(f"{half}: expected images of shape (n, *{expected}), found {tuple(images.shape)}")
        if labels.shape != images.shape[:1] or labels.dtype != torch.int64:
            raise ValueError(f"{half}: expected {len(images)} int64 labels, found {tuple(labels.shape)} {labels.dtype}")
        if int(labels.min()) < 0 or int(labels.max()) >= self.skeleton.classes:
            raise ValueError(f"{half}: expected labels below {self.skeleton.classes}, found {int(labels.max())}")
        return images.to(self.options.device, memory_format=self._format(images)), labels.to(self.options.device)

    def _format(self, tensor: Tensor) -> torch.memory_format:
        wanted = self.options.channels_last and tensor.ndim == 4
        return torch.channels_last if wanted else torch.contiguous_format

    @property
    def operations(self) -> tuple[tuple[str, ...], ...]:
        """NAS-Bench-201's names, the same on each of six edges."""
        return CHOICES

    @property
    def wires(self) -> tuple[tuple[int, int], ...]:
        """Pairs of edges of which the second begins where the first ends."""
        return WIRES

    @property
    def owners(self) -> dict[str, int]:
        """The edge of each weight of an operation: ``cell2.4.nor_conv_3x3.kernel`` belongs to the edge 4."""
        names = _mixture.shapes(self.skeleton)
        return {name: int(name.split(".")[1]) for name in names if name.startswith("cell")}

    @property
    def coarse(self) -> bool:
        """Whether its gradients are too coarse for differences of them."""
        return self.options.autocast

    def initial_alpha(self) -> Tensor:
        """Normal numbers of standard deviation 0.001, (6, 5), that require a gradient (Liu et al. 2019)."""
        drawn = 1e-3 * np.random.default_rng([self.seed, 3, 1]).standard_normal((len(EDGES), len(OPERATIONS)))
        return torch.tensor(drawn, dtype=self._halves["train"][0].dtype, device=self.options.device, requires_grad=True)

    def initial_weights(self, *, partial_channels: int = 1) -> dict[str, Tensor]:
        """The same fresh weights at every call: leaves that require a gradient.

        Parameters
        ----------
        partial_channels : int
            One channel of so many goes through the operations of an edge, the others are carried over (PC-DARTS, Xu et
            al. 2020); passes are charged accordingly. Costs are those of whole cells.

        Raises
        ------
        ValueError
            `partial_channels` does not divide the channels.
        """
        channels = self.skeleton.channels
        if partial_channels < 1 or channels % partial_channels:
            raise ValueError(f"partial_channels: expected a divisor of {channels} channels, found {partial_channels}")
        state = np.random.SeedSequence([self.seed, 3]).generate_state(1, np.uint32)
        drawn = _mixture.draw_weights(self.skeleton, seed=int(state[0]), partial=partial_channels)
        dtype, device = self._halves["train"][0].dtype, self.options.device
        placed = {name: w.to(device, dtype, memory_format=self._format(w)) for name, w in drawn.items()}
        return {name: w.detach().clone().requires_grad_() for name, w in placed.items()}

    def shallow(self, weights: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
        """Those of the weights that make a network of a share of the cells, rounded up, the first of each stage.

        Losses compute and charge the cells whose weights they get. Costs are those of the whole network.
        """
        return _mixture.shallow(weights, self.skeleton, math.ceil(share * self.skeleton.cells))

    def morph(self, weights: Mapping[str, Tensor], parent: Array, child: Array) -> dict[str, Tensor]:
        """A copy of weights with which `child`, (6,), computes what `parent` does, as far as operations allow; free.

        Exactly where edges go from `none` to a convolution, or from one of size 1 to one of size 3.
        """
        return _mixture.morphed(weights, parent, child, self.skeleton)

    def train_batch(self) -> Batch:
        """Next batch of the training half; each epoch is a permutation, and its incomplete last batch is left out."""
        return self._next("train")

    def valid_batch(self) -> Batch:
        """Next batch of the validation half."""
        return self._next("valid")

    def _next(self, half: str) -> Batch:
        number = self.drawn[half]
        self.drawn[half] = number + 1
        return Batch(half, number)

    def _images(self, batch: Batch) -> Images:
        """Images and labels of a batch, in an order that depends on the seed alone."""
        if not isinstance(batch, Batch) or batch.half not in self._halves or batch.number < 0:
            raise ValueError(f"batch: expected one of train_batch() or valid_batch(), found {batch!r}")
        half, number = batch
        images, labels = self._halves[half]
        size = min(self.options.batch, len(images))
        epoch, place = divmod(number, len(images) // size)
        order = _order(self.seed, int(half == "valid"), epoch, len(images))
        if self._orders.get(half, (-1,))[0] != epoch:  # once an epoch to the device
            self._orders[half] = (epoch, torch.from_numpy(order).to(images.device))
        rows = self._orders[half][1][place * size : (place + 1) * size]
        chosen = images[rows]
        if half == "train" and self.options.augment is not None:
            chosen = self.options.augment(chosen, np.random.default_rng([self.seed, 2, 0, number, 1]))
        return chosen.contiguous(memory_format=self._format(chosen)), labels[rows]

    def train_loss(
        self, weights: Mapping[str, Tensor], p: Tensor, batch: Batch, *, computed: Tensor | None = None
    ) -> Tensor:
        """Mean cross entropy of a batch under the shares p, (6, 5); metered.

        Parameters
        ----------
        computed : Tensor, optional
            (6, 5) bool: operations that are computed and charged even where their share is zero, so that p's gradient
            is right there, too.

        Raises
        ------
        BudgetExhausted
            Here, or in a later pass; see `metered`.
        MemoryError
            The device has no room for what the pass keeps for its backward pass.
        ValueError
            `batch` is none of `train_batch` or `valid_batch`, or `computed` has another shape.
        """
        images, labels = self._images(batch)
        support, ones = _plans.support_of(p)
        if computed is not None:
            support = _plans.with_computed(support, computed)
        plan, p = _plans.plan(support), p.to(images)
        shares = None if ones and computed is None and not p.requires_grad else p

        def loss() -> Tensor:
            found = functional.cross_entropy(self._logits(weights, shares, images, plan).to(images.dtype), labels)
            # so that p has a gradient in a cell without path, too
            return found + 0.0 * p.sum() if p.requires_grad else found

        self._check_room(plan, images)
        flops = self._price(plan, len(images), weights)
        return metered(loss, flops=flops, charge=self._charge, second_order=not self.options.autocast)

    def valid_loss(
        self, weights: Mapping[str, Tensor], p: Tensor, batch: Batch, *, computed: Tensor | None = None
    ) -> Tensor:
        """The same on a batch of the validation half."""
        return self.train_loss(weights, p, batch, computed=computed)

    def _check_room(self, plan: _plans.Plan, images: Tensor) -> None:
        """MemoryError where a pass keeps more for its backward pass than is free on the device: once for each size."""
        kept = len(images) * images.element_size() * _mixture.kept_values(self.skeleton, plan)
        if torch.is_grad_enabled() and kept > self._largest:
            what = f"a pass of {len(images)} images through {sum(map(len, plan.support))} operations a cell"
            check_room(kept, self.options.device, what)
            self._largest = kept

    def _price(self, computed: _plans.Plan, n: int, weights: Mapping[str, Tensor]) -> float:
        """Multiply-adds of a forward pass of n images."""
        partial = _mixture.partial_of(weights, self.skeleton)
        share = _mixture.depth_of(weights, self.skeleton) / self.skeleton.cells
        return n * self._prices["flops"].of(computed, partial=partial, share=share)

    def _logits(self, weights: Mapping[str, Tensor], p: Tensor | None, images: Tensor, computed: _plans.Plan) -> Tensor:
        kind = torch.device(self.options.device).type
        arithmetic: AbstractContextManager[object] = (
            torch.autocast(kind, dtype=torch.bfloat16) if self.options.autocast else nullcontext()
        )
        with arithmetic, enough_memory(self.options.device):
            return _mixture.logits(
                weights,
                p,
                images,
                skeleton=self.skeleton,
                computed=computed,
                layout=self._layout,
                batched=self.options.batched,
            )

    def costs(self, p: Tensor) -> Tensor:
        """Expected costs of a cell drawn from p, (m - 1,), in the order of the options, `UNITS` or ms; free."""
        found = [
            _mixture.expected_cost(p, self._prices[name], dead=self.options.dead and name in UNITS)
            / UNITS.get(name, 1.0)
            for name in self.options.costs
        ]
        return torch.stack(found) if found else p.new_zeros(0)

    def one_shot(self, weights: Mapping[str, Tensor], X: Array, *, batches: int) -> Array:
        """Validation error in per cent of (n, 6) cells with inherited weights, on the same batches at every call; (n,).

        The batches are the first of the validation order. Charged are the forward passes.

        Raises
        ------
        BudgetExhausted
            By `charge`, before the pass that the budget cannot pay.
        ValueError
            Fewer than one batch.
        """

        def path(genes: Array) -> Path:
            computed = _plans.plan(tuple((int(op),) for op in genes))
            return self._price(computed, 1, weights), lambda images: self._logits(weights, None, images, computed)

        return one_shot_errors(X, path, self._images, batches=batches, charge=self._charge)

    def discretise(self, alpha: Tensor) -> Array:
        """The largest entry of each edge, `none` included: (1, 6) int64."""
        genes: Array = alpha.detach().argmax(dim=1).cpu().numpy().astype(np.int64)[None]
        return genes
