"""One architecture trained from scratch, alone: NAS-Bench-201's recipe, every random number by address."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mobench import Array
from mobench.live.data import Dataset, Part
from mobench.live.memory import enough_memory
from mobench.live.training import crops_and_flips, repeatable
from mobench.problems._cells.begun import Begun, restored, taken
from mobench.problems._cells.network import Network
from mobench.problems._cells.space import Skeleton

RATE, MOMENTUM, DECAY = 0.1, 0.9, 5e-4
"""Learning rate at the start, Nesterov momentum and weight decay of SGD (Dong and Yang 2020, table 2)."""
LARGE = 512
"""Images scored at a time."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How an architecture is trained.

    Attributes
    ----------
    epochs : int
        Length of the full training, over which the learning rate falls to 0 as a cosine, step by step.
    batch : int
        Images in a batch at most; an epoch is cut into equal batches.
    augment : bool
        Random crops and horizontal flips, where the dataset has `padding`.
    device : str
        A torch device.
    channels_last, autocast : bool
        Memory format, and bfloat16 arithmetic, of use on CUDA.
    """

    epochs: int = 12
    batch: int = 64
    augment: bool = False
    device: str = "cpu"
    channels_last: bool = False
    autocast: bool = False


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training of k epochs came to.

    Attributes
    ----------
    valid : Array
        (k,) validation error after each epoch, in per cent.
    test : float
        Test error in per cent after the last epoch of the recipe; NaN where the training stopped before.
    seconds : Array
        (k,) seconds of training up to each epoch, as measured; scoring is not counted.
    begun : Begun, optional
        Where it stands, where it stopped before the last epoch of the recipe.
    """

    valid: Array
    test: float
    seconds: Array
    begun: Begun | None = None


def train(
    genes: Sequence[int],
    skeleton: Skeleton,
    data: Dataset,
    recipe: Recipe,
    *,
    seed: int,
    row: int,
    epochs: int | None = None,
    before: Trained | None = None,
) -> Trained:
    """Train a cell for the first `epochs` epochs of the recipe (None: all of them), or go on with what came `before`.

    Weights are drawn at the address [seed, 3, row], the order of the images at [seed, 2, row], crops and flips at
    [seed, 2, row, 1]: equal addresses give equal results on one device, where one thread computes on a CPU and
    deterministic kernels are chosen on CUDA. The global random state stays as it is.

    Raises
    ------
    ValueError
        Images that do not fit the skeleton.
    MemoryError
        The device has too little memory; the message names the cure.
    """
    shape = (skeleton.inputs, skeleton.size, skeleton.size)
    if tuple(data.train.images.shape[1:]) != shape:
        raise ValueError(f"{data.name}: expected images of shape {shape}, found {tuple(data.train.images.shape[1:])}")
    with enough_memory(recipe.device), repeatable(recipe.device):
        network: Any = draw_network(genes, skeleton, seed=seed, row=row)
        network.to(device=recipe.device, memory_format=_format(recipe))
        optimizer = torch.optim.SGD(network.parameters(), lr=RATE, momentum=MOMENTUM, nesterov=True, weight_decay=DECAY)
        streams = {name: np.random.default_rng(at) for name, at in _addresses(seed, row).items()}
        valid, seconds = [], []
        if before is not None and before.begun is not None:
            restored(before.begun, network, optimizer, streams)
            valid, seconds = before.valid.tolist(), before.seconds.tolist()
        for spent in _epochs(network, optimizer, data, recipe, streams, first=len(valid)):
            seconds.append(spent + (seconds[-1] if seconds else 0.0))
            valid.append(_error(network, data, data.valid, recipe))
            if len(valid) == epochs:
                break
        whole = len(valid) == recipe.epochs
        test = _error(network, data, data.test, recipe) if whole else math.nan
        begun = None if whole else taken(network, optimizer, streams, len(valid))
    return Trained(np.array(valid), test, np.array(seconds), begun)


def _addresses(seed: int, row: int) -> dict[str, list[int]]:
    """Where the order of the images is drawn, and their crops."""
    return {"orders": [seed, 2, row], "crops": [seed, 2, row, 1]}


def draw_network(genes: Sequence[int], skeleton: Skeleton, *, seed: int, row: int) -> Network:
    """Build the network of a cell; kernels and classifier are uniform within 1/sqrt(fan-in), as torch draws them."""
    with torch.random.fork_rng(devices=[]):  # torch draws weights of its own
        network = Network(genes, skeleton)
    rng = np.random.default_rng([seed, 3, row])
    with torch.no_grad():
        for name, tensor in network.named_parameters():
            if tensor.dim() > 1 or name == "classifier.bias":
                fan_in = math.prod(tensor.shape[1:]) if tensor.dim() > 1 else network.classifier.in_features
                drawn = rng.uniform(-1.0, 1.0, size=tensor.numel()) / np.sqrt(fan_in)
                tensor.copy_(torch.from_numpy(drawn).view_as(tensor))
    return network


def _epochs(
    network: Network,
    optimizer: torch.optim.Optimizer,
    data: Dataset,
    recipe: Recipe,
    streams: Mapping[str, np.random.Generator],
    *,
    first: int,
) -> Iterator[float]:
    """Train epoch by epoch, from number `first` on; yields the seconds of each."""
    orders, crops = streams["orders"], streams["crops"]
    n = len(data.train.images)
    steps = math.ceil(n / recipe.batch)
    for epoch in range(first, recipe.epochs):
        began = time.perf_counter()
        network.train()
        for step, chosen in enumerate(np.array_split(orders.permutation(n), steps), start=epoch * steps):
            rate = RATE * 0.5 * (1.0 + math.cos(math.pi * step / (recipe.epochs * steps)))
            optimizer.param_groups[0]["lr"] = rate
            rows = torch.from_numpy(chosen).to(recipe.device)
            images = data.train.images[rows]
            if recipe.augment:
                images = crops_and_flips(data.padding)(images, crops)
            optimizer.zero_grad()
            logits = _logits(network, data.normalise(images), recipe)
            functional.cross_entropy(logits, data.train.labels[rows]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        if torch.device(recipe.device).type == "cuda":
            torch.cuda.synchronize(recipe.device)
        yield time.perf_counter() - began


def _error(network: nn.Module, data: Dataset, part: Part, recipe: Recipe) -> float:
    """Error of a trained network in per cent."""
    network.eval()
    wrong = torch.zeros((), dtype=torch.int64, device=recipe.device)
    with torch.inference_mode():
        for start in range(0, len(part.labels), LARGE):
            images, labels = part.images[start : start + LARGE], part.labels[start : start + LARGE]
            wrong += (_logits(network, data.normalise(images), recipe).argmax(dim=1) != labels).sum()
    return 100.0 * int(wrong) / len(part.labels)


def _logits(network: nn.Module, images: Tensor, recipe: Recipe) -> Tensor:
    kind = torch.device(recipe.device).type
    with torch.autocast(kind, dtype=torch.bfloat16) if recipe.autocast else nullcontext():
        logits: Tensor = network(images.contiguous(memory_format=_format(recipe)))
    return logits.float()


def _format(recipe: Recipe) -> torch.memory_format:
    return torch.channels_last if recipe.channels_last else torch.contiguous_format
