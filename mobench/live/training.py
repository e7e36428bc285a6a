"""One network trained from scratch by a recipe: every random number by address, stopped and gone on between epochs."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mobench.core.space import Array
from mobench.live.data import Dataset, Part, check_sizes
from mobench.live.devices import check_device
from mobench.live.memory import enough_memory

__all__ = ["Recipe", "Training", "augmented", "crops_and_flips", "error_of", "initialised", "repeatable"]

LARGE = 512
"""Inputs scored at a time."""

OPTIMIZERS = ("sgd", "adamw")
SCHEDULES = ("cosine", "constant")

Augment = Callable[[Tensor, np.random.Generator], Tensor]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a stand-alone network is trained: cross entropy, and the following.

    Attributes
    ----------
    epochs : int
        Length of the full training; an epoch is a permutation of the training part cut into equal batches.
    batch : int
        Inputs in a batch at most.
    optimizer : {"sgd", "adamw"}
        SGD with Nesterov momentum, or AdamW.
    rate : float
        Learning rate at its highest.
    momentum : float
        Of SGD; the first beta of AdamW, whose second is 0.99.
    decay : float
        Weight decay, of tensors of two dimensions and more (scales and biases have none; He et al. 2019).
    schedule : {"cosine", "constant"}
        How the rate falls, step by step.
    warm_up : float
        Share of all steps in which the rate rises linearly.
    augment : callable, optional
        ``(images, rng) -> images`` on each training batch before normalisation, `crops_and_flips` say.
    device : str
        A torch device.
    """

    epochs: int = 12
    batch: int = 64
    optimizer: Literal["sgd", "adamw"] = "sgd"
    rate: float = 0.1
    momentum: float = 0.9
    decay: float = 5e-4
    schedule: Literal["cosine", "constant"] = "cosine"
    warm_up: float = 0.0
    augment: Augment | None = None
    device: str = "cpu"

    def __post_init__(self) -> None:
        check_sizes(epochs=self.epochs, batch=self.batch)
        for name, names in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
            if (chosen := getattr(self, name)) not in names:
                raise ValueError(f"{name}: expected {' or '.join(names)}, found {chosen!r}")
        for name, most in (("rate", math.inf), ("momentum", 1.0), ("decay", math.inf), ("warm_up", 1.0)):
            if not isinstance(number := getattr(self, name), Real):
                raise TypeError(f"{name}: expected a number, found {number!r}")
            if not 0 <= float(number) < most or (name == "rate" and number == 0):
                least = "above" if name == "rate" else "from"
                raise ValueError(f"{name}: expected a number {least} 0 and below {most:g}, found {number!r}")
        if self.augment is not None and not callable(self.augment):
            raise TypeError(f"augment: expected a function of images and a generator, found {self.augment!r}")
        check_device(self.device)

    def rate_at(self, done: float) -> float:
        """The learning rate after a share of all steps."""
        falling = 0.5 * (1.0 + math.cos(math.pi * done)) if self.schedule == "cosine" else 1.0
        return self.rate * falling * min(1.0, done / self.warm_up if self.warm_up else 1.0)


class Training:
    """A network's training, at an address: equal addresses give equal numbers on one device, wherever it stopped.

    Parameters
    ----------
    network : nn.Module
        In plain torch; it is trained in place.
    data : Dataset
        On the recipe's device.
    recipe : Recipe
    address : tuple of int
        Seed and number of the architecture: epoch e is drawn at [seed, 2, number, e].

    Attributes
    ----------
    valid, seconds : list of float
        Validation error in per cent after each epoch so far, and seconds of training up to there.
    """

    def __init__(self, network: nn.Module, data: Dataset, recipe: Recipe, address: tuple[int, int]) -> None:
        self.network, self.data, self.recipe, self.address = network.to(recipe.device), data, recipe, address
        self.valid: list[float] = []
        self.seconds: list[float] = []
        self._optimizer = _optimizer(network, recipe)

    def to(self, epochs: int) -> None:
        """Train on to the end of this epoch; nothing where it is there.

        Raises
        ------
        MemoryError
            The device has too little memory; the message names the cure.
        """
        with enough_memory(self.recipe.device), repeatable(self.recipe.device):
            while len(self.valid) < epochs:
                began = time.perf_counter()
                self._epoch(len(self.valid))
                if torch.device(self.recipe.device).type == "cuda":
                    torch.cuda.synchronize(self.recipe.device)
                self.seconds.append((self.seconds[-1] if self.seconds else 0.0) + time.perf_counter() - began)
                self.valid.append(error_of(self.network, self.data, self.data.valid))

    def test(self) -> float:
        """Test error in per cent as it is now."""
        with enough_memory(self.recipe.device), repeatable(self.recipe.device):
            return error_of(self.network, self.data, self.data.test)

    def _epoch(self, epoch: int) -> None:
        seed, number = self.address
        recipe, train = self.recipe, self.data.train
        order, crops = (np.random.default_rng([seed, 2, number, epoch, *which]) for which in ((), (1,)))
        n = len(train.labels)
        steps = math.ceil(n / recipe.batch)
        self.network.train()
        with _seeded([seed, 4, number, epoch], recipe.device):  # dropout
            for step, chosen in enumerate(np.array_split(order.permutation(n), steps), start=epoch * steps):
                for group in self._optimizer.param_groups:
                    group["lr"] = recipe.rate_at((step + 1) / (recipe.epochs * steps + 1))
                rows = torch.from_numpy(chosen).to(recipe.device)
                images = augmented(train.images[rows], recipe, crops)
                self._optimizer.zero_grad()
                loss = functional.cross_entropy(self.network(self.data.normalise(images)), train.labels[rows])
                loss.backward()  # type: ignore[no-untyped-call]
                self._optimizer.step()

    def state(self) -> dict[str, Array]:
        """All that it takes to go on, as arrays."""
        arrays = {f"network {name}": tensor for name, tensor in self.network.state_dict().items()}
        for i, moments in self._optimizer.state_dict()["state"].items():
            arrays |= {f"optimizer {i} {name}": torch.as_tensor(value) for name, value in moments.items()}
        found = {name: tensor.detach().cpu().numpy() for name, tensor in arrays.items()}
        return found | {"valid": np.array(self.valid), "seconds": np.array(self.seconds)}

    def load(self, state: Mapping[str, Array]) -> None:
        """Go on from a state; ValueError where it is none of this network's."""
        tensors = {name: torch.from_numpy(np.array(array)) for name, array in state.items() if " " in name}
        moments: dict[int, dict[str, Tensor]] = {}
        for name in (name for name in tensors if name.startswith("optimizer ")):
            _, i, moment = name.split()
            moments.setdefault(int(i), {})[moment] = tensors[name]
        own = {name.removeprefix("network "): t for name, t in tensors.items() if name.startswith("network ")}
        try:
            self.network.load_state_dict(own)
            groups = self._optimizer.state_dict()["param_groups"]
            self._optimizer.load_state_dict({"state": moments, "param_groups": groups})
        except (RuntimeError, ValueError, KeyError) as error:
            raise ValueError(f"state: not of this network ({str(error).splitlines()[0]})") from None
        self.valid, self.seconds = state["valid"].tolist(), state["seconds"].tolist()


