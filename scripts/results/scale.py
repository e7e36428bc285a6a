"""How far a campaign goes: very many short runs carried out, looked at and reported, what each costs, and projections.

    python scripts/results/scale.py run --place FOLDER   # about two hours of a core: writes measured.csv
    python scripts/results/scale.py run --sizes 1000     # one size, a minute
    python scripts/results/scale.py run --sizes 200 --engines whole   # the digest that a test makes again
    python scripts/results/scale.py draw                 # the tables of docs/results/scale.md, and its figure

A line a measurement: runs of the campaign, how they were carried out, the step, what of it, the value. What is in the
file is not measured again. Folders of runs are deleted once they are measured. Linux alone: memory is read from /proc.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from scale_projection import carried_out, draw, foretold, limits, number, projection

from mobench.campaigns.reading import read_campaign
from mobench.campaigns.record import open_campaign
from mobench.files.documents import read_document
from mobench.harness.spec import END

HOME = Path(__file__).parents[2] / "results" / "published" / "scale"
RECORD = HOME / "measured.csv"
DIGESTS = HOME / "digests.csv"
FIGURE = Path(__file__).parents[2] / "docs" / "figures" / "scale.png"
SIZES = (1_000, 10_000, 100_000)
PAIRS = 4
"""Of problems and searchers in `many.toml`: so many runs a seed."""
ENGINES = {
    "dask": (("--engine", "dask", "--workers", "2"),),
    "shards": (("--shard", "1/2", "--workers", "1"), ("--shard", "2/2", "--workers", "1")),
    "whole": (("--workers", "1"),),
}
"""Commands that carry a campaign out between them, at the same time."""
SECONDS = 3600.0
"""A report that takes longer is ended."""
SHORTEST, LONGEST = 0.05, 3.0
"""Seconds between looks at the processes of a command: a fiftieth of the time that it has taken, within these."""
NONE_BEGUN, MOST_PLANNED = "none begun", 1_000_000
"""Campaigns that are planned and looked at, up to this one: whether what is projected to it is so."""
PLANNED = ("dask", "shards", NONE_BEGUN)
LOOKED = "shards"
"""Whose folder is looked at and reported: it holds the same bytes as the other one."""


@dataclass
class Watched:
    """What commands and all their processes took, as far as looks now and then can tell.

    Attributes
    ----------
    cpu : dict of int to float
        CPU seconds by process, user and system.
    peaks : dict of int to float
        The most memory of a process, MiB; pages that it shares with others count in each.
    """

    cpu: dict[int, float] = field(default_factory=dict)
    peaks: dict[int, float] = field(default_factory=dict)

    def look(self, process: psutil.Process) -> None:
        """Take down a process and everything that it began."""
        try:
            found = [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for one in found:
            try:
                times, status = one.cpu_times(), Path(f"/proc/{one.pid}/status").read_text(encoding="ascii")
            except (psutil.NoSuchProcess, OSError):
                continue
            self.cpu[one.pid] = times.user + times.system
            for line in status.splitlines():
                if line.startswith("VmHWM:"):
                    self.peaks[one.pid] = int(line.split()[1]) / 1024


def watch(commands: Sequence[Sequence[str]], *, most: float = float("inf"), memory: int = 0) -> dict[str, float]:
    """Carry out commands at the same time: wall and CPU seconds, peaks of memory in MiB, and whether all went well.

    Parameters
    ----------
    commands : sequence of sequence of str
        Arguments of ``mobench``, each.
    most : float
        Seconds after which they are killed.
    memory : int
        Bytes of address space that each may take; any where 0.
    """

    def limit() -> None:
        if memory:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    watched, began, before = Watched(), time.perf_counter(), os.getloadavg()[0]
    environment = os.environ | {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}
    roots = [
        subprocess.Popen(
            [sys.executable, "-m", "mobench", *command],
            stdout=subprocess.DEVNULL,
            env=environment,
            preexec_fn=limit,
            start_new_session=True,  # a job of its own, as those of a job array are
        )
        for command in commands
    ]
    codes: dict[int, int] = {}
    while len(codes) < len(roots):
        time.sleep(min(max((time.perf_counter() - began) / 50, SHORTEST), LONGEST))
        for root in roots:
            if root.pid in codes:
                continue
            watched.look(psutil.Process(root.pid))
            if time.perf_counter() - began > most:
                root.kill()
            pid, code, used = os.wait4(root.pid, os.WNOHANG)
            if pid:
                codes[pid] = root.returncode = os.waitstatus_to_exitcode(code)
                watched.cpu[pid] = used.ru_utime + used.ru_stime  # exact, where looks are late
    own = [root.pid for root in roots]
    return {
        "wall_seconds": time.perf_counter() - began,
        "cpu_seconds": sum(watched.cpu.values()),
        "main_mib": max(watched.peaks.get(pid, 0.0) for pid in own),
        "worker_mib": max((peak for pid, peak in watched.peaks.items() if pid not in own), default=0.0),
        "load": (before + os.getloadavg()[0]) / 2,
        "ended": float(not any(codes.values())),
    }


def logs_digest(folder: Path) -> str:
    """SHA-256 over the sorted SHA-256 of the logs of all ended runs below a folder, a line each.

    Each log is read, and has to be the one that its run's end speaks of.

    Raises
    ------
    ValueError
        A log is not what its end says.
    """
    found = []
    for end in sorted(folder.glob("runs/*/*/*/end.json")):
        digest = hashlib.sha256((end.parent / "log.jsonl").read_bytes()).hexdigest()
        if digest != read_document(end, END)["log"]["sha256"]:
            raise ValueError(f"{end.parent}: its log is not what its end says")
        found.append(digest)
    return hashlib.sha256("".join(f"{digest}\n" for digest in sorted(found)).encode()).hexdigest()


def footprint(folder: Path) -> dict[str, float]:
    """Inodes, bytes in files, and bytes on disk of all below a folder; bytes of a campaign's record and its index."""
    found = {"inodes": 0.0, "bytes": 0.0, "bytes_on_disk": 0.0}
    for place, _, files in os.walk(folder):
        for path in (place, *(os.path.join(place, name) for name in files)):
            entry = os.lstat(path)
            found["inodes"] += 1
            found["bytes"] += entry.st_size * (path != place)
            found["bytes_on_disk"] += 512 * entry.st_blocks
    return found | {f"{name}_bytes": float((folder / f"{name}.json").stat().st_size) for name in ("campaign", "index")}


