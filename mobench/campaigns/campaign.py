"""A campaign: problems x searchers x seeds under one budget."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from mobench.campaigns.labels import Labels
from mobench.files.documents import FORMAT
from mobench.harness.fit import fitted
from mobench.harness.identity import subjects
from mobench.harness.spec import RunSpec
from mobench.plugins.catalogue import find, make_problem
from mobench.plugins.plugin_file import PluginFile
from mobench.plugins.sources import Sources
from mobench.scoring.contracts import DEFAULT

__all__ = ["Campaign", "NotApplicable", "Reference", "check_name", "check_seeds", "inapplicable"]

Reference = tuple[str, dict[str, Any]]
"""A name and its options."""

LARGEST = 1_000_000
"""Runs of the largest campaign: all of them are held in memory."""


@dataclass(frozen=True)
class NotApplicable:
    """A pair that a campaign leaves out, and why."""

    problem: str
    searcher: str
    reason: str


@dataclass(frozen=True)
class Campaign:
    """A validated campaign.

    Attributes
    ----------
    name : str
        Also the name of its folder.
    problems, searchers : tuple of (str, dict)
        Names with their options.
    seeds : tuple of int
        Every pair runs once with each.
    budget : mapping
        See `mobench.core.budget.parse_budget`.
    contract : str
        How runs are scored: a key of `mobench.scoring.contracts.CONTRACTS`.
    plugins : tuple of PluginFile
        Files that were named for it, and those in use that its searchers and problems come from.
    identity : mapping of str to str
        Which code and data it is about: ``searcher NAME`` and ``problem NAME`` to what tells their versions apart (see
        `mobench.plugins.sources.Sources.code`), ``data LABEL`` to the checksum of a problem's data; nothing where there
        is none.
    recorded : tuple of NotApplicable, optional
        What the campaign's record says of `not_applicable`; found out without it.
    labels : Labels
        What readers see of its searchers and problems: nothing that changes a run.
    simulated_workers : int
        How many trainings of a run go on at a time, on a simulated clock; 0 where there is none.
    """

    name: str
    problems: tuple[Reference, ...]
    searchers: tuple[Reference, ...]
    seeds: tuple[int, ...]
    budget: Mapping[str, float]
    contract: str = DEFAULT
    plugins: tuple[PluginFile, ...] = ()
    identity: Mapping[str, str] = field(default_factory=dict)
    recorded: tuple[NotApplicable, ...] | None = None
    labels: Labels = field(default_factory=Labels)
    simulated_workers: int = 0

    def __repr__(self) -> str:
        parts = (("problems", self.problems), ("searchers", self.searchers), ("seeds", self.seeds))
        counts = " x ".join(f"{len(found)} {what if len(found) > 1 else what[:-1]}" for what, found in parts)
        budget = ", ".join(f"{amount:g} {currency}" for currency, amount in self.budget.items())
        clocked = f", {self.simulated_workers} simulated workers" * bool(self.simulated_workers)
        return f"<Campaign {self.name}: {counts}, {budget} a run{clocked}>"

    def __post_init__(self) -> None:
        runs = math.prod(map(len, (self.problems, self.searchers, self.seeds)))
        if runs > LARGEST:
            raise ValueError(f"campaign: {runs:,} runs are too many for one campaign; the limit is {LARGEST:,}")

    @cached_property
    def not_applicable(self) -> tuple[NotApplicable, ...]:
        """Pairs in which the problem lacks what the searcher needs, or what its options name."""
        if self.recorded is not None:
            return self.recorded
        return tuple(
            NotApplicable(pair.problem_label, pair.searcher_label, reason)
            for pair in self.pairs
            if (reason := inapplicable(pair, self.sources))
        )

    @property
    def sources(self) -> Sources:
        """What its names mean, whatever else is in use."""
        return Sources(self.plugins)

    @cached_property
    def specs(self) -> tuple[RunSpec, ...]:
        """All runs, seed by seed, so that an interrupted campaign has covered every pair equally."""
        left_out = {(pair.problem, pair.searcher) for pair in self.not_applicable}
        pairs = [pair for pair in self.pairs if (pair.problem_label, pair.searcher_label) not in left_out]
        return tuple(replace(pair, seed=seed) for seed in self.seeds for pair in pairs)

    @cached_property
    def pairs(self) -> list[RunSpec]:
        """Each problem with each searcher, with what is known of their code and data; whatever the seed."""
        found = []
        for (problem, p_options), (searcher, s_options) in itertools.product(self.problems, self.searchers):
            pair = RunSpec(problem, searcher, self.seeds[0], self.budget, p_options, s_options)
            pair = replace(pair, simulated_workers=self.simulated_workers)
            stated: dict[str, Any] = {entry: self.identity.get(about, "") for entry, about in subjects(pair).items()}
            found.append(replace(pair, **stated))
        return found

    @property
    def problem_files(self) -> tuple[PluginFile, ...]:
        """The plugin files that problems come from: scoring runs executes them."""
        problems = {name for name, _ in self.problems}
        return tuple(file for file in self.plugins if file.name in problems)

    @property
    def document(self) -> dict[str, Any]:
        """The campaign as plain data."""
        return {
            "format": FORMAT,
            "name": self.name,
            "problems": [{"name": name, "options": options} for name, options in self.problems],
            "searchers": [{"name": name, "options": options} for name, options in self.searchers],
            "seeds": list(self.seeds),
            "budget": dict(self.budget),
            "contract": self.contract,
            **({"simulated_workers": self.simulated_workers} if self.simulated_workers else {}),
            "plugins": [{"path": str(file.path), "checksum": file.checksum} for file in self.plugins],
            "identity": dict(self.identity),
            "not_applicable": [vars(pair) for pair in self.not_applicable],
            **self.labels.document,
        }


def inapplicable(pair: RunSpec, sources: Sources) -> str:
    """Why a pair has no runs, in words; empty where it has.

    Raises
    ------
    ValueError
        The problem cannot be built, the searcher is unknown, or there is no such budget on this problem.
    """
    problem = make_problem(pair.problem, pair.problem_options, sources)
    plugin = find("searcher", pair.searcher, sources)
    return fitted(plugin, pair.searcher_options, problem, pair.budget, workers=pair.simulated_workers)[1]


def check_name(name: Any) -> str:
    """A campaign's name, which is a folder's too; ValueError where it cannot be."""
    if not isinstance(name, str) or not name or not all(c.isalnum() or c in "_.-" for c in name) or name[0] in ".-":
        raise ValueError(f"name: expected letters, digits, _ . -, not starting with . or -, found {name!r}")
    return name


def check_seeds(seeds: Any) -> tuple[int, ...]:
    """Seeds, given as their number or as a list; ValueError where they are neither."""
    if isinstance(seeds, int) and not isinstance(seeds, bool):
        if not 1 <= seeds <= LARGEST:
            raise ValueError(f"seeds: expected at least 1, at most {LARGEST:,}, found {seeds}")
        return tuple(range(seeds))
    whole = isinstance(seeds, list | tuple) and all(isinstance(s, int) and not isinstance(s, bool) for s in seeds)
    if not whole or not seeds or min(seeds) < 0 or max(seeds) >= 2**63 or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds: expected a number of seeds or a list of different whole numbers, found {seeds!r}")
    return tuple(seeds)
