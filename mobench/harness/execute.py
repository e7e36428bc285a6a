"""One run from its specification to its end: carried out, resumed by replay, or left alone when it has ended."""

from __future__ import annotations

import datetime
import functools
import importlib.metadata
import inspect
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mobench.core.budget import CURRENCIES, BudgetExhausted, Cost
from mobench.core.messages import one_line, trace
from mobench.core.problem import Problem
from mobench.files.documents import FORMAT, write_document
from mobench.harness.checkout import commit
from mobench.harness.door import Run
from mobench.harness.fit import fitted
from mobench.harness.history import spent_in
from mobench.harness.host import host_fault
from mobench.harness.identity import strangers
from mobench.harness.limits import NO_LIMITS, Limits, limited
from mobench.harness.log import Log, StorageError, parse_events
from mobench.harness.processor import processor
from mobench.harness.sealed import read_run
from mobench.harness.spec import RunSpec
from mobench.plugins.catalogue import find, make_problem
from mobench.plugins.loader import check_imports
from mobench.plugins.options import check_options
from mobench.plugins.plugin import Plugin
from mobench.plugins.plugin_file import PluginFile
from mobench.plugins.sources import Sources, in_use

__all__ = ["UnfitHostError", "execute", "give_up", "search_problem"]

STREAMS = "problem: search, answers, supernet"
"""What depends on the problem beside the seed; ends that say less are of runs whose luck problems may share."""

_LIBRARIES = ("mobench", "numpy", "moocore", "pymoo", "torch")


class UnfitHostError(RuntimeError):
    """A host cannot carry out a run; nothing is recorded against the run."""


def execute(
    spec: RunSpec, folder: Path, sources: Sources | None = None, *, limits: Limits = NO_LIMITS
) -> dict[str, Any]:
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
    limits : Limits
        What it may take; a run that exceeds them has failed.

    Returns
    -------
    dict
        The end document: reason, spent, versions, host, times, and for a failed run the error and its traceback.

    Raises
    ------
    mobench.harness.held.RunIsBusy
        Another process is at this run.
    mobench.harness.log.RunIsLost
        Another process took this run over while we were at it.
    mobench.harness.log.StorageError, OSError
        The folder cannot be written; the run can be resumed later.
    UnfitHostError
        This host cannot carry it out: what it names is not at hand, is another version or has other data than the
        specification states, or memory or disk have run out. The run is as it was, for another host or another time.
    mobench.harness.sealed.DamagedRunError
        The folder holds another run (what differs is named), or one whose log and end disagree.
    ValueError
        It is of another format.
    """
    folder = _begun(spec, folder)
    if (known := read_run(folder, expected=spec)).end is not None:
        return dict(known.end)
    path = folder / "log.jsonl"
    prepared = _prepared(spec, sources or in_use())
    with Log(path) as log:
        if (folder / "end.json").exists():  # another process ended it while we waited for the log
            return dict(read_run(folder, expected=spec).end or {})
        document = _carry_out(spec, log, prepared, limits)
        return _ended(folder, log, document)


def give_up(spec: RunSpec, folder: Path, error: str) -> dict[str, Any]:
    """Record that a run whose process is gone has failed; its log stays as far as it came.

    Parameters
    ----------
    spec, folder
        As for `execute`.
    error : str
        Why it is not tried again: one line.

    Raises
    ------
    mobench.harness.held.RunIsBusy, OSError
        As `execute` does.
    """
    folder = _begun(spec, folder)
    with Log(folder / "log.jsonl") as log:
        if (folder / "end.json").exists():
            return dict(read_run(folder, expected=spec).end or {})
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        spent = _spent_in(folder / "log.jsonl", otherwise=Cost())
        document = _document(spec, "failed", spent, started=now)
        return _ended(folder, log, document | {"error": error, "traceback": ""})


def _begun(spec: RunSpec, folder: Path) -> Path:
    """The run's folder, absolute (a searcher may change the working directory), with its specification in it."""
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "spec.json").exists():
        write_document(folder / "spec.json", spec.document)
    return folder


def _ended(folder: Path, log: Log, document: dict[str, Any]) -> dict[str, Any]:
    """Write a run's end, while its log is locked: an end belongs to the attempt that wrote the log."""
    log.sync()
    document["log"] = log.seal  # of what was written here: a line of anybody else's is damage
    write_document(folder / "end.json", document)
    return document


@dataclass(frozen=True)
class _Prepared:
    """What a run is made of, found and checked before it begins."""

    problem: Problem
    plugin: Plugin
    options: Mapping[str, Any]
    limit: Cost
    files: tuple[PluginFile, ...]


