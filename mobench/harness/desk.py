"""Behind the door: questions are recognised, answered, priced, charged and logged, for one caller at a time."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from mobench.core.budget import Cost
from mobench.core.capabilities import Costed, Fingerprinted, Slow, fidelities_of
from mobench.core.networks import Network, Supernet, check_network
from mobench.core.problem import Objective, Problem, minimised
from mobench.core.space import Array
from mobench.harness.answers import Memory, addresses, problem_seed
from mobench.harness.checkpoint import DamagedCheckpointError, load_checkpoint, save_checkpoint
from mobench.harness.clock import Clock, durations, off_the_clock
from mobench.harness.guard import Guard
from mobench.harness.handed import handed
from mobench.harness.identity import data_of
from mobench.harness.ledger import PRICES, Ledger, Prices, cut
from mobench.harness.log import Log, StorageError
from mobench.harness.proxied import Proxies
from mobench.harness.replay import Past
from mobench.harness.running import Ended, Running
from mobench.harness.trained import goes_on, left_to_pay

__all__ = ["Desk"]


class Desk:
    """All that a run knows and its searcher does not: problem, ledger, memories, log and its past.

    Its guard lets one call in at a time, also where a supernet charges for a pass.
    """

    def __init__(
        self, problem: Problem, *, limit: Cost, seed: int, log: Log, label: str, guard: Guard, workers: int = 0
    ) -> None:
        self.space, self.training = problem.space, problem.training
        self.objectives: tuple[Objective, ...] = tuple(problem.objectives)
        self.fidelities = fidelities_of(problem)
        self.rng = np.random.default_rng([seed, 0, zlib.crc32(label.encode())])
        self.ledger = Ledger(limit)
        self.recommended = _read_only(np.empty((0, len(self.space.cardinalities)), dtype=np.int64))
        self.past = Past(log.past)
        self._problem = problem
        self._portion = problem.portion if isinstance(problem, Slow) else 0
        self._seed = problem_seed(seed, label)
        self._log = log
        self._guard = guard
        self._network: Network | None = None
        self._memories: dict[int | None, Memory] = {}
        self._goes_on = goes_on(problem)
        self._learned = 0.0  # multiply-adds charged since the last line of the log
        self._clock = Clock(workers, limit.clock or math.inf) if workers else None
        self.workers = max(workers, 1)
        self._running = Running()
        self.proxies = Proxies(problem, self.ledger, log, self.past, self._clock, self._wait_until)
        if isinstance(problem, Fingerprinted):
            self._note("data", data_of(problem))
        if workers:
            if why := off_the_clock((), problem.training):
                raise ValueError(f"simulated workers: this problem {why}")
            self._note("workers", workers)

    def evaluate(self, X: Array, fidelity: int | None) -> Array:
        """See `Run.evaluate`; `X` is made of architectures of the space, and nobody else's."""
        memory, rows = self._asked(X, self._check_fidelity(fidelity))
        if self._clock is not None and len(rows):
            self._wait_until(max(memory.ends[row] for row in rows.tolist()))
        return minimised(memory.F.take(rows, axis=0), self.objectives)  # 8 times as fast as F[rows]

    def untrained(self, X: Array, names: Sequence[str] | str | None) -> Array:
        """See `Run.proxies`."""
        chosen = self.proxies.check(names)
        self.write_learned()
        return self.proxies.scores(X, chosen)

    def submit(self, X: Array, fidelity: int | None) -> None:
        """See `Run.submit`."""
        fidelity = self._check_fidelity(fidelity)
        memory, rows = self._asked(X, fidelity)
        for x, row in zip(X, rows.tolist(), strict=True):
            self._running.add(0.0 if self._clock is None else memory.ends[row], fidelity, row, x)

    def wait(self) -> Ended:
        """See `Run.wait`."""
        end, fidelity, row, x = self._running.first()
        if self._clock is not None:
            self._wait_until(end)
        F = minimised(self._memory(fidelity).F[row], self.objectives)
        return Ended(x, F, self.fidelities[-1] if fidelity is None and self.fidelities else fidelity)

    @property
    def running(self) -> int:
        """See `Run.running`."""
        return len(self._running)

    def _wait_until(self, moment: float) -> None:
        assert self._clock is not None
        self._clock.until(moment)
        self.ledger.wait(self._clock.now)

    def _asked(self, X: Array, fidelity: int | None) -> tuple[Memory, Array]:
        """Have architectures answered at a fidelity that was checked: the memory that holds them, and their rows."""
        self.write_learned()
        wanted, n = len(X), self.ledger.answers
        X = X[: self.ledger.ask(wanted)]
        memory = self._memory(fidelity)
        rows, new = memory.recognise(self._keys(X))
        try:
            if len(new):
                fresh = X if len(new) == len(X) else X.take(new, axis=0)
                logged, difference = self.past.answers(fresh, fidelity, n) if self.past else ([], "")
                paid = 0
                for F, prices in logged:
                    self._begin(fresh[paid : paid + len(F)], prices, memory)
                    memory.add(F)
                    self.ledger.charge(len(F), prices)
                    paid += len(F)
                for start in range(paid, len(new), step := self._portion or len(new)):
                    self._answer(fresh[start : start + step], fidelity, memory, difference)
        finally:
            memory.settle()
        if len(X) < wanted:
            self.ledger.stop("asked")
        return memory, rows

    def _keys(self, X: Array) -> Array:
        """What tells the answers to (k, d) architectures apart: of a noisy problem every draw is one of its own."""
        if self._problem.deterministic:
            return self.space.key(X)
        return np.arange(self.ledger.answers, self.ledger.answers + len(X))

    def _begin(self, X: Array, prices: Prices, memory: Memory) -> Array:
        """On a simulated clock, begin (k, d) trainings at what is left of their prices; return their ends, (k,) or
        fewer where the clock's limit comes before.
        """
        if self._clock is None:
            return np.empty(0)
        ready = None
        others = [other for other in self._memories.values() if other is not memory] if self._goes_on else []
        if others:  # a training goes on when what it goes on from has ended
            keys = self.space.key(X).tolist()
            begun = [[other.ends[other.row(key)] for other in others if key in other] for key in keys]
            ready = [max(ends, default=0.0) for ends in begun]
        ends = self._clock.begin(durations(prices, len(X), self.training), ready)
        memory.ends += ends.tolist()
        return ends

    def known_costs(self, X: Array) -> Array:
        """See `Run.known_costs`."""
        shape = (len(X), len(self.objectives))
        if not isinstance(self._problem, Costed):
            return np.full(shape, np.nan)
        F = np.array(self._problem.known_costs(X), dtype=np.float64)
        if F.shape != shape:
            raise ValueError(f"the problem knows costs of shape {F.shape}, expected {shape}")
        return minimised(F, self.objectives)

    def _answer(self, X: Array, fidelity: int | None, memory: Memory, difference: str) -> None:
        """Ask the problem, settle the price, log what the budget can pay; in a replay that must be nothing."""
        ledger, asked = self.ledger, len(X)
        n = int(min(asked, ledger.limit.evaluations - ledger.answers))
        if n <= 0:  # less than nothing is left where a reserve was made late
            ledger.stop("evaluations")
        X = X[:n]
        values = self._problem.evaluate(X, fidelity=fidelity, seeds=addresses(self._seed, ledger.answers, n))
        F = np.ascontiguousarray(values.F, dtype=np.float64)
        if F.shape != (n, len(self.objectives)):
            raise ValueError(f"the problem answered shape {F.shape}, expected ({n}, {len(self.objectives)})")
        if not np.isfinite(F).all():
            row, column = (int(i) for i in np.argwhere(~np.isfinite(F))[0])
            name = self.objectives[column].name
            raise ValueError(f"the problem answered {F[row, column]} for {name!r} of architecture {X[row].tolist()}")
        prices = {name: np.asarray(getattr(values, name), dtype=np.float64) for name in PRICES}
        if self._goes_on:
            others = {other: it for other, it in self._memories.items() if it is not memory}
            prices = left_to_pay(self._problem, X, prices, others)
        payable, late = ledger.payable(n, prices), False
        clocked: dict[str, Any] = {}
        if payable and self._clock is not None:
            ends = self._begin(X[:payable], cut(prices, slice(payable)), memory)
            clocked = {"at": self._clock.now, "ends": ends}
            payable, late = len(ends), len(ends) < payable
        if payable and difference:
            raise ValueError(difference)
        if payable:
            paid = cut(prices, slice(payable))
            memory.add(F[:payable])
            ledger.charge(payable, paid)
            self._log.append(
                {"X": X[:payable], "F": F[:payable], "fidelity": fidelity, "asked": ledger.asked}
                | {name: price if price.ndim else float(price) for name, price in paid.items()}
                | clocked
            )
        if late:
            ledger.stop("clock")
        if payable < asked:
            ledger.stop_before(payable, prices)

    def _check_fidelity(self, fidelity: int | None) -> int | None:
        if fidelity is None or (self.fidelities and fidelity == self.fidelities[-1]):
            return None
        if fidelity not in self.fidelities:
            offer = ", ".join(map(str, self.fidelities)) or "only the full fidelity (leave it out)"
            raise ValueError(f"fidelity: {fidelity!r} is not on offer; this problem has {offer}")
        return int(fidelity)

    def _memory(self, fidelity: int | None) -> Memory:
        if fidelity not in self._memories:
            numbered = self._problem.deterministic and self.space.classes is None
            self._memories[fidelity] = Memory(len(self.objectives), self.space.size if numbered else 0)
        return self._memories[fidelity]

    def supernet(self) -> Network:
        """See `Run.supernet`; opened when it is first asked for."""
        if self._network is None:
            if self._clock is not None:
                raise ValueError("supernet: its passes have no place on a simulated clock; run without workers")
            if not isinstance(self._problem, Supernet):
                raise ValueError("supernet: this problem has none; state `needs = (Supernet,)` in the searcher's file")
            network = self._problem.supernet(charge=self._charge, seed=self._seed)
            check_network(network, self.space)
            self._network = handed(network)
        return self._network

    def _charge(self, flops: float) -> None:
        """What a supernet calls before each pass, from whatever thread."""
        self._guard(self._learn, flops)

    def _learn(self, flops: float) -> None:
        """Charge a pass of the supernet."""
        self.ledger.learn(flops)
        self._learned += flops

    def recommend(self, X: Array) -> None:
        """See `Run.recommend`."""
        self.write_learned()
        self.recommended = _read_only(X)
        self._note("recommend", self.recommended)

    def record(self, diagnostics: dict[str, Any]) -> None:
        """See `Run.record`."""
        self.write_learned()
        self._note("record", diagnostics)

    def checkpoint(self, state: dict[str, Any]) -> None:
        """See `Run.checkpoint`."""
        self.write_learned()
        if self._log.path is not None and not self.past:
            self._log.sync()  # a checkpoint is never ahead of its log on the disk, nor of another process's log
            drawn = {} if self._network is None else dict(self._network.drawn)
            header = {"lines": self._log.count, "rng": self.rng.bit_generator.state, "drawn": drawn}
            header |= {"clock": self._clock.state} if self._clock is not None else {}
            header |= {"running": self._running.state} if len(self._running) else {}
            try:
                save_checkpoint(self._log.path.with_name("checkpoint.npz"), header, state)
            except StorageError:
                self._log.broken = True
                raise

    def restore(self) -> dict[str, Any] | None:
        """See `Run.restore`."""
        if self._log.path is None or not (path := self._log.path.with_name("checkpoint.npz")).exists():
            return None
        if self.ledger.spent != Cost():
            raise ValueError("restore: ask for the checkpoint before the first question")
        try:
            header, state = load_checkpoint(path)
        except ValueError as error:  # whatever damaged it, it was not the searcher
            self._log.broken = True
            raise DamagedCheckpointError(str(error)) from None
        for line in self.past.skip_to(header["lines"], path):
            self._skip(line)
        self.rng.bit_generator.state = header["rng"]
        if self._clock is not None:
            self._clock.restore(header["clock"])
            self.ledger.wait(self._clock.now)
        if "running" in header:
            self._running.restore(header["running"])
        if header["drawn"]:
            self.supernet().drawn.update(header["drawn"])
        return state

    def _skip(self, line: dict[str, Any]) -> None:
        """Take a line of the past as it is: its answers into the memory, its price into the ledger."""
        ledger = self.ledger
        if "recommend" in line:
            self.recommended = _read_only(np.array(line["recommend"], dtype=np.int64))
        if "learned" in line:
            ledger.add(flops=line["learned"])
        if "proxied" in line:
            self.proxies.skip(line)
        if "X" in line:
            memory = self._memory(line["fidelity"])
            keys = self._keys(np.array(line["X"], dtype=np.int64))
            memory.recognise(keys)
            memory.add(np.array(line["F"], dtype=np.float64))
            memory.ends += line.get("ends", [])
            ledger.charge(len(keys), {n: np.asarray(line[n], dtype=np.float64) for n in PRICES})
            ledger.add(asked=line["asked"] - ledger.asked)

    def write_learned(self) -> None:
        """Write what was learned since the last line."""
        if self._learned:
            learned, self._learned = self._learned, 0.0
            self._note("learned", learned)

    def _note(self, kind: str, content: Any) -> None:
        """Write a line that is no answer, or compare it with the logged one."""
        if self.past:
            self.past.note(kind, content, self.ledger.answers)
        else:
            at = {} if self._clock is None or kind in ("data", "workers") else {"at": self._clock.now}
            self._log.append({kind: content} | at)

    def finish(self) -> None:
        """Write what was learned since the last line, and let the trainings end that are running."""
        self.write_learned()
        if self._clock is not None:
            self._wait_until(self._clock.last)


def _read_only(X: Array) -> Array:
    X.flags.writeable = False
    return X
