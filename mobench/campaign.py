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

from mobench.budget import Cost, parse_budget
from mobench.contract import contract_for
from mobench.execute import RunSpec, describe
from mobench.plugins import check_options, find, make_problem, missing, nearest, parse_reference
from mobench.sources import PluginFile, file_of, use_plugins
from mobench.store import FORMAT, read_document, write_document

__all__ = [
    "DEFAULT",
    "Campaign",
    "NotApplicable",
    "check_problem_files",
    "load_campaign",
    "make_campaign",
    "open_campaign",
    "read_campaign",
]

Reference = tuple[str, dict[str, Any]]

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
        See `mobench.budget.parse_budget`.
    contract : str
        How runs are scored: a key of `mobench.contract.CONTRACTS`.
    plugins : tuple of PluginFile
        Files that searchers and problems come from, beside the built-in and the installed ones.
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
            if lacking := missing(find("searcher", searcher), make_problem(problem, p_options)):
                reason = f"needs {', '.join(lacking)}"
                found.append(NotApplicable(describe(problem, p_options), describe(searcher, s_options), reason))
        return tuple(found)

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
        `mobench.sources.use_plugins`).
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
        files = use_plugins(_paths(entries.get("plugins", [])))
        campaign = Campaign(
            name=_name(entries.get("name", "adhoc")),
            problems=_references(entries["problems"], "problem"),
            searchers=_references(entries["searchers"], "searcher"),
            seeds=_seeds(entries.get("seeds", 5)),
            budget=_budget(entries.get("budget", 500)),
            contract=str(entries.get("contract", "mobench-1")),
            plugins=tuple(dict.fromkeys(files)),
        )
        for name, options in campaign.problems:
            problem = make_problem(name, options)
            parse_budget(campaign.budget, problem.training)
            contract_for(problem, campaign.contract)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{source}: {error}") from error.__cause__
    return campaign


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name or not all(c.isalnum() or c in "_.-" for c in name) or name[0] in ".-":
        raise ValueError(f"name: expected letters, digits, _ . -, not starting with . or -, found {name!r}")
    return name


def _references(items: Any, kind: Any) -> tuple[Reference, ...]:
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
        check_options(find(kind, name), options)
        if (name, options) in found:
            raise ValueError(f"{kind}s: {describe(name, options)} is listed twice")
        found.append((name, options))
    return tuple(found)


def _paths(items: Any) -> list[str]:
    items = [items] if isinstance(items, str | Path) else items
    if not isinstance(items, Sequence) or not all(isinstance(item, str | Path) for item in items):
        raise TypeError(f"plugins: expected a list of files or folders, found {items!r}")
    return [str(item) for item in items]


def _seeds(seeds: Any) -> tuple[int, ...]:
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


def open_campaign(campaign: Campaign, folder: Path) -> None:
    """Claim a results folder for a campaign, which may grow there (more seeds, problems or searchers) but not change.

    Raises
    ------
    ValueError
        The folder holds another campaign, or runs of a plugin whose file changed; the message says what differs.
    OSError
        The folder cannot be written.
    """
    path = folder / "campaign.json"
    folder.mkdir(parents=True, exist_ok=True)
    if path.exists():
        old, new = read_document(path), campaign.document
        changed = [k for k in ("name", "budget", "contract") if old.get(k) != new[k]]
        changed += [k for k in ("problems", "searchers") if any(x not in new[k] for x in old.get(k, []))]
        changed += ["seeds"] if not set(old.get("seeds", [])) <= set(campaign.seeds) else []
        if changed:
            raise ValueError(f"{folder}: holds another campaign ({', '.join(changed)} differ); use another --name")
        for file in _changed(campaign, old):
            own = (spec for spec in campaign.specs if file.name in (spec.problem, spec.searcher))
            if begun := sum((folder / "runs" / spec.folder).exists() for spec in own):
                raise ValueError(
                    f"{folder}: {file.path.name}, or a file that it imports, has changed since {begun} of these runs "
                    "began; use another --name (where they failed: --retry-failed)"
                )
        if old == new:
            return
    write_document(path, campaign.document)


def _changed(campaign: Campaign, document: Mapping[str, Any]) -> list[PluginFile]:
    """Plugin files whose bytes are not those that `document`, the campaign's record, was written with."""
    before = {Path(entry["path"]).stem: entry["checksum"] for entry in document.get("plugins", [])}
    return [file for file in campaign.plugins if before.get(file.name, file.checksum) != file.checksum]


def load_campaign(folder: Path) -> Campaign:
    """The campaign of a results folder, as its record says: no plugin is imported, and no file that it names is read.

    Raises
    ------
    FileNotFoundError
        The folder holds none.
    ValueError, TypeError
        Its record is damaged, or was written in another format.
    """
    path = folder / "campaign.json"
    if not path.exists():
        raise FileNotFoundError(f"{folder}: no campaign here (campaign.json is missing); `mobench run` makes one")
    document = read_document(path)
    try:
        left_out = document.get("not_applicable")
        campaign = Campaign(
            name=_name(document["name"]),
            problems=_named(document["problems"]),
            searchers=_named(document["searchers"]),
            seeds=_seeds(document["seeds"]),
            budget=dict(document["budget"]),
            contract=str(document["contract"]),
            plugins=tuple(_recorded_file(**entry) for entry in document.get("plugins", [])),
            recorded=None if left_out is None else tuple(NotApplicable(**pair) for pair in left_out),
        )
        parse_budget(campaign.budget, Cost(1, 1, 1, 1))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: not the record of a campaign ({type(error).__name__}: {error})") from None
    return campaign


def _named(items: list[dict[str, Any]]) -> tuple[Reference, ...]:
    """References as a campaign's record holds them."""
    found = tuple((item["name"], {key: value for key, value in item.items() if key != "name"}) for item in items)
    if not found or not all(isinstance(name, str) for name, _ in found):
        raise TypeError(f"expected a list of tables with names, found {items!r}")
    return found


def _recorded_file(path: str, checksum: str) -> PluginFile:
    """A plugin's file as a campaign's record names it; it is not looked at."""
    return PluginFile(Path(path).stem, Path(path), str(checksum), ())


def check_problem_files(campaign: Campaign) -> None:
    """Whether the files of a recorded campaign's problems are in use, and are those that it was run with.

    Scoring a run executes its problem. A record is data, which may come from anyone: it never makes code run, so the
    user names the file. Searchers are not needed any more.

    Raises
    ------
    ValueError
        A problem's file is not in use, or has changed: it would score the runs in another way.
    """
    for file in campaign.plugins:
        if file.name in dict(campaign.problems):
            known = file_of(file.name)
            if known is None:
                raise ValueError(
                    f"problem {file.name!r} is a file, {file.path}, and no results folder makes code run by naming it: "
                    f"where you trust that file, add --plugin {file.path} (in Python, use_plugins)"
                )
            if known.checksum != file.checksum:
                raise ValueError(f"{known.path} has changed, and would score these runs in another way; restore it")
