"""Where numbers come from: how runs ended, on which machines and versions, from which data, by which commands."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mobench.campaigns.campaign import Campaign
from mobench.campaigns.record import load_campaign
from mobench.campaigns.study import Study
from mobench.core.limits import in_words, true_front
from mobench.files.documents import read_document
from mobench.harness.execute import STREAMS
from mobench.harness.identity import data_of
from mobench.harness.spec import END, RunSpec
from mobench.plugins.catalogue import make_problem
from mobench.plugins.references import describe

__all__ = ["command_to_report", "command_to_run", "ends", "problem_table", "setups", "streams_alike"]


def ends(runs: Iterable[tuple[RunSpec, Path]]) -> pd.DataFrame:
    """How each of these runs ended, a row a run that did.

    Returns
    -------
    pandas.DataFrame
        Problem, searcher, seed, reason, error, traceback, started (UTC), streams (what of
        the run's random numbers depended on the problem), wall_seconds, cpu_seconds, setup (host and versions, as one
        text).
    """
    rows = []
    for spec, folder in runs:
        if not (folder / "end.json").exists():
            continue
        end = read_document(folder / "end.json", END)
        row: dict[str, Any] = {"problem": spec.problem_label, "searcher": spec.searcher_label, "seed": spec.seed}
        row |= {key: str(end.get(key, "")) for key in ("reason", "error", "traceback", "started", "streams")}
        row |= {key: _number(end.get(key)) for key in ("wall_seconds", "cpu_seconds")}
        rows.append(row | {"setup": _setup(end)})
    columns = ["problem", "searcher", "seed", "reason", "error", "traceback", "started", "streams"]
    return pd.DataFrame(rows, columns=[*columns, "wall_seconds", "cpu_seconds", "setup"])


def _number(value: Any) -> float:
    """A number of an end document; NaN where it holds none."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")


def _setup(end: Mapping[str, Any]) -> str:
    """Host and versions of a run; torch and the like are listed only where the run had loaded them."""
    host = end.get("host") or {}
    machine = host.get("processor") or host.get("machine", "?")
    parts = [f"{host.get('name', '?')} ({machine}, {host.get('cores', '?')} cores)"]
    parts += [f"{name} {version}" for name, version in sorted((end.get("versions") or {}).items())]
    return ", ".join(parts)


def streams_alike(found: pd.DataFrame) -> bool:
    """Whether runs of one seed may be alike on different problems: unless each one's stream depended on its problem.

    Parameters
    ----------
    found : pandas.DataFrame
        As `ends` returns them.
    """
    return found.empty or not bool((found["streams"] == STREAMS).all())


def setups(found: pd.DataFrame) -> pd.DataFrame:
    """The set-ups under which runs ended: set-up, runs, when the first of them began and the last; most runs first.

    Parameters
    ----------
    found : pandas.DataFrame
        As `ends` returns them.
    """
    grouped = found.groupby("setup")
    table = grouped.agg(
        runs=("seed", "size"),
        first_started=("started", "min"),
        last_started=("started", "max"),
        wall_hours=("wall_seconds", lambda seconds: seconds.sum() / 3600),
        cpu_hours=("cpu_seconds", lambda seconds: seconds.sum() / 3600),
    )
    return table.reset_index().sort_values(["runs", "setup"], ascending=[False, True], ignore_index=True)


def problem_table(study: Study) -> pd.DataFrame:
    """What was searched: problem, objectives, size of the space and of the true front within limits, data."""
    rows = []
    for label, (name, options) in study.problems.items():
        problem = make_problem(name, options)
        front = true_front(problem)
        rows.append(
            {
                "problem": label,
                "objectives": in_words(problem.objectives),
                "architectures": float(problem.space.size),
                "true_front": np.nan if front is None else float(len(front[0])),
                "data": data_of(problem),
            }
        )
    return pd.DataFrame(rows)


def command_to_run(source: Path) -> str:
    """The command that makes the runs of a folder again: a campaign's on the shell, a single run's in Python.

    Parameters
    ----------
    source : Path
        A campaign's folder, or a run's.
    """
    if (source / "spec.json").exists():
        spec = read_document(source / "spec.json")
        searcher = describe(spec["searcher"], spec["searcher_options"])
        problem = describe(spec["problem"], spec["problem_options"])
        words = [searcher, problem, spec["budget"], f"results/{source.resolve().name}"]
        searcher, problem, budget, folder = map(json.dumps, words)  # in double quotes: the shell's are single ones
        call = f"mobench.run({searcher}, {problem}, budget={budget}, seed={spec['seed']}, folder={folder})"
        return f"python -c {shlex.quote(f'import mobench; print({call})')}"
    return _shell(load_campaign(source))


def command_to_report(study: Study, axis: str, **options: str) -> str:
    """The command that makes the report of these runs again; what they lie in are folders of ``results``.

    Parameters
    ----------
    study : Study
        The runs.
    axis : str
        The report's currency.
    **options : str
        Further options of the command.
    """
    words = ["mobench", "report", *(f"results/{source.resolve().name}" for source in study.sources)]
    for source in study.sources:
        if not (source / "spec.json").exists():
            for file in load_campaign(source).problem_files:
                words += ["--plugin", str(file.path)]
    for label, name in study.names.items():
        words += [] if name == label else ["--label", f"{label}={name}"]
    for name, value in {"axis": axis, **options}.items():
        words += [f"--{name}", value]
    return shlex.join(words)


def _shell(campaign: Campaign) -> str:
    words = ["mobench", "run"]
    for flag, references in (("-p", campaign.problems), ("-s", campaign.searchers)):
        for name, options in references:
            words += [flag, describe(name, options)]
    for file in campaign.plugins:
        words += ["--plugin", str(file.path)]
    words += ["-b", ",".join(f"{currency}={amount!r}" for currency, amount in campaign.budget.items())]
    seeds = campaign.seeds
    words += ["--seeds", str(len(seeds)) if seeds == tuple(range(len(seeds))) else ",".join(map(str, seeds))]
    return shlex.join([*words, "--contract", campaign.contract, "--name", campaign.name])
