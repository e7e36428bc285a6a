"""Files that IOHprofiler's analysers read: how the hypervolume still missing falls, a line wherever it does."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mobench.campaigns.study import Study
from mobench.core.budget import on_axis
from mobench.files.writing import written_whole
from mobench.harness.spec import RunSpec
from mobench.scoring.result import Result

__all__ = ["write_ioh"]

VERSION = "0.3.17"
"""Of IOHexperimenter, whose layout this is: a JSON file a function and algorithm, and a data file a dimension."""

Member = tuple[RunSpec, Result | None]


def write_ioh(study: Study, to: Path, axis: str, each: Iterable[Member]) -> list[Path]:
    """Write the runs that ended or failed, a folder a searcher (Doerr et al. 2018); return the files written.

    A problem is a function, numbered in the order of the campaign; the best gap so far (1 less the share) is its value,
    to be minimised; counts are amounts of `axis`, rounded up. Every run is instance 1: runs differ by their seed only.

    Parameters
    ----------
    study : Study
        The runs, for their problems and their contract.
    to : Path
        Where the searchers' folders go.
    axis : str
        A currency of the ledger, or ``trainings``.
    each : iterable of (RunSpec, Result or None)
        The runs, those of a pair one after the other.

    Raises
    ------
    ValueError
        Unknown axis.
    """
    numbers = {label: number for number, label in enumerate(study.problems, start=1)}
    files: list[Path] = []
    for (problem, searcher), members in itertools.groupby(each, lambda m: (m[0].problem_label, m[0].searcher_label)):
        document: dict[str, Any] = {
            "version": VERSION,
            "suite": "mobench",
            "function_id": numbers[problem],
            "function_name": problem,
            "maximization": False,
            "algorithm": {"name": searcher, "info": f"{study.contract}, over {axis}"},
            "attributes": ["evaluations", "raw_y"],
        }
        files += _write_pair(document, to, members, axis, study.contract)
    return files


def _write_pair(document: dict[str, Any], to: Path, members: Iterable[Member], axis: str, contract: str) -> list[Path]:
    """The two files of one problem and searcher; none where no run is over."""
    lines, described = [], []
    for spec, result in members:
        if result and result.reason != "unfinished":
            gaps = _falls(result, axis, contract)
            lines += ["evaluations raw_y\n", *(f"{count} {gap:.10f}\n" for count, gap in gaps.items())]
            evals, y = min(gaps.items(), key=lambda item: item[1])
            best = {"evals": evals, "y": y, "x": []}
            described.append({"instance": 1, "evals": max(gaps), "best": best, "seed": spec.seed})
            dimension, (problem, searcher, _) = result.history.X.shape[1], spec.folder.parts
    if not described:
        return []
    stem = f"f{document['function_id']}_{problem}"
    meta = to / searcher / f"IOHprofiler_{stem}.json"
    data = meta.parent / f"data_{stem}" / f"IOHprofiler_f{document['function_id']}_DIM{dimension}.dat"
    with written_whole(data, below=to) as file:
        file.write("".join(lines).encode())
    document["scenarios"] = [{"dimension": dimension, "path": f"{data.parent.name}/{data.name}", "runs": described}]
    with written_whole(meta, below=to) as file:
        file.write((json.dumps(document, indent=1) + "\n").encode())
    return [meta, data]


def _falls(result: Result, axis: str, contract: str) -> dict[int, float]:
    """Count, a whole number of `axis`, to the best gap so far: wherever it falls, and at the end."""
    curve = result.curve(axis=axis, contract=contract)
    lowest = 1.0
    gaps = {1: lowest}  # readers know a new run by its count of 1
    for amount, share in zip(curve[axis].tolist(), curve["hypervolume"].tolist(), strict=True):
        if 1.0 - share < lowest:
            lowest = 1.0 - share
            gaps[max(1, math.ceil(amount))] = lowest
    gaps.setdefault(max(1, math.ceil(on_axis(result.problem.training, result.history.total, axis))), lowest)
    return gaps
