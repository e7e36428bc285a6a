"""The loop of the bilevel searchers: one search a preference, shares of the budget, recommendations, checkpoints."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from mobench import Array, BudgetExhausted, Network, Run, Space
from mobench.searchers._relaxed import descent as _descent
from mobench.searchers._relaxed import discretisation as _discretisation
from mobench.searchers._relaxed import selection as _selection
from mobench.searchers._relaxed import stopping as _stopping
from mobench.searchers._relaxed.checkpoints import fill, packed, unpacked
from mobench.searchers._relaxed.finalists import reserve, train_recommended
from mobench.searchers._relaxed.linear import Vector
from mobench.searchers._relaxed.portrait import portrait
from mobench.searchers._relaxed.preferences import preferences
from mobench.searchers._relaxed.search import Diagnostics, Search, initial
from mobench.searchers._relaxed.settings import Settings
from mobench.searchers._relaxed.units import cost_scales, error_unit

MARKS = 20
"""How often the search of a preference recommends, records and keeps a checkpoint."""
WARM_UP = -1
"""Number of the stretch before the first preference's."""
COMPARED = 0.03
"""Share of a preference's budget that is kept to compare candidates."""
STEPS = 1000
"""Steps a preference where neither the option nor the budget limits them."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """What makes a bilevel searcher.

    Attributes
    ----------
    step : callable
        One step: it moves alpha and the weights of the search, and returns diagnostics to record.
    begin : callable
        Prepares `Search.extra` of a new preference, given that of the preference before.
    choose : callable, optional
        ``(search, x) -> X``: the whole set, (k, d), to recommend where alpha stands for x, (1, d). Left out: the last
        architectures of the earlier preferences, and x.
    architecture : callable
        What alpha stands for, (1, d).
    """

    step: Callable[[Search], Diagnostics]
    begin: Callable[[Search, Vector], None] = lambda search, before: None
    choose: Callable[[Search, Array], Array] | None = None
    architecture: Callable[[Search], Array] = _discretisation.architecture


def sweep(run: Run, settings: Settings, method: Method) -> None:
    """Search for every preference in turn, recommending at intervals what was found so far; then train the finalists.

    Raises
    ------
    FloatingPointError
        Alpha is no longer finite, or the weights diverged.
    ValueError
        A relaxation, a stopping rule or a selection that this network does not allow.
    """
    network, wanted = run.supernet, preferences(len(run.objectives), settings)
    search = _open(run, network, settings, wanted[0])  # before restoring: what is drawn for nothing must not count
    _check(search, method)
    index, begun, found = WARM_UP, 0.0, np.empty((0, len(run.space.cardinalities)), dtype=np.int64)
    with reserve(run, settings.finalists):
        saved = run.restore()
        if saved is None:
            method.begin(search, {})
        else:
            index, begun, found = int(saved["index"]), float(saved["begun"]), saved["found"].astype(np.int64)
            _load(search, saved, wanted[max(index, 0)])
        if index == WARM_UP:
            _warm_up(run, search, len(wanted))
            index, begun = 0, run.spent.flops
        compares = method.choose is None and _discretisation.compared(search)
        while True:
            found = _follow(run, search, method, _Stretch(index, begun, len(wanted) - index, found, compares))
            index, begun = index + 1, run.spent.flops
            if index == len(wanted):
                break
            before, search = search, _open(run, network, settings, wanted[index])
            if settings.warm_up:
                search.weights, search.velocity = before.weights, before.velocity
                search.extra["unit"] = before.extra["unit"]
            method.begin(search, before.extra)
    train_recommended(run, settings.finalists)


def _warm_up(run: Run, search: Search, preferences: int) -> None:
    """Train the weights alone for the warm-up's share of the budget or of all steps; then measure the error's unit."""
    settings, share = search.settings, search.settings.warm_up
    if not share:
        return
    steps = settings.steps or (math.inf if math.isfinite(run.limit.flops) else STEPS)
    wanted = steps * preferences * share / (1.0 - share)

    def progress() -> float:
        return max(search.count / wanted, run.spent.flops / (share * run.limit.flops))

    while (before := progress()) < 1.0:
        _descent.train(search)
        search.count += 1
        if int(progress() * MARKS) > int(before * MARKS):
            empty = np.empty((0, len(run.space.cardinalities)), dtype=np.int64)
            run.checkpoint(index=WARM_UP, begun=0.0, found=empty, **_saved(search))
    search.check()
    search.count = 0
    search.extra["unit"] = error_unit(search, run.space)


@dataclass(frozen=True)
class _Stretch:
    """A preference's part of a sweep: its number, the ledger at its start, preferences to come, and what was found.

    It ends with a comparison of candidates where there are some and the method has no rule of its own.
    """

    index: int
    begun: float
    left: int
    found: Array
    compares: bool

    def progress(self, run: Run, search: Search) -> float:
        """Share of the steps or of this preference's flops that is used, whichever is more."""
        kept = COMPARED if self.compares else 0.0
        share = max((run.limit.flops - self.begun) / self.left * (1.0 - kept), 1e-9)  # the last step may have taken all
        steps = search.settings.steps or (math.inf if math.isfinite(share) else STEPS)
        return max(search.count / steps, (run.spent.flops - self.begun) / share)