def machine(place: Path) -> dict[str, float]:
    """What this machine has."""
    system = os.statvfs(place)
    return {
        "cores": float(len(os.sched_getaffinity(0))),
        "memory_mib": psutil.virtual_memory().total / 2**20,
        "inodes": float(system.f_files),
        "bytes_on_disk": float(system.f_blocks * system.f_frsize),
    }


def records(path: Path) -> list[dict[str, str]]:
    """Lines of a file that is there; none of another."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def take_down(path: Path, lines: Sequence[Mapping[str, object]]) -> None:
    """Add lines to a file."""
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, lines[0].keys(), lineterminator="\n")
        writer.writerows([dict(zip(lines[0], lines[0], strict=True)), *lines] if fresh else lines)


def steps(size: int, how: str, folder: Path) -> dict[str, Callable[[], dict[str, float]]]:
    """What is measured of a campaign, in order: it is carried out, then looked at; or looked at alone."""

    def plan() -> dict[str, float]:
        open_campaign(read_campaign(HOME / "many.toml", seeds=size // PAIRS), folder)
        return watch([["status", str(folder)]])

    if how == NONE_BEGUN:
        return {"status": plan}
    carry = ["run", str(HOME / "many.toml"), "--seeds", str(size // PAIRS), "--name", folder.name]
    carry += ["--results", str(folder.parent)]
    found: dict[str, Callable[[], dict[str, float]]] = {
        "run": lambda: watch([[*carry, *more] for more in ENGINES[how]])
    }
    if how != LOOKED:
        return found

    def first_look() -> dict[str, float]:
        (folder / "index.json").unlink(missing_ok=True)
        return watch([["status", str(folder)]])

    memory = psutil.virtual_memory().total // 2
    return found | {
        "status, no index": first_look,
        "status": lambda: watch([["status", str(folder)]]),
        "resume": lambda: watch([[*carry, "--quiet"]]),
        "folder": lambda: footprint(folder),
        "report": lambda: watch([["report", str(folder)]], most=SECONDS, memory=memory),
    }


def measure(size: int, how: str, place: Path, known: set[str]) -> None:
    """Take the steps of a campaign that are not `known`, and write down each and the digest of its logs."""
    folder = place / f"{how}-{size}"
    todo = steps(size, how, folder)
    if known.issuperset(todo):
        return
    if "run" not in known:
        shutil.rmtree(folder, ignore_errors=True)  # half a campaign has no throughput
    elif not folder.exists():
        todo["run"]()  # it was measured, and its runs are needed for what was not
    for step in (step for step in todo if step not in known):
        took = todo[step]()
        print(f"{size} runs, {how}, {step}: {', '.join(f'{k} {v:.6g}' for k, v in took.items())}", flush=True)
        about = {"runs": size, "how": how, "step": step}
        take_down(RECORD, [about | {"measure": name, "value": f"{value:.6g}"} for name, value in took.items()])
        if step == "run":
            take_down(DIGESTS, [{"runs": size, "how": how, "sha256": logs_digest(folder)}])
    shutil.rmtree(folder)


def run(sizes: Sequence[int], engines: Sequence[str], place: Path) -> None:
    """Measure what is not measured yet, the smallest campaigns first."""
    place.mkdir(parents=True, exist_ok=True)
    if not records(RECORD):
        about = {"runs": 0, "how": "machine", "step": "machine"}
        take_down(RECORD, [about | {"measure": name, "value": f"{v:.0f}"} for name, v in machine(place).items()])
    for size in sizes if NONE_BEGUN not in engines else (*sizes, MOST_PLANNED):
        for how in engines if size < MOST_PLANNED else (NONE_BEGUN,):
            lines = (line for line in records(RECORD) if (line["runs"], line["how"]) == (str(size), how))
            measure(size, how, place, {line["step"] for line in lines})


def main() -> None:
    """Do what is asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "draw"))
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="runs of the campaigns (default: all)")
    parser.add_argument(
        "--engines", nargs="+", choices=(*ENGINES, NONE_BEGUN), default=PLANNED, help="default: all but whole"
    )
    parser.add_argument("--place", type=Path, default=Path("results"), help="where runs lie meanwhile")
    given = parser.parse_args()
    if given.what == "run":
        run(given.sizes, given.engines, given.place.resolve())
    else:
        lines = records(RECORD)
        print(*carried_out(lines), "", *projection(lines), "", *foretold(lines), "", sep="\n")
        print(*(f"{number(runs)} runs: {name}" for runs, name in limits(lines)), sep="\n")
        draw(lines, FIGURE)


if __name__ == "__main__":
    main()
