"""NAS-Bench-201's cells trained live, each alone and from scratch, on an image dataset of your choice.

See `docs/problems/live/cell_training.md`: datasets, files, prices, and what is scored.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from annotated_types import Gt

from mobench import Array, Cost, Space, Table, parse_objectives
from mobench.problems._cells.problem import CellTraining, TabulatedCellTraining
from mobench.problems._cells.space import (
    EDGE_NAMES,
    OPERATIONS,
    Skeleton,
    all_cells,
    flops,
    functional_classes,
    index,
)
from mobench.problems._motif.table import true_errors
from mobench.problems._nasbench201 import columns as nasbench201
from mobench.problems._nasbench201.embedded import embedded_columns

Name = Literal["motif", "digits", "mnist", "fashion_mnist", "cifar10", "cifar100", "ImageNet16-120"]
Count = Annotated[int, Gt(0)]

UNITS = {"error": "%", "flops": "M", "params": "k", "latency": "ms"}
SMALL, PUBLISHED = (4, 2, 2), (16, 5, 3)
"""Channels, cells a stage and stages: Motif's, and NAS-Bench-201's."""
_LARGE_IMAGES = ("cifar10", "cifar100", "ImageNet16-120")


def problem(
    *,
    dataset: Name = "motif",
    objectives: tuple[str, ...] = ("error", "flops"),
    epochs: Count = 12,
    channels: Count | None = None,
    cells: Count | None = None,
    stages: Count | None = None,
    batch: Count | None = None,
    augment: bool | None = None,
    noise: bool = False,
    device: str = "cpu",
    channels_last: bool = False,
    autocast: bool = False,
    images: Count | None = None,
    size: Count | None = None,
    data: str = "",
) -> CellTraining:
    """Cells trained live on a dataset, all objectives minimised.

    Parameters
    ----------
    dataset
        What to train on; all but ``motif`` and ``digits`` need their official files.
    objectives
        ``error`` (%; validation is seen, test is scored) and any of ``flops`` (M multiply-adds an image), ``params``
        (k) and ``latency`` (ms an image, measured on `device`); each with a limit perhaps, ``params<=10``.
    epochs
        Length of a full training; 1 to this are the fidelities, shorter trainings its beginning.
    channels
        Width of the first stage; none: 4, and 16 on CIFAR and ImageNet16-120.
    cells
        Cells in a stage; none: 2, and 5 on CIFAR and ImageNet16-120.
    stages
        Stages; none: 2, and 3 on CIFAR and ImageNet16-120.
    batch
        Images in a batch at most; none: 64, and 256 on CIFAR and ImageNet16-120.
    augment
        Random crops and flips; none: true on CIFAR and ImageNet16-120, as NAS-Bench-201 has them; elsewhere there are
        none to ask for.
    noise
        Train anew, at the address of the question, each time a cell is asked for.
    device
        The torch device.
    channels_last
        Take this memory format, of use on CUDA.
    autocast
        Take bfloat16 arithmetic, of use on CUDA.
    images
        How many images of each part to keep at most; none: all.
    size
        Height and width to scale images to; none: as they are.
    data
        Folder of the official files; ``datasets/NAME`` in the data folder when left out.

    Raises
    ------
    ValueError
        An unknown objective or one named twice, a limit of another form, images that the stages cannot halve, a device
        that is not there, or data that is missing or damaged (the message says how to get it).
    """
    large = dataset in _LARGE_IMAGES
    chosen = parse_objectives(objectives, UNITS)
    names = [objective.name for objective in chosen]
    _check(names, device, augment=bool(augment) and not large)
    from mobench.live.memory import enough_memory
    from mobench.problems._cells.training import Recipe
    from mobench.problems._cells.trainings import Trainings
    from mobench.problems._images.datasets import SHAPES, load_dataset

    default = PUBLISHED if large else SMALL
    sizes = [given or usual for given, usual in zip((channels, cells, stages), default, strict=True)]
    skeleton = Skeleton(*SHAPES[dataset], *sizes)
    if size:
        skeleton = replace(skeleton, size=size)
    if skeleton.size % 2 ** (skeleton.stages - 1):
        raise ValueError(f"stages: images of {skeleton.size} pixels cannot be halved {skeleton.stages - 1} times")
    recipe = Recipe(
        epochs=epochs,
        batch=batch or (256 if large else 64),
        augment=large if augment is None else augment,
        device=device,
        channels_last=channels_last,
        autocast=autocast,
    )
    with enough_memory(device):
        taken = load_dataset(dataset, folder=data).reduced(images=images, size=size).to(device)
    truth = None if images or size else _truth(dataset, skeleton)
    mean = float(flops(all_cells()[functional_classes()], skeleton=skeleton).mean())
    known = truth is not None and "latency" not in names
    return (TabulatedCellTraining if known else CellTraining)(
        space=Space((len(OPERATIONS),) * len(EDGE_NAMES), EDGE_NAMES, _key, values=(OPERATIONS,) * len(EDGE_NAMES)),
        objectives=chosen,
        training=Cost(evaluations=1, flops=mean * 3.0 * len(taken.train.images) * epochs),
        deterministic=not noise,
        trainings=Trainings(skeleton, recipe, taken),
        truth=truth,
    )


def _check(names: list[str], device: str, *, augment: bool) -> None:
    if "error" not in names:
        raise ValueError(f"objectives: expected error and other names, found {', '.join(names)}")
    if augment:
        raise ValueError("augment: NAS-Bench-201 augments CIFAR and ImageNet16-120 only; leave it out")
    from mobench.live.devices import check_device

    check_device(device)


def _truth(dataset: str, skeleton: Skeleton) -> Array | None:
    """Test errors, (15625,), of a table of this space and dataset; None where there is none."""
    if dataset == "motif" and (skeleton.channels, skeleton.cells, skeleton.stages) == SMALL:
        return true_errors()
    if nasbench201.SKELETONS.get(dataset) != skeleton:
        return None
    return nasbench201.error(Table(embedded_columns()), dataset, max(nasbench201.EPOCHS), "test")


def _key(X: Array) -> Array:
    keys: Array = functional_classes()[index(X)]
    return keys
