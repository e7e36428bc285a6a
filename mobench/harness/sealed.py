"""A run's folder read as one thing: specification, log and end have to agree, or the run is damaged."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mobench.core.budget import CURRENCIES, Cost
from mobench.files.documents import read_document
from mobench.files.reading import read_file
from mobench.harness.history import History
from mobench.harness.spec import END, RunSpec, read_spec

__all__ = ["DamagedRunError", "Sealed", "check_ledger", "read_run", "seal"]

TOLERANCE = 1e-9
"""Sums of prices in another order differ by less."""


class DamagedRunError(ValueError):
    """What a run's folder holds contradicts itself, its place or its budget: it is not what a run left there."""


@dataclass(frozen=True)
class Sealed:
    """What a run's folder holds.

    Attributes
    ----------
    spec : RunSpec
        What was to be run.
    log : bytes
        The whole lines of its log so far.
    end : mapping or None
        How it ended; None while it has not.
    """

    spec: RunSpec
    log: bytes
    end: Mapping[str, Any] | None


def seal(data: bytes) -> dict[str, Any]:
    """What ``end.json`` says of the finished log: lines, bytes and SHA-256."""
    return {"lines": data.count(b"\n"), "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def read_run(folder: Path, *, expected: RunSpec | None = None) -> Sealed:
    """Read a run's folder and compare what is in it.

    Parameters
    ----------
    folder : Path
        It holds a ``spec.json``.
    expected : RunSpec, optional
        What its campaign has in this place.

    Raises
    ------
    DamagedRunError
        A document cannot be read, the specification is another one than expected, or log and end disagree.
    """
    try:
        return _compared(folder, expected)
    except FileNotFoundError as error:
        raise DamagedRunError(f"{folder}: {Path(str(error.filename)).name} is missing") from None
    except DamagedRunError:
        raise
    except OSError as error:
        raise DamagedRunError(f"{folder}: {error.filename or 'a file'} cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise DamagedRunError(str(error)) from None


def _compared(folder: Path, expected: RunSpec | None) -> Sealed:
    spec, log = read_spec(folder / "spec.json"), folder / "log.jsonl"
    if expected is not None and (other := differing(spec, expected)):
        raise DamagedRunError(f"{folder}: holds another run ({other})")
    data = read_file(log) if log.exists() else b""
    if not (folder / "end.json").exists():
        return Sealed(spec, data[: data.rfind(b"\n") + 1], None)
    end = read_document(folder / "end.json", END)
    if "log" in end:  # ends of earlier versions said nothing of it
        found = seal(data)
        if end["log"] != found:
            said = end["log"] if isinstance(end["log"], Mapping) else {}
            raise DamagedRunError(
                f"{log}: not the log that the run ended with ({found['lines']:,} lines of {found['bytes']:,} bytes, "
                f"and end.json says {said.get('lines', '?')} of {said.get('bytes', '?')}"
                f"{'' if said.get('bytes') != found['bytes'] else ', with another SHA-256'})"
            )
    return Sealed(spec, data, end)


def differing(spec: RunSpec, other: RunSpec) -> str:
    """In which entries two specifications differ, with both values; empty where they are the same."""
    mine, theirs = spec.document, other.document
    names = [name for name in mine | theirs if mine.get(name) != theirs.get(name)]
    return "; ".join(f"{name} is {mine.get(name)!r}, expected {theirs.get(name)!r}" for name in names)


def check_ledger(folder: Path, history: History, end: Mapping[str, Any] | None, limit: Cost) -> None:
    """Whether a log adds up to the ledger of its end, and keeps to the budget.

    A pass of a supernet that crosses the limit is charged and the last one, so what was learned last may exceed it.

    Raises
    ------
    DamagedRunError
        It does not.
    """
    if end is not None and end["spent"]:
        try:
            ledger = {currency: float(end["spent"].get(currency, 0.0)) for currency in CURRENCIES}
        except (TypeError, ValueError, OverflowError) as error:
            raise DamagedRunError(f"{folder}: the ledger of end.json is not made of numbers ({error})") from None
        for currency in ("evaluations", "flops", "seconds", "clock"):  # questions may go on after the last line
            said, found = ledger[currency], history.total[currency]
            if abs(said - found) > TOLERANCE * max(abs(said), abs(found)):
                raise DamagedRunError(f"{folder}: the log adds up to {found:g} {currency}, end.json says {said:g}")
        if ledger["asked"] > limit.asked:
            raise DamagedRunError(
                f"{folder}: end.json says {ledger['asked']:g} asked, and the budget is {limit.asked:g}"
            )
    for currency in CURRENCIES:
        most, spent = getattr(limit, currency), history.total[currency]
        if currency == "flops":
            spent -= history.last_learned
        if spent / (1.0 + TOLERANCE) > most:  # a limit may be a whole number beyond the floats
            raise DamagedRunError(f"{folder}: the log holds {spent:g} {currency}, and the budget is {float(most):g}")
