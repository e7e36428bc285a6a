"""One run carried out in Python, in memory or in a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mobench.core.budget import as_given
from mobench.core.problem import Problem
from mobench.harness.answers import problem_seed
from mobench.harness.clock import whole_workers
from mobench.harness.door import Run
from mobench.harness.execute import execute, search_problem
from mobench.harness.fit import fitted
from mobench.harness.history import read_history
from mobench.harness.identity import identified
from mobench.harness.log import Log
from mobench.harness.spec import RunSpec
from mobench.harness.tail import Tail
from mobench.plugins.catalogue import find, make_problem
from mobench.plugins.functions import file_of_function
from mobench.plugins.options import check_options, normalised
from mobench.plugins.plugin import as_plugin
from mobench.plugins.references import describe, parse_reference
from mobench.plugins.sources import Sources, in_use
from mobench.scoring.load import load
from mobench.scoring.passing import share_in_passing, share_of, told
from mobench.scoring.result import Result

__all__ = ["run"]


def run(
    searcher: str | Callable[..., None],
    problem: str | Problem,
    *,
    budget: float | Mapping[str, float] = 500,
    seed: int = 0,
    folder: str | Path | None = None,
    progress: bool | None = None,
    simulated_workers: int = 0,
    **options: Any,
) -> Result:
    """Run one searcher on one problem.

    Parameters
    ----------
    searcher : str or callable
        A name (``"nsga2"``, ``"nsga2:population=50"``) or a function ``search(run, *, options)``.
    problem : str or Problem
        A name (``"nasbench_graph:dataset=cora"``) or a problem of your own.
    budget : number or mapping
        Unique evaluations, or for example ``{"trainings": 100}``: see `mobench.core.budget.parse_budget`.
    seed : int
        Equal seeds give equal logs.
    folder : path, optional
        Where to keep the run so that it can be resumed; the problem by name. Without it the log stays in memory.
    progress : bool, optional
        Whether to show on standard error how far it has come; when left out, on a terminal and in a notebook.
    simulated_workers : int
        How many trainings run at a time on a simulated clock; there is none where left out.
    **options
        Options of the searcher.

    Returns
    -------
    Result

    Raises
    ------
    ValueError, TypeError
        A bad name, option or budget, or a problem that lacks what the searcher needs.
    """
    if folder is not None:
        return _run_in_folder(searcher, problem, budget, seed, Path(folder), progress, simulated_workers, options)
    label, ours = "", False
    if isinstance(problem, str):
        name, given = parse_reference(problem)
        given = normalised(given)
        problem, label = make_problem(name, given), describe(name, given)
        ours = not in_use().code("problem", name)
    if isinstance(searcher, str):
        name, options = parse_reference(searcher, options)
        plugin = find("searcher", name)
    else:
        plugin = as_plugin("searcher", getattr(searcher, "__name__", "searcher"), searcher)
    checked = check_options(plugin, options)
    log = Log()
    workers = whole_workers(simulated_workers) if simulated_workers else 0
    limit, why = fitted(plugin, checked, problem, budget, workers=workers)
    if why:
        raise ValueError(f"{plugin.name} {why}")
    run = Run(problem, limit=limit, seed=_seed(seed), log=log, label=label, workers=workers)

    def result(reason: str = "unfinished") -> Result:
        history = read_history(log, d=len(problem.space.cardinalities), m=len(problem.objectives))
        spent = None if reason == "unfinished" else run.spent
        return Result(problem, history, reason, limit=limit, seed=problem_seed(int(seed), label), ledger=spent)

    with told(progress, lambda: run.spent.share(limit), lambda: share_of(result()) if ours else None):
        reason = search_problem(plugin, run, checked)
    return result(as_given(reason, budget, problem.training))


def _run_in_folder(
    searcher: Any, problem: Any, budget: Any, seed: int, folder: Path, progress: bool | None, workers: int, options: Any
) -> Result:
    if not isinstance(problem, str):
        raise TypeError("folder: a run kept on disk needs the problem by name")
    sources = in_use()
    if not isinstance(searcher, str):
        file = file_of_function(searcher)
        searcher, sources = file.name, Sources((file,)).over(sources)
    (name, options), (problem_name, problem_options) = parse_reference(searcher, options), parse_reference(problem)
    problem_options = normalised(problem_options)
    amounts = dict(budget) if isinstance(budget, Mapping) else {"evaluations": budget}
    built = make_problem(problem_name, problem_options)
    options = {key: str(value) if isinstance(value, Path) else value for key, value in options.items()}
    workers = whole_workers(workers) if workers else 0
    spec = RunSpec(problem_name, name, _seed(seed), amounts, problem_options, options, simulated_workers=workers)
    plugin = find("searcher", name, sources)
    checked = check_options(plugin, spec.searcher_options)
    limit, why = fitted(plugin, checked, built, amounts, workers=workers)
    if why:
        raise ValueError(f"{name} {why}")
    spec, tail = identified(spec, built, sources), Tail(folder / "log.jsonl")

    def spent() -> float:
        while tail.read():
            pass
        return tail.spent.share(limit)

    with told(progress, spent, lambda: share_in_passing(spec, folder)):
        execute(spec, folder, sources)
    return load(folder)


def _seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed: expected a whole number from 0, found {seed!r}")
    return int(seed)
