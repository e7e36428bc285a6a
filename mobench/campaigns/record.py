"""A campaign's record in its results folder: claimed, extended, and read without running or importing anything."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mobench.campaigns.campaign import Campaign, NotApplicable, Reference, check_name, check_seeds
from mobench.campaigns.labels import Labels
from mobench.core.budget import Cost, parse_budget
from mobench.files.documents import read_document, write_document
from mobench.harness.identity import subjects
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
    with _claimed(folder):  # of two commands that begin at once, the second finds what the first wrote
        if path.exists():
            old = load_campaign(folder)
            _check_same(campaign, old, folder)
            _check_identity(campaign, old, folder)
            if read_document(path) == campaign.document:
                return
        write_document(path, campaign.document)


@contextlib.contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    """Let one command at a time look at a folder's record and write it; without locks where it offers none."""
    held = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _check_same(campaign: Campaign, old: Campaign, folder: Path) -> None:
    """ValueError where a campaign is not `old`, or more of it."""
    changed = [k for k in ("name", "budget", "contract") if getattr(old, k) != getattr(campaign, k)]
    for kind in ("problems", "searchers"):
        changed += [kind] if any(item not in getattr(campaign, kind) for item in getattr(old, kind)) else []
    changed += ["seeds"] if not set(old.seeds) <= set(campaign.seeds) else []
    if changed:
        raise ValueError(f"{folder}: holds another campaign ({', '.join(changed)} differ); use another --name")


def _check_identity(campaign: Campaign, old: Campaign, folder: Path) -> None:
    """ValueError where runs have begun whose code or data was another one than it is now."""
    before, now = old.identity, campaign.identity
    for subject in sorted({*before, *now}):
        if before.get(subject) == now.get(subject):
            continue
        own = [s for s in old.specs if subject in subjects(s).values()]
        if begun := sum((folder / "runs" / spec.folder).exists() for spec in own):
            raise ValueError(
                f"{folder}: {subject} has changed since {begun} of these runs began ({before.get(subject, 'none')}, "
                f"now {now.get(subject, 'none')}); use another --name, and give `mobench report` both (where they "
                "failed: --retry-failed)"
            )


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
            identity=_texts(document.get("identity", {})),
            recorded=None if left_out is None else tuple(NotApplicable(**pair) for pair in left_out),
            labels=Labels(_texts(document.get("labels", {})), _numbers(document.get("order", {}))),
        )
        parse_budget(campaign.budget, Cost(1, 1, 1, 1))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: not the record of a campaign ({type(error).__name__}: {error})") from None
    return campaign


def _numbers(entries: Any) -> dict[str, float]:
    if not isinstance(entries, dict) or not all(isinstance(value, float | int) for value in entries.values()):
        raise TypeError(f"order: expected numbers by name, found {entries!r}")
    return entries


def _texts(entries: Any) -> dict[str, str]:
    if not isinstance(entries, dict) or not all(isinstance(value, str) for value in entries.values()):
        raise TypeError(f"expected texts by name, found {entries!r}")
    return entries


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
