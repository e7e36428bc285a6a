"""NAS-Bench-201's table as it ships, in the form of an import: accuracies in per cent, seconds, latencies."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import numpy as np

from mobench import Array, Column, Table
from mobench.problems._embedded.tables import embedded
from mobench.problems._nasbench201.columns import EMBEDDED, EPOCHS, IMAGES

__all__ = ["MISSING", "embedded_columns"]

MISSING = 65535
"""The count of right answers of a training that was not made."""


@functools.cache
def embedded_columns() -> Mapping[str, Column]:
    """Columns ``embedded/<dataset>/<epochs>/...`` and ``embedded/latency:<device>``, (15625, ...) in 64 bits.

    Training seconds are recorded for 200 epochs of CIFAR-10. The benchmark's own clock is proportional to images and
    epochs (its files hold no other ratio), so those of the others follow.
    """
    table = embedded("nasbench201")
    found: dict[str, Column] = {}
    for dataset, images in IMAGES.items():
        for epochs in EPOCHS:
            at = f"{EMBEDDED}{dataset}/{epochs}"
            trials = _accuracy(table, f"{dataset}/{epochs}/valid")
            seconds = table["seconds"].astype(np.float64) * (images * epochs / (IMAGES["cifar10"] * 200))
            found[f"{at}/valid/trials"] = Column(trials, "%")
            found[f"{at}/valid"] = Column(np.nanmean(trials, axis=1), "%")
            found[f"{at}/seconds"] = Column(seconds, "s")
        found[f"{EMBEDDED}{dataset}/200/test"] = Column(_accuracy(table, f"{dataset}/200/test")[:, 0], "%")
    for name, column in table.columns.items():
        if name.startswith("latency:"):
            found[EMBEDDED + name] = Column(column.values.astype(np.float64), column.unit)
    return found


def _accuracy(table: Table, name: str) -> Array:
    """Accuracies in per cent, (15625, k), of counts of right answers; NaN where a training was not made."""
    column = table.columns[name]
    counts = column.values.reshape(len(column.values), -1)
    accuracy: Array = np.where(counts == MISSING, np.nan, 100.0 * counts / column.about["of"])
    return accuracy
