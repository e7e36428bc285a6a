"""Device transfer: latency is seen on training devices and scored on a device that no searcher sees.

The 13 training and 6 test devices are those of HELP (Lee et al., NeurIPS 2021), on the cells of NAS-Bench-201.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np

from mobench import Array, Table
from mobench.problems._nasbench201.cells import Cells
from mobench.problems._nasbench201.columns import EMBEDDED
from mobench.problems._nasbench201.embedded import embedded_columns
from mobench.problems._nasbench201.making import Choice, make_cells

Training = Literal[
    "1080ti_1",
    "1080ti_32",
    "1080ti_256",
    "silver_4114",
    "silver_4210r",
    "samsung_a50",
    "pixel3",
    "essential_ph_1",
    "samsung_s7",
    "titanx_1",
    "titanx_32",
    "titanx_256",
    "gold_6240",
]
Unseen = Literal["titan_rtx_256", "gold_6226", "fpga", "pixel2", "raspi4", "eyeriss"]


def problem(
    *,
    device: Unseen = "titan_rtx_256",
    seen: Literal["mean", Training] = "mean",
    dataset: Literal["cifar10", "cifar100"] = "cifar10",
    noise: bool = False,
    error_limit: float | None = None,
) -> Cells:
    """NAS-Bench-201 with error and a latency that is another one when it is scored.

    Parameters
    ----------
    device
        Scored is latency on this device; no searcher sees it.
    seen
        What a searcher sees in its place: the geometric mean of the latencies on the 13 training devices, or the
        latency on one of them.
    dataset
        The images that networks were trained on.
    noise
        Draw one recorded training a question instead of their mean.
    error_limit
        The most error (%) that a network may have; none: any. Latency has no limit, as that on other devices tells
        nothing of one in milliseconds on `device`.
    """
    table = Table(embedded_columns())
    objective = f"latency:{device}"
    error = "error" if error_limit is None else f"error<={error_limit}"
    cells = make_cells(table, Choice(dataset, (error, objective), noise=noise))
    training = {name: table[f"{EMBEDDED}latency:{name}"] for name in get_args(Training)}
    return cells.seen_as(objective, stand_in(training, seen))


def stand_in(training: Mapping[str, Array], seen: str) -> Array:
    """What is seen of (n,) latencies on each training device: those on one, or all devices' geometric mean."""
    if seen != "mean":
        return training[seen]
    mean: Array = np.exp(np.mean(np.log(np.stack(list(training.values()))), axis=0))
    return mean
