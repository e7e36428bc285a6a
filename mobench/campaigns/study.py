"""A study: runs that may be compared, of one campaign, of several together, or single ones, from their folders."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mobench.campaigns.campaign import NotApplicable
from mobench.campaigns.labels import Labels
from mobench.campaigns.record import check_problem_files, load_campaign
from mobench.core.budget import CURRENCIES
from mobench.core.messages import check_known
from mobench.files.documents import read_document
from mobench.harness.spec import END, RunSpec, read_spec
from mobench.plugins.references import unversioned
from mobench.scoring.contracts import CONTRACTS, DEFAULT

__all__ = ["OVER", "STATES", "Study", "nothing_applies", "read_study", "run_spent", "run_state", "select"]

STATES = ("ended", "failed", "damaged", "running", "missing")

OVER = ("ended", "failed")
"""States of runs that are over, and have a score: a failed one that of what it had delivered by then."""


def run_state(folder: Path) -> str:
    """``ended``, ``failed``, ``damaged``, ``running`` (or interrupted: it has a log but no end) or ``missing``.

    Damage is looked for in passing, by the log's size: `mobench.scoring.load.load` compares everything.
    """
    if (folder / "end.json").exists():
        try:
            end, log = read_document(folder / "end.json", END), folder / "log.jsonl"
            if "log" in end and log.stat().st_size != dict(end["log"])["bytes"]:
                return "damaged"
        except (ValueError, TypeError, KeyError, OSError):
            return "damaged"
        return "failed" if end["reason"] == "failed" else "ended"
    return "running" if (folder / "log.jsonl").exists() else "missing"


def run_spent(folder: Path) -> dict[str, float]:
    """What the ledger said at the end of a run, questions that no log holds included; empty where it has not ended.

    A run that failed before its problem was made has spent nothing, and says so by an empty ledger.
    """
    if not (folder / "end.json").exists():
        return {}
    spent = read_document(folder / "end.json", END)["spent"]
    return {currency: float(spent[currency]) for currency in CURRENCIES if currency in spent}


@dataclass(frozen=True)
class Study:
    """Runs under one budget and one contract.

    Attributes
    ----------
    name : str
        Of the campaign, or of all of them joined by ``+``.
    budget : mapping
        What every run could spend; see `mobench.core.budget.parse_budget`.
    contract : str
        How they are scored: a key of `mobench.scoring.contracts.CONTRACTS`.
    runs : tuple of (RunSpec, Path)
        Every run that was planned, in order, each once, with the folder where it lies, or would lie.
    not_applicable : tuple of NotApplicable
        Pairs that the campaigns leave out.
    sources : tuple of Path
        The folders that were asked for.
    labels : Labels
        What the campaigns say readers are to see.
    names : mapping of str to str
        Label of a problem or searcher to what it is called here; itself where left out.
    """

    name: str
    budget: Mapping[str, float]
    contract: str
    runs: tuple[tuple[RunSpec, Path], ...]
    not_applicable: tuple[NotApplicable, ...] = ()
    sources: tuple[Path, ...] = ()
    labels: Labels = field(default_factory=Labels)
    names: Mapping[str, str] = field(default_factory=dict)

    def key(self, spec: RunSpec) -> tuple[str, str, int]:
        """Problem and searcher, as they are called here, and seed of a run."""
        problem, searcher = spec.problem_label, spec.searcher_label
        return self.names.get(problem, problem), self.names.get(searcher, searcher), spec.seed

    def plain(self, name: str) -> str:
        """The label of what is called so here."""
        return next((label for label, shown in self.names.items() if shown == name), name)

    @property
    def simulated_workers(self) -> int:
        """How many trainings of a run go on at a time, on a simulated clock; 0 where there is none."""
        return self.runs[0][0].simulated_workers if self.runs else 0

    @functools.cached_property
    def seeds(self) -> tuple[int, ...]:
        """All seeds, ascending."""
        return tuple(sorted({spec.seed for spec, _ in self.runs}))

    @functools.cached_property
    def problems(self) -> dict[str, tuple[str, Mapping[str, Any]]]:
        """Label to name and options of each problem, in order."""
        return {self.key(spec)[0]: (spec.problem, spec.problem_options) for spec, _ in self.runs}

    @functools.cached_property
    def searchers(self) -> tuple[str, ...]:
        """Label of each searcher, in order."""
        return tuple(dict.fromkeys(self.key(spec)[1] for spec, _ in self.runs))


def read_study(folders: Sequence[str | Path], *, contract: str = "") -> Study:
    """All runs of these folders, which may be campaigns or single runs, together.

    A run that several campaigns planned counts once: the first that has ended is taken, else the first.

    Parameters
    ----------
    folders : sequence of path
        At least one; ``results/NAME``, or a run's folder.
    contract : str
        How they are scored; as the campaigns say, which must agree, where empty.

    Raises
    ------
    FileNotFoundError
        A folder holds neither a campaign nor a run.
    ValueError
        Their contracts or budgets differ (the message says which), `contract` is unknown, a campaign cannot be read
        here, or none has runs.
    """
    check_known("contract", [contract] if contract else [], CONTRACTS)
    if not folders:
        raise ValueError("folders: expected at least one results folder, found none")
    parts = [_open(Path(folder)) for folder in folders]
    parts = [replace(part, contract=contract) for part in parts] if contract else parts
    for part in parts[1:]:
        _check_comparable(parts[0], part)
    chosen: dict[Path, tuple[RunSpec, Path]] = {}
    for spec, folder in itertools.chain.from_iterable(part.runs for part in parts):
        known = chosen.get(spec.folder)
        if known is None or (run_state(known[1]) != "ended" and run_state(folder) == "ended"):
            chosen[spec.folder] = (spec, folder)
    _check_labels(chosen)
    done = {(spec.problem_label, spec.searcher_label) for spec, _ in chosen.values()}
    left_out = dict.fromkeys(itertools.chain.from_iterable(part.not_applicable for part in parts))
    if not chosen:
        raise ValueError(f"{', '.join(map(str, folders))}: no runs, {nothing_applies(tuple(left_out))}")
    return Study(
        name="+".join(dict.fromkeys(part.name for part in parts)),
        budget=parts[0].budget,
        contract=parts[0].contract,
        runs=tuple(chosen.values()),
        not_applicable=tuple(pair for pair in left_out if (pair.problem, pair.searcher) not in done),
        sources=tuple(part.sources[0] for part in parts),
        labels=functools.reduce(Labels.over, (part.labels for part in parts)),
    )


def nothing_applies(pairs: Sequence[NotApplicable]) -> str:
    """That no searcher of a campaign fits any of its problems, with the reasons, in words."""
    reasons = "; ".join(f"{pair.searcher} on {pair.problem} {pair.reason}" for pair in pairs[:3])
    return f"since nothing applies: {reasons}{f'; and {len(pairs) - 3} more' if len(pairs) > 3 else ''}"


def select(study: Study, *, problems: Sequence[str] = (), searchers: Sequence[str] = ()) -> Study:
    """The runs of some problems and searchers.

    Parameters
    ----------
    study : Study
        The runs to choose from.
    problems, searchers : sequence of str
        Labels of what to keep; everything where empty. Without its version a label stands for all versions.

    Raises
    ------
    ValueError
        A label is unknown (the nearest is offered), or nothing is left.
    """
    check_known("problem", problems, study.problems)
    known = study.searchers
    check_known("searcher", searchers, (*known, *map(unversioned, known)))
    wanted = {label for label in known if not searchers or label in searchers or unversioned(label) in searchers}
    kept = set(problems or study.problems), wanted
    chosen = tuple(
        (spec, folder)
        for spec, folder in study.runs
        if spec.problem_label in kept[0] and spec.searcher_label in kept[1]
    )
    if not chosen:
        raise ValueError(f"{', '.join(searchers)}: has no runs on {', '.join(problems)} in this campaign")
    return replace(study, runs=chosen)


def _open(folder: Path) -> Study:
    """One campaign's folder, or one run's."""
    if (folder / "spec.json").exists():
        spec = read_spec(folder / "spec.json")
        return Study(spec.id, spec.budget, _contract(folder), ((spec, folder),), sources=(folder,))
    campaign = load_campaign(folder)
    check_problem_files(campaign)
    return Study(
        name=campaign.name,
        budget=campaign.budget,
        contract=campaign.contract,
        runs=tuple((spec, folder / "runs" / spec.folder) for spec in campaign.specs),
        not_applicable=campaign.not_applicable,
        sources=(folder,),
        labels=campaign.labels,
    )


def _contract(folder: Path) -> str:
    """The contract of the campaign that a run's folder lies in; the first one of a run by itself."""
    record = folder.resolve() / "../../../.." / "campaign.json"
    return str(read_document(record, {"contract": str})["contract"]) if record.exists() else DEFAULT


