"""Suites: campaigns that ship with mobench, named and versioned, so that results of many can be compared."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from mobench.campaigns.campaign import Campaign
from mobench.campaigns.reading import name_of, read_campaign
from mobench.core.messages import nearest

__all__ = ["find_suite", "named_for", "suite_summary", "suites"]

FOLDER = Path(__file__).with_name("suites")
FIXED = ("problems", "seeds", "budget", "contract")
"""What a suite's name stands for."""
VERSIONED = re.compile(r"(.+)-(\d+)")


def suites() -> dict[str, Path]:
    """The file of every suite by its full name, ``cells-1``, sorted."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}


def find_suite(name: str) -> Path:
    """The file of a suite: of the version that is named, ``cells-1``, or of the newest, ``cells``.

    A published suite never changes; what would change its numbers makes a version of its own.

    Raises
    ------
    ValueError
        There is none of this name; the nearest is offered.
    """
    known = suites()
    if name in known:
        return known[name]
    versions = [(int(found[2]), stem) for stem in known if (found := VERSIONED.fullmatch(stem)) and found[1] == name]
    if not versions:
        names = sorted({stem.rpartition("-")[0] for stem in known})
        raise ValueError(f"--suite: unknown {name!r}{nearest(name, names)}; `mobench list suites` shows all")
    return known[max(versions)[1]]


def named_for(campaign: Campaign, path: Path | None) -> Campaign:
    """The campaign under the name of the suite that it is, or under another one.

    Parameters
    ----------
    campaign : Campaign
        As it was read.
    path : Path, optional
        The suite's file, where it was read from one.

    Returns
    -------
    Campaign
        Of a suite whose budget, seeds or contract were changed, and that has no name of its own,
        ``cells-1-changed-1a2b3c``.

    Raises
    ------
    ValueError
        It has the name of a suite that it is not.
    """
    own = suites().get(campaign.name)
    if own is None:
        return campaign
    suite = read_campaign(own)
    if own == path and all(getattr(campaign, key) == getattr(suite, key) for key in FIXED):
        return campaign
    if path is not None and own == path:
        return replace(campaign, name=f"{campaign.name}-changed-{name_of(campaign, FIXED[2:]).rpartition('-')[2]}")
    raise ValueError(f"name: {campaign.name!r} is that of a suite, which this campaign is not; give it another --name")


def suite_summary(path: Path) -> str:
    """What a suite is about: the first line of its file, a comment."""
    with path.open(encoding="utf-8") as file:
        return file.readline().lstrip("# ").strip()
