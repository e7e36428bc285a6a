"""Runs in worker processes of this machine: a kill loses at most the run that it interrupts, and leaves no orphans."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from multiprocessing.connection import wait

from mobench.engines.attempt import Attempt, Deaths, Tally, cores
from mobench.engines.runs_bar import RunsBar
from mobench.engines.worker import Worker, process_context
from mobench.harness.spec import RunSpec

__all__ = ["local_processes"]

RECYCLE_SECONDS = 10.0
"""A worker takes run after run until it has worked this long: long runs get a process each, short ones share one."""

UNFIT = 3
"""So many runs that could not begin here, and none that could, are no accident."""


def local_processes(
    pending: Sequence[RunSpec], attempt: Attempt, *, workers: int | None, tally: Tally, bar: RunsBar
) -> None:
    """Carry out or resume runs, one process a run (short ones of built-in plugins share one): see `run_specs`."""
    waiting, size = deque(pending), min(workers or cores(), len(pending))
    deaths = Deaths(attempt)
    context, crew = process_context(attempt.modules(pending)), list[Worker]()
    try:
        while waiting or crew:
            while waiting and len(crew) < size:
                crew.append(worker := Worker(context, attempt))
                worker.give(waiting.popleft())
            for worker in _ready(crew, bar.patience):
                spec = worker.spec
                assert spec is not None
                outcome, text = worker.hear()
                if outcome == "died":
                    if deaths.again(spec):
                        waiting.append(spec)
                        outcome = ""
                    else:
                        outcome, text = deaths.give_up(spec, text)
                if outcome and tally.add(spec, outcome, text):
                    bar.over(spec, tally.note)
                if len(tally.unfit) >= UNFIT and not tally.ended:
                    raise OSError(f"this machine cannot carry out these runs: {tally.unfit[-1][1]}")
                if waiting and worker.worked < RECYCLE_SECONDS:
                    worker.give(waiting.popleft())
                else:
                    crew.remove(worker)
                    worker.end()
            bar.look()
    finally:
        for worker in crew:
            worker.end()


def _ready(crew: Sequence[Worker], most: float | None) -> list[Worker]:
    """Wait for workers that have something to say, have died, or are overdue; at most so many seconds."""
    patience = [seconds for seconds in (most, *(worker.patience for worker in crew)) if seconds is not None]
    ends = [worker.pipe for worker in crew] + [worker.process.sentinel for worker in crew]
    ready = wait(ends, timeout=min(patience, default=None))
    return [w for w in crew if w.pipe in ready or w.process.sentinel in ready or w.patience == 0.0]
