"""qNEHVI: who adds most to the hypervolume in expectation, by draws of Gaussian processes (Daulton et al. 2021)."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Interval

from mobench import ArchitectureFile, Array, Run
from mobench.searchers._models.asked import Asked
from mobench.searchers._models.beliefs import Beliefs
from mobench.searchers._models.encoding import bits
from mobench.searchers._models.improvement import Rays, greedy, rays
from mobench.searchers._models.values import units_of
from mobench.searchers._population import starts as _starts

SHORTLIST = 128
"""Candidates of which joint draws are made."""
UNIFORM = 200
"""Uniform architectures among the candidates."""
RAYS = 256
"""Rays along which hypervolumes are seen; another set each time."""


def search(
    run: Run,
    *,
    initial: Annotated[int, Interval(ge=2, le=1_000_000)] = 20,
    batch: Annotated[int, Interval(ge=1, le=1_000_000)] = 4,
    draws: Annotated[int, Interval(ge=1, le=1000)] = 32,
    margin: Annotated[float, Interval(ge=0, le=1000)] = 1.0,
    start: ArchitectureFile | None = None,
) -> None:
    """Ask for `initial` architectures, then for `batch` at a time, until the budget is spent or nothing new is left.

    Objectives that are formulas (`Run.known_costs`) are taken as they are: the processes are of the others. An
    improvement is that of a draw of the candidates over the same draw of the front, so that lucky noise in it is no
    bar. Limits bound the hypervolume: what is beyond them adds nothing.

    Parameters
    ----------
    run : Run
        The problem.
    initial : int
        Architectures before the first model.
    batch : int
        Architectures asked for at a time, chosen one after the other, each given those before it; ours.
    draws : int
        Joint draws of the processes that an expectation is the mean of. The paper's 128 change nothing here; ours.
    margin : float
        How far the reference point is behind the worst of the front, in extents of the front; of costs, which are all
        objectives but the first, it is at the least a tenth beyond the dearest answer. BoTorch's 0.1 finds no ends that
        are farther out, and stops at a share of .97 on CatSum: 1; ours.
    start : Path, optional
        A log or a CSV with architectures to begin with, as many as `initial`; uniform ones make up the rest, and all
        are paid for (docs/warm-start.md).
    """
    rng = run.rng
    asked = Asked(run, _starts.first(run, initial, start))
    beliefs = Beliefs(run, bits(run.space))
    while True:
        units, front = units_of(asked.F, run.objectives, margin, all_costs=True)
        beliefs.learn(asked.X, asked.F, units)
        choices = asked.candidates(front, UNIFORM, lambda X: np.subtract(*beliefs.predict(X)))
        if not len(choices):
            return
        seen = rays(rng, RAYS, units.reference)
        choices = _shortlist(beliefs, seen, asked.X[front], choices)
        joint = beliefs.sample(rng, np.concatenate([asked.X[front], choices]), draws)
        lengths, k = seen.lengths(joint), int(front.sum())
        asked.ask(choices[greedy(lengths[:, :k].max(axis=1), lengths[:, k:], batch)])


def _shortlist(beliefs: Beliefs, seen: Rays, front: Array, choices: Array) -> Array:
    """The candidates that would add most to the front if each were better than believed by its standard deviation."""
    if len(choices) <= SHORTLIST:
        return choices
    now = seen.lengths(beliefs.predict(front)[0]).max(axis=0)
    hopes = np.subtract(*beliefs.predict(choices))
    gain = np.maximum(seen.lengths(hopes) - now, 0.0).sum(axis=1)
    return choices[np.argsort(-gain, kind="stable")[:SHORTLIST]]
