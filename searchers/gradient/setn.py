"""SETN: alpha learns under mixtures, weights on uniform paths, and likely paths are compared (Dong and Yang 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mobench import CategoricalSupernet, Run
from mobench.searchers._relaxed import descent as _descent
from mobench.searchers._relaxed.linear import by_alpha, detached
from mobench.searchers._relaxed.search import Search
from mobench.searchers._relaxed.settings import Count, OwnRelaxation
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (CategoricalSupernet,)


@dataclass(frozen=True, kw_only=True)
class Options(OwnRelaxation):
    """Options of SETN.

    Attributes
    ----------
    candidates : int
        Architectures of the largest shares that are compared as paths at the end of a preference, on four validation
        batches; the authors' code compares 100, each on a batch of its own, for the same price.
    """

    candidates: Count = 25


def search(run: Run, options: Options) -> None:
    """Step the weights on a uniform path, then alpha against the upper level of the softmax mixture, weights fixed."""

    def step(search: Search) -> Mapping[str, float]:
        _descent.train(search)
        h = by_alpha(search.upper(search.relax())(detached(search.weights, leaf=False), search.alpha), search.alpha)
        search.step_alpha(h)
        return {"gradient": float(h.norm())}

    sweep(run, options, Method(step=step))
