"""What campaigns of a million and of ten million runs take, from what smaller ones took, and the first limit met."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mobench.campaigns.campaign import LARGEST
from mobench.figures.style import palette, panels, styled

Lines = Sequence[Mapping[str, str]]
"""Of `measured.csv`."""
AHEAD = (1_000_000, 10_000_000)


@dataclass(frozen=True)
class Quantity:
    """Something that grows with the runs of a campaign.

    Attributes
    ----------
    name, unit : str
        What tables call it.
    how, step, measure : str
        Where it is found in `measured.csv`.
    limit : str
        What it meets: a measure of the machine, or what a user bears, a key of `BORNE`.
    scale : float
        What measured values are multiplied by.
    """

    name: str
    unit: str
    how: str
    step: str
    measure: str
    limit: str
    scale: float = 1.0


BORNE = {"30 days": 30 * 86400.0, "30 days of both cores": 60 * 86400.0, "an hour": 3600.0, "a minute": 60.0}
"""What a user bears: chosen in the plan, before the runs."""
WORDS = {
    "memory_mib": "the machine's memory",
    "inodes": "those of the file system",
    "bytes_on_disk": "that of the file system",
}
QUANTITIES = (
    Quantity("carry out, shards: wall time", "s", "shards", "run", "wall_seconds", "30 days"),
    Quantity("carry out, shards: CPU time", "s", "shards", "run", "cpu_seconds", "30 days of both cores"),
    Quantity("carry out, Dask: wall time", "s", "dask", "run", "wall_seconds", "30 days"),
    Quantity("carry out, Dask: CPU time", "s", "dask", "run", "cpu_seconds", "30 days of both cores"),
    Quantity("carry out, shards: memory of a command", "MiB", "shards", "run", "main_mib", "memory_mib"),
    Quantity("carry out, Dask: memory of the command", "MiB", "dask", "run", "main_mib", "memory_mib"),
    Quantity("carry out, Dask: memory of a worker", "MiB", "dask", "run", "worker_mib", "memory_mib"),
    Quantity("status without the index: CPU time", "s", "shards", "status, no index", "cpu_seconds", "a minute"),
    Quantity("status: CPU time", "s", "shards", "status", "cpu_seconds", "a minute"),
    Quantity("status: memory", "MiB", "shards", "status", "main_mib", "memory_mib"),
    Quantity("resume, nothing left: CPU time", "s", "shards", "resume", "cpu_seconds", "a minute"),
    Quantity("resume, nothing left: memory", "MiB", "shards", "resume", "main_mib", "memory_mib"),
    Quantity("report: CPU time", "s", "shards", "report", "cpu_seconds", "an hour"),
    Quantity("report: memory", "MiB", "shards", "report", "main_mib", "memory_mib"),
    Quantity("inodes", "", "shards", "folder", "inodes", "inodes"),
    Quantity("space on disk", "MiB", "shards", "folder", "bytes_on_disk", "bytes_on_disk", 2**-20),
    Quantity("`index.json`", "MiB", "shards", "folder", "index_bytes", "memory_mib", 2**-20),
    Quantity("`campaign.json`", "MiB", "shards", "folder", "campaign_bytes", "memory_mib", 2**-20),
)


@dataclass(frozen=True)
class Growth:
    """A quantity as it was measured, and where it goes.

    Attributes
    ----------
    runs, values : tuple of float
        At each size, ascending.
    """

    runs: tuple[float, ...]
    values: tuple[float, ...]

    @property
    def power(self) -> float:
        """By which it grew between the two largest sizes: 1 is in proportion to the runs."""
        (n, m), (a, b) = self.runs[-2:], self.values[-2:]
        return math.log(b / a) / math.log(m / n)

    @property
    def slope(self) -> float:
        """What a run more adds, between the two largest sizes."""
        (n, m), (a, b) = self.runs[-2:], self.values[-2:]
        return (b - a) / (m - n)

    def at(self, runs: float) -> float:
        """At so many runs: on the line through the two largest sizes, or, where it grows faster, on the power law."""
        last, most = self.values[-1], self.runs[-1]
        if self.power > 1.0:
            return last * (runs / most) ** self.power
        return last + self.slope * (runs - most)

    def meets(self, limit: float) -> float:
        """Runs at which it reaches a limit; infinite where it does not grow."""
        last, most = self.values[-1], self.runs[-1]
        if self.power > 1.0:
            return most * float((limit / last) ** (1.0 / self.power))
        return most + (limit - last) / self.slope if self.slope > 0 else math.inf


def growth(lines: Lines, quantity: Quantity) -> Growth | None:
    """A quantity at all sizes at which its step ended; None of fewer than two."""
    key = (quantity.how, quantity.step)
    of_step = [line for line in lines if (line["how"], line["step"]) == key]
    killed = {line["runs"] for line in of_step if line["measure"] == "ended" and float(line["value"]) == 0}
    found = sorted(
        (float(line["runs"]), quantity.scale * float(line["value"]))
        for line in of_step
        if line["measure"] == quantity.measure and line["runs"] not in killed
    )
    return Growth(*map(tuple, zip(*found, strict=True))) if len(found) > 1 else None


def limit_of(lines: Lines, quantity: Quantity) -> float:
    """The amount of a quantity that is not to be had here, in its unit."""
    if quantity.limit in BORNE:
        return BORNE[quantity.limit]
    of_machine = {line["measure"]: float(line["value"]) for line in lines if line["how"] == "machine"}
    return of_machine[quantity.limit] * (quantity.scale if quantity.limit == "bytes_on_disk" else 1.0)


def limits(lines: Lines) -> list[tuple[float, str]]:
    """Runs at which each limit is met, the first one first; that of mobench itself among them."""
    grown = ((quantity, growth(lines, quantity)) for quantity in QUANTITIES)
    found = [
        (known.meets(limit_of(lines, quantity)), f"{quantity.name} ({WORDS.get(quantity.limit, quantity.limit)})")
        for quantity, known in grown
        if known is not None
    ]
    return sorted([(float(LARGEST), "runs of one campaign, which mobench limits"), *found])


def number(value: float) -> str:
    """Three digits, and no more than a reader needs."""
    if not math.isfinite(value):
        return "never"
    if value >= 1e6:
        return f"{value:.2g}".replace("e+0", "e").replace("e+", "e")
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def projection(lines: Lines) -> Iterator[str]:
    """The table of measured and projected quantities, line by line."""
    sizes = sorted({float(line["runs"]) for line in lines if (line["how"], line["step"]) == ("shards", "run")})
    heads = [*(f"{size:,.0f} runs" for size in sizes), "power", *(f"{n:.0e} runs".replace("e+0", "e") for n in AHEAD)]
    yield f"| | {' | '.join(heads)} | limit | met at |"
    yield "|" + "---|" * (len(heads) + 3)
    for quantity in QUANTITIES:
        if not (grown := growth(lines, quantity)):
            continue
        at = dict(zip(grown.runs, grown.values, strict=True))
        limit = limit_of(lines, quantity)
        cells = [number(at[size]) if size in at else "-" for size in sizes]
        cells += [f"{grown.power:.2f}", *(number(grown.at(runs)) for runs in AHEAD)]
        unit = f", {quantity.unit}" * bool(quantity.unit)
        yield f"| {quantity.name}{unit} | {' | '.join(cells)} | {number(limit)} | {number(grown.meets(limit))} |"


def carried_out(lines: Lines) -> Iterator[str]:
    """The table of campaigns that were carried out, line by line."""
    yield "| runs | how | runs/s | CPU ms a run | wall s | CPU s | command MiB | worker MiB | load |"
    yield "|" + "---|" * 9
    took: dict[tuple[int, str], dict[str, float]] = {}
    for line in lines:
        if line["step"] == "run":
            took.setdefault((int(line["runs"]), line["how"]), {})[line["measure"]] = float(line["value"])
    for (runs, how), found in sorted(took.items()):
        rate, cost = runs / found["wall_seconds"], 1e3 * found["cpu_seconds"] / runs
        cells = [f"{runs:,}", how, number(rate), number(cost)]
        cells += [number(found[name]) for name in ("wall_seconds", "cpu_seconds", "main_mib", "worker_mib", "load")]
        yield f"| {' | '.join(cells)} |"


def foretold(lines: Lines) -> Iterator[str]:
    """The table of what a look at the largest campaign without begun runs took, and what smaller ones say of it."""
    yield "| `mobench status`, no run begun | runs | projected from fewer | measured |"
    yield "|---|---|---|---|"
    for measure, unit in (("cpu_seconds", "CPU seconds"), ("main_mib", "memory, MiB")):
        grown = growth(lines, Quantity("", "", "none begun", "status", measure, ""))
        if grown and len(grown.runs) > 2:
            before = Growth(grown.runs[:-1], grown.values[:-1]).at(grown.runs[-1])
            yield f"| {unit} | {grown.runs[-1]:,.0f} | {number(before)} | {number(grown.values[-1])} |"


def draw(lines: Lines, path: Path) -> None:
    """Draw times, memory and space against runs, measured and projected, with the limits that they meet."""
    with styled():
        figure, axes = panels("double", 3, across=3, height=2.9)
        for ax, (title, names) in zip(axes, PANELS.items(), strict=True):
            colours = palette(names)
            for name in names:
                _draw_one(ax, lines, next(q for q in QUANTITIES if q.name == name), colours[name])
            ax.set(xscale="log", yscale="log", xlabel="runs", title=title)
            ax.axvline(LARGEST, color="0.8", linewidth=0.6, zorder=0)
            ax.legend(loc="upper left", fontsize=6)
            low, high = ax.get_ylim()
            ax.set_ylim(low, high * 30)  # room for the legend
        figure.savefig(path, dpi=200)


PANELS = {
    "CPU time [s]": (
        "carry out, Dask: CPU time",
        "carry out, shards: CPU time",
        "report: CPU time",
        "status: CPU time",
        "resume, nothing left: CPU time",
    ),
    "peak memory [MiB]": (
        "report: memory",
        "carry out, Dask: memory of the command",
        "carry out, shards: memory of a command",
        "status: memory",
    ),
    "on disk": ("inodes", "space on disk", "`index.json`"),
}


def _draw_one(ax: Any, lines: Lines, quantity: Quantity, colour: Any) -> None:
    grown = growth(lines, quantity)
    if grown is None:
        return
    ahead = np.geomspace(grown.runs[-1], AHEAD[-1], 50)
    label = quantity.name.replace("`", "").removeprefix("carry out, ").partition(":")[0]
    label += f" [{quantity.unit}]" * (quantity.measure.endswith("bytes") or quantity.limit == "bytes_on_disk")
    ax.plot(grown.runs, grown.values, "o-", color=colour, markersize=3, label=label)
    ax.plot(ahead, [grown.at(n) for n in ahead], ":", color=colour)
    meets = grown.meets(limit_of(lines, quantity))
    if meets <= AHEAD[-1]:
        ax.plot([meets], [limit_of(lines, quantity)], "x", color=colour, markersize=5)
