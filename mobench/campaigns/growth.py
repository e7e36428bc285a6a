"""A campaign that is asked for in a folder that holds one: what both are together, and what that means in words."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from mobench.campaigns.campaign import Campaign, NotApplicable, Reference, inapplicable
from mobench.harness.identity import subjects
from mobench.harness.spec import RunSpec
from mobench.plugins.references import describe
from mobench.plugins.sources import Sources

__all__ = ["amounts", "clash", "grown", "in_words"]


def clash(asked: Campaign, old: Campaign) -> str:
    """What no folder holds two of, with both values: budgets and contracts; empty where they agree."""
    pairs: dict[str, tuple[object, object]]
    pairs = {"budget": (amounts(old.budget), amounts(asked.budget)), "contract": (old.contract, asked.contract)}
    pairs["simulated workers"] = old.simulated_workers, asked.simulated_workers
    return "; ".join(f"{what} is {there} there, {here} here" for what, (there, here) in pairs.items() if there != here)


def amounts(budget: Mapping[str, float]) -> str:
    """A budget in words, ``500 evaluations, 1e+12 flops``."""
    return ", ".join(f"{amount:g} {currency}" for currency, amount in sorted(budget.items()))


def grown(asked: Campaign, old: Campaign, sources: Sources) -> Campaign:
    """All that either of them holds, under the name that is asked for.

    Parameters
    ----------
    asked, old : Campaign
        Of one budget and contract; where both say what their code and data are, `asked` counts.
    sources : Sources
        What names mean: to find out which pairs of old and new do not apply. A pair of which a file is not at hand
        counts as one that does, until it is asked for.
    """
    fresh = {about for spec in asked.specs for about in subjects(spec).values()}
    return replace(
        asked,
        problems=_joined(old.problems, asked.problems),
        searchers=_joined(old.searchers, asked.searchers),
        seeds=tuple(dict.fromkeys((*old.seeds, *asked.seeds))),
        plugins=Sources(asked.plugins).over(Sources(old.plugins)).files,
        identity={about: value for about, value in old.identity.items() if about not in fresh} | dict(asked.identity),
        recorded=tuple(_not_applicable(asked, old, sources)),
        labels=asked.labels.over(old.labels.without(describe(*item) for item in (*asked.problems, *asked.searchers))),
    )


def _joined(old: Iterable[Reference], new: Iterable[Reference]) -> tuple[Reference, ...]:
    found = list(old)
    return (*found, *(reference for reference in new if reference not in found))


def _not_applicable(asked: Campaign, old: Campaign, sources: Sources) -> Iterator[NotApplicable]:
    """Pairs that do not apply: those that `asked` names, those of `old` alone, and those between the two."""
    yield from asked.not_applicable
    current = {(pair.problem_label, pair.searcher_label) for pair in asked.pairs}
    yield from (pair for pair in old.not_applicable if (pair.problem, pair.searcher) not in current)
    between = itertools.chain(
        itertools.product(_without(asked.problems, old.problems), _without(old.searchers, asked.searchers)),
        itertools.product(_without(old.problems, asked.problems), _without(asked.searchers, old.searchers)),
    )
    for (problem, p_options), (searcher, s_options) in between:
        pair = RunSpec(problem, searcher, 0, asked.budget, p_options, s_options)
        pair = replace(pair, simulated_workers=asked.simulated_workers)
        try:
            reason = inapplicable(pair, sources)
        except ValueError:
            continue
        if reason:
            yield NotApplicable(pair.problem_label, pair.searcher_label, reason)


def _without(references: Iterable[Reference], others: tuple[Reference, ...]) -> list[Reference]:
    return [reference for reference in references if reference not in others]


def in_words(asked: Campaign, old: Campaign) -> Iterator[str]:
    """What is new in a folder, and what lies in it beside what is asked for; nothing where they are the same."""
    if asked.name != old.name:
        yield f"was called {old.name}, and goes on as {asked.name}"
    if added := _differences(asked, old):
        yield f"adds {added}"
    if more := _differences(old, asked):
        yield f"holds {more}, too, which nobody asks for now: what has ended of them stays, and counts in reports"


def _differences(one: Campaign, other: Campaign) -> str:
    """What the first campaign has and the other one lacks."""
    found = []
    for kind in ("problems", "searchers"):
        labels = [describe(*item) for item in getattr(one, kind) if item not in getattr(other, kind)]
        found += [_counted(kind, labels)] if labels else []
    seeds = [str(seed) for seed in one.seeds if seed not in other.seeds]
    return " and ".join([*found, _counted("seeds", seeds)] if seeds else found)


def _counted(kind: str, names: list[str]) -> str:
    """``seed 3``, ``searchers a, b``, ``seeds 5 ... 99``."""
    shown = ", ".join(names) if len(names) <= 6 else f"{names[0]} ... {names[-1]} ({len(names)} of them)"
    return f"{kind if len(names) > 1 else kind.removesuffix('s')} {shown}"
