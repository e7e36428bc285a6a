"""Runs scored in passing, while they go on, and told of in a line: seldom enough that none is slower for it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from mobench.core.capabilities import Enumerable, Slow
from mobench.core.messages import duration
from mobench.core.progress import Progress
from mobench.harness.spec import RunSpec
from mobench.plugins.catalogue import make_problem
from mobench.scoring.contracts import DEFAULT
from mobench.scoring.load import load
from mobench.scoring.result import Result

__all__ = ["share_in_passing", "share_of", "told"]

MOST = 4 * 2**20
"""Bytes of the longest log that is scored in passing."""
ANSWERS = 20_000
"""Answers of the longest run in memory that is."""
FIRST, PAUSE, REST = 0.5, 0.2, 100
"""Seconds before the first line, and between lines at least; a pause is so many times as long as what was before it."""


def share_in_passing(spec: RunSpec, folder: Path, *, contract: str = DEFAULT) -> float | None:
    """The share of hypervolume that a run delivers as far as its log goes.

    Returns
    -------
    float or None
        None where no front is known or a score may cost a training; where the problem is not mobench's, whose code is
        carried out where its runs are and nowhere else; where the log is long, or not there yet.
    """
    if spec.problem_code:
        return None
    try:
        if (folder / "log.jsonl").stat().st_size > MOST or not _is_known(spec):
            return None
        return share_of(load(folder), contract=contract)
    except (OSError, ValueError):  # whoever reads the run says why
        return None


def _is_known(spec: RunSpec) -> bool:
    problem = make_problem(spec.problem, spec.problem_options)
    return isinstance(problem, Enumerable) and not isinstance(problem, Slow)


def share_of(result: Result, *, contract: str = DEFAULT) -> float | None:
    """The share of hypervolume of a run so far; None where that is not known, or takes long."""
    known = isinstance(result.problem, Enumerable) and not isinstance(result.problem, Slow)
    return result.hypervolume(contract=contract) if known and len(result.history.X) <= ANSWERS else None


@contextlib.contextmanager
def told(show: bool | None, spent: Callable[[], float], share: Callable[[], float | None]) -> Iterator[None]:
    """Tell on standard error how far a run of this process has come, from a thread beside it; short runs say nothing.

    Parameters
    ----------
    show : bool, optional
        Whether to; where somebody looks on when None.
    spent : callable
        How much of the budget is spent, from 0 to 1.
    share : callable
        The share of hypervolume so far, None where it is not known.
    """
    if not (Progress.is_watched() if show is None else show):
        yield
        return
    over = threading.Event()
    teller = threading.Thread(target=_tell, args=(over, spent, share), daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def _tell(over: threading.Event, spent: Callable[[], float], share: Callable[[], float | None]) -> None:
    began = time.monotonic()
    if over.wait(FIRST):
        return
    first, since, due, note = spent(), time.monotonic(), 0.0, ""
    with Progress(1, unit="budget") as bar:
        pause = 0.0
        while not over.wait(pause):
            at, started = time.monotonic(), time.thread_time()
            now = spent()
            left = f", about {duration((at - since) * (1 - now) / (now - first))} left" if now > first else ""
            bar.reach(now, f"{now:.0%} of the budget, {at - began:.0f} s{left}{note}")
            drawn = time.thread_time()
            pause = max(PAUSE, REST * (drawn - started))
            if at >= due:
                found = share()
                note = "" if found is None else f", hypervolume {found:.4f}"
                due = time.monotonic() + REST * (time.thread_time() - drawn)
        bar.reach(1, f"{spent():.0%} of the budget, {time.monotonic() - began:.0f} s{note}")
