"""How tests run bilevel searchers on the toys: whole, or killed and resumed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mobench import Array, Run, make_problem
from mobench.core.budget import parse_budget
from mobench.harness.execute import execute, search_problem
from mobench.harness.history import History, read_history
from mobench.harness.log import Log
from mobench.harness.spec import RunSpec
from mobench.plugins.catalogue import find
from mobench.plugins.options import check_options

FAST: dict[str, Any] = {"learning_rate": 0.3, "momentum": 0.0, "weight_decay": 0.0}
PUBLISHED: dict[str, Any] = {"warm_up": 0.0, "alpha_rate": 3e-4, "candidates": 1}
"""As in DARTS; the defaults are what equal tuning chose."""
RATES: dict[str, Any] = {"alpha_rate": 0.1, "alpha_decay": 0.0}


def toy(name: str) -> Any:
    return make_problem("bilevel_toys", {"name": name})


def go(name: str, problem: str, budget: Any, seed: int = 0, **options: Any) -> tuple[Run, History, str]:
    """Search a toy in memory, for what it finds and not for finalists; return the run, its log and why it ended."""
    log, plugin = Log(), find("searcher", name)
    options = {"finalists": 0} | options
    run = Run(toy(problem), limit=parse_budget(budget, toy(problem).training), seed=seed, log=log)
    reason = search_problem(plugin, run, check_options(plugin, options))
    run.finish()
    return run, read_history(log, d=len(run.space.cardinalities), m=len(run.objectives)), reason


def recommended(history: History) -> Array:
    """The last set, (k, d)."""
    X: Array = np.array(history.recommended[-1].content)
    return X


def ends(name: str, problem: str, budget: Any, **options: Any) -> Array:
    """Scored values, (k, m), of the set that a search ends with."""
    F: Array = toy(problem).score(recommended(go(name, problem, budget, **options)[1]))
    return F


class Killed(BaseException):
    """Someone pulled the plug."""


def check_resuming(name: str, options: Mapping[str, Any], at: int, folder: Path) -> None:
    """A run on RidgeNet that is killed after its checkpoint number `at` goes on to the same bytes as a whole one."""
    plugin = find("searcher", name)
    checked = check_options(plugin, options)

    def search(folder: Path, killed_at: int | None = None) -> bytes:
        folder.mkdir(exist_ok=True)
        with Log(folder / "log.jsonl") as log:
            left = None if killed_at is None else iter(range(killed_at))

            class Mortal(Run):
                __slots__ = ()

                def checkpoint(self, **state: Any) -> None:
                    super().checkpoint(**state)
                    if left is not None and next(left, None) is None:
                        raise Killed

            problem = toy("ridgenet")
            run = Mortal(problem, limit=parse_budget({"flops": 1e9}, problem.training), seed=3, log=log)
            try:
                search_problem(plugin, run, checked)
                run.finish()
            except Killed:
                assert killed_at is not None
        return (folder / "log.jsonl").read_bytes()

    whole = search(folder / "whole")
    part = search(folder / "part", killed_at=at)
    assert whole.startswith(part)
    assert len(part) < len(whole)
    assert search(folder / "part") == whole


def check_killed(spec: RunSpec, at: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is killed after its checkpoint number `at`, counted from 1, goes on to the log of a whole one."""
    _check_killed_in(Run, "checkpoint", spec, at, folder, monkeypatch)


def check_killed_at_line(spec: RunSpec, at: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is killed after line number `at` of its log, counted from 1, goes on to the log of a whole one."""
    _check_killed_in(Log, "append", spec, at, folder, monkeypatch)


def _check_killed_in(
    owner: type, method: str, spec: RunSpec, at: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(spec, folder / "whole")
    whole, count = getattr(owner, method), []

    def dying(*args: Any, **options: Any) -> None:
        whole(*args, **options)
        count.append(1)
        if len(count) == at:
            raise KeyboardInterrupt

    monkeypatch.setattr(owner, method, dying)
    with pytest.raises(KeyboardInterrupt):
        execute(spec, folder / "killed")
    monkeypatch.setattr(owner, method, whole)
    execute(spec, folder / "killed")
    assert (folder / "killed" / "log.jsonl").read_bytes() == (folder / "whole" / "log.jsonl").read_bytes()
