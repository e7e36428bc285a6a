"""What Python users begin with: run a searcher, one run or one a seed; and load what a folder holds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from mobench.campaigns.campaign import check_seeds
from mobench.core.problem import Problem
from mobench.core.progress import Progress
from mobench.plugins.options import normalised
from mobench.plugins.references import describe, parse_reference
from mobench.scoring.contracts import DEFAULT
from mobench.scoring.load import load as load_run
from mobench.scoring.result import Result
from mobench.scoring.run import run as run_once

if TYPE_CHECKING:
    from mobench.analysis.results import Keyed, Results

__all__ = ["load", "run"]


@overload
def run(
    searcher: str | Callable[..., None],
    problem: str | Problem,
    *,
    budget: float | Mapping[str, float] = ...,
    seed: int = ...,
    seeds: None = ...,
    folder: str | Path | None = ...,
    progress: bool | None = ...,
    simulated_workers: int = ...,
    **options: Any,
) -> Result: ...


@overload
def run(
    searcher: str | Callable[..., None],
    problem: str | Problem,
    *,
    budget: float | Mapping[str, float] = ...,
    seeds: int | Iterable[int],
    folder: str | Path | None = ...,
    progress: bool | None = ...,
    simulated_workers: int = ...,
    **options: Any,
) -> Results: ...


def run(
    searcher: str | Callable[..., None],
    problem: str | Problem,
    *,
    budget: float | Mapping[str, float] = 500,
    seed: int | None = None,
    seeds: int | Iterable[int] | None = None,
    folder: str | Path | None = None,
    progress: bool | None = None,
    simulated_workers: int = 0,
    **options: Any,
) -> Result | Results:
    """Run one searcher on one problem, here and now.

    Parameters
    ----------
    searcher : str or callable
        A name (``"nsga2"``, ``"nsga2:population=50"``) or a function ``search(run, *, options)``.
    problem : str or Problem
        A name (``"nasbench_graph:dataset=cora"``) or a problem of your own.
    budget : number or mapping
        Unique evaluations, or for example ``{"trainings": 100}``: see `mobench.core.budget.parse_budget`.
    seed : int
        Equal seeds give equal logs; 0 when left out.
    seeds : int or iterable of int, optional
        How many seeds, or which: one run each, one after the other. `run_campaign` takes all cores.
    folder : path, optional
        Where to keep the run so that it can be resumed; the problem by name. Of `seeds` each has a folder in it,
        ``seed0``. Without it the log stays in memory.
    progress : bool, optional
        Whether to show on standard error how far it has come; when left out, on a terminal and in a notebook.
    simulated_workers : int
        How many trainings run at a time on a simulated clock, whose seconds are an axis and a budget (``clock``); there
        is none where left out.
    **options
        Options of the searcher.

    Returns
    -------
    Result or Results
        A `Result`; of `seeds` a `Results`, with all runs as frames.

    Raises
    ------
    ValueError, TypeError
        A bad name, option, budget or seed, or a problem that lacks what the searcher needs.
    """
    if seeds is None:
        one = 0 if seed is None else seed
        return run_once(
            searcher,
            problem,
            budget=budget,
            seed=one,
            folder=folder,
            progress=progress,
            simulated_workers=simulated_workers,
            **options,
        )
    from mobench.analysis.results import results_of

    if seed is not None:
        raise TypeError("seed: give one seed, or several as seeds")
    chosen = check_seeds(seeds if isinstance(seeds, int) else list(seeds))
    labels = {"problem": _label(problem, {}), "searcher": _label(searcher, options)}
    watched = Progress.is_watched() if progress is None else progress
    runs: list[Keyed] = []
    with Progress(len(chosen), unit="run", show=watched) as bar:
        for one in chosen:
            place = None if folder is None else Path(folder) / f"seed{one}"
            found = run_once(
                searcher,
                problem,
                budget=budget,
                seed=one,
                folder=place,
                progress=False,
                simulated_workers=simulated_workers,
                **options,
            )
            runs.append((labels | {"seed": one}, found))
            bar.advance()
    amounts = dict(budget) if isinstance(budget, Mapping) else {"evaluations": budget}
    source = f"{labels['searcher']} on {labels['problem']}, {len(runs)} seeds"
    return results_of(source, runs, contract=DEFAULT, budget=amounts)


def _label(what: Any, options: Mapping[str, Any]) -> str:
    """What frames call a searcher or a problem."""
    if isinstance(what, str):
        name, given = parse_reference(what, options)
        return describe(name, normalised(given))
    return describe(getattr(what, "__name__", type(what).__name__), options)


def load(
    folder: str | Path,
    *more: str | Path,
    axis: str = "",
    contract: str = "",
    indicator: str = "",
    labels: Mapping[str, str] | None = None,
) -> Any:
    """Read what a folder holds: a run, or the runs of a campaign, finished or as far as they have come.

    Parameters
    ----------
    folder, *more : path
        A run's folder; or a campaign's, ``results/NAME``, of which several of one budget and contract are read as one.
    axis : str
        Of a campaign: what its curves are over, a currency of the ledger or ``trainings``; the budget's where empty.
    contract : str
        Of a campaign: how its runs are scored; as it says where empty. `Result`'s methods take theirs.
    indicator : str
        Of a campaign: ``igd_plus``, ``epsilon`` or ``r2`` to have it in the curves, too.
    labels : mapping of str to str
        Of a campaign: what searchers and problems are called, beside what it says itself.

    Returns
    -------
    Result or Results
        `Result` of a run; `Results` of campaigns.

    Raises
    ------
    FileNotFoundError
        A folder holds neither.
    TypeError
        A folder is no path.
    ValueError
        An axis, contract or indicator is unknown; a run is damaged, or its problem cannot be built. Frames raise it
        when they are asked for, where runs may not be compared.
    """
    for place in (folder, *more):
        if not isinstance(place, str | os.PathLike):
            raise TypeError(f"folder: expected paths one after the other, load('a', 'b'), found {place!r}")
    folders = [Path(folder), *map(Path, more)]
    if (
        not more
        and not (folders[0] / "campaign.json").exists()
        and any((folders[0] / name).exists() for name in ("spec.json", "log.jsonl", "end.json"))
    ):
        return load_run(folders[0])
    for path in folders:
        if not any((path / name).exists() for name in ("campaign.json", "spec.json")):
            raise FileNotFoundError(
                f"{path}: no campaign and no run here (neither campaign.json nor spec.json is there)"
            )

    from mobench.analysis.results import results_in  # pandas and all that scores campaigns: only where it is asked for

    return results_in(folders, axis=axis, contract=contract, indicator=indicator, labels=labels or {})
