"""Zero-cost proxies of the cells of one skeleton: networks as their trainings begin, and the first images of these."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from mobench.live.data import Dataset
from mobench.live.proxies import NAMES, proxies
from mobench.live.training import repeatable
from mobench.problems._cells.prices import IMAGES
from mobench.problems._cells.space import Skeleton, all_cells
from mobench.problems._cells.training import draw_network

__all__ = ["scores"]


def scores(
    row: int, skeleton: Skeleton, data: Dataset, *, seed: int, names: Sequence[str] = NAMES, device: str = "cpu"
) -> list[float]:
    """Scores of the cell in this row of `all_cells`, at the address of its training with that seed."""
    with repeatable(device):
        network = draw_network(all_cells()[row].tolist(), skeleton, seed=seed, row=row).to(device)
        chosen = np.random.default_rng([seed, 2, row]).permutation(len(data.train.images))[:IMAGES]
        rows = torch.from_numpy(chosen).to(device)
        found = proxies(network, data.normalise(data.train.images[rows]), data.train.labels[rows], names, spoil=True)
    return list(found.values())
