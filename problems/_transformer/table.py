"""The table of `motif_transformer` as it ships, and the costs of its objectives."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mobench import Table
from mobench.problems._motif.table import measured_latencies
from mobench.problems._trained.table import load as read
from mobench.problems._transformer.space import PartCosts, all_networks, nearest_sum, part_costs

EPOCHS, LOOKS = 3, 6
"""Length of a training, and how often, at equal distances, it is validated."""
TABLE = Path(__file__).with_name("motif_transformer.npz")


def load() -> Table:
    """The shipped table, read once; ValueError where it is missing or damaged."""
    return read(TABLE)


def costs_of(table: Table) -> dict[str, PartCosts]:
    """Costs by objective as sums, in its unit: M multiply-adds, k parameters, and ms.

    Those on a CPU are in the header; to latencies that all networks were measured for, the nearest sum stands.
    """
    latencies = {
        name: PartCosts(np.array(about["fixed"]), np.array(about["parts"]))
        for name, about in table.about.get("latency", {}).items()
    }
    latencies |= {name: nearest_sum(all_networks(), it) for name, (it, _) in measured_latencies(table).items()}
    return {"flops": part_costs("flops").over(1e6), "params": part_costs("params").over(1e3)} | latencies
