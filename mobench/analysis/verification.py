"""Whether runs are what they say: logs against their ends, answers asked for again, and a stamp of what held."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mobench.analysis.clocks import clock_fault
from mobench.campaigns.study import Study, read_study
from mobench.core.capabilities import Proxied, Slow
from mobench.core.messages import flat
from mobench.core.problem import Problem
from mobench.core.space import Array
from mobench.core.version import __version__
from mobench.files.documents import FORMAT, read_document, write_document
from mobench.harness.answers import addresses, problem_seed
from mobench.harness.ledger import PRICES
from mobench.harness.log import parse_events
from mobench.harness.sealed import read_run
from mobench.harness.spec import END, RunSpec
from mobench.harness.trained import goes_on, left_to_pay
from mobench.plugins.catalogue import make_problem
from mobench.scoring.load import result_of

__all__ = ["STAMP", "Checked", "check_run", "read_stamp", "runs_differ", "stamps", "write_stamp"]

STAMP = "verified.json"
"""Name of the stamp in a campaign's folder: what a command found here, and no signature of anybody."""

HOLDS: Mapping[str, type] = {"at": str, "mobench": str, "ends": str, "faults": list, "left_out": list}
"""What a stamp holds at least."""

PRICE_TOLERANCE = 1e-9
"""Relative; answers have to be equal to the last bit."""


@dataclass(frozen=True)
class Checked:
    """What was found of one run.

    Attributes
    ----------
    answers : int
        Answers that were asked for again.
    fault : str
        What disagrees; empty where nothing does.
    left_out : str
        What was not asked for again, and why; empty where everything was.
    """

    answers: int = 0
    fault: str = ""
    left_out: str = ""


def check_run(spec: RunSpec, folder: Path, *, slow: bool = False) -> Checked:
    """Compare a run's folder with its specification, its end, its budget and its problem's data, and its answers anew.

    Every answer is asked for again with the randomness that it had, whether the problem is noisy or not, and so are
    prices. Where answers are trainings (`mobench.core.capabilities.Slow`) that takes as long as the run did.

    Parameters
    ----------
    spec : RunSpec
        What the campaign's record has in this place.
    folder : Path
        The run's folder.
    slow : bool
        Whether answers of slow problems are asked for again, too; their seconds are measured, and are not compared.

    Raises
    ------
    ValueError
        The problem cannot be built here.
    """
    problem = make_problem(spec.problem, spec.problem_options)
    try:
        found = read_run(folder, expected=spec)
        result_of(found, folder)
        if found.end is None:
            return Checked(left_out="it has not ended")
        if "log" not in found.end:
            return Checked(left_out="its end says nothing of its log, as those of earlier versions do")
        events = list(parse_events(found.log, folder / "log.jsonl"))
        asked = [event["asked"] for event in events if "X" in event]
        if sorted(asked) != asked:
            return Checked(fault=f"{folder}: fewer questions asked than before")
        if isinstance(problem, Slow) and not slow:
            return Checked(left_out=f"answers of {spec.problem_label} are trainings: asked for again with --slow")
        checked = _answers_again(problem, spec, events, folder)
        if not checked.fault and (fault := _proxies_again(problem, events)):
            return replace(checked, fault=f"{folder}: {fault}")
        if not checked.fault and (fault := clock_fault(problem, events)):
            return replace(checked, fault=f"{folder}: {fault}")
        return checked
    except (ValueError, TypeError, OSError) as error:
        return Checked(fault=str(error))


