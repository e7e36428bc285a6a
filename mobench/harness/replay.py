"""Replay: the log of an earlier attempt, taken line by line as the same questions come again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mobench.core.space import Array
from mobench.harness.ledger import PRICES, Prices, cut

__all__ = ["Past"]


class Past:
    """Lines of a log not yet met again; false when none are left.

    Parameters
    ----------
    lines : sequence of dict
        The events, in order.
    """

    def __init__(self, lines: Sequence[dict[str, Any]]) -> None:
        self._lines = deque(lines)
        self._whole = len(lines)
        self._used = 0  # rows of the first line that were met already

    def __bool__(self) -> bool:
        return bool(self._lines)

    def answers(self, X: Array, fidelity: int | None, n: int) -> tuple[list[tuple[Array, Prices]], str]:
        """Logged answers to (k, d) questions, the n answers before them taken, as far as the log goes.

        Returns
        -------
        parts, difference : list of (Array, dict), str
            (j, m) values and their prices, a part for each line of the log, together at most k rows; and where they end
            before the log does, what it says instead of the next: a mistake unless the budget could not pay for that.
        """
        parts: list[tuple[Array, Prices]] = []
        done = 0
        while done < len(X) and self._lines:
            line = self._lines[0]
            logged = np.array(line.get("X", []), dtype=np.int64)[self._used :]
            k = min(len(logged), len(X) - done)
            if not (k and (logged[:k] == X[done : done + k]).all() and line["fidelity"] == fidelity):
                return parts, _difference(line, logged, X[done:], fidelity, n + done)
            rows = slice(self._used, self._used + k)
            prices = {name: np.asarray(line[name], dtype=np.float64) for name in PRICES}
            parts.append((np.array(line["F"], dtype=np.float64)[rows], cut(prices, rows)))
            done += k
            self._used += k
            if self._used == len(line["X"]):
                self._lines.popleft()
                self._used = 0
        return parts, ""

    def scores(self, X: Array, name: str, data: str, n: int) -> tuple[Array, Prices, str]:
        """Logged scores of (k, d) architectures by a proxy, (j,), their prices, and the difference as for `answers`.

        A line is one question's, whose rest the budget could not pay. It may say the checksum of the data of proxies,
        which is to be `data` then.
        """
        line = self._lines[0]
        logged = np.array(line.get("proxied", []), dtype=np.int64)
        k = len(logged)
        if self._used or not 0 < k <= len(X) or (logged != X[:k]).any() or line["name"] != name:
            was = f"{line['name']!r} of others in the log" if k else f"{next(iter(line))!r} in the log"
            return np.empty(0), {}, _differs(n, was, f"a question about {name!r} of {X[0].tolist()}")
        if (was := line.get("of", data)) != data:
            raise ValueError(_differs(n, f"{name!r} of data {was} in the log", f"{name!r} of data {data or 'none'}"))
        self._lines.popleft()
        prices = {price: np.asarray(line[price], dtype=np.float64) for price in PRICES}
        return np.array(line["S"], dtype=np.float64), prices, ""

    def note(self, kind: str, content: Any, n: int) -> None:
        """Take a line that is no answer; ValueError where it is of another kind or, but for diagnostics, differs."""
        line = self._lines[0]
        now = content.tolist() if isinstance(content, np.ndarray) else content
        if kind not in line or self._used:
            raise ValueError(_differs(n, f"{next(iter(line))!r} in the log", f"{kind!r}"))
        if kind != "record" and line[kind] != now:  # diagnostics may hold times, which differ
            raise ValueError(_differs(n, f"{kind} {line[kind]} in the log", f"{kind} {now}"))
        self._lines.popleft()

    def skip_to(self, line: int, source: object) -> Iterator[dict[str, Any]]:
        """Take the lines before number `line` of the log as they are; ValueError where the log is shorter."""
        if line > self._whole:
            raise ValueError(f"{source}: is ahead of its log; delete it to compute the run again")
        while self._whole - len(self._lines) < line:
            yield self._lines.popleft()


def _difference(line: dict[str, Any], logged: Array, X: Array, fidelity: int | None, n: int) -> str:
    if "X" not in line:
        return _differs(n, f"{next(iter(line))!r} in the log", f"a question about {X[0].tolist()}")
    k = min(len(logged), len(X))
    first = int(np.argmax((logged[:k] != X[:k]).any(axis=1)))
    was, now = logged[first].tolist(), X[first].tolist()
    return _differs(n + first, f"{was} at fidelity {line['fidelity']} in the log", f"{now} at fidelity {fidelity}")


def _differs(answer: int, was: str, now: str) -> str:
    return (
        f"resume: after answer {answer} the first difference: it was {was}, now it is {now}; the searcher, its options "
        "or the problem changed, or it is not deterministic. Delete the run's folder to start it again"
    )
