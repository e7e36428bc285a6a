"""Options of every space of elastic modules, and the problem that they make of a module."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Gt

if TYPE_CHECKING:
    from torch import nn

    from mobench.live import ModuleProblem

Name = Literal["motif", "digits", "mnist", "fashion_mnist", "cifar10", "cifar100", "ImageNet16-120"]
Count = Annotated[int, Gt(0)]


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """Options of every space of elastic modules.

    Attributes
    ----------
    dataset : str
        What to train on; all but ``motif`` and ``digits`` need their official files.
    objectives : tuple of str
        ``error`` (%; validation is seen, test is scored) and any of ``flops`` (M multiply-adds an image), ``params``
        (k), ``memory`` (kB, the peak of one image's pass) and latencies (ms a call), ``latency:cpu_b1``,
        ``latency:cuda_b32``, ``latency:cuda_b32_graph``; each with a limit perhaps, ``params<=10``.
    epochs : int
        Length of a full training; 1 to this are the fidelities, and trainings go on.
    batch : int
        Images in a batch.
    images : int
        How many images of each part to keep at most; none: all.
    size : int
        Height and width to scale images to; none: as they are.
    noise : bool
        Train anew, at the address of the question, each time an architecture is asked for.
    device : str
        The torch device.
    data : str
        Folder of the official files; ``datasets/NAME`` in the data folder when left out.
    """

    dataset: Name = "motif"
    objectives: tuple[str, ...] = ("error", "flops")
    epochs: Count = 8
    batch: Count = 64
    images: Count | None = None
    size: Count | None = None
    noise: bool = False
    device: str = "cpu"
    data: str = ""

    def problem(self, network: Callable[[tuple[int, ...], int], nn.Module], **recipe: Any) -> ModuleProblem:
        """The problem of the module that ``network(shape, classes)`` is, trained by a recipe of these values."""
        from mobench.live import Recipe, problem
        from mobench.problems._images.datasets import load_dataset

        given = Recipe(epochs=self.epochs, batch=self.batch, device=self.device, **recipe)
        dataset = load_dataset(self.dataset, folder=self.data).reduced(images=self.images, size=self.size)
        return problem(
            functools.partial(network, dataset.shape, dataset.classes),
            data=dataset,
            objectives=self.objectives,
            recipe=given,
            noise=self.noise,
        )