def _check_comparable(first: Study, other: Study) -> None:
    for what in ("contract", "budget", "simulated_workers"):
        ours, theirs = getattr(first, what), getattr(other, what)
        name = "number of simulated worker" if what == "simulated_workers" else what
        if ours != theirs:
            raise ValueError(
                f"{other.sources[0]}: cannot be compared with {first.sources[0]}, their {name}s differ "
                f"({_text(theirs)}, {_text(ours)}); give campaigns of one {name}"
                + ", or score all by one: --contract NAME"
                * (what == "contract")
            )


def _check_labels(chosen: Mapping[Path, tuple[RunSpec, Path]]) -> None:
    """ValueError where two versions of a method, or of a problem, have one label: they would count as one."""
    known: dict[str, tuple[str, Path]] = {}
    for spec, folder in chosen.values():
        searcher, problem = f"searcher {spec.searcher_label}", f"problem {spec.problem_label}"
        for label, code in ((searcher, spec.searcher_code), (problem, spec.problem_code)):
            other, where = known.setdefault(label, (code, folder))
            if other != code:
                raise ValueError(
                    f"{folder}: its {label} is {code or 'without a checksum'}, and that of {where} is "
                    f"{other or 'without a checksum'}; report them apart"
                )


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{amount:g} {currency}" for currency, amount in value.items())
    return str(value)