def initialised(network: nn.Module, address: tuple[int, int]) -> nn.Module:
    """The network with weights drawn at [seed, 3, number], by each part's own `reset_parameters`, sizes as they are.

    A part has its turn after those in it, whose weights it may change; torch's attention calls it `_reset_parameters`.
    """
    seed, number = address
    with _seeded([seed, 3, number], "cpu"):
        for part in _inner_first(network):
            reset: Any = getattr(part, "reset_parameters", getattr(part, "_reset_parameters", None))
            if reset is not None:
                reset()
    return network


def _inner_first(part: nn.Module) -> Iterator[nn.Module]:
    for child in part.children():
        yield from _inner_first(child)
    yield part


def _optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    parameters = list(network.parameters())
    groups = [
        {"params": [w for w in parameters if w.dim() > 1], "weight_decay": recipe.decay},
        {"params": [w for w in parameters if w.dim() <= 1], "weight_decay": 0.0},
    ]
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.rate, betas=(recipe.momentum, 0.99))
    return torch.optim.SGD(groups, lr=recipe.rate, momentum=recipe.momentum, nesterov=recipe.momentum > 0)


def error_of(network: nn.Module, data: Dataset, part: Part) -> float:
    """Error of a network on a part, in per cent, in evaluation mode."""
    network.eval()
    wrong = torch.zeros((), dtype=torch.int64, device=part.labels.device)
    with torch.inference_mode():
        for start in range(0, len(part.labels), LARGE):
            images, labels = part.images[start : start + LARGE], part.labels[start : start + LARGE]
            wrong += (network(data.normalise(images)).argmax(dim=1) != labels).sum()
    return 100.0 * int(wrong) / len(part.labels)


def augmented(images: Tensor, recipe: Recipe, rng: np.random.Generator) -> Tensor:
    """Training inputs, (n, ...), as the recipe changes them.

    Raises
    ------
    ValueError
        Its `augment` gives anything but a tensor of the same shape.
    """
    if recipe.augment is None:
        return images
    found: Any = recipe.augment(images, rng)
    if not isinstance(found, Tensor) or found.shape != images.shape:
        what = getattr(found, "shape", None)
        raise ValueError(
            f"augment: expected to be given a tensor of shape {tuple(images.shape)}, found "
            f"{type(found).__name__ if what is None else tuple(what)}"
        )
    return found


def crops_and_flips(padding: int = 4) -> Augment:
    """Cut a random part of its own size out of each padded image, and mirror it half of the time."""
    return _CropsAndFlips(padding)


@dataclass(frozen=True)
class _CropsAndFlips:
    padding: int

    def __call__(self, images: Tensor, rng: np.random.Generator) -> Tensor:
        n, channels, height, width = images.shape
        top, left = rng.integers(2 * self.padding + 1, size=(2, n))
        columns = left[:, None] + np.arange(width)
        mirrored = rng.random(n) < 0.5
        columns[mirrored] = columns[mirrored, ::-1]
        rows = top[:, None] + np.arange(height)
        at = [
            torch.from_numpy(index).to(images.device) for index in (rows[:, None, :, None], columns[:, None, None, :])
        ]
        which = torch.arange(n, device=images.device)[:, None, None, None]
        channel = torch.arange(channels, device=images.device)[None, :, None, None]
        return functional.pad(images, (self.padding,) * 4)[which, channel, at[0], at[1]]


@contextlib.contextmanager
def _seeded(address: list[int], device: str) -> Iterator[None]:
    """Draws of torch's own at an address; the global state is as before afterwards."""
    place = torch.device(device)
    devices = [place.index or 0] if place.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(int(np.random.SeedSequence(address).generate_state(1, np.uint64)[0]))
        yield


@contextlib.contextmanager
def repeatable(device: str) -> Iterator[None]:
    """One thread on a CPU, deterministic kernels on CUDA; all as before afterwards."""
    threads = torch.get_num_threads()
    try:
        if torch.device(device).type == "cpu":
            torch.set_num_threads(1)
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
            yield
    finally:
        torch.set_num_threads(threads)
