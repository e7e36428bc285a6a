"""One setting's measurements of all networks of a space, in steps that go on where the last one ended."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from spaces import Networks

from mobench import Column, Table, load_table, save_table
from mobench.live.energy import measure_energy
from mobench.live.latency import Latency, Mode, measure_latency

REPEATS, WARM_UP = 15, 0.02
KEEP_EVERY, REFERENCE_EVERY = 50, 25
SUBSET = 250
"""Networks measured twice, and whose energy is measured."""
UNITS = {"median": "ms", "low": "ms", "high": "ms", "memory": "MiB", "again": "ms", "energy": "mJ"}
"""Of each network: median and quartiles, peak memory on CUDA, the median of a second measurement, energy a call."""


@dataclass(frozen=True)
class Setting:
    """How the networks of a space are measured."""

    space: str
    mode: Mode
    dtype: str
    batch: int
    device: str = "cuda"

    @property
    def file(self) -> str:
        """Where its measurements lie."""
        return f"{self.space}-{self.device.partition(':')[0]}-{self.mode}-{self.dtype}-b{self.batch}.npz"


class Measurement:
    """What one setting has measured so far.

    Attributes
    ----------
    columns : dict of str to Array
        (n,) by the names of `UNITS`, NaN where nothing is measured.
    about : dict
        The setting, the device, and each measurement of the reference network in its order.
    """

    def __init__(self, folder: Path, setting: Setting, networks: Networks) -> None:
        self.path, self.setting, self.networks = folder / setting.file, setting, networks
        self.about: dict[str, Any] = asdict(setting) | {"reference": []}
        self.columns = {name: np.full(len(networks.genes), np.nan) for name in UNITS}
        if self.path.exists():
            kept = load_table(self.path)
            self.about, self.columns = dict(kept.about), {name: kept[name].astype(float) for name in UNITS}

    @property
    def options(self) -> dict[str, Any]:
        """What latency and energy are measured with."""
        setting = self.setting
        how = {"batch": setting.batch, "device": setting.device, "mode": setting.mode}
        return how | {"dtype": getattr(torch, setting.dtype), "tokens": self.networks.tokens}

    def measure(self, module: torch.nn.Module) -> Latency:
        """Measure one network; what it says of the device is kept."""
        found = measure_latency(module, self.networks.shape, repeats=REPEATS, warm_up=WARM_UP, **self.options)
        if self.about.get("card", found.device) != found.device:
            raise SystemExit(
                f"{self.path}: of another card, {self.about['card']}, not {found.device}; use another --out"
            )
        read = ("temperature", "clock_rate")  # which change, and are kept with the reference
        self.about |= {"card": found.device} | {n: v for n, v in found.about.items() if n not in read}
        return found

    def reference(self) -> None:
        """Measure the reference network; on CUDA its clock and temperature are read with it."""
        found = self.measure(self.networks.make(self.networks.reference))
        seen = {name: found.about[name] for name in ("temperature", "clock_rate") if name in found.about}
        self.about["reference"].append({"ms": found.median} | seen)

    def first(self, i: int) -> None:
        """Measure network i for the first time, its peak memory too."""
        module, cuda = self.networks.make(self.networks.genes[i].tolist()), self.setting.device.startswith("cuda")
        if cuda:
            torch.cuda.reset_peak_memory_stats(self.setting.device)
        found = self.measure(module)
        peak = torch.cuda.max_memory_allocated(self.setting.device) / 2**20 if cuda else np.nan
        for name, value in {"median": found.median, "low": found.low, "high": found.high, "memory": peak}.items():
            self.columns[name][i] = value

    def second(self, i: int) -> None:
        """Measure network i again, and the energy of a call where the driver counts it."""
        module = self.networks.make(self.networks.genes[i].tolist())
        self.columns["again"][i] = self.measure(module).median
        energy = measure_energy(module, self.networks.shape, **self.options)
        self.columns["energy"][i] = np.nan if energy is None else energy

    def go_on(self, *, until: float, limit: int | None = None) -> int:
        """Measure what is missing until a `time.monotonic`, all networks and then a subset again; return what is left.

        Networks come in a random order, so that what is there at any time is a fair sample; with `limit`, only the
        first so many of them are wanted.
        """
        order = np.random.default_rng(0).permutation(len(self.networks.genes))[:limit].tolist()
        missing = [(self.first, i) for i in order if np.isnan(self.columns["median"][i])]
        missing += [(self.second, i) for i in order[:SUBSET] if np.isnan(self.columns["again"][i])]
        done = 0
        for step, i in missing:
            if time.monotonic() > until:
                break
            if done % REFERENCE_EVERY == 0:
                self.reference()
            step(i)
            done += 1
            if done % KEEP_EVERY == 0:
                self.keep()
        if done:
            self.keep()
        return len(missing) - done

    def keep(self) -> None:
        """Write everything."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        columns = {name: Column(values, UNITS[name]) for name, values in self.columns.items()}
        save_table(self.path, Table(columns, self.about))


def reliability(table: Table) -> dict[str, float]:
    """How far a measurement's numbers can be trusted.

    Returns
    -------
    dict
        Of the networks measured twice: their number, Spearman's rank correlation of the two medians and the median of
        their relative difference (NaN below two networks); and ``drift``, the reference's range over its median.
    """
    first, again = table["median"], table["again"]
    reference = np.array([seen["ms"] for seen in table.about["reference"]])
    both = ~np.isnan(first) & ~np.isnan(again)
    drift = float(np.ptp(reference) / np.median(reference)) if len(reference) else np.nan
    found = {"twice": int(both.sum()), "rank_correlation": np.nan, "median_relative_difference": np.nan, "drift": drift}
    if both.sum() > 1:
        found["rank_correlation"] = float(spearmanr(first[both], again[both]).statistic)
        found["median_relative_difference"] = float(np.median(abs(again[both] / first[both] - 1.0)))
    return found
