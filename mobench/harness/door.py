"""A run: the doors through which a searcher learns about a problem, and the ledger that every door charges."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np

from mobench.core.budget import CURRENCIES, BudgetExhausted, Cost
from mobench.core.capabilities import Fingerprinted, MultiFidelity, Slow
from mobench.core.networks import Network, Supernet, check_network
from mobench.core.problem import Objective, Problem, minimised
from mobench.core.space import Array, Space
from mobench.harness.answers import Memory, addresses
from mobench.harness.checkpoint import DamagedCheckpointError, load_checkpoint, save_checkpoint
from mobench.harness.log import Log
from mobench.harness.replay import Past

__all__ = ["Run"]


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
        The searcher's own stream, ``[seed, 0, crc32(label)]``: luck on one problem says nothing about another.
    training : Cost
        What one average full training costs.
    limit : Cost
        The budget; within `reserve`, what is not kept of it.
    spent : Cost
        The ledger so far.
    stopped : str
        The currency that ran out, empty before that.
    recommended : Array
        (k, d) what was recommended last, empty before that.
    """

    def __init__(
        self, problem: Problem, *, limit: Cost, seed: int = 0, log: Log | None = None, label: str = ""
    ) -> None:
        self.space: Space = problem.space
        self.objectives: tuple[Objective, ...] = problem.objectives
        self.fidelities: tuple[int, ...] = problem.fidelities if isinstance(problem, MultiFidelity) else ()
        self.rng = np.random.default_rng([seed, 0, zlib.crc32(label.encode())])
        self.training = problem.training
        self.limit = limit
        self.spent = Cost()
        self.stopped = ""
        self.recommended: Array = np.empty((0, len(self.space.cardinalities)), dtype=np.int64)
        self._problem = problem
        self._portion = problem.portion if isinstance(problem, Slow) else 0
        self._seed = seed
        self._log = Log() if log is None else log
        self._past = Past(self._log.past)
        self._memories: dict[int | None, Memory] = {}
        self._n = 0  # answers so far, at any fidelity
        self._learned = 0.0  # multiply-adds charged since the last line of the log
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
        self._write_learned()
        wanted = len(X)
        X = X[: self._ask(wanted)]
        memory = self._memories.setdefault(fidelity, Memory(len(self.objectives)))
        drawn = range(self._n, self._n + len(X))  # every draw of a noisy problem is an answer of its own
        rows, new = memory.recognise(self.space.key(X).tolist() if self._problem.deterministic else drawn)
        try:
            if len(new):
                logged, difference = self._past.answers(X[new], fidelity, self._n)
                for F, prices in logged:
                    memory.add(F)
                    self._charge(len(F), prices)
                paid = sum(len(F) for F, _ in logged)
                for start in range(paid, len(new), step := self._portion or len(new)):
                    self._answer(X[new[start : start + step]], fidelity, memory, difference)
        finally:
            memory.settle()
        if len(X) < wanted:
            self._stop("asked")
        return minimised(memory.F[rows], self.objectives)

    @cached_property
    def supernet(self) -> Network:
        """The second door: a network that holds every architecture, whose passes are charged as they are computed.

        Raises
        ------
        ValueError
            The problem has none; a searcher says ``needs = (Supernet,)`` to be left out there, or names the kind of
            supernet that it works with. Or the network's genes are not those of the space.
        TypeError
            The problem's network lacks members of one.
        """
        if not isinstance(self._problem, Supernet):
            raise ValueError("supernet: this problem has none; state `needs = (Supernet,)` in the searcher's file")
        network = self._problem.supernet(charge=self._learn, seed=self._seed)
        check_network(network, self.space)
        return network

    def recommend(self, X: Any) -> None:
        """Record the set of architectures, (k, d), that the method would return now: free, and it answers nothing."""
        self._write_learned()
        self.recommended = self.space.check(X).copy()
        self._note("recommend", self.recommended)

    @contextmanager
    def reserve(self, trainings: float) -> Iterator[None]:
        """Keep the price of so many average trainings: the budget is smaller by it within the block, whole after it.

        No more is kept than half of the budget, and than it could pay for in every currency. Where the rest is spent,
        both doors raise `BudgetExhausted`, which ends the block and not the run: what was kept pays for what is asked
        behind the block. Within it `limit` and `left` are those of the rest, so what is paced by them fits it.

        Parameters
        ----------
        trainings : float
            0 keeps nothing, and the budget ends the run within the block as anywhere.

        Raises
        ------
        ValueError
            `trainings` is negative or not finite.
        BudgetExhausted
            The whole budget is spent, because nothing is kept or the pass that ended the block took that, too.
        """
        if not 0 <= trainings < math.inf:
            raise ValueError(f"reserve: trainings must be a finite number from 0, found {trainings!r}")
        whole = self.limit
        axes = [(getattr(whole, axis), getattr(self.training, axis)) for axis in CURRENCIES]
        payable = min([trainings, *(limit / price for limit, price in axes if price > 0)])
        self.limit = whole - Cost(*(min(payable * price, limit / 2) for limit, price in axes))
        try:
            yield
        except BudgetExhausted:
            if self.limit == whole or self.spent.reached(whole):
                raise
            self.stopped = ""
        finally:
            self.limit = whole

    def record(self, **diagnostics: Any) -> None:
        """Record diagnostics worth plotting (numbers, strings, arrays and lists of them): free, and answers nothing."""
        self._write_learned()
        self._note("record", diagnostics)

    def checkpoint(self, **state: Any) -> None:
        """Keep `state` (arrays, numbers, strings) so that a killed run goes on from here: free.

        The searcher's stream, the ledger and the place in the batches of the supernet are kept along. Without a
        checkpoint a resumed run computes everything since its beginning again, to the same end.
        """
        self._write_learned()
        if self._log.path is not None and not self._past:
            self._log.sync()  # a checkpoint is never ahead of its log on the disk, nor of another process's log
            drawn = dict(self.supernet.drawn) if "supernet" in self.__dict__ else {}
            header = {"lines": self._log.count, "rng": self.rng.bit_generator.state, "drawn": drawn}
            save_checkpoint(self._log.path.with_name("checkpoint.npz"), header, state)

    def restore(self) -> dict[str, Any] | None:
        """The last checkpoint's state, or None where there is none: ask first thing, and go on from it.

        Raises
        ------
        DamagedCheckpointError
            The checkpoint cannot be read.
        ValueError
            It is ahead of the log, or asked for after the first question.
        """
        if self._log.path is None or not (path := self._log.path.with_name("checkpoint.npz")).exists():
            return None
        if self.spent != Cost():
            raise ValueError("restore: ask for the checkpoint before the first question")
        try:
            header, state = load_checkpoint(path)
        except ValueError as error:  # whatever damaged it, it was not the searcher
            raise DamagedCheckpointError(str(error)) from None
        for line in self._past.skip_to(header["lines"], path):
            self._skip(line)
        self.rng.bit_generator.state = header["rng"]
        if header["drawn"]:
            self.supernet.drawn.update(header["drawn"])
        return state

    def finish(self) -> None:
        """Write what was learned since the last line; the harness calls it when the searcher has ended."""
        self._write_learned()

    def _learn(self, flops: float, may_stop: bool) -> None:
        """Charge a pass of the supernet; where it may stop and nothing is left, end the run before it is computed."""
        if may_stop and (self.stopped or self.spent.reached(self.limit)):
            over = (axis for axis in CURRENCIES if getattr(self.spent, axis) >= getattr(self.limit, axis))
            self._stop(next(over, "flops"))
        self.spent += Cost(flops=flops)
        self._learned += flops

    def _write_learned(self) -> None:
        if self._learned:
            learned, self._learned = self._learned, 0.0
            self._note("learned", learned)

    def _skip(self, line: dict[str, Any]) -> None:
        """Take a line of the past as it is: its answers into the memory, its price into the ledger."""
        if "recommend" in line:
            self.recommended = np.array(line["recommend"], dtype=np.int64)
        if "learned" in line:
            self.spent += Cost(flops=line["learned"])
        if "X" in line:
            memory = self._memories.setdefault(line["fidelity"], Memory(len(self.objectives)))
            keys = self.space.key(np.array(line["X"], dtype=np.int64)).tolist()
            memory.recognise(keys if self._problem.deterministic else range(self._n, self._n + len(keys)))
            memory.add(np.array(line["F"], dtype=np.float64))
            self._charge(len(keys), {n: np.asarray(line[n], dtype=np.float64) for n in ("flops", "seconds")})
            self.spent += Cost(asked=line["asked"] - self.spent.asked)

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

    def _answer(self, X: Array, fidelity: int | None, memory: Memory, difference: str) -> None:
        """Ask the problem, settle the price, log what the budget can pay; in a replay that must be nothing."""
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
        if payable and difference:
            raise ValueError(difference)
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

    def _note(self, kind: str, content: Any) -> None:
        """Write a line that is no answer, or compare it with the logged one."""
        if self._past:
            self._past.note(kind, content, self._n)
        else:
            self._log.append({kind: content})
