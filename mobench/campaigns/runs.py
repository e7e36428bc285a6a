"""Runs that may be compared: one campaign's, several campaigns' together, or single ones, from their folders."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mobench.campaigns.campaign import NotApplicable
from mobench.campaigns.record import check_problem_files, load_campaign
from mobench.files.documents import read_document
from mobench.harness.spec import END, RunSpec, read_spec

__all__ = ["STATES", "Runs", "merge", "run_state"]

STATES = ("ended", "failed", "running", "missing")


def run_state(folder: Path) -> str:
    """``ended``, ``failed``, ``running`` (or interrupted: it has a log but no end) or ``missing``."""
    if (folder / "end.json").exists():
        return "failed" if read_document(folder / "end.json", END)["reason"] == "failed" else "ended"
    return "running" if (folder / "log.jsonl").exists() else "missing"


@dataclass(frozen=True)
class Runs:
    """Runs under one budget and one contract.

    Attributes
    ----------
    name : str
        Of the campaign, or of all of them joined by ``+``.
    budget : mapping
        What every run could spend; see `mobench.core.budget.parse_budget`.
    contract : str
        How they are scored: a key of `mobench.scoring.contract.CONTRACTS`.
    specs : tuple of RunSpec
        Every run that was planned, in order, each once.
    folders : tuple of Path
        Where each of them lies, or would lie.
    not_applicable : tuple of NotApplicable
        Pairs that the campaigns leave out.
    sources : tuple of Path
        The folders that were asked for.
    """

    name: str
    budget: Mapping[str, float]
    contract: str
    specs: tuple[RunSpec, ...]
    folders: tuple[Path, ...]
    not_applicable: tuple[NotApplicable, ...] = ()
    sources: tuple[Path, ...] = ()

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds, ascending."""
        return tuple(sorted({spec.seed for spec in self.specs}))

    @property
    def problems(self) -> dict[str, tuple[str, Mapping[str, Any]]]:
        """Label to name and options of each problem, in order."""
        return {spec.problem_label: (spec.problem, spec.problem_options) for spec in self.specs}

    @property
    def searchers(self) -> tuple[str, ...]:
        """Label of each searcher, in order."""
        return tuple(dict.fromkeys(spec.searcher_label for spec in self.specs))


def merge(folders: Sequence[str | Path]) -> Runs:
    """All runs of these folders, which may be campaigns or single runs, together.

    A run that several campaigns planned counts once: the first that has ended is taken, else the first.

    Parameters
    ----------
    folders : sequence of path
        At least one; ``results/NAME``, or a run's folder.

    Raises
    ------
    FileNotFoundError
        A folder holds neither a campaign nor a run.
    ValueError
        Their contracts or budgets differ (the message says which), or a campaign cannot be read here.
    """
    if not folders:
        raise ValueError("folders: expected at least one results folder, found none")
    parts = [_open(Path(folder)) for folder in folders]
    first = parts[0]
    for part in parts[1:]:
        for what in ("contract", "budget"):
            ours, theirs = getattr(first, what), getattr(part, what)
            if ours != theirs:
                raise ValueError(
                    f"{part.sources[0]}: cannot be compared with {first.sources[0]}, their {what}s differ "
                    f"({_text(theirs)}, {_text(ours)}); give campaigns of one {what}"
                )
    places: dict[Path, tuple[RunSpec, Path]] = {}
    for part in parts:
        for spec, folder in zip(part.specs, part.folders, strict=True):
            known = places.get(spec.folder)
            if known is None or (run_state(known[1]) != "ended" and run_state(folder) == "ended"):
                places[spec.folder] = (spec, folder)
    done = {(spec.problem_label, spec.searcher_label) for spec, _ in places.values()}
    left_out = dict.fromkeys(itertools.chain.from_iterable(part.not_applicable for part in parts))
    return Runs(
        name="+".join(dict.fromkeys(part.name for part in parts)),
        budget=first.budget,
        contract=first.contract,
        specs=tuple(spec for spec, _ in places.values()),
        folders=tuple(folder for _, folder in places.values()),
        not_applicable=tuple(pair for pair in left_out if (pair.problem, pair.searcher) not in done),
        sources=tuple(part.sources[0] for part in parts),
    )


def _open(folder: Path) -> Runs:
    """One campaign's folder, or one run's."""
    if (folder / "spec.json").exists():
        spec = read_spec(folder / "spec.json")
        return Runs(spec.id, spec.budget, _contract(folder), (spec,), (folder,), sources=(folder,))
    campaign = load_campaign(folder)
    check_problem_files(campaign)
    places = tuple(folder / "runs" / spec.folder for spec in campaign.specs)
    return Runs(
        name=campaign.name,
        budget=campaign.budget,
        contract=campaign.contract,
        specs=campaign.specs,
        folders=places,
        not_applicable=campaign.not_applicable,
        sources=(folder,),
    )


def _contract(run: Path) -> str:
    """The contract of the campaign that a run lies in; the first one of a run by itself."""
    record = run.resolve() / "../../../.." / "campaign.json"
    return str(read_document(record, {"contract": str})["contract"]) if record.exists() else "mobench-1"


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{amount:g} {currency}" for currency, amount in value.items())
    return str(value)
