"""A campaign's record in its results folder: claimed, extended, and read without running or importing anything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mobench.campaigns.campaign import Campaign, NotApplicable, Reference, check_name, check_seeds
from mobench.core.budget import Cost, parse_budget
from mobench.files.documents import read_document, write_document
from mobench.plugins.plugin_file import PluginFile
from mobench.plugins.sources import in_use

__all__ = ["check_problem_files", "load_campaign", "open_campaign"]


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
        for kind in ("problems", "searchers"):
            known = [{"name": item["name"], "options": _options(item)} for item in old.get(kind, [])]
            changed += [kind] if any(item not in new[kind] for item in known) else []
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
            name=check_name(document["name"]),
            problems=_named(document["problems"]),
            searchers=_named(document["searchers"]),
            seeds=check_seeds(document["seeds"]),
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
    found = tuple((item["name"], _options(item)) for item in items)
    if not found or not all(isinstance(name, str) for name, _ in found):
        raise TypeError(f"expected a list of tables with names, found {items!r}")
    return found


def _options(item: dict[str, Any]) -> dict[str, Any]:
    """Options of an entry; earlier records have them beside the name, where an option called name took its place."""
    if set(item) == {"name", "options"} and isinstance(item["options"], dict):
        return item["options"]
    return {key: value for key, value in item.items() if key != "name"}


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
    for file in campaign.problem_files:
        known = in_use().file(file.name)
        if known is None:
            raise ValueError(
                f"problem {file.name!r} is a file, {file.path}, and no results folder makes code run by naming it: "
                f"where you trust that file, add --plugin {file.path} (in Python, use_plugins)"
            )
        if known.checksum != file.checksum:
            raise ValueError(f"{known.path} has changed, and would score these runs in another way; restore it")
