"""One run from its specification to its end: carried out, resumed by replay, or left alone when it has ended."""

from __future__ import annotations

import datetime
import functools
import hashlib
import importlib.metadata
import os
import platform
import re
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from mobench.core.budget import BudgetExhausted, Cost, parse_budget
from mobench.harness.checkout import commit
from mobench.harness.door import Run
from mobench.harness.log import FORMAT, Log, read_document, write_document
from mobench.plugins.catalogue import check_options, find, make_problem, missing
from mobench.plugins.sources import file_of

__all__ = ["RunSpec", "describe", "execute", "read_spec", "search_problem"]

_LIBRARIES = ("mobench", "numpy", "moocore", "pymoo", "torch")


def describe(name: str, options: Mapping[str, Any]) -> str:
    """Write a name and its options the way `mobench.plugins.catalogue.parse_reference` reads them."""

    def plain(value: Any) -> str:
        if isinstance(value, list | tuple):
            return f"[{','.join(map(plain, value))}]"
        return str(value).lower() if isinstance(value, bool) else str(value)

    if not options:
        return name
    return f"{name}:{','.join(f'{option}={plain(value)}' for option, value in sorted(options.items()))}"


@dataclass(frozen=True)
class RunSpec:
    """Everything that decides the outcome of a run, and nothing else.

    Attributes
    ----------
    problem, searcher : str
        Names of plugins.
    seed : int
        The one number from which all of the run's randomness derives.
    budget : mapping
        See `mobench.core.budget.parse_budget`.
    problem_options, searcher_options : mapping
        Options as given; what is left out takes the plugin's default.
    """

    problem: str
    searcher: str
    seed: int
    budget: Mapping[str, float]
    problem_options: Mapping[str, Any] = field(default_factory=dict)
    searcher_options: Mapping[str, Any] = field(default_factory=dict)

    @functools.cached_property
    def problem_label(self) -> str:
        """The problem with its options, as tables and figures name it."""
        return describe(self.problem, self.problem_options)

    @functools.cached_property
    def searcher_label(self) -> str:
        """The searcher with its options, as tables and figures name it."""
        return describe(self.searcher, self.searcher_options)

    @property
    def document(self) -> dict[str, Any]:
        """The specification as it is written to ``spec.json``."""
        names = ("problem", "problem_options", "searcher", "searcher_options", "seed", "budget")
        return {"format": FORMAT} | {name: getattr(self, name) for name in names}

    @property
    def id(self) -> str:
        """Readable and unique: budget, seed and a hash of all that decides the outcome."""
        text = orjson.dumps(self.document, option=orjson.OPT_SORT_KEYS)
        budget = "-".join(f"{amount:g}{axis}" for axis, amount in sorted(self.budget.items()))
        return f"{budget}-seed{self.seed}-{hashlib.sha256(text).hexdigest()[:8]}"

    @property
    def folder(self) -> Path:
        """Where the run lives, relative to its campaign's ``runs`` folder."""
        return Path(_slug(self.problem_label), _slug(self.searcher_label), self.id)


def read_spec(path: Path) -> RunSpec:
    """Read a run's ``spec.json``; whether its plugins are at hand is not asked.

    Raises
    ------
    ValueError
        The file is damaged, or of another format.
    """
    kinds = {"problem": str, "searcher": str, "seed": int, "problem_options": dict, "searcher_options": dict}
    entries = read_document(path, kinds | {"budget": dict})
    try:
        spec = RunSpec(**{key: value for key, value in entries.items() if key != "format"})
        parse_budget(spec.budget, Cost(1, 1, 1, 1))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: not the specification of a run ({error})") from None
    return spec


@functools.lru_cache(maxsize=1024)  # a campaign names few pairs, many times
def _slug(label: str) -> str:
    """A folder name: letters, digits and ``_ . = -`` only, never hidden, at most 80 long."""
    slug = re.sub(r"[^A-Za-z0-9_.=]+", "-", label).strip("-.")
    if len(slug) > 80:
        slug = f"{slug[:71]}-{hashlib.sha256(label.encode()).hexdigest()[:8]}"
    return slug


def execute(spec: RunSpec, folder: Path) -> dict[str, Any]:
    """Carry out, resume or leave alone the run of `spec` in `folder`.

    A run is finished if and only if its ``end.json`` exists; a failed run has one, too, with its traceback, and is not
    tried again. An unfinished one is resumed: its searcher starts anew and gets the logged answers until the log ends.

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
    ValueError
        The folder holds another run or another format.
    """
    end = folder / "end.json"
    if end.exists():
        return read_document(end)
    folder.mkdir(parents=True, exist_ok=True)
    _claim(spec, folder / "spec.json")
    with Log(folder / "log.jsonl") as log:
        if end.exists():  # another process ended it while we waited for the log
            return read_document(end)
        document = _carry_out(spec, log)
        log.sync()
        write_document(end, document)  # the log is still locked: an end belongs to the attempt that wrote the log
    return document


def _claim(spec: RunSpec, path: Path) -> None:
    if not path.exists():
        write_document(path, spec.document)
        return
    found = read_document(path)
    if orjson.dumps(found, option=orjson.OPT_SORT_KEYS) != orjson.dumps(spec.document, option=orjson.OPT_SORT_KEYS):
        raise ValueError(f"{path}: holds the specification of another run; use another results folder")


def _carry_out(spec: RunSpec, log: Log) -> dict[str, Any]:
    """Run the searcher and say how it ended; a failure is an outcome, not an exception."""
    run: Run | None = None
    error: dict[str, str] = {}
    started, wall, cpu = datetime.datetime.now(datetime.UTC), time.perf_counter(), time.process_time()
    try:
        problem = make_problem(spec.problem, spec.problem_options)
        plugin = find("searcher", spec.searcher)
        options = check_options(plugin, spec.searcher_options)
        if lacking := missing(plugin, problem):
            raise ValueError(f"{spec.problem_label} does not offer {', '.join(lacking)}, which {spec.searcher} needs")
        run = Run(problem, limit=parse_budget(spec.budget, problem.training), seed=spec.seed, log=log)
        reason = search_problem(plugin.call, run, options)
    except Exception as exception:  # noqa: BLE001 - a failed run is recorded, whatever its searcher raised
        reason = "failed"
        error = {"error": f"{type(exception).__name__}: {exception}", "traceback": traceback.format_exc()}
    took = {"wall_seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    return {
        "format": FORMAT,
        "reason": reason,
        **error,
        "spent": {} if run is None else {axis: getattr(run.spent, axis) for axis in run.spent.__dataclass_fields__},
        "versions": {"python": platform.python_version()} | _versions() | _checksums(spec),
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


def _checksums(spec: RunSpec) -> dict[str, str]:
    """What stands for a version where the problem or the searcher comes from a file: its checksum."""
    files = [file_of(name) for name in (spec.problem, spec.searcher)]
    return {file.path.name: f"sha256:{file.checksum}" for file in files if file is not None}
