"""Latency as a sum over operations: a table measured or fitted on one device, whose expectation is differentiable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from torch import Tensor, nn

from mobench import Array
from mobench.live.latency import measure_latency
from mobench.problems._cells.network import Network, operation
from mobench.problems._cells.space import EDGES, NONE, OPERATIONS, Skeleton, live

CHAIN = 4
"""Edges timed one behind the other, so that what a call costs apart from them matters little."""


@dataclass(frozen=True)
class LatencyTable:
    """Milliseconds of a network as the sum of a fixed part and one term for each live edge.

    Attributes
    ----------
    fixed : float
        The network without its cells' operations, ms.
    operations : tuple of 5 floats
        An operation on one edge, in all cells together, ms; that of `none` is 0.
    about : dict
        Where the numbers come from: device, batch, dtype, versions.
    """

    fixed: float
    operations: tuple[float, ...]
    about: Mapping[str, Any] = field(default_factory=dict)

    def predict(self, X: Array) -> Array:
        """Predicted latency of (n, 6) cells, dead edges left out: (n,), ms."""
        predicted: Array = self.fixed + _counts(X) @ np.array(self.operations)
        return predicted


class _Edge(nn.Module):
    """An operation and the sum that takes it in."""

    def __init__(self, name: str, channels: int) -> None:
        super().__init__()
        self.operation = operation(name, channels)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.operation(x)
        return y


def measured_table(skeleton: Skeleton, **options: Any) -> LatencyTable:
    """Measure each operation at the width and size of each stage, and the network of cells without operations.

    Parameters
    ----------
    skeleton : Skeleton
    options
        Of `measure_latency`: batch, device, dtype, mode, repeats, warm_up.
    """

    def time_of(module: nn.Module, channels: int, size: int) -> float:
        return measure_latency(module, (channels, size, size), **options).median

    total = np.zeros(len(OPERATIONS))
    for stage in range(skeleton.stages):
        channels, size = skeleton.channels * 2**stage, skeleton.size // 2**stage
        for op, name in enumerate(OPERATIONS):
            if op != NONE:
                chain = nn.Sequential(*(_Edge(name, channels) for _ in range(CHAIN)))
                total[op] += skeleton.cells * time_of(chain, channels, size) / CHAIN
    bare = measure_latency(
        Network((NONE,) * len(EDGES), skeleton), (skeleton.inputs, skeleton.size, skeleton.size), **options
    )
    about = {name: value for name, value in asdict(bare).items() if name not in ("median", "low", "high", "calls")}
    return LatencyTable(bare.median, tuple(total.tolist()), {"made": "measured", **about})


def fitted_table(X: Array, latency: Array) -> LatencyTable:
    """The sum over operations that is nearest, in least squares, to measured latencies of whole networks.

    Parameters
    ----------
    X : (n, 6) int array
        Cells; their dead edges do not count.
    latency : (n,) float array
        Their latencies, ms.

    Raises
    ------
    ValueError
        Latencies that do not belong to the cells or are not finite, or cells too few or too alike to tell the
        operations apart.
    """
    latency = np.asarray(latency, dtype=np.float64)
    if latency.shape != (len(X),) or not np.isfinite(latency).all():
        raise ValueError(f"latency: expected {len(X)} finite numbers, found shape {latency.shape}")
    design = np.column_stack([np.ones(len(X)), _counts(X)[:, 1:]])
    solution, _, rank, _ = np.linalg.lstsq(design, latency, rcond=None)
    if rank < design.shape[1]:
        raise ValueError(
            f"X: {len(X)} cells cannot tell {design.shape[1]} terms apart; give more cells, and varied ones"
        )
    return LatencyTable(float(solution[0]), (0.0, *solution[1:].tolist()), {"made": "fitted", "networks": len(X)})


def _counts(X: Array) -> Array:
    """Live edges of each operation but `none`, (n, 5) for (n, 6) cells."""
    counts: Array = (live(X)[:, :, None] == np.arange(len(OPERATIONS))).sum(axis=1).astype(np.float64)
    counts[:, NONE] = 0.0
    return counts
