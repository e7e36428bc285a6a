"""How far the runs of a campaign have come, with an index, so that an end is read once and not at every look."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mobench.campaigns.study import run_state
from mobench.files.documents import FORMAT, read_document, write_document

__all__ = ["INDEX", "run_states"]

INDEX = "index.json"
"""Name of the index in a campaign's folder; it may be deleted at any time."""


def run_states(folder: Path, places: Iterable[Path]) -> list[str]:
    """State of each run of a campaign: see `mobench.campaigns.study.run_state`.

    The index holds what each ``end.json`` said when it was last read. An entry counts while the file has the same
    inode, size and time of change (whatever the clock says), and the log its size; so a stale index costs time and
    tells nothing wrong, and several processes may write it. Where it cannot be written, all goes on without.

    Parameters
    ----------
    folder : Path
        The campaign's folder.
    places : iterable of Path
        Folders of runs, relative to ``folder / "runs"``.

    """
    known = _read(folder / INDEX)
    read: dict[str, list[Any]] = {}
    states = []
    home = os.path.join(folder, "runs")
    for place in map(str, places):
        path = os.path.join(home, place)
        try:
            end = os.stat(f"{path}/end.json")
        except OSError:
            states.append("running" if os.path.exists(f"{path}/log.jsonl") else "missing")
            continue
        mark = [end.st_ino, end.st_size, end.st_mtime_ns, _size(f"{path}/log.jsonl")]
        entry = known.get(place)
        if entry not in ([*mark, "ended"], [*mark, "failed"]):
            entry = read[place] = [*mark, run_state(Path(path))]
        states.append(entry[4])
    if read:
        with contextlib.suppress(OSError):
            write_document(folder / INDEX, {"format": FORMAT, "runs": known | read})
    return states


def _size(path: str) -> int:
    """Bytes of a file; -1 where there is none."""
    try:
        return os.stat(path).st_size
    except OSError:
        return -1


def _read(path: Path) -> dict[str, Any]:
    """Entries by run; none where there is no index that can be read."""
    try:
        entries = read_document(path)["runs"]
    except (OSError, ValueError, KeyError):
        return {}
    return entries if isinstance(entries, dict) else {}
