"""Random search: uniform architectures, the floor that every method must beat."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from annotated_types import Ge

from mobench import Run
from mobench.searchers._population import starts as _starts


def search(run: Run, *, batch: Annotated[int, Ge(1)] = 100, start: Path | None = None) -> None:
    """Ask for uniform architectures, `batch` at a time, until the budget is spent.

    Known architectures cost nothing, so this draws without replacement on a deterministic problem.

    Parameters
    ----------
    run : Run
        The problem.
    batch : int
        Architectures asked for at once; it changes nothing but the speed.
    start : Path, optional
        A log or a CSV with architectures to ask for before any uniform ones; they are paid for (docs/warm-start.md).
        What other searchers make of the same file is measured against this one.
    """
    if start is not None:
        run.evaluate(_starts.given(run, start))
    while True:
        run.evaluate(run.space.sample(run.rng, batch))
