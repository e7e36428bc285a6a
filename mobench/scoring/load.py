"""A run read from its folder: finished, failed, or as far as it has come."""

from __future__ import annotations

from pathlib import Path

from mobench.core.budget import CURRENCIES, Cost, as_given
from mobench.core.capabilities import fidelities_of, limit_on
from mobench.core.messages import plain
from mobench.harness.answers import problem_seed
from mobench.harness.history import read_history
from mobench.harness.identity import data_of, proxies_data_of
from mobench.harness.sealed import DamagedRunError, Sealed, check_ledger, read_run
from mobench.harness.spec import RunSpec
from mobench.plugins.catalogue import make_problem
from mobench.plugins.sources import in_use
from mobench.scoring.result import Result

__all__ = ["load", "result_of"]


def load(folder: str | Path, *, expected: RunSpec | None = None) -> Result:
    """Read a run from its folder: finished, failed, or as far as it has come.

    Parameters
    ----------
    folder : path
        It holds a ``spec.json``.
    expected : RunSpec, optional
        What its campaign has in this place.

    Raises
    ------
    mobench.harness.sealed.DamagedRunError
        Specification, place, log, end, budget and data do not agree.
    FileNotFoundError
        There is no run in the folder.
    ValueError
        The folder is damaged or of another format, or its problem cannot be built here.
    """
    folder = Path(folder)
    if not any((folder / name).exists() for name in ("spec.json", "log.jsonl", "end.json")):
        raise FileNotFoundError(f"{folder}: no run here (spec.json is missing)")
    return result_of(read_run(folder, expected=expected), folder)


def result_of(found: Sealed, folder: Path) -> Result:
    """The result of a run whose folder was read, once its log is compared with its problem, data and budget.

    Raises
    ------
    ValueError
        As `load` does.
    """
    spec, end = found.spec, found.end or {"reason": "unfinished"}
    problem = make_problem(spec.problem, spec.problem_options)
    log = folder / "log.jsonl"
    try:
        history = read_history(log, d=len(problem.space.cardinalities), m=len(problem.objectives), lines=found.log)
        for X in (history.X, *(note.content for note in history.recommended)):
            problem.space.check(X)
    except ValueError as error:
        raise DamagedRunError(f"{log}: not a log of this problem ({error})") from None
    if spec.problem_code and spec.problem_code != (code := in_use().code("problem", spec.problem)):
        raise DamagedRunError(
            f"{folder}: its problem was {spec.problem_code}, and {code or 'none'} is at hand, which would score it in "
            "another way; restore the problem that it was run on"
        )
    here = data_of(problem)
    if history.data != here and (len(history.X) or history.recommended):
        raise DamagedRunError(
            f"{folder}: was answered from data {history.data or 'without a checksum'}, but scores would come "
            f"from {here or 'none'}; restore the data it was run on, or delete the run and run it again"
        )
    if spec.data and spec.data != here:
        raise DamagedRunError(
            f"{folder}: is specified for data {spec.data}, but scores would come from {here or 'none'}"
        )
    if strange_data := set(history.proxies_data) - {proxies_here := proxies_data_of(problem)}:
        raise DamagedRunError(
            f"{folder}: its proxies were of data {min(strange_data)}, and here they are of {proxies_here or 'none'}; "
            "restore the data it was run on, or delete the run and run it again"
        )
    fidelities = {0, *fidelities_of(problem)[:-1]}
    if strange := set(history.fidelity.tolist()) - fidelities:
        raise DamagedRunError(f"{log}: holds answers at fidelity {min(strange)}, which this problem does not offer")
    if history.workers != spec.simulated_workers and (len(history.X) or history.recommended):
        raise DamagedRunError(
            f"{folder}: its log is of {history.workers} simulated workers, and it is specified for "
            f"{spec.simulated_workers}"
        )
    limit = limit_on(problem, spec.budget, workers=spec.simulated_workers)
    seed = problem_seed(spec.seed, spec.problem_label)
    check_ledger(folder, history, found.end, limit)
    spent = {currency: float(end["spent"][currency]) for currency in CURRENCIES if currency in end.get("spent", {})}
    ledger = Cost(**history.total | spent) if found.end else None
    reason = as_given(str(end["reason"]), spec.budget, problem.training)
    return Result(problem, history, reason, plain(str(end.get("error", ""))), limit=limit, seed=seed, ledger=ledger)
