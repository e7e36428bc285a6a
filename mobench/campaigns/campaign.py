"""A campaign: problems x searchers x seeds under one budget, read from TOML and validated to the last key."""

from __future__ import annotations

import itertools
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mobench.core.budget import parse_budget
from mobench.core.messages import nearest
from mobench.files.documents import FORMAT
from mobench.harness.spec import RunSpec
from mobench.plugins.catalogue import find, make_problem
from mobench.plugins.options import check_options
from mobench.plugins.plugin import Kind, missing
from mobench.plugins.plugin_file import PluginFile, read_plugins
from mobench.plugins.references import describe, parse_reference
from mobench.plugins.sources import Sources, in_use
from mobench.scoring.contract import contract_for

__all__ = [
    "DEFAULT",
    "Campaign",
    "NotApplicable",
    "Reference",
    "check_name",
    "check_seeds",
    "make_campaign",
    "read_campaign",
]

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
        How runs are scored: a key of `mobench.scoring.contract.CONTRACTS`.
    plugins : tuple of PluginFile
        Files that were named for it, and those in use that its searchers and problems come from.
    recorded : tuple of NotApplicable, optional
        What the campaign's record says of `not_applicable`; found out without it.
    """

    name: str
    problems: tuple[Reference, ...]
    searchers: tuple[Reference, ...]
    seeds: tuple[int, ...]
    budget: Mapping[str, float]
    contract: str = "mobench-1"
    plugins: tuple[PluginFile, ...] = ()
    recorded: tuple[NotApplicable, ...] | None = None

    def __post_init__(self) -> None:
        runs = math.prod(map(len, (self.problems, self.searchers, self.seeds)))
        if runs > LARGEST:
            raise ValueError(f"campaign: {runs:,} runs are too many for one campaign; the limit is {LARGEST:,}")

    @cached_property
    def not_applicable(self) -> tuple[NotApplicable, ...]:
        """Pairs in which the problem lacks what the searcher needs."""
        if self.recorded is not None:
            return self.recorded
        found = []
        for (problem, p_options), (searcher, s_options) in itertools.product(self.problems, self.searchers):
            built = make_problem(problem, p_options, self.sources)
            if lacking := missing(find("searcher", searcher, self.sources), built):
                reason = f"needs {', '.join(lacking)}"
                found.append(NotApplicable(describe(problem, p_options), describe(searcher, s_options), reason))
        return tuple(found)

    @property
    def sources(self) -> Sources:
        """What its names mean, whatever else is in use."""
        return Sources(self.plugins)

    @cached_property
    def specs(self) -> tuple[RunSpec, ...]:
        """All runs, seed by seed, so that an interrupted campaign has covered every pair equally."""
        left_out = {(pair.problem, pair.searcher) for pair in self.not_applicable}
        specs = [
            RunSpec(problem, searcher, seed, self.budget, p_options, s_options)
            for seed, (problem, p_options), (searcher, s_options) in itertools.product(
                self.seeds, self.problems, self.searchers
            )
        ]
        return tuple(spec for spec in specs if (spec.problem_label, spec.searcher_label) not in left_out)

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
            "problems": [{"name": name, **options} for name, options in self.problems],
            "searchers": [{"name": name, **options} for name, options in self.searchers],
            "seeds": list(self.seeds),
            "budget": dict(self.budget),
            "contract": self.contract,
            "plugins": [{"path": str(file.path), "checksum": file.checksum} for file in self.plugins],
            "not_applicable": [vars(pair) for pair in self.not_applicable],
        }


_KEYS = ("name", "problems", "searchers", "seeds", "budget", "contract", "plugins")


def make_campaign(entries: Mapping[str, Any], *, source: str = "campaign") -> Campaign:
    """Validate a campaign.

    Parameters
    ----------
    entries : mapping
        ``name``, ``problems`` and ``searchers`` (names, names with options as ``"nsga2:population=50"``, or tables
        with a ``name``), ``seeds`` (how many, or a list), ``budget``, ``contract``, ``plugins`` (files and folders: see
        `mobench.plugins.sources.use_plugins`; they are known to this campaign only).
    source : str
        Where the entries come from, for messages.

    Raises
    ------
    ValueError, TypeError
        An unknown key or name (the nearest is offered), a wrong type, or an impossible value; one line.
    """
    for key in entries:
        if key not in _KEYS:
            raise ValueError(f"{source}: unknown key {key!r}{nearest(key, _KEYS)}")
    for key in ("problems", "searchers"):
        if key not in entries:
            raise ValueError(f"{source}: {key} is missing; name at least one")
    try:
        own = Sources().with_files(read_plugins(_paths(entries.get("plugins", []))))
        sources = own.over(in_use())
        problems = _references(entries["problems"], "problem", sources)
        searchers = _references(entries["searchers"], "searcher", sources)
        names = {name for name, _ in (*problems, *searchers)}
        campaign = Campaign(
            name=check_name(entries.get("name", "adhoc")),
            problems=problems,
            searchers=searchers,
            seeds=check_seeds(entries.get("seeds", 5)),
            budget=_budget(entries.get("budget", 500)),
            contract=str(entries.get("contract", "mobench-1")),
            plugins=tuple(file for file in sources.files if file in own.files or file.name in names),
        )
        for name, options in campaign.problems:
            problem = make_problem(name, options, campaign.sources)
            parse_budget(campaign.budget, problem.training)
            contract_for(problem, campaign.contract)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{source}: {error}") from error.__cause__
    return campaign


def check_name(name: Any) -> str:
    """A campaign's name, which is a folder's too; ValueError where it cannot be."""
    if not isinstance(name, str) or not name or not all(c.isalnum() or c in "_.-" for c in name) or name[0] in ".-":
        raise ValueError(f"name: expected letters, digits, _ . -, not starting with . or -, found {name!r}")
    return name


def _references(items: Any, kind: Kind, sources: Sources) -> tuple[Reference, ...]:
    items = [items] if isinstance(items, str | Mapping) else items
    if not isinstance(items, Sequence) or not items:
        raise TypeError(f"{kind}s: expected a list of names or tables, found {items!r}")
    found: list[Reference] = []
    for item in items:
        if isinstance(item, str):
            name, options = parse_reference(item)
        elif isinstance(item, Mapping) and isinstance(item.get("name"), str):
            name, options = item["name"], {key: value for key, value in item.items() if key != "name"}
        else:
            raise TypeError(f"{kind}s: expected a name or a table with a name, found {item!r}")
        check_options(find(kind, name, sources), options)
        if (name, options) in found:
            raise ValueError(f"{kind}s: {describe(name, options)} is listed twice")
        found.append((name, options))
    return tuple(found)


def _paths(items: Any) -> list[str]:
    items = [items] if isinstance(items, str | Path) else items
    if not isinstance(items, Sequence) or not all(isinstance(item, str | Path) for item in items):
        raise TypeError(f"plugins: expected a list of files or folders, found {items!r}")
    return [str(item) for item in items]


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


def _budget(budget: Any) -> dict[str, float]:
    return dict(budget) if isinstance(budget, Mapping) else {"evaluations": budget}


DEFAULT = Path(__file__).with_name("default.toml")
"""The campaign that `mobench run` carries out without arguments: real, and needing no download."""


def read_campaign(path: str | Path = DEFAULT, **changes: Any) -> Campaign:
    """Read and validate a campaign file; its name is the file's where it gives none.

    Parameters
    ----------
    path : path
        A TOML file; the built-in campaign when left out.
    **changes
        Entries that replace the file's; ``plugins`` are added to the file's, whose paths are relative to it.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError, TypeError
        The file is not TOML, or not a campaign: see `make_campaign`.
    """
    path = Path(path)
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not a TOML file ({error})") from None
    source = "command line" if changes else str(path)
    own = [str(path.parent / item) for item in _paths(entries.get("plugins", []))]
    plugins = {"plugins": [*own, *_paths(changes.get("plugins", []))]}
    return make_campaign({"name": path.stem} | entries | changes | plugins, source=source)
