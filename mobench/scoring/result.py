"""One run in Python: start it with `run`, or read it from its folder with `load`; front, hypervolume and curve."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mobench.core.budget import on_axis, parse_budget
from mobench.core.capabilities import Decodable, Enumerable
from mobench.core.indicators import log10_regret
from mobench.core.problem import Problem, minimised
from mobench.core.space import Array
from mobench.files.documents import read_document
from mobench.harness.door import Run
from mobench.harness.execute import execute, search_problem
from mobench.harness.history import History, read_history
from mobench.harness.log import Log
from mobench.harness.spec import END, RunSpec, read_spec
from mobench.plugins.catalogue import find, make_problem
from mobench.plugins.options import check_options
from mobench.plugins.plugin import as_plugin, missing
from mobench.plugins.references import parse_reference
from mobench.scoring.contract import Contract, anytime, contract_for

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Result", "load", "run"]


@dataclass(frozen=True, repr=False)
class Result:
    """What a run found, as far as its log goes.

    Attributes
    ----------
    problem : Problem
        What was searched.
    history : History
        Everything that the searcher saw, in order.
    reason : str
        Why the run ended: ``budget: <currency>``, ``finished``, ``failed``, or ``unfinished``.
    error : str
        Of a failed run.
    """

    problem: Problem
    history: History
    reason: str
    error: str = ""
    _contracts: dict[str, Contract] = field(default_factory=dict, compare=False)

    def __repr__(self) -> str:
        names = ", ".join(objective.name for objective in self.problem.objectives)
        return f"<Result: {len(self.history.X)} answers of ({names}), {self.reason}>"

    @cached_property
    def _F(self) -> Array:
        return minimised(self.history.F, self.problem.objectives)

    def _contract(self, name: str) -> Contract:
        if name not in self._contracts:
            self._contracts[name] = contract_for(self.problem, name)
        return self._contracts[name]

    def delivered(self, *, contract: str = "mobench-1") -> Array:
        """The architectures that the run delivers, chosen from what it saw; shape (k, d)."""
        return self._contract(contract).choose(self.history, self._F, len(self._F))

    def front(self, *, contract: str = "mobench-1") -> pd.DataFrame:
        """The delivered architectures with their scored values in natural units, best first objective first.

        Returns
        -------
        pandas.DataFrame
            ``architecture`` (written form where the problem has one), a column for each gene and each objective.
            Architectures that turn out dominated once scored are marked False in ``nondominated``.
        """
        import pandas as pd

        from mobench.core.indicators import nondominated

        X = self.delivered(contract=contract)
        F = self.problem.score(X) if len(X) else np.empty((0, len(self.problem.objectives)))
        texts = self.problem.decode(X) if isinstance(self.problem, Decodable) else [str(x) for x in X.tolist()]
        frame = pd.DataFrame({"architecture": pd.Series(texts, dtype=str)})
        for name, column in zip(self.problem.space.names, X.T, strict=True):
            frame[name] = column
        for objective, column in zip(self.problem.objectives, F.T, strict=True):
            frame[objective.name] = column
        frame["nondominated"] = nondominated(minimised(F, self.problem.objectives))
        first = self.problem.objectives[0]
        return frame.sort_values(first.name, ascending=not first.maximise, kind="stable", ignore_index=True)

    def hypervolume(self, *, contract: str = "mobench-1") -> float:
        """Share of the true front's hypervolume that the delivered set reaches, 0 where it delivers nothing."""
        return self.measures(contract=contract)["hypervolume"]

    def measures(self, *, contract: str = "mobench-1") -> dict[str, float]:
        """All measures of the delivered set: see `mobench.scoring.contract.Contract.measures`."""
        X = self.delivered(contract=contract)
        F = self.problem.score(X) if len(X) else np.empty((0, len(self.problem.objectives)))
        return self._contract(contract).measures(minimised(F, self.problem.objectives))

    def one_shot_tau(self) -> float:
        """Kendall's tau-b between one-shot values that the searcher recorded and the scores of the same architectures.

        One-shot values are those of the first objective, minimised, with inherited weights; a searcher tells them by
        ``run.record(one_shot_X=X, one_shot=values)``. NaN where it told fewer than two, where either side is constant,
        and where the front is unknown: there a score may cost a training.
        """
        from scipy.stats import kendalltau

        told = [note.content for note in self.history.records if "one_shot" in note.content]
        if not told or not isinstance(self.problem, Enumerable):
            return float("nan")
        X = np.concatenate([np.asarray(content["one_shot_X"], dtype=np.int64) for content in told])
        values = np.concatenate([np.asarray(content["one_shot"], dtype=np.float64) for content in told])
        scored = minimised(self.problem.score(X), self.problem.objectives)[:, 0]
        return float(kendalltau(values, scored).statistic) if len(X) > 1 else float("nan")

    def curve(self, *, axis: str = "evaluations", contract: str = "mobench-1") -> pd.DataFrame:
        """The share of hypervolume over the course of the run, a row wherever it changes.

        Parameters
        ----------
        axis : str
            A currency of the ledger (``evaluations``, ``asked``, ``flops``, ``seconds``), or ``trainings``:
            equivalent full trainings.

        Returns
        -------
        pandas.DataFrame
            Columns `axis`, ``hypervolume`` and ``log10_regret``.

        Raises
        ------
        ValueError
            Unknown axis.
        """
        import pandas as pd

        spent, share = anytime(self._contract(contract), self.problem, self.history)
        amounts = on_axis(self.problem.training, spent, axis)
        return pd.DataFrame({axis: amounts, "hypervolume": share, "log10_regret": log10_regret(share)})