def _answers_again(problem: Problem, spec: RunSpec, events: list[dict[str, Any]], folder: Path) -> Checked:
    """Ask for the answers of a log again, those of one fidelity together."""
    lines: dict[int | None, list[tuple[dict[str, Any], int]]] = {}
    n = 0
    for event in events:
        if "X" in event:
            lines.setdefault(event["fidelity"], []).append((event, n))
            n += len(event["X"])
    measured, own = isinstance(problem, Slow), problem_seed(spec.seed, spec.problem_label)
    for fidelity, given in lines.items():
        X = np.concatenate([np.array(event["X"], dtype=np.int64) for event, _ in given])
        seeds = np.concatenate([addresses(own, start, len(event["X"])) for event, start in given])
        values = problem.evaluate(X, fidelity=fidelity, seeds=seeds)
        found = {"F": np.asarray(values.F, dtype=np.float64)}
        found |= {name: np.broadcast_to(np.asarray(getattr(values, name), np.float64), len(X)) for name in PRICES}
        if goes_on(problem) and len(lines) > 1:
            found |= _left(problem, found, fidelity, lines)
        logged = {"F": np.concatenate([np.array(event["F"], dtype=np.float64) for event, _ in given])}
        for name in PRICES:
            parts = [np.broadcast_to(np.asarray(event[name], np.float64), len(event["X"])) for event, _ in given]
            logged[name] = np.concatenate(parts)
        same = {"F": (found["F"] == logged["F"]).all(axis=1)}
        same |= {name: np.isclose(found[name], logged[name], rtol=PRICE_TOLERANCE, atol=0.0) for name in PRICES}
        for name, equal in same.items():
            if not equal.all() and not (measured and name == "seconds"):
                row = int(np.flatnonzero(~equal)[0])
                said, here = logged[name][row].tolist(), found[name][row].tolist()
                what = "answers" if name == "F" else name
                return Checked(n, f"{folder}: {what} of architecture {X[row].tolist()} are {said}, and here {here}")
    return Checked(n)


def _proxies_again(problem: Problem, events: list[dict[str, Any]]) -> str:
    """What differs where scores of zero-cost proxies and prices are asked for again; empty where nothing does."""
    for event in (event for event in events if "proxied" in event):
        X, name = np.array(event["proxied"], dtype=np.int64), event["name"]
        if not isinstance(problem, Proxied) or name not in problem.proxy_names:
            return f"its log has a proxy {name!r}, which this problem does not offer"
        values = problem.proxies(X, names=(name,))
        found = {"S": np.asarray(values.F)[:, 0]} | {price: getattr(values, price) for price in PRICES}
        for what, here in found.items():
            said = np.broadcast_to(np.asarray(event[what], np.float64), len(X))
            if not np.allclose(said, here, rtol=0.0 if what == "S" else PRICE_TOLERANCE, atol=0.0):
                return f"{name} of untrained architectures, or its {what}, is not what the log says"
    return ""


def _left(
    problem: Problem,
    whole: Mapping[str, Array],
    fidelity: int | None,
    lines: Mapping[int | None, list[tuple[dict[str, Any], int]]],
) -> dict[str, Array]:
    """What was left to pay, (k,) a currency, of the answers at one fidelity, by the lines at the others before them."""
    others = sorted(
        ((event, start, other) for other, given in lines.items() if other != fidelity for event, start in given),
        key=lambda line: -line[1],  # the earliest last
    )
    known: dict[int | None, set[int]] = {}
    parts, done = [], 0
    for event, start in lines[fidelity]:
        while others and others[-1][1] < start:
            earlier, _, other = others.pop()
            known.setdefault(other, set()).update(problem.space.key(np.array(earlier["X"], dtype=np.int64)).tolist())
        rows = slice(done, done := done + len(event["X"]))
        X = np.array(event["X"], dtype=np.int64)
        parts.append(left_to_pay(problem, X, {name: whole[name][rows] for name in PRICES}, known))
    return {name: np.concatenate([part[name] for part in parts]) for name in PRICES}


