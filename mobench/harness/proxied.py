"""The door of zero-cost proxies: untrained architectures are scored, priced, charged and logged, a proxy at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mobench.core.capabilities import Proxied
from mobench.core.problem import Problem
from mobench.core.space import Array
from mobench.harness.clock import Clock, durations
from mobench.harness.identity import proxies_data_of
from mobench.harness.ledger import PRICES, Ledger, Prices, cut
from mobench.harness.log import Log
from mobench.harness.replay import Past

__all__ = ["Proxies"]

MOST = 100
"""So many times as many scores as questions are asked at most: known and free ones come to an end, too."""


class Proxies:
    """What is known of untrained architectures, and what it takes to know more.

    Attributes
    ----------
    names : tuple of str
        Proxies on offer; empty where the problem has none.
    """

    def __init__(
        self, problem: Problem, ledger: Ledger, log: Log, past: Past, clock: Clock | None, wait: Callable[[float], None]
    ) -> None:
        self.names: tuple[str, ...] = tuple(problem.proxy_names) if isinstance(problem, Proxied) else ()
        self._problem, self._ledger, self._log, self._past = problem, ledger, log, past
        self._clock, self._wait = clock, wait
        self._known: dict[str, dict[int, float]] = {name: {} for name in self.names}
        self._asked = 0
        self._data = proxies_data_of(problem)

    def check(self, names: Sequence[str] | str | None) -> tuple[str, ...]:
        """The names of proxies that are asked for, all of them for None; ValueError where one is not on offer."""
        chosen = self.names if names is None else (names,) if isinstance(names, str) else tuple(names)
        if not self.names:
            raise ValueError("proxies: this problem offers none; state `needs = (Proxied,)` in the searcher's file")
        if unknown := [name for name in chosen if name not in self._known]:
            raise ValueError(f"proxies: {unknown[0]!r} is not on offer; this problem has {', '.join(self.names)}")
        return chosen

    def scores(self, X: Array, names: tuple[str, ...]) -> Array:
        """See `Run.proxies`; names were checked."""
        keys = self._problem.space.key(X).tolist()
        for name in names:
            payable = int(max(0, min(len(X), MOST * self._ledger.limit.asked - self._asked)))
            self._asked += max(payable, 1)
            first = dict(
                zip(reversed(keys[:payable]), reversed(range(payable)), strict=True)
            )  # of equal ones the first
            new = sorted(row for key, row in first.items() if key not in self._known[name])
            if new:
                self._score(X[new], [keys[row] for row in new], name)
            if payable < len(X):
                self._ledger.stop("asked")
        return np.array([[self._known[name][key] for name in names] for key in keys]).reshape(len(X), len(names))

    def _score(self, X: Array, keys: list[int], name: str) -> None:
        done, difference = 0, ""
        if self._past:
            S, prices, difference = self._past.scores(X, name, self._data, self._ledger.answers)
            if done := len(S):
                self._begin(prices, done)
                self._charge(prices, done)
                self._known[name].update(zip(keys, S.tolist(), strict=False))
        if done < len(X):
            self._ask(X[done:], keys[done:], name, difference)

    def _ask(self, X: Array, keys: list[int], name: str, difference: str) -> None:
        """Ask the problem, log what the budget can pay; in a replay that must be nothing."""
        assert isinstance(self._problem, Proxied)
        n, ledger = len(X), self._ledger
        values = self._problem.proxies(X, names=(name,))
        S = np.asarray(values.F, dtype=np.float64)
        if S.shape != (n, 1) or not np.isfinite(S).all():
            raise ValueError(f"the problem answered {name!r} of shape {S.shape}, expected ({n}, 1) finite numbers")
        prices = {price: np.asarray(getattr(values, price), dtype=np.float64) for price in PRICES}
        payable, late, clocked = ledger.payable(n, prices), False, dict[str, Any]()
        if payable and self._clock is not None:
            clocked["at"] = self._clock.now
            clocked["ends"] = ends = self._begin(cut(prices, slice(payable)), payable)
            payable, late = len(ends), len(ends) < payable
        if payable and difference:
            raise ValueError(difference)
        if payable:
            paid = cut(prices, slice(payable))
            self._charge(paid, payable)
            self._known[name].update(zip(keys, S[:, 0].tolist(), strict=False))
            self._log.append(
                {"proxied": X[:payable], "name": name, "S": S[:payable, 0]}
                | ({"of": self._data} if self._data else {})
                | {price: amounts if amounts.ndim else float(amounts) for price, amounts in paid.items()}
                | clocked
            )
        if late:
            ledger.stop("clock")
        if payable < n:
            ledger.stop_before(payable, prices)

    def _begin(self, prices: Prices, n: int) -> Array:
        """On a simulated clock, wait until workers have scored n architectures; when each is done, (n,) or fewer."""
        if self._clock is None:
            return np.empty(0)
        ends = self._clock.begin(durations(prices, n, self._problem.training))
        self._wait(float(ends.max(initial=0.0)))
        return ends

    def _charge(self, prices: Prices, n: int) -> None:
        flops, seconds = (float(np.broadcast_to(prices[name], n).sum()) for name in PRICES)
        self._ledger.add(flops=flops, seconds=seconds)

    def skip(self, line: dict[str, Any]) -> None:
        """Take a line of the past as it is."""
        keys = self._problem.space.key(np.array(line["proxied"], dtype=np.int64)).tolist()
        self._known[line["name"]].update(zip(keys, line["S"], strict=True))
        self._charge({name: np.asarray(line[name], dtype=np.float64) for name in PRICES}, len(keys))
        self._asked += len(keys)
