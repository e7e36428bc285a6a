"""The table of `motif_chain` as it ships, and the costs of its objectives."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mobench import Table
from mobench.problems._chain.space import STAGE_OF, BlockCosts, all_networks, block_costs, nearest_sum
from mobench.problems._motif.table import measured_latencies
from mobench.problems._trained.table import load as read

EPOCHS = 8
TABLE = Path(__file__).with_name("motif_chain.npz")


def load() -> Table:
    """The shipped table, read once; ValueError where it is missing or damaged."""
    return read(TABLE)


def costs_of(table: Table) -> dict[str, BlockCosts]:
    """Costs by objective as sums, in its unit: M multiply-adds, k parameters, and ms.

    Those on a CPU are in the header; to latencies that all networks were measured for, the nearest sum stands.
    """
    latencies = {
        name: BlockCosts(about["fixed"], np.array(about["stages"])[list(STAGE_OF)])
        for name, about in table.about.get("latency", {}).items()
    }
    latencies |= {name: nearest_sum(all_networks(), it) for name, (it, _) in measured_latencies(table).items()}
    return {"flops": block_costs("flops").over(1e6), "params": block_costs("params").over(1e3)} | latencies
