"""A campaign's record in its results folder: claimed, extended, and read without running or importing anything."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mobench.campaigns.aside import set_aside
from mobench.campaigns.campaign import Campaign, NotApplicable, Reference, check_name, check_seeds
from mobench.campaigns.growth import clash, grown, in_words
from mobench.campaigns.labels import Labels
from mobench.core.budget import Cost, parse_budget
from mobench.core.messages import check_known
from mobench.files.documents import read_document, write_document
from mobench.files.writing import written_whole
from mobench.harness.clock import whole_workers
from mobench.harness.identity import subjects
from mobench.harness.spec import RunSpec
from mobench.plugins.functions import FOLDER
from mobench.plugins.plugin_file import PluginFile
from mobench.plugins.references import describe
from mobench.plugins.sources import in_use

__all__ = ["check_problem_files", "load_campaign", "open_campaign"]


def open_campaign(campaign: Campaign, folder: Path, *, rerun: Sequence[str] = ()) -> tuple[str, ...]:
    """Claim a results folder for a campaign, or go on with the one that it holds.

    A folder has one budget and one contract. More seeds, problems or searchers are added to it; what it holds and is
    not asked for stays. It may be called otherwise than when it began.

    Parameters
    ----------
    campaign : Campaign
        What is asked for.
    folder : Path
        Its results folder.
    rerun : sequence of str
        Searchers of the campaign, by name or label, whose runs are to be carried out again: those that are there are
        set aside, whatever their state (`mobench.campaigns.aside`).

    Returns
    -------
    tuple of str
        What is other than when the folder was last used, a line each.

    Raises
    ------
    ValueError
        The folder has another budget or contract, or runs of a plugin whose file changed (the message has both values);
        a searcher to be run again is none of the campaign's, or a process is at one of its runs.
    OSError
        The folder cannot be written.
    """
    path = folder / "campaign.json"
    _check_rerun(campaign, rerun)
    folder.mkdir(parents=True, exist_ok=True)
    _keep_functions(campaign, folder)
    with _claimed(folder):  # of two commands that begin at once, the second finds what the first wrote
        if not path.exists():
            write_document(path, campaign.document)
            return ()
        old = load_campaign(folder)
        if differs := clash(campaign, old):
            raise ValueError(f"{folder}: holds another campaign ({differs}); use another --name")
        again = [spec for spec in old.specs if _is_of(spec, rerun)] if rerun else []
        _check_identity(campaign, old, folder, again)
        whole = grown(campaign, old, campaign.sources.over(in_use()))
        lines = [*in_words(campaign, old)]
        if rerun:
            count = set_aside((folder / "runs" / spec.folder for spec in again), "rerun")
            lines.append(
                f"sets {count} runs of {', '.join(rerun)} aside, their folders end in .rerun-N now; "
                f"runs of other searchers are kept"
            )
        if read_document(path) != whole.document:
            write_document(path, whole.document)
        waiting = _not_over(whole, campaign, folder)
    if waiting:
        lines.append(f"{waiting} of its runs are neither over nor asked for: `mobench run {folder}` asks for them all")
    return tuple(f"{folder}: {line}" for line in lines)


def _keep_functions(campaign: Campaign, folder: Path) -> None:
    """Write the files that functions are into ``searchers/<checksum>/``: ``--plugin`` goes on with them."""
    for file in campaign.plugins:
        if file.path.parent == FOLDER and file.parts:
            path = folder / "searchers" / file.checksum[:8] / file.path.name
            if not path.exists():
                with written_whole(path, below=folder) as written:
                    written.write(file.parts[0][1])


def _check_rerun(campaign: Campaign, rerun: Sequence[str]) -> None:
    """ValueError where a searcher is to be run again that the campaign does not have."""
    labels = [describe(*searcher) for searcher in campaign.searchers]
    check_known("rerun", rerun, dict.fromkeys((*labels, *(name for name, _ in campaign.searchers))))


def _is_of(spec: RunSpec, searchers: Sequence[str]) -> bool:
    """Whether a run is one of these searchers', which are named by name or by label."""
    return spec.searcher in searchers or describe(spec.searcher, spec.searcher_options) in searchers


def _not_over(whole: Campaign, asked: Campaign, folder: Path) -> int:
    """How many runs of a folder are not over, beside those that are asked for."""
    if len(whole.specs) == len(asked.specs):
        return 0
    others = {spec.folder for spec in whole.specs} - {spec.folder for spec in asked.specs}
    return sum(not (folder / "runs" / place / "end.json").exists() for place in others)


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


def _check_identity(campaign: Campaign, old: Campaign, folder: Path, again: Sequence[RunSpec]) -> None:
    """ValueError where runs have begun, but for those `again`, whose code or data was another one than it is now."""
    before, now = old.identity, campaign.identity
    asked = {about for spec in campaign.pairs for about in subjects(spec).values()}
    places = {spec.folder for spec in again}
    for subject in sorted(asked & {*before, *now}):
        if before.get(subject) == now.get(subject):
            continue
        own = [spec for spec in old.specs if subject in subjects(spec).values() and spec.folder not in places]
        if begun := sum((folder / "runs" / spec.folder).exists() for spec in own):
            name = subject.partition(" ")[2]
            cure = f"--rerun {name} carries them out again and keeps all others; or " * subject.startswith("searcher ")
            raise ValueError(
                f"{folder}: {subject} has changed since {begun} of these runs began ({before.get(subject, 'none')}, "
                f"now {now.get(subject, 'none')}); {cure}use another --name, and give `mobench report` both "
                "(where they failed: --retry-failed)"
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
    document = read_document(path, cure="delete this file and run the campaign again, which keeps what has ended")
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
            simulated_workers=whole_workers(document["simulated_workers"]) if "simulated_workers" in document else 0,
            labels=Labels(_texts(document.get("labels", {})), _numbers(document.get("order", {}))),
        )
        parse_budget(campaign.budget, Cost(1, 1, 1, 1), workers=campaign.simulated_workers)
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
