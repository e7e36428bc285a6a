"""What a run's log says, as arrays: what was seen, what it cost, what was recommended and recorded."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mobench.core.budget import CURRENCIES, Cost
from mobench.core.space import Array
from mobench.files.reading import read_file
from mobench.harness.clock import whole_workers
from mobench.harness.ledger import PRICES
from mobench.harness.log import Log, parse_events

__all__ = ["History", "Note", "read_history", "spent_in"]

KINDS = frozenset(("X", "data", "proxied", "workers", "learned", "recommend", "record"))
"""What a line may be about, of which it is one."""


@dataclass(frozen=True)
class Note:
    """Something a searcher noted.

    Attributes
    ----------
    answers : int
        Answers given before it.
    spent : dict of str to float
        The ledger at that moment: each axis of `mobench.core.budget.CURRENCIES`.
    content : Any
        Architectures (k, d) of a recommendation, or recorded diagnostics.
    """

    answers: int
    spent: dict[str, float]
    content: Any


@dataclass(frozen=True)
class History:
    """Everything that a run's log says, as arrays over its N answers (in the order they were given).

    Attributes
    ----------
    X : Array
        (N, d) architectures; on a simulated clock in the order in which their trainings ended.
    F : Array
        (N, m) values as the searcher saw them, in natural units and sign.
    fidelity : Array
        (N,) epochs asked for; 0 stands for the full fidelity.
    spent : dict of str to Array
        The ledger after each answer: (N,) arrays for each axis of `mobench.core.budget.CURRENCIES`, learning included.
    total : dict of str to float
        The ledger at the end of the log.
    recommended, records : list of Note
        Recommendations and diagnostics in order.
    data : str
        Checksum of the data that answered; empty where the problem's answers come from no data.
    proxies_data : tuple of str
        Checksums of the data that scored untrained architectures, each once, where they come from data.
    last_learned : float
        Multiply-adds of the last line about learning: the pass that crosses a limit is in it.
    workers : int
        Of the simulated clock; 0 where the run has none.
    """

    X: Array
    F: Array
    fidelity: Array
    spent: dict[str, Array]
    total: dict[str, float]
    recommended: list[Note]
    records: list[Note]
    data: str = ""
    proxies_data: tuple[str, ...] = ()
    last_learned: float = 0.0
    workers: int = 0


def read_history(source: Path | Log, *, d: int, m: int, lines: bytes | None = None) -> History:
    """Read a log (finished, running or cut short) into arrays.

    Parameters
    ----------
    source : Path or Log
        A log file, or a log in memory.
    lines : bytes, optional
        What the file was found to hold.
    d, m : int
        Genes of an architecture and number of objectives.

    Raises
    ------
    ValueError
        The log is damaged, or does not have `d` genes and `m` objectives.
    """
    if lines is not None:
        data = lines
    elif isinstance(source, Log):
        data = b"".join(source.lines) if source.path is None else read_file(source.path)
    else:
        data = read_file(source)
    X: list[Any] = []
    F: list[Any] = []
    fidelity: list[int] = []
    spent: dict[str, list[float]] = {axis: [] for axis in ("asked", *PRICES)}
    total = dict.fromkeys(CURRENCIES, 0.0)
    notes: dict[str, list[Note]] = {"recommend": [], "record": []}
    checksum, proxies, learned, workers = "", dict[str, None](), 0.0, 0
    trained: dict[str, list[Array]] = {name: [] for name in ("ends", *PRICES)}  # each by itself, on a clock
    scored: list[dict[str, Array]] = []  # by proxies, on a clock
    try:
        for event in parse_events(data[: data.rfind(b"\n") + 1], source):
            if len(KINDS & event.keys()) > 1:
                raise ValueError(f"a line is {' and '.join(sorted(KINDS & event.keys()))} at once")
            if "X" in event:
                k = len(event["X"])
                if not 0 < k == len(event["F"]):
                    raise ValueError(f"a line answers {k} architectures with {len(event['F'])} rows")
                X += event["X"]
                F += event["F"]
                fidelity += [event["fidelity"] or 0] * k
                total["evaluations"] += k
                total["asked"] = float(event["asked"])
                spent["asked"] += [total["asked"]] * k
                for axis in PRICES:
                    spent[axis] += _sums(total[axis], event[axis], k)
                    total[axis] = spent[axis][-1]
                if workers:
                    for name, values in (_prices(event, k) | {"ends": _ends(event, k)}).items():
                        trained[name].append(values)
            elif "data" in event:
                checksum = str(event["data"])
            elif "proxied" in event:
                k = len(event["proxied"])
                proxies |= {str(event["of"]): None} if "of" in event else {}
                for axis, price in _prices(event, k).items():
                    if price.min(initial=0.0) < 0:
                        raise ValueError(f"a proxy costs {price.min():g} {axis}")
                    total[axis] += float(price.sum())
                if workers:
                    scored.append(_prices(event, k) | {"ends": _ends(event, k)})
            elif "workers" in event:
                if workers or X or scored:
                    raise ValueError("its workers are stated again, or behind the first answer")
                workers = whole_workers(event["workers"])
            elif "learned" in event:
                learned = float(event["learned"])
                if learned < 0:
                    raise ValueError(f"a pass of a supernet cost {learned:g} multiply-adds")
                total["flops"] += learned
            elif "recommend" in event:
                chosen = _genes(event["recommend"]).reshape(-1, d)
                notes["recommend"].append(Note(int(total["evaluations"]), _at(total, event, workers), chosen))
            elif "record" in event:
                notes["record"].append(
                    Note(int(total["evaluations"]), _at(total, event, workers), dict(event["record"]))
                )
        genes = _genes(X).reshape(len(X), d)
        values = np.array(F, dtype=np.float64).reshape(len(X), m)
        epochs = np.array(fidelity, dtype=np.int64).reshape(len(X))
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise ValueError(f"{source}: not a log of this problem ({error})") from None
    known = {axis: np.array(amounts, dtype=np.float64) for axis, amounts in spent.items()}
    known |= {"evaluations": np.arange(1.0, len(X) + 1.0), "clock": np.zeros(len(X))}
    ledger = {axis: known[axis] for axis in CURRENCIES}
    if not all(np.isfinite(part).all() for part in (values, np.array(list(total.values())), *ledger.values())):
        raise ValueError(f"{source}: damaged, values or prices are not finite; delete the folder to run again")
    if any((np.diff(ledger[axis]) < 0).any() or (ledger[axis][:1] < 0).any() for axis in PRICES):
        raise ValueError(f"{source}: not a log of this problem (an answer costs less than nothing)")
    found = History(
        X=genes,
        F=values,
        fidelity=epochs,
        spent=ledger,
        total=total,
        recommended=notes["recommend"],
        records=notes["record"],
        data=checksum,
        proxies_data=tuple(proxies),
        last_learned=learned,
        workers=workers,
    )
    if not workers:
        return found
    proxied = {name: _join([line[name] for line in scored]) for name in trained}
    return _by_ends(found, {name: _join(parts) for name, parts in trained.items()}, proxied)


def _at(total: Mapping[str, float], event: Mapping[str, Any], workers: int) -> dict[str, float]:
    """The ledger at a note; on a simulated clock with the moment at which it was made."""
    return dict(total) | ({"clock": float(event["at"])} if workers else {})


def _ends(event: Mapping[str, Any], k: int) -> Array:
    """When the k trainings of a line end; none before it was begun."""
    ends = np.array(event["ends"], dtype=np.float64).reshape(k)
    if not (np.isfinite(ends).all() and (ends >= float(event["at"])).all() and float(event["at"]) >= 0.0):
        raise ValueError("trainings end before they begin")
    return ends


def _by_ends(history: History, trained: Mapping[str, Array], scored: Mapping[str, Array]) -> History:
    """What a searcher on a simulated clock saw, in the order in which it could see it.

    What a training or a proxy cost counts from its end, so that the ledger grows on every axis. A note comes behind
    all that had ended by then.
    """
    ends, done = trained["ends"], np.argsort(scored["ends"], kind="stable")
    order = np.argsort(ends, kind="stable")
    before = np.searchsorted(scored["ends"][done], ends[order], side="right")
    spent = {
        axis: np.cumsum(trained[axis][order]) + np.concatenate([[0.0], np.cumsum(scored[axis][done])])[before]
        for axis in PRICES
    }
    spent["evaluations"] = np.arange(1.0, len(order) + 1.0)
    spent["asked"] = np.maximum.accumulate(history.spent["asked"][order]) if len(order) else np.empty(0)
    spent["clock"] = ends[order]

    def moved(note: Note) -> Note:
        seen = int(np.searchsorted(spent["clock"], note.spent["clock"], side="right"))
        paid = {axis: float(amounts[seen - 1]) if seen else 0.0 for axis, amounts in spent.items()}
        return Note(seen, paid | {"clock": note.spent["clock"]}, note.content)

    return replace(
        history,
        X=history.X[order],
        F=history.F[order],
        fidelity=history.fidelity[order],
        spent={axis: spent[axis] for axis in CURRENCIES},
        total=history.total | {"clock": float(max(ends.max(initial=0.0), scored["ends"].max(initial=0.0)))},
        recommended=[moved(note) for note in history.recommended],
        records=[moved(note) for note in history.records],
    )


def spent_in(events: Iterable[Mapping[str, Any]], *, before: Cost | None = None) -> Cost:
    """The ledger at the end of a log, whatever the problem: from its events as they were logged.

    Parameters
    ----------
    events : iterable of mapping
        All lines, or those that are new.
    before : Cost, optional
        The ledger before them; nothing was spent where left out.
    """
    total = before or Cost()
    for event in events:
        if "X" in event or "proxied" in event:
            k = len(event["X" if "X" in event else "proxied"])
            flops, seconds = (_sum(event[axis], k) for axis in PRICES)
            clock = max([total.clock, *event.get("ends", [])])
            total += Cost(
                evaluations=k if "X" in event else 0,
                asked=event.get("asked", total.asked) - total.asked,
                flops=flops,
                seconds=seconds,
            )
            total = replace(total, clock=clock)
        elif "learned" in event:
            total += Cost(flops=event["learned"])
    return total


def _sum(prices: Any, k: int) -> float:
    """What k answers cost that have a price each, or one price."""
    return float(np.sum(np.broadcast_to(prices, k))) if isinstance(prices, list) else k * float(prices)


def _genes(rows: list[list[int]]) -> Array:
    """Rows as an array of integers; what is not whole is not cut to it."""
    found = np.array(rows)
    if found.size and found.dtype.kind not in "iu":
        raise TypeError(f"expected whole numbers, found {found.dtype}")
    return found.astype(np.int64)


def _sums(before: float, prices: Any, k: int) -> list[float]:
    """What was spent after each of k answers that have a price each, or one price."""
    if k == 1 and not isinstance(prices, list):  # most lines
        return [before + float(prices)]
    if not isinstance(prices, list):
        prices = [prices] * k
    if len(prices) != k:
        raise ValueError(f"{k} answers have {len(prices)} prices")
    return [before + paid for paid in itertools.accumulate(map(float, prices))]


def _prices(event: Mapping[str, Any], k: int) -> dict[str, Array]:
    return {axis: np.full(k, event[axis], dtype=np.float64) for axis in PRICES}


def _join(parts: list[Array]) -> Array:
    return np.concatenate(parts) if parts else np.empty(0)
