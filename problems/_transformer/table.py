"""The table of `motif_transformer` as it ships, and the costs of its objectives."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mobench import Table
from mobench.problems._transformer.space import PartCosts, part_costs

EPOCHS, LOOKS = 3, 6
"""Length of a training, and how often, at equal distances, it is validated."""
TABLE = Path(__file__).with_name("motif_transformer.npz")


def costs_of(table: Table) -> dict[str, PartCosts]:
    """Costs by objective, in its unit: M multiply-adds, k parameters, and ms on a CPU from the header."""
    latencies = {
        name: PartCosts(np.array(about["fixed"]), np.array(about["parts"]))
        for name, about in table.about.get("latency", {}).items()
    }
    return {"flops": part_costs("flops").over(1e6), "params": part_costs("params").over(1e3)} | latencies