def _follow(run: Run, search: Search, method: Method, stretch: _Stretch) -> Array:
    """Search for one preference; return what was found, (k, d), with its last architecture."""
    settings, best = search.settings, None
    reached = int(search.progress * MARKS)  # marks of an earlier attempt are not made again
    try:
        while search.progress < 1.0:
            selecting = settings.selection == "perturbation" and search.progress >= _selection.START
            diagnostics = dict((_selection.step if selecting else method.step)(search))
            search.count += 1
            search.progress = stretch.progress(run, search)
            if search.progress * MARKS >= reached + 1:
                reached = int(search.progress * MARKS)
                if search.progress < 1.0 and not selecting:
                    diagnostics |= _stopping.watch(search)
                if search.progress >= 1.0 and settings.selection == "perturbation":
                    _selection.decide(search, len(search.alpha))  # what an early or coarse end left open
                _mark(run, search, method, stretch, diagnostics)
        if stretch.compares:
            best = _discretisation.best_of_likeliest(search)
            run.recommend(_joined(stretch.found, run.space, best))
    except BudgetExhausted:
        if method.choose is None:
            run.recommend(_joined(stretch.found, run.space, _present(search, method)))
        raise
    return _joined(stretch.found, run.space, _present(search, method) if best is None else best)


def _mark(run: Run, search: Search, method: Method, stretch: _Stretch, diagnostics: Diagnostics) -> None:
    """Recommend, record, keep a checkpoint."""
    x = _present(search, method)
    run.recommend(_joined(stretch.found, run.space, x) if method.choose is None else method.choose(search, x))
    mixture = {} if search.operations is None else portrait(search.alpha, search.operations, search.mask)
    told = {name: float(value) for name, value in diagnostics.items()}
    run.record(preference=search.preference.tolist(), step=search.count, **mixture, **told)
    run.checkpoint(index=stretch.index, begun=stretch.begun, found=stretch.found, **_saved(search))


def _present(search: Search, method: Method) -> Array:
    """What alpha stands for now, (1, d); FloatingPointError where the search diverged."""
    search.check()
    return method.architecture(search)


def _joined(found: Array, space: Space, x: Array) -> Array:
    """Join x, (1, d), to (k, d) others, unless it is among them."""
    return found if np.isin(space.key(x), space.key(found))[0] else np.concatenate([found, x])


def _check(search: Search, method: Method) -> None:
    _stopping.check(search.settings.stop, search.operations)
    if search.settings.selection == "perturbation" and search.operations is None:
        raise ValueError("selection='perturbation' decides genes, and this problem's alpha is a plain vector")


def _open(run: Run, network: Network, settings: Settings, preference: Array) -> Search:
    search = initial(network, settings, preference, int(run.rng.integers(2**31)))
    search.scales = cost_scales(network, run.space, len(run.objectives), search.alpha)
    return search


def _saved(search: Search) -> dict[str, Any]:
    """The search as named arrays and numbers."""
    own = {"alpha": search.alpha, "moments": search.moments, "generator": search.generator.get_state()}
    groups = packed(own=own, weights=search.weights, velocity=search.velocity, extra=search.extra)
    return {"count": search.count, "progress": search.progress, **groups}


def _load(search: Search, state: Mapping[str, Any], preference: Array) -> None:
    """Bring a fresh search to the state that `_saved` gave."""
    like = search.alpha.detach()
    search.preference = torch.as_tensor(preference, dtype=like.dtype, device=like.device)
    search.count, search.progress = int(state["count"]), float(state["progress"])
    search.generator.set_state(unpacked(state, "own")["generator"])
    fill({"alpha": search.alpha, "moments": search.moments}, state, "own")
    fill(search.weights, state, "weights")
    fill(search.velocity, state, "velocity")
    search.extra = {name: value.to(like.device) for name, value in unpacked(state, "extra").items()}
