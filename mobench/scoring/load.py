"""A run read from its folder: finished, failed, or as far as it has come."""

from __future__ import annotations

from pathlib import Path

from mobench.core.budget import parse_budget
from mobench.files.documents import read_document
from mobench.harness.history import read_history
from mobench.harness.log import Log
from mobench.harness.spec import END, read_spec
from mobench.plugins.catalogue import make_problem
from mobench.scoring.result import Result

__all__ = ["load"]


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
    limit = parse_budget(spec.budget, problem.training)
    return Result(problem, history, end["reason"], str(end.get("error", "")), limit=limit, seed=spec.seed)
