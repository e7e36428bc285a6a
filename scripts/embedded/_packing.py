"""How the scripts of this folder pack numbers and write tables."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mobench import Array, Column, Table, save_table

LARGEST = 2**16 - 1
SINGLE = 1e-5
"""Relative error of numbers that went through single precision, at most."""


def whole(numbers: Array, *, per: float, unit: str = "%", **about: Any) -> Column:
    """A column of numbers that are multiples of 1 / `per` from 0 on, as counts of 16 bits.

    Raises
    ------
    SystemExit
        They are not, or are too large.
    """
    numbers = np.asarray(numbers, dtype=np.float64)
    counts = np.rint(numbers * per)
    off = np.abs(counts / per - numbers) > SINGLE * np.maximum(1.0, np.abs(numbers))
    if off.any() or counts.min() < 0 or counts.max() > LARGEST:
        raise SystemExit(f"expected multiples of 1/{per} to {LARGEST / per}; found {numbers[off][:3]}, {numbers.max()}")
    return Column(counts.astype(np.uint16), unit, {"per": per, **about})


def rounded(numbers: Array, *, per: int, unit: str = "%", **about: Any) -> Column:
    """A column of numbers from 0 on, rounded to multiples of 1 / `per`, as counts of 16 bits."""
    counts = np.rint(np.asarray(numbers, dtype=np.float64) * per)
    return whole(counts / per, per=per, unit=unit, **{"rounding error": 0.5 / per, **about})


def logarithms(numbers: Array, *, steps: int, unit: str, **about: Any) -> Column:
    """A column of positive numbers, or NaN, by their logarithms, `steps` steps (< 65,535) from least to greatest."""
    logs = np.log(np.asarray(numbers, dtype=np.float64))
    low = float(np.nanmin(logs))
    step = (float(np.nanmax(logs)) - low) / steps
    counts = np.nan_to_num(np.rint((logs - low) / step), nan=LARGEST).astype(np.uint16)
    missing = {"missing": LARGEST} if np.isnan(logs).any() else {}
    rounding = {"low": low, "step": step, "relative rounding error": float(np.expm1(step / 2))}
    return Column(counts, unit, rounding | missing | about)


def write(doc: str | None, make: Callable[[Path], Mapping[str, Table]]) -> None:
    """Make the tables from the folder that the command line names, write them, and say how large they are."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="folder of the reference data")
    parser.add_argument("--to", type=Path, default=Path("problems/_embedded"), help="where the tables go")
    options = parser.parse_args()
    for name, table in make(options.shared).items():
        path = options.to / f"{name}.npz"
        save_table(path, table, compress=True)
        print(f"{path}: {path.stat().st_size:,} bytes, {', '.join(table.columns)}")
