"""Campaigns as people write them, in TOML or as a mapping, validated to the last key."""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from mobench.campaigns.campaign import Campaign, Reference, check_name, check_seeds
from mobench.campaigns.labels import KEYS, read_labels
from mobench.campaigns.record import load_campaign
from mobench.core.capabilities import limit_on
from mobench.core.messages import nearest
from mobench.files.reading import read_file
from mobench.harness.clock import whole_workers
from mobench.harness.identity import identified, subjects
from mobench.harness.spec import RunSpec
from mobench.plugins.catalogue import find, make_problem
from mobench.plugins.functions import file_of_function
from mobench.plugins.options import check_options, normalised, unknown
from mobench.plugins.plugin import Kind
from mobench.plugins.plugin_file import PluginFile, read_plugins
from mobench.plugins.references import describe, parse_reference
from mobench.plugins.sources import Sources, in_use
from mobench.scoring.contract import contract_for
from mobench.scoring.contracts import DEFAULT as DEFAULT_CONTRACT

__all__ = ["DEFAULT", "make_campaign", "name_of", "read_campaign", "recorded_campaign"]

DEFAULT = Path(__file__).with_name("default.toml")
"""The campaign that `mobench run` carries out without arguments: real, and needing no download."""

_KEYS = ("name", "problems", "searchers", "seeds", "budget", "contract", "plugins", "simulated_workers")
_CONTENT = ("problems", "searchers", "budget", "contract", "simulated_workers")
"""What a campaign is about: seeds make more or less of the same."""
_LONGEST = 40
"""Letters that names of problems and searchers take in a name."""


