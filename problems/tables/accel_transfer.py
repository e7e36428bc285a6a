"""Device transfer on Accel-NASBench: throughput is seen on training devices, scored on one that no searcher sees.

The table is inside the package; the split is mobench's own, with a GPU and an FPGA on either side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from mobench import Array
from mobench.problems._embedded.accel_networks import networks, offers
from mobench.problems._embedded.tables import embedded
from mobench.problems._table.problem import TableProblem, chosen

Training = Literal["a100", "tpuv2", "tpuv3", "zcu102"]
Unseen = Literal["rtx3090", "vck190"]


def problem(
    *, device: Unseen = "rtx3090", seen: Literal["mean", Training] = "mean", error_limit: float | None = None
) -> TableProblem:
    """Accel-NASBench with error and a throughput that is another one when it is scored.

    Parameters
    ----------
    device
        Scored is throughput on this device; no searcher sees it.
    seen
        What a searcher sees in its place: the geometric mean of the throughputs on the four training devices, or the
        throughput on one of them.
    error_limit
        The most error (%) that a network may have; none: any. Throughput has no limit, as that on other devices tells
        nothing of one in images a second on `device`.
    """
    measured = offers(embedded("accel"))
    training = {name: measured[f"throughput:{name}"].scored for name in get_args(Training)}
    scored = replace(measured[f"throughput:{device}"], seen=_stand_in(training, seen)[:, None])
    (error,) = chosen(measured, ["error" if error_limit is None else f"error<={error_limit}"])
    return networks([error, scored])


def _stand_in(training: Mapping[str, Array], seen: str) -> Array:
    """What is seen of (n,) throughputs on each training device: those on one, or all devices' geometric mean."""
    if seen != "mean":
        return training[seen]
    mean: Array = np.exp(np.mean(np.log(np.stack(list(training.values()))), axis=0))
    return mean
