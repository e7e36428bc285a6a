"""A run: the doors through which a searcher learns about a problem, and the ledger that every door charges."""

from __future__ import annotations

import functools
import itertools
from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from mobench.budget import BudgetExhausted, Cost
from mobench.problem import Array, Fingerprinted, MultiFidelity, Objective, Problem, Space, minimised
from mobench.store import Log

__all__ = ["Run", "addresses"]


def addresses(seed: int, start: int, n: int) -> npt.NDArray[np.uint64]:
    """Randomness of answers `start` .. `start + n - 1`: one 64-bit seed each, a function of (seed, i) alone.

    The i-th output of SplitMix64 (Steele, Lea and Flood 2014) started at a state drawn from ``[seed, 1]``, so the
    noise of an answer depends neither on batching nor on workers nor on a resume.

    Returns
    -------
    Array
        (n,) uint64.
    """
    z = _origin(seed) + np.arange(start + 1, start + n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    seeds: npt.NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return seeds


@functools.cache
def _origin(seed: int) -> npt.NDArray[np.uint64]:
    origin: npt.NDArray[np.uint64] = np.random.SeedSequence([seed, 1]).generate_state(1, np.uint64).astype(np.uint64)
    return origin


class Run:
    """A problem as a searcher sees it.

    Everything a searcher learns comes through `evaluate`; every answer is priced, charged and logged before it is
    handed over. Opened on a log with a past, the run replays it: the same questions get the logged answers, and a
    question that differs from the logged one is an error.

    Attributes
    ----------
    space : Space
        The architectures.
    objectives : tuple of Objective
        The columns of the values that `evaluate` returns.
    fidelities : tuple of int
        Epochs on offer, ascending; empty where the problem has one fidelity only.
    rng : numpy.random.Generator
        The searcher's own stream, ``[seed, 0]``.
    limit : Cost
        The budget.
    spent : Cost
        The ledger so far.
    stopped : str
        The currency that ran out, empty before that.
    """

    def __init__(self, problem: Problem, *, limit: Cost, seed: int = 0, log: Log | None = None) -> None:
        self.space: Space = problem.space
        self.objectives: tuple[Objective, ...] = problem.objectives
        self.fidelities: tuple[int, ...] = problem.fidelities if isinstance(problem, MultiFidelity) else ()
        self.rng = np.random.default_rng([seed, 0])
        self.limit = limit
        self.spent = Cost()
        self.stopped = ""
        self._problem = problem
        self._seed = seed
        self._log = Log() if log is None else log
        self._past = deque(self._log.past)
        self._used = 0  # rows of the first line of the past that were already replayed
        self._memories: dict[int | None, _Memory] = {}
        self._n = 0  # answers so far, at any fidelity
        if isinstance(problem, Fingerprinted):
            self._note("data", problem.fingerprint)

    @property
    def left(self) -> Cost:
        """What the budget still holds."""
        return self.limit - self.spent

    @property
    def replaying(self) -> bool:
        """Whether answers still come from the log of an earlier attempt."""
        return bool(self._past)

    def evaluate(self, X: Any, *, fidelity: int | None = None) -> Array:
        """Answer architectures.

        Parameters
        ----------
        X : array_like of int
            (n, d) architectures, or one of shape (d,).
        fidelity : int, optional
            One of `fidelities`; the full one when left out.

        Returns
        -------
        Array
            (n, m) objective values, all to be minimised: columns of objectives to maximise come negated. Where the
            problem is deterministic, an architecture that was answered before at this fidelity costs nothing.

        Raises
        ------
        BudgetExhausted
            The budget cannot pay for all of the answers. Those it can pay for are logged and count for the result.
        TypeError, ValueError
            `X` is not made of architectures of this space, or the fidelity is not on offer.
        """
        X = self.space.check(X)
        fidelity = self._check_fidelity(fidelity)
        wanted = len(X)
        X = X[: self._ask(wanted)]
        memory = self._memories.setdefault(fidelity, _Memory(len(self.objectives)))
        drawn = range(self._n, self._n + len(X))  # every draw of a noisy problem is an answer of its own
        rows, new = memory.recognise(self.space.key(X).tolist() if self._problem.deterministic else drawn)
        try:
            if len(new):
                paid = self._replay(X[new], fidelity, memory)
                if paid < len(new):
                    self._answer(X[new[paid:]], fidelity, memory)
        finally:
            memory.settle()
        if len(X) < wanted:
            self._stop("asked")
        return minimised(memory.F[rows], self.objectives)

    def recommend(self, X: Any) -> None:
        """Record the set of architectures, (k, d), that the method would return now: free, and it answers nothing."""
        self._note("recommend", self.space.check(X))

    def record(self, **diagnostics: Any) -> None:
        """Record diagnostics worth plotting (numbers, strings, arrays and lists of them): free, and answers nothing."""
        self._note("record", diagnostics)

    def _check_fidelity(self, fidelity: int | None) -> int | None:
        if fidelity is None or (self.fidelities and fidelity == self.fidelities[-1]):
            return None
        if fidelity not in self.fidelities:
            offer = ", ".join(map(str, self.fidelities)) or "only the full fidelity (leave it out)"
            raise ValueError(f"fidelity: {fidelity!r} is not on offer; this problem has {offer}")
        return int(fidelity)

    def _ask(self, n: int) -> int:
        """Charge `n` questions (at least one, so that empty ones come to an end, too); return how many may be asked."""
        payable = min(max(n, 1), self.limit.asked - self.spent.asked)
        if self.stopped or payable < 1:
            self._stop("asked")
        self.spent += Cost(asked=payable)
        return min(n, int(payable))

    def _stop(self, currency: str) -> None:
        self.stopped = self.stopped or currency
        raise BudgetExhausted(f"budget spent: {self.stopped}")

    def _answer(self, X: Array, fidelity: int | None, memory: _Memory) -> None:
        """Ask the problem, settle the price, log what the budget can pay."""
        asked, n = len(X), int(min(len(X), self.limit.evaluations - self.spent.evaluations))
        if n == 0:
            self._stop("evaluations")
        X = X[:n]
        values = self._problem.evaluate(X, fidelity=fidelity, seeds=addresses(self._seed, self._n, n))
        F = np.ascontiguousarray(values.F, dtype=np.float64)
        if F.shape != (n, len(self.objectives)):
            raise ValueError(f"the problem answered shape {F.shape}, expected ({n}, {len(self.objectives)})")
        if not np.isfinite(F).all():
            row, column = (int(i) for i in np.argwhere(~np.isfinite(F))[0])
            name = self.objectives[column].name
            raise ValueError(f"the problem answered {F[row, column]} for {name!r} of architecture {X[row].tolist()}")
        prices = {name: np.asarray(getattr(values, name), dtype=np.float64) for name in ("flops", "seconds")}
        payable = self._payable(n, prices)
        if payable:
            cut = {name: price[:payable] if price.ndim else price for name, price in prices.items()}
            memory.add(F[:payable])
            self._charge(payable, cut)
            self._log.append(
                {"X": X[:payable], "F": F[:payable], "fidelity": fidelity, "asked": int(self.spent.asked)}
                | {name: price if price.ndim else float(price) for name, price in cut.items()}
            )
        if payable < asked:
            self._stop(self._short_of(prices, payable))

    def _payable(self, n: int, prices: dict[str, Array]) -> int:
        """How many of `n` answers the budget can pay, in order."""
        payable = n
        for name, price in prices.items():
            left = getattr(self.limit, name) - getattr(self.spent, name)
            if left < np.inf:
                total = np.cumsum(np.broadcast_to(price, n))
                payable = min(payable, int(np.searchsorted(total, left * (1 + 1e-12), side="right")))
        return payable

    def _short_of(self, prices: dict[str, Array], payable: int) -> str:
        if self.spent.evaluations >= self.limit.evaluations:
            return "evaluations"
        following = {name: float(price[payable] if price.ndim else price) for name, price in prices.items()}
        over = (n for n in following if getattr(self.spent, n) + following[n] > getattr(self.limit, n))
        return next(over, "evaluations")

    def _charge(self, k: int, prices: dict[str, Array]) -> None:
        """Move the totals by the prices, (k,) or one for all, of k answers."""
        self._n += k
        flops, seconds = (float(p.sum() if (p := prices[name]).ndim else k * p) for name in ("flops", "seconds"))
        self.spent += Cost(evaluations=k, flops=flops, seconds=seconds)

    def _replay(self, X: Array, fidelity: int | None, memory: _Memory) -> int:
        """Take answers for the rows of `X` from the log of an earlier attempt; return how many it held."""
        done = 0
        while done < len(X) and self._past:
            line = self._past[0]
            logged = np.array(line.get("X", []), dtype=np.int64)[self._used :]
            k = min(len(logged), len(X) - done)
            same = k > 0 and (logged[:k] == X[done : done + k]).all() and line["fidelity"] == fidelity
            if not same:
                raise ValueError(self._difference(line, logged, X[done:], fidelity))
            rows = slice(self._used, self._used + k)
            prices = {n: np.asarray(line[n], dtype=np.float64) for n in ("flops", "seconds")}
            memory.add(np.array(line["F"], dtype=np.float64)[rows])
            self._charge(k, {n: p[rows] if p.ndim else p for n, p in prices.items()})
            done += k
            self._used += k
            if self._used == len(line["X"]):
                self._past.popleft()
                self._used = 0
        return done

    def _difference(self, line: dict[str, Any], logged: Array, X: Array, fidelity: int | None) -> str:
        if "X" not in line:
            return _differs(self._n, f"a note ({next(iter(line))})", f"a question about {X[0].tolist()}")
        k = min(len(logged), len(X))
        first = int(np.argmax((logged[:k] != X[:k]).any(axis=1)))
        was, now = logged[first].tolist(), X[first].tolist()
        return _differs(
            self._n + first, f"{was} at fidelity {line['fidelity']} in the log", f"{now} at fidelity {fidelity}"
        )

    def _note(self, kind: str, content: Any) -> None:
        if not self._past:
            self._log.append({kind: content})
            return
        past = self._past[0]
        if kind not in past or self._used:
            raise ValueError(_differs(self._n, f"{next(iter(past))!r} in the log", f"{kind!r}"))
        now = content.tolist() if isinstance(content, np.ndarray) else content
        if kind != "record" and past[kind] != now:  # diagnostics may hold times, which differ
            raise ValueError(_differs(self._n, f"{kind} {past[kind]} in the log", f"{kind} {now}"))
        self._past.popleft()


class _Memory:
    """The answers given at one fidelity: (n, m) values in order, and the row of each architecture's key."""

    def __init__(self, m: int) -> None:
        self.rows: dict[int, int] = {}
        self.F = np.empty((256, m))
        self.n = 0

    def recognise(self, keys: Iterable[int]) -> tuple[Array, Array]:
        """Rows of the answers to `keys`, (k,), and which of the keys are new: their answers must be added next."""
        known = self.rows
        rows = np.array([known.setdefault(key, len(known)) for key in keys], dtype=np.int64)
        if len(known) == self.n:
            return rows, rows[:0]
        highest = np.maximum.accumulate(np.concatenate([[self.n - 1], rows]))
        return rows, np.flatnonzero(rows > highest[:-1])  # new rows count upwards: each is new where it comes first

    def add(self, F: Array) -> None:
        """Append (k, m) answers to new keys."""
        while self.n + len(F) > len(self.F):
            self.F = np.concatenate([self.F, np.empty_like(self.F)])
        self.F[self.n : self.n + len(F)] = F
        self.n += len(F)

    def settle(self) -> None:
        """Forget the keys whose answers never came (the budget ended, or the problem refused)."""
        if len(self.rows) > self.n:
            self.rows = dict(itertools.islice(self.rows.items(), self.n))


def _differs(answer: int, was: str, now: str) -> str:
    return (
        f"resume: after answer {answer} the first difference: it was {was}, now it is {now}; the searcher, its options "
        "or the problem changed, or it is not deterministic. Delete the run's folder to start it again"
    )