def make_campaign(
    entries: Mapping[str, Any], *, source: str = "campaign", folders: Mapping[str, Path] | None = None
) -> Campaign:
    """Validate a campaign.

    Parameters
    ----------
    entries : mapping
        ``name`` (made from what it is about where there is none: see `name_of`), ``problems`` and ``searchers`` (names,
        names with options as ``"nsga2:population=50"``, or tables with a ``name``, perhaps with a ``label`` and an
        ``order`` that readers see; a searcher may be a function, with its name or in its place: see
        `mobench.plugins.functions.file_of_function`), ``seeds`` (how many, or a list), ``budget``, ``contract``,
        ``plugins`` (files and folders: see `mobench.plugins.sources.use_plugins`; they are
        known to this campaign only), ``simulated_workers`` (how many trainings of a run go on at a time, on a simulated
        clock; there is none without it).
    source : str
        Where the entries come from, for messages.
    folders : mapping of str to Path, optional
        For ``problems`` and ``searchers``: where paths in their options are seen from, which is the working directory
        when left out.

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
        entries, functions = _functions(entries)
        own = Sources().with_files((*read_plugins(_paths(entries.get("plugins", []))), *functions))
        sources = own.over(in_use())
        seen_from = folders or {}
        problems = _references(entries["problems"], "problem", sources, seen_from.get("problems"))
        searchers = _references(entries["searchers"], "searcher", sources, seen_from.get("searchers"))
        names = {name for name, _ in (*problems, *searchers)}
        labels = read_labels(_listed(entries["problems"]), problems)
        campaign = Campaign(
            name=check_name(entries.get("name", "unnamed")),
            problems=problems,
            searchers=searchers,
            seeds=check_seeds(entries.get("seeds", 5)),
            budget=_budget(entries.get("budget", 500)),
            contract=str(entries.get("contract", DEFAULT_CONTRACT)),
            simulated_workers=_workers(entries.get("simulated_workers", 0)),
            plugins=tuple(file for file in sources.files if file in own.files or file.name in names),
            labels=labels.over(read_labels(_listed(entries["searchers"]), searchers)),
        )
        identity: dict[str, str] = {}
        strange: dict[int, list[str]] = {}
        for name, options in problems:
            problem = make_problem(name, options, campaign.sources)
            limit_on(problem, campaign.budget, workers=campaign.simulated_workers)
            contract_for(problem, campaign.contract)
            for searcher, own_options in searchers:
                planned = RunSpec(name, searcher, 0, campaign.budget, options, own_options)
                spec = identified(planned, problem, campaign.sources)
                identity |= {subject: getattr(spec, entry) for entry, subject in subjects(spec).items()}
            for place, (searcher, own_options) in enumerate(searchers):
                if why := unknown(find("searcher", searcher, campaign.sources), own_options, problem):
                    strange.setdefault(place, []).append(f"{searcher} on {describe(name, options)} {why}")
        for whys in strange.values():
            if len(whys) == len(problems):  # a slip, and not an option for some of them
                raise ValueError(whys[0])
    except (ValueError, TypeError) as error:
        raise type(error)(f"{source}: {error}") from error.__cause__
    campaign = replace(campaign, identity={subject: value for subject, value in identity.items() if value})
    return campaign if "name" in entries else replace(campaign, name=name_of(campaign))


def name_of(campaign: Campaign, about: Sequence[str] = _CONTENT) -> str:
    """A name for a campaign that has none, ``catsum-nsga2-1a2b3c``: its problems and searchers, and a checksum.

    Equal problems, searchers, budgets and contracts make equal names. Seeds and versions of files do not count: more
    seeds and the next version of a method belong into the same folder.

    Parameters
    ----------
    campaign : Campaign
        Whatever it is called.
    about : sequence of str
        What the checksum is of.
    """
    content = {key: value for key in about if (value := getattr(campaign, key)) != 0}  # without a clock, as ever
    digest = hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:6]
    words = dict.fromkeys(name for name, _ in (*campaign.problems, *campaign.searchers))
    text = "-".join(words)
    if len(text) > _LONGEST:
        kinds = (("problems", campaign.problems), ("searchers", campaign.searchers))
        text = "-".join(found[0][0] if len(found) == 1 else f"{len(found)}{kind}" for kind, found in kinds)
    return f"{text}-{digest}"


def _functions(entries: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[PluginFile]]:
    """The entries with the names of functions in their place, and the files that these are."""
    files: dict[str, PluginFile] = {}

    def named(item: Any) -> Any:
        if isinstance(item, Mapping) and callable(item.get("name")):
            return {**item, "name": named(item["name"])}
        if not callable(item):
            return item
        file = file_of_function(item)
        if files.setdefault(file.name, file) != file:
            raise ValueError(f"searchers: two functions are called {file.name}; rename one of them")
        return file.name

    items = _listed(entries["searchers"])
    if not isinstance(items, Sequence) or isinstance(items, str):
        return entries, []
    return {**entries, "searchers": [named(item) for item in items]}, list(files.values())


def _listed(items: Any) -> Any:
    return [items] if isinstance(items, str | Mapping) or callable(items) else items


def _references(items: Any, kind: Kind, sources: Sources, folder: Path | None) -> tuple[Reference, ...]:
    items = _listed(items)
    if not isinstance(items, Sequence) or not items:
        raise TypeError(f"{kind}s: expected a list of names or tables, found {items!r}")
    found: list[Reference] = []
    for item in items:
        if isinstance(item, str):
            name, options = parse_reference(item)
        elif isinstance(item, Mapping) and isinstance(item.get("name"), str):
            name, own = item["name"], find(kind, item["name"], sources).options
            options = {key: v for key, v in item.items() if key != "name" and (key not in KEYS or key in own)}
        else:
            raise TypeError(f"{kind}s: expected a name or a table with a name, found {item!r}")
        plugin = find(kind, name, sources)
        check_options(plugin, options)
        files = [option for option in options if plugin.options[option].names_file]
        options = normalised(options) | {option: _path(options[option], folder) for option in files}
        if (name, options) in found:
            raise ValueError(f"{kind}s: {describe(name, options)} is listed twice")
        found.append((name, options))
    return tuple(found)


def _path(path: Any, folder: Path | None) -> Any:
    """A path as the working directory sees it, which was written as `folder` does; text, None where it is None."""
    if path is None or folder is None or Path(path).is_absolute():
        return path if path is None else str(path)
    return os.path.relpath(folder.resolve() / path)  # the same one, whatever the campaign's file is called by


def _paths(items: Any) -> list[str]:
    items = [items] if isinstance(items, str | Path) else items
    if not isinstance(items, Sequence) or not all(isinstance(item, str | Path) for item in items):
        raise TypeError(f"plugins: expected a list of files or folders, found {items!r}")
    return [str(item) for item in items]


def _workers(workers: Any) -> int:
    """How many workers a simulated clock has; 0 is no clock."""
    return 0 if workers == 0 and not isinstance(workers, bool) else whole_workers(workers)


def _budget(budget: Any) -> dict[str, float]:
    return dict(budget) if isinstance(budget, Mapping) else {"evaluations": budget}


def read_campaign(path: str | Path = DEFAULT, **changes: Any) -> Campaign:
    """Read and validate a campaign file; its name is the file's where it gives none.

    Parameters
    ----------
    path : path
        A TOML file; the built-in campaign when left out.
    **changes
        Entries that replace the file's; ``plugins`` are added to the file's. Paths of plugins and in options are
        relative to the file where they stand in it, else to the working directory. Where they make it a campaign about
        something else, the file's name is not its own any more: a checksum is added, as in `name_of`.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError, TypeError
        The file is not TOML, or not a campaign: see `make_campaign`.
    """
    path = Path(path)
    try:
        entries = tomllib.loads(read_file(path).decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not a TOML file ({error})") from None
    source = "command line" if changes else str(path)
    own = [str(path.parent / item) for item in _paths(entries.get("plugins", []))]
    plugins = {"plugins": [*own, *_paths(changes.get("plugins", []))]}
    folders = {key: path.parent for key in ("problems", "searchers") if key not in changes}
    campaign = make_campaign({"name": path.stem} | entries | changes | plugins, source=source, folders=folders)
    other = any(changes[key] != ({"simulated_workers": 0} | entries).get(key) for key in _CONTENT if key in changes)
    if other and "name" not in changes:
        return replace(campaign, name=f"{campaign.name}-{name_of(campaign).rpartition('-')[2]}")
    return campaign


def recorded_campaign(folder: Path, **changes: Any) -> Campaign:
    """The campaign of a results folder once more, with other entries, under the folder's name.

    Parameters
    ----------
    folder : Path
        A results folder. Files that it names are not read: whoever trusts them names them in ``plugins``.
    **changes
        As for `read_campaign`.

    Raises
    ------
    FileNotFoundError, ValueError, TypeError
        The folder holds none, or it cannot be carried out here.
    """
    old = load_campaign(folder)
    entries = {
        "problems": [describe(*item) for item in old.problems],
        "searchers": [describe(*item) for item in old.searchers],
        "seeds": list(old.seeds),
        "budget": dict(old.budget),
        "contract": old.contract,
        "simulated_workers": old.simulated_workers,
        "name": folder.resolve().name,
    }
    campaign = make_campaign(entries | changes, source=str(folder))
    return campaign if changes.keys() & {"problems", "searchers"} else replace(campaign, labels=old.labels)