def _prepared(spec: RunSpec, sources: Sources) -> _Prepared:
    """Build what the specification names; whatever goes wrong here is not the searcher's fault."""
    processor()  # which remembers it: a search may change what files and processes are
    try:
        problem = make_problem(spec.problem, spec.problem_options, sources)
        plugin = find("searcher", spec.searcher, sources)
        options = check_options(plugin, spec.searcher_options)
        limit, why = fitted(plugin, options, problem, spec.budget, workers=spec.simulated_workers)
        if why:
            raise ValueError(f"{spec.searcher} on {spec.problem_label} {why}")
        if other := strangers(spec, problem, sources):
            raise ValueError(other)
    except Exception as error:
        raise UnfitHostError(one_line(error)) from error
    files = tuple(filter(None, map(sources.file, {spec.problem, spec.searcher})))
    return _Prepared(problem, plugin, options, limit, files)


def _carry_out(spec: RunSpec, log: Log, prepared: _Prepared, limits: Limits) -> dict[str, Any]:
    """Run the searcher and say how it ended; a failure is an outcome, not an exception."""
    error, spent = dict[str, str](), None
    started, wall, cpu = datetime.datetime.now(datetime.UTC), time.perf_counter(), time.process_time()
    try:
        run = Run(
            prepared.problem,
            limit=prepared.limit,
            seed=spec.seed,
            log=log,
            label=spec.problem_label,
            workers=spec.simulated_workers,
        )
    except ValueError as other:  # of the data that answered before: no searcher was asked yet
        raise UnfitHostError(one_line(other)) from other
    try:
        with limited(limits):
            reason = search_problem(prepared.plugin, run, prepared.options)
            for file in prepared.files:
                check_imports(file)
    except BaseException as raised:  # noqa: BLE001 - whatever a searcher raises is how it ended
        _refuse_blame(raised, log)
        if not run.replaying:
            run.finish()  # nobody resumes it: what was learned last is in the ledger, and so in the log
        reason = "failed"
        error = {"error": one_line(raised), "traceback": trace(raised)}
        assert log.path is not None
        logged = _spent_in(log.path, otherwise=run.spent)
        spent = replace(logged, asked=max(logged.asked, run.spent.asked))  # it may have ended between two steps
    took = {"wall_seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    document = _document(spec, reason, spent or run.spent, started=started.isoformat(timespec="seconds"))
    return document | error | {key: round(seconds, 4) for key, seconds in took.items()}


def _spent_in(log: Path, *, otherwise: Cost) -> Cost:
    """The ledger at the end of a log; `otherwise` where its lines are damaged, which whoever reads the run will say."""
    try:
        return spent_in(parse_events(log.read_bytes(), log))
    except (KeyError, TypeError, ValueError, OverflowError):
        return otherwise


def _refuse_blame(error: BaseException, log: Log) -> None:
    """Raise anew what says nothing about the searcher: storage of this host that fails for us, too; the user's Ctrl-C.

    A worker leaves Ctrl-C to its parent, so that a KeyboardInterrupt is the searcher's own there. A searcher can raise
    any error: none is believed that is not ours, or cannot be had again.
    """
    if isinstance(error, KeyboardInterrupt) and multiprocessing.parent_process() is None:
        raise error
    if log.broken and isinstance(error, StorageError):
        raise error
    if isinstance(error, OSError) and log.path is not None and (fault := host_fault(log.path.parent)):
        raise UnfitHostError(f"{one_line(error)}; {fault}") from error


def _document(spec: RunSpec, reason: str, spent: Cost, *, started: str) -> dict[str, Any]:
    named = {spec.problem: spec.problem_code, spec.searcher: spec.searcher_code}
    foreign = {name: code for name, code in named.items() if code}
    return {
        "format": FORMAT,
        "reason": reason,
        "spent": {axis: getattr(spent, axis) for axis in CURRENCIES if axis != "clock" or spec.simulated_workers},
        "streams": STREAMS,
        "versions": foreign | {"python": platform.python_version()} | _versions(),
        "host": {
            "name": platform.node(),
            "machine": platform.machine(),
            "processor": processor(),
            "cores": os.cpu_count(),
        },
        "started": started,
    }


def search_problem(search: Callable[..., Any], run: Run, options: Mapping[str, Any]) -> str:
    """Let a searcher loose on a run; return why it ended: ``budget: <currency>`` or ``finished``.

    Raises
    ------
    TypeError
        The searcher is a generator or a coroutine: nothing of it was executed.
    ValueError
        The searcher ended before the log that it was to replay did: it is not the searcher that wrote the log.
    """
    reason = "finished"
    try:
        given = search(run, **options)
        if inspect.isgenerator(given) or inspect.isawaitable(given) or inspect.isasyncgen(given):
            raise TypeError(f"the searcher returned a {type(given).__name__} and never ran: it must not yield or await")
    except BudgetExhausted:
        if not run.stopped:
            raise RuntimeError("the searcher raised BudgetExhausted, and the budget was not spent") from None
        reason = f"budget: {run.stopped}"
    except BaseException:
        run.close()
        raise
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
