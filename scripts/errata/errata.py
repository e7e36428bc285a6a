"""Print the numbers of `docs/errata.md`, as the page has them.

    python scripts/errata/errata.py --shared PATH

The folder `--shared` holds the sources that the page names, as arrays; two rows need a package, which they name.
"""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cells
import devices
import grids
import libraries

Measure = Callable[[Path], Mapping[str, Any]]

SENTENCES: dict[Measure, str] = {
    cells.stored_params: "{cells} of 15,625 cells: {least:.2f} to {most:.2f} times the exact params by the mean of the "
    "trials, {least_trial:.2f} to {most_trial:.2f} times in single trials ({first} cells in the first trial); the "
    "issue's cell {example:.6f} M instead of {exact:.6f} M",
    cells.disconnected: "{dead} cells have no path from input to output and {error:.2f} % error; {raspi4} of them are "
    "below 1 ms on raspi4 and {pixel3} on pixel3, where the fastest connected cell takes {raspi4_live:.2f} and "
    "{pixel3_live:.2f} ms",
    cells.whole_milliseconds: "all 15,625 latencies on 4 phones; {least} to {most} different values",
    cells.mean_of_two: "{cells:,} cells ({share:.1f} %) lie half an image between whole numbers of the 25,000",
    devices.energy_units: "taken as Wh for one latency, the 8 GPUs draw a median {s_least:.0f} to {s_most:.0f} W at "
    "scale s, {m_least:.0f} to {m_most:.0f} W at m and {l_least:,.0f} to {l_most:,.0f} W at l; as kWh, a thousand "
    "times that",
    devices.a100_energy: "interquartile range of the repeats over their median: {s:.0f} % at s, {m:.0f} % at m, "
    "{l:.0f} % at l (median network)",
    devices.p100_energy: "all {all:,} values of three scales are 0",
    devices.scales: "median latency of l over that of m: {least:.2f} to {most:.2f} on 14 devices, at {params:.1f} "
    "times the params",
    devices.batch_one: "five-fold R2 {least_1:.2f} to {most_1:.2f} at batch 1, {least_32:.2f} to {most_32:.2f} at 32, "
    "{least_64:.2f} to {most_64:.2f} at 64 (4 GPUs)",
    devices.energy_of_training: "up to {seconds:,.0f} s and {kwh:.2f} kWh; {twice} of {all} trainings took more than "
    "twice, and up to {longer:.1f} times, what the same ones on a Quadro RTX 6000 let expect",
    devices.carbon: "{least:.0f} to {most:.0f} g a kWh on one kind of GPU",
    devices.image_sizes: "{architectures} architectures, {rows} of {all:,} rows; at least {wrong} have the speed of "
    "another size",
    devices.repeated_rows: "{rows:,} rows are {networks:,} networks; repeats are up to {most:.2f} points of top-1 "
    "apart",
    grids.training_times: "phoneme: median {median:.0f} s, 99 % below {high:,.0f} s, most {most:,.0f} s; the slowest "
    "of 5 seeds takes {least_seeds:.2f} to {most_seeds:.2f} times the fastest (medians of 8 data sets)",
    grids.axes: "MSE over {naval_decades:.1f}, {parkinsons_decades:.1f}, {protein_decades:.1f}, {slice_decades:.1f} "
    "decades (naval, parkinsons, protein, slice); 1,000 random rows reach {naval_linear:.2f}, "
    "{parkinsons_linear:.2f}, {protein_linear:.2f}, {slice_linear:.2f} of the hypervolume with linear axes, "
    "{naval_log:.2f}, {parkinsons_log:.2f}, {protein_log:.2f}, {slice_log:.2f} with logarithmic ones",
    libraries.priorities: "points of rank 1, 2, 0 get {given}; Kendall's tau of priority and rank is {tau:.2f}, of "
    "place in that list and rank {places:.2f} (means of {draws} draws of 30 random points)",
    libraries.duplicates: "on `motif`, 100 copies of the middle cell of the front have {copies:.2f} of its "
    "hypervolume; with 99 random rows for the copies {replaced:.2f}, and those rows alone {random:.2f}",
    libraries.not_finite: "the hypervolume of (1, 1) with reference (2, 2) is {nan:.0f} beside (nan, 0), {inf:.0f} "
    "beside (inf, 0) and {minus_inf} beside (-inf, 0)",
    libraries.equal_points: "of two equal points it keeps {moocore}",
    libraries.misspelt: "two runs with `seed=1` are equal: {seed}; two with `sead=1`: {sead}",
}


def sentence(measure: Measure, shared: Path) -> str:
    """What the page says of this erratum.

    Raises
    ------
    FileNotFoundError, ModuleNotFoundError
        The source is not in `shared`, or the package not installed.
    """
    return SENTENCES[measure].format(**measure(shared))


def main() -> None:
    """Print a line an erratum."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    for measure in SENTENCES:
        try:
            print(f"{measure.__name__}: {sentence(measure, options.shared)}")
        except (FileNotFoundError, ModuleNotFoundError) as missing:
            print(f"{measure.__name__}: not measured ({missing})")


if __name__ == "__main__":
    main()
