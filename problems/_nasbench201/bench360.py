"""Reads HW-NAS-Bench-360: latency and energy of every cell on three small devices, each under its runtimes."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np

from mobench import Array, Column
from mobench.problems._nasbench201.columns import ROWS
from mobench.problems._nasbench201.readers import Reading

NAMES = ("arch_idx", "device", "framework", "task", "lat_ms", "energy_mj")
"""The columns of ``dataset.parquet`` that are read."""
TASK = "cifar100"
"""The one task that NAS-Bench-201 has, too: of the others the file has test results only."""


def read_bench360(file: Path, reading: Reading) -> None:
    """Read ``dataset.parquet``: a row for each cell, device, runtime and task.

    Raises
    ------
    ValueError
        It is no such file, has a value below 0 or a cell twice, no source has told NAS-Bench-201's order, or pyarrow is
        missing.
    """
    rows = _rows(file)
    if reading.order is None:
        raise ValueError(
            f"{file}: has no architecture names; import it with or after a source that tells NAS-Bench-201's order: "
            "str_arch2idx.pt, accuracy_12_epochs.csv, nats_bench.csv or an official file"
        )
    task = rows["task"] == TASK
    places = np.char.add(np.char.add(rows["device"].astype(str), "_"), rows["framework"].astype(str))
    added = []
    for place in np.unique(places[task]).tolist():
        here = task & (places == place)
        cells = rows["arch_idx"][here].astype(np.int64)
        if len(np.unique(cells)) < len(cells) or cells.min() < 0 or cells.max() >= ROWS:
            raise ValueError(f"{file}: {place}: a cell occurs twice, or is none of 0 to {ROWS - 1}; download it again")
        for name, metric, unit in (("lat_ms", "latency", "ms"), ("energy_mj", "energy", "mJ")):
            values = rows[name][here].astype(np.float64)
            if (values < 0).any() or np.isinf(values).any():
                raise ValueError(f"{file}: {place}: {name} below 0 or infinite; download the file again")
            if np.isfinite(values).any():  # some devices have no energy
                full = np.full(ROWS, np.nan)
                full[reading.order[cells]] = values
                reading.columns[f"bench360/{TASK}/{metric}:{place}"] = Column(full, unit)
                added.append(f"{metric}:{place}")
    if not added:
        raise ValueError(f"{file}: no measurements of task {TASK!r}; download the file again")
    reading.notes.append(f"{file.name}: {len(added)} measurements for CIFAR-100: {', '.join(added)}")
    reading.sources["bench360"] = {"files": [file.name], "measurements": len(added)}


def _rows(file: Path) -> dict[str, Array]:
    """The columns `NAMES` of the file."""
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise ValueError(f"{file}: Parquet needs pyarrow; `pip install 'mobench[parquet]'`") from None
    try:
        with parquet.ParquetFile(file) as source:
            lacking = [name for name in NAMES if name not in source.schema_arrow.names]
            if lacking:
                raise ValueError(f"{file}: not HW-NAS-Bench-360: it has no column {lacking[0]!r}")
            table = source.read(columns=list(NAMES))
    except (OSError, importlib.import_module("pyarrow").ArrowException) as error:
        raise ValueError(f"{file}: damaged, or no Parquet file ({error}); download it again") from None
    return {name: table.column(name).to_numpy() for name in NAMES}
