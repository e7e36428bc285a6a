"""Random search: uniform architectures, the floor that every method must beat."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge

from mobench import Run


def search(run: Run, *, batch: Annotated[int, Ge(1)] = 100) -> None:
    """Ask for uniform architectures, `batch` at a time, until the budget is spent.

    Known architectures cost nothing, so this draws without replacement on a deterministic problem.

    Parameters
    ----------
    run : Run
        The problem.
    batch : int
        Architectures asked for at once; it changes nothing but the speed.
    """
    while True:
        run.evaluate(run.space.sample(run.rng, batch))
