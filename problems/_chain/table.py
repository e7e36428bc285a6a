"""The table of `motif_chain` as it ships, and the costs of its objectives."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mobench import Table
from mobench.problems._chain.space import STAGE_OF, BlockCosts, block_costs

EPOCHS = 8
TABLE = Path(__file__).with_name("motif_chain.npz")


def costs_of(table: Table) -> dict[str, BlockCosts]:
    """Costs by objective, in its unit: M multiply-adds, k parameters, and ms on a CPU from the header."""
    latencies = {
        name: BlockCosts(about["fixed"], np.array(about["stages"])[list(STAGE_OF)])
        for name, about in table.about.get("latency", {}).items()
    }
    return {"flops": block_costs("flops").over(1e6), "params": block_costs("params").over(1e3)} | latencies
