"""Random search: uniform architectures, the floor that every method must beat."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Interval

from mobench import ArchitectureFile, Array, Fidelity, Run
from mobench.searchers._population import ranking as _ranking
from mobench.searchers._population import starts as _starts


def search(
    run: Run,
    *,
    batch: Annotated[int, Interval(ge=1, le=1_000_000)] = 100,
    fidelity: Fidelity | None = None,
    finalists: Annotated[int, Interval(ge=0, le=1_000_000)] = 10,
    start: ArchitectureFile | None = None,
) -> None:
    """Ask for uniform architectures, `batch` at a time, until the budget is spent.

    Known architectures cost nothing, so this draws without replacement on a deterministic problem.

    Parameters
    ----------
    run : Run
        The problem.
    batch : int
        Architectures asked for at once; it changes nothing but the speed.
    fidelity : int, optional
        Epochs of each training, one of those on offer; all, and no finalists, if left out.
    finalists : int
        Where `fidelity` is given: of what was seen so many, by rank and then crowding distance, have a full training
        in the end, as only that is delivered. Half of the budget at most is kept for them. 10; ours.
    start : Path, optional
        A log or a CSV with architectures to ask for before any uniform ones; they are paid for (docs/warm-start.md).
        What other searchers make of the same file is measured against this one.
    """
    if fidelity is not None:
        _in_short(run, batch, fidelity, finalists, start)
        return
    if start is not None:
        run.evaluate(_starts.given(run, start))
    while True:
        X = run.space.sample(run.rng, batch)
        if run.workers == 1:
            run.evaluate(X)
            continue
        run.submit(X)  # several workers wait for no batch to be whole
        while run.running >= run.workers:
            run.wait()


def _in_short(run: Run, batch: int, fidelity: int, finalists: int, start: Path | None) -> None:
    """Ask at a fidelity, one by one so that the budget's end hides no answer, then for the finalists at the full one.

    With nothing kept for finalists the budget ends the run within.
    """
    seen: dict[int, tuple[Array, Array]] = {}

    def wait() -> None:
        ended = run.wait()
        seen[int(run.space.key(ended.x[None])[0])] = ended.x, ended.F

    with run.reserve(finalists):
        X = run.space.sample(run.rng, batch) if start is None else _starts.given(run, start)
        while True:
            for x in X:
                run.submit(x, fidelity=fidelity)
                while run.running >= run.workers:
                    wait()
            X = run.space.sample(run.rng, batch)
    while run.running:
        wait()
    if seen:
        X, F = (np.array(rows) for rows in zip(*seen.values(), strict=True))
        run.evaluate(X[_ranking.best(run.rng, F, finalists, _ranking.beyond_limits(F, run.objectives))])