def runs_differ(folder: Path, again: Path, problem: Problem) -> str:
    """How a run and its repetition differ, in a few words; empty where they are one.

    Of a run that failed its log has to be how the repetition's begins: what made it fail may have been the host. Where
    answers are trainings their seconds are measured, and are not compared.

    Parameters
    ----------
    folder, again : Path
        Two folders of runs of one specification.
    problem : Problem
        Theirs.
    """
    if not (again / "end.json").exists():
        return f"{folder}: carried out again, it came to no end"
    ends = [read_document(place / "end.json", END) for place in (folder, again)]
    one, other = ((place / "log.jsonl").read_bytes().splitlines() for place in (folder, again))
    if measured := isinstance(problem, Slow):
        one, other = ([_without_seconds(line) for line in lines] for lines in (one, other))
    failed = ends[0]["reason"] == "failed"
    if failed and one and b'"learned"' in one[-1]:
        one = one[:-1]  # passes are written down at the next question, which never came
    pairs = enumerate(zip(one, other, strict=False))
    line = next((i for i, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))
    if line < len(one) or (not failed and line < len(other)):
        lines = f"from line {line + 1} ({len(one)} lines, again {len(other)})"
        return f"{folder}: carried out again, its log differs {lines}{_other_processor(ends)}"
    if not failed and ends[0]["reason"] != ends[1]["reason"]:
        return f"{folder}: ended with {ends[0]['reason']!r}, and carried out again with {ends[1]['reason']!r}"
    if not failed and not measured and ends[0]["spent"] != ends[1]["spent"]:
        return f"{folder}: its end says that it spent {ends[0]['spent']}, and carried out again {ends[1]['spent']}"
    return ""


def _other_processor(ends: list[dict[str, Any]]) -> str:
    """What may excuse another log: the processors on which a run and its repetition were computed, if they differ."""
    there, here = (str((end.get("host") or {}).get("processor", "")) for end in ends)
    if not there or there == here:
        return ""
    return f"; it was computed on {there}, this is {here}: models and supernets round as the processor does"


def _without_seconds(line: bytes) -> bytes:
    (event,) = parse_events(line, "log")
    return repr({key: value for key, value in event.items() if key != "seconds"}).encode()


def write_stamp(folder: Path, runs: Iterable[tuple[RunSpec, Path]], found: Mapping[str, Any]) -> None:
    """Leave in a campaign's folder what was found, when, by which version, and of which ends.

    Parameters
    ----------
    folder : Path
        The campaign's folder.
    runs : iterable of (RunSpec, Path)
        What was looked at.
    found : mapping
        ``runs``, ``answers``, ``replayed`` (numbers), and ``faults`` and ``left_out`` (lists of lines).
    """
    at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    write_document(folder / STAMP, {"format": FORMAT, "at": at, "mobench": __version__, "ends": _ends(runs), **found})


def read_stamp(folder: Path, runs: Iterable[tuple[RunSpec, Path]]) -> str:
    """One sentence on when a campaign was verified and what came of it; empty where it never was.

    Parameters
    ----------
    folder, runs
        As for `write_stamp`.
    """
    try:
        stamp = read_document(folder / STAMP, HOLDS)
    except FileNotFoundError:
        return ""
    except ValueError as error:
        return f"its stamp cannot be read ({error})"
    when = f"at {flat(stamp['at'])} by mobench {flat(stamp['mobench'])}"
    numbers = [stamp.get(name) for name in ("runs", "answers", "replayed")]
    left_out, faults = ([flat(str(line)) for line in stamp[name]] for name in ("left_out", "faults"))
    if not all(isinstance(n, int) for n in numbers):
        return "its stamp cannot be read"
    if stamp["ends"] != _ends(runs):
        return f"verified {when}, and runs have changed or come since; verify it again"
    if faults:
        return f"NOT AS IT SAYS, {when}: {faults[0]}"
    counted = "{:,} runs, {:,} answers asked for again, {:,} runs carried out again; nothing disagreed".format(*numbers)
    return f"verified {when}: {counted}{''.join(f'; NOT VERIFIED: {line}' for line in left_out)}"


def stamps(study: Study) -> list[tuple[Path, str]]:
    """Each campaign of a study with what `read_stamp` says of it; that it was not verified, where nobody did."""
    found = []
    for source in study.sources:
        if (source / "campaign.json").exists():
            own = read_study([source]).runs
            found.append((source, read_stamp(source, own) or f"not verified; `mobench verify {source}` does it"))
    return found


def _ends(runs: Iterable[tuple[RunSpec, Path]]) -> str:
    """SHA-256 over all ends, each of which holds that of its log."""
    total = hashlib.sha256()
    for spec, folder in sorted(runs, key=lambda run: str(run[0].folder)):
        end = folder / "end.json"
        digest = hashlib.sha256(end.read_bytes()).hexdigest() if end.is_file() else "none"
        total.update(f"{digest}  {spec.folder}\n".encode())
    return total.hexdigest()