def run(
    searcher: str | Callable[..., None],
    problem: str | Problem,
    *,
    budget: float | Mapping[str, float] = 500,
    seed: int = 0,
    folder: str | Path | None = None,
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
        Where to keep the run so that it can be resumed; names only. Without it the log stays in memory.
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
        return _run_in_folder(searcher, problem, budget, seed, Path(folder), options)
    if isinstance(problem, str):
        problem = make_problem(*parse_reference(problem))
    if isinstance(searcher, str):
        name, given = parse_reference(searcher)
        plugin = find("searcher", name)
        options = given | options
    else:
        plugin = as_plugin("searcher", getattr(searcher, "__name__", "searcher"), searcher)
    checked = check_options(plugin, options)
    if lacking := missing(plugin, problem):
        raise ValueError(f"{plugin.name} needs {', '.join(lacking)}, which this problem does not offer")
    log = Log()
    door = Run(problem, limit=parse_budget(budget, problem.training), seed=_seed(seed), log=log)
    reason = search_problem(plugin, door, checked)
    return Result(problem, read_history(log, d=len(problem.space.cardinalities), m=len(problem.objectives)), reason)


def _run_in_folder(searcher: Any, problem: Any, budget: Any, seed: int, folder: Path, options: Any) -> Result:
    if not (isinstance(searcher, str) and isinstance(problem, str)):
        raise TypeError("folder: a run kept on disk needs the searcher and the problem by name")
    (name, given), (problem_name, problem_options) = parse_reference(searcher), parse_reference(problem)
    amounts = dict(budget) if isinstance(budget, Mapping) else {"evaluations": budget}
    spec = RunSpec(problem_name, name, _seed(seed), amounts, problem_options, given | options)
    check_options(find("searcher", name), spec.searcher_options)
    parse_budget(amounts, make_problem(problem_name, problem_options).training)
    execute(spec, folder)
    return load(folder)


def _seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed: expected a whole number from 0, found {seed!r}")
    return int(seed)


def load(folder: str | Path) -> Result:
    """Read a run from its folder: finished, failed, or as far as it has come.

    Raises
    ------
    FileNotFoundError
        There is no run in the folder.
    ValueError
        The folder is damaged or of another format, or its problem cannot be built here.
    """
    folder = Path(folder)
    if not (folder / "spec.json").exists():
        raise FileNotFoundError(f"{folder}: no run here (spec.json is missing)")
    spec, end = read_spec(folder / "spec.json"), {"reason": "unfinished"}
    if (folder / "end.json").exists():
        end = read_document(folder / "end.json", END)
    problem = make_problem(spec.problem, spec.problem_options)
    log = folder / "log.jsonl"
    history = read_history(
        log if log.exists() else Log(), d=len(problem.space.cardinalities), m=len(problem.objectives)
    )
    try:
        for X in (history.X, *(note.content for note in history.recommended)):
            problem.space.check(X)
    except ValueError as error:
        raise ValueError(f"{log}: not a log of this problem ({error})") from None
    return Result(problem, history, end["reason"], str(end.get("error", "")))
