"""One run from its specification to its end: carried out, resumed by replay, or left alone when it has ended."""

from __future__ import annotations

import datetime
import functools
import importlib.metadata
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mobench.core.budget import BudgetExhausted, parse_budget
from mobench.files.documents import FORMAT, write_document
from mobench.harness.checkout import commit
from mobench.harness.door import Run
from mobench.harness.log import Log
from mobench.harness.sealed import read_run, seal
from mobench.harness.spec import RunSpec
from mobench.plugins.catalogue import find, make_problem
from mobench.plugins.options import check_options
from mobench.plugins.plugin import missing
from mobench.plugins.sources import Sources, in_use

__all__ = ["execute", "search_problem"]

STREAMS = "problem"
"""What the searcher's stream depends on beside the seed; ends without it are of runs whose luck problems share."""

_LIBRARIES = ("mobench", "numpy", "moocore", "pymoo", "torch")


def execute(spec: RunSpec, folder: Path, sources: Sources | None = None) -> dict[str, Any]:
    """Carry out, resume or leave alone the run of `spec` in `folder`.

    A run is finished if and only if its ``end.json`` exists; a failed run has one, too, with its traceback, and is not
    tried again. An unfinished one is resumed: its searcher starts anew and gets the logged answers until the log ends.

    Parameters
    ----------
    spec : RunSpec
        The run.
    folder : Path
        Its folder.
    sources : Sources, optional
        What its names mean; what `mobench.use_plugins` made known when left out.

    Returns
    -------
    dict
        The end document: reason, spent, versions, host, times, and for a failed run the error and its traceback.

    Raises
    ------
    mobench.harness.log.RunIsBusy
        Another process is at this run.
    mobench.harness.log.RunIsLost
        Another process took this run over while we were at it.
    mobench.harness.log.StorageError, OSError
        The folder cannot be written; the run can be resumed later.
    mobench.harness.sealed.DamagedRunError
        The folder holds another run (what differs is named), or one whose log and end disagree.
    ValueError
        It is of another format.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "spec.json").exists():
        write_document(folder / "spec.json", spec.document)
    if (known := read_run(folder, expected=spec)).end is not None:
        return dict(known.end)
    path, end = folder / "log.jsonl", folder / "end.json"
    with Log(path) as log:
        if end.exists():  # another process ended it while we waited for the log
            return dict(read_run(folder, expected=spec).end or {})
        document = _carry_out(spec, log, sources or in_use())
        log.sync()
        # the log is still locked: an end belongs to the attempt that wrote the log
        document["log"] = seal(path.read_bytes())
        write_document(end, document)
    return document


def _carry_out(spec: RunSpec, log: Log, sources: Sources) -> dict[str, Any]:
    """Run the searcher and say how it ended; a failure is an outcome, not an exception."""
    run: Run | None = None
    error: dict[str, str] = {}
    started, wall, cpu = datetime.datetime.now(datetime.UTC), time.perf_counter(), time.process_time()
    try:
        problem = make_problem(spec.problem, spec.problem_options, sources)
        plugin = find("searcher", spec.searcher, sources)
        options = check_options(plugin, spec.searcher_options)
        if lacking := missing(plugin, problem):
            raise ValueError(f"{spec.problem_label} does not offer {', '.join(lacking)}, which {spec.searcher} needs")
        limit = parse_budget(spec.budget, problem.training)
        run = Run(problem, limit=limit, seed=spec.seed, log=log, label=spec.problem_label)
        reason = search_problem(plugin, run, options)
    except Exception as exception:  # noqa: BLE001 - a failed run is recorded, whatever its searcher raised
        reason = "failed"
        error = {"error": f"{type(exception).__name__}: {exception}", "traceback": traceback.format_exc()}
    took = {"wall_seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    return {
        "format": FORMAT,
        "reason": reason,
        **error,
        "spent": {} if run is None else {axis: getattr(run.spent, axis) for axis in run.spent.__dataclass_fields__},
        "streams": STREAMS,
        "versions": {"python": platform.python_version()} | _versions() | _checksums(spec, sources),
        "host": {"name": platform.node(), "machine": platform.machine(), "cores": os.cpu_count()},
        "started": started.isoformat(timespec="seconds"),
        **{key: round(seconds, 4) for key, seconds in took.items()},
    }


def search_problem(search: Callable[..., None], run: Run, options: Mapping[str, Any]) -> str:
    """Let a searcher loose on a run; return why it ended: ``budget: <currency>`` or ``finished``.

    Raises
    ------
    ValueError
        The searcher ended before the log that it was to replay did: it is not the searcher that wrote the log.
    """
    reason = "finished"
    try:
        search(run, **options)
    except BudgetExhausted:
        reason = f"budget: {run.stopped}"
    run.finish()
    if run.replaying:
        raise ValueError(
            f"resume: the log goes on after answer {run.spent.evaluations:g}, but the searcher ends; it, its options"
            " or the problem changed. Delete the run's folder to start it again"
        )
    return reason


def _versions() -> dict[str, str]:
    """Versions of the libraries that are loaded, and mobench's commit where it is run from a checkout."""
    names = {"commit": commit()} | {name: _version(name) for name in _LIBRARIES if name in sys.modules}
    return {name: version for name, version in names.items() if version}


@functools.cache
def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _checksums(spec: RunSpec, sources: Sources) -> dict[str, str]:
    """What stands for a version where the problem or the searcher comes from a file: its checksum."""
    files = [sources.file(name) for name in (spec.problem, spec.searcher)]
    return {file.path.name: f"sha256:{file.checksum}" for file in files if file is not None}
