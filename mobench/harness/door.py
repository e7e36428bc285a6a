"""A run as its searcher holds it: doors that one caller at a time goes through, and a ledger to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import numpy as np

from mobench.core.budget import BudgetExhausted, Cost
from mobench.core.networks import Network
from mobench.core.problem import Objective, Problem
from mobench.core.space import Array, Space
from mobench.harness.desk import Desk
from mobench.harness.guard import Guard
from mobench.harness.log import Log
from mobench.harness.running import Ended

__all__ = ["Run"]


class Run:
    """A problem as a searcher sees it.

    Everything a searcher learns comes through `evaluate`, or `submit` and `wait`, and `supernet`; every answer is
    priced, charged and logged before it is handed over. Opened on a log with a past, the run replays it: the same
    questions get the logged answers, and a question that differs from the logged one is an error.

    Threads may share a run: they are served one after the other. It belongs to the process that opened it, is closed
    when its search ends, and is read, never written: through a door, a forked child or a thread behind the end gets a
    RuntimeError; an attribute that is set is an AttributeError; a copy, or a pickle, is a TypeError.
    """

    __slots__ = ("__desk", "__guard")
    __desk: Desk
    __guard: Guard

    def __init__(
        self,
        problem: Problem,
        *,
        limit: Cost,
        seed: int = 0,
        log: Log | None = None,
        label: str = "",
        workers: int = 0,
    ) -> None:
        guard, log = Guard(), Log() if log is None else log
        object.__setattr__(self, "_Run__guard", guard)
        desk = Desk(problem, limit=limit, seed=seed, log=log, label=label, guard=guard, workers=workers)
        object.__setattr__(self, "_Run__desk", desk)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"run.{name}: cannot be set; a run is for reading, and its ledger is the harness's")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"run.{name}: cannot be deleted; a run is for reading")

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError("run: cannot be copied or pickled, it has one ledger; ask in the process that opened it")

    @property
    def space(self) -> Space:
        """The architectures."""
        return self.__desk.space

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """The columns of the values that `evaluate` returns."""
        return self.__desk.objectives

    @property
    def fidelities(self) -> tuple[int, ...]:
        """Epochs on offer, ascending; empty where the problem has one fidelity only."""
        return self.__desk.fidelities

    @property
    def rng(self) -> np.random.Generator:
        """The searcher's own stream, ``[seed, 0, crc32(label)]``: luck on one problem says nothing about another."""
        return self.__desk.rng

    @property
    def training(self) -> Cost:
        """What one average full training costs."""
        return self.__desk.training

    @property
    def limit(self) -> Cost:
        """The budget; within `reserve`, what is not kept of it."""
        return self.__desk.ledger.limit

    @property
    def spent(self) -> Cost:
        """The ledger so far."""
        return self.__desk.ledger.spent

    @property
    def left(self) -> Cost:
        """What the budget still holds."""
        return self.limit - self.spent

    @property
    def stopped(self) -> str:
        """The currency that ran out, empty before that."""
        return self.__desk.ledger.stopped

    @property
    def recommended(self) -> Array:
        """What was recommended last, (k, d), read-only; empty before that."""
        return self.__desk.recommended

    @property
    def replaying(self) -> bool:
        """Whether answers still come from the log of an earlier attempt."""
        return bool(self.__desk.past)

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
            problem is deterministic, an architecture that was answered before at this fidelity costs nothing. On a
            simulated clock it is returned when the last of these trainings has ended.

        Raises
        ------
        BudgetExhausted
            The budget cannot pay for all of the answers. Those it can pay for are logged and count for the result.
        TypeError, ValueError
            `X` is not made of architectures of this space, or the fidelity is not on offer.
        RuntimeError
            The run has ended, or belongs to another process.
        """
        X = _own(self.space, X)
        return self.__guard(self.__desk.evaluate, X, fidelity)

    def known_costs(self, X: Any) -> Array:
        """What is known of architectures before any training: objectives that are formulas; free, and not asked.

        Parameters
        ----------
        X : array_like of int
            (n, d) architectures, or one of shape (d,).

        Returns
        -------
        Array
            (n, m) values as `evaluate` would answer them at any fidelity, to be minimised; NaN, in whole columns, where
            an objective takes a training or a measurement.

        Raises
        ------
        TypeError, ValueError, RuntimeError
            As for `evaluate`.
        """
        X = _own(self.space, X)
        return self.__guard(self.__desk.known_costs, X)

    @property
    def workers(self) -> int:
        """How many trainings run at a time: those of a simulated clock, or one."""
        return self.__desk.workers

    @property
    def running(self) -> int:
        """How many trainings were submitted and not yet waited for."""
        return self.__desk.running

    def submit(self, X: Any, *, fidelity: int | None = None) -> None:
        """Begin trainings, and do not wait for them: each goes to the worker that is free first, in the order of rows.

        They are priced, charged and logged now, and answered by `wait` when they end on the simulated clock. Without
        one there is a single worker, who answers in the order of questions.

        Parameters
        ----------
        X, fidelity
            As for `evaluate`.

        Raises
        ------
        BudgetExhausted, TypeError, ValueError, RuntimeError
            As `evaluate` does. A clock's budget ends a run at the first training that would end behind it.
        """
        X = _own(self.space, X)
        self.__guard(self.__desk.submit, X, fidelity)

    def wait(self) -> Ended:
        """Wait for the training that ends next, of those that ended at one moment the first that was submitted.

        Returns
        -------
        Ended
            ``x`` (d,), its values ``F`` (m,) to be minimised, and its ``fidelity``.

        Raises
        ------
        ValueError
            Nothing is running.
        RuntimeError
            As for `evaluate`.
        """
        return self.__guard(self.__desk.wait)

    @property
    def proxy_names(self) -> tuple[str, ...]:
        """Zero-cost proxies on offer; empty where the problem has none."""
        return self.__desk.proxies.names

    def proxies(self, X: Any, names: Sequence[str] | str | None = None) -> Array:
        """Score untrained architectures, at the price of the passes that it takes; no evaluation is charged.

        Parameters
        ----------
        X : array_like of int
            (n, d) architectures, or one of shape (d,).
        names : str or sequence of str, optional
            Some of `proxy_names`; all when left out. Each has its price, and a known score costs nothing.

        Returns
        -------
        Array
            (n, k) scores: more is better. No number of them is an answer, and none is delivered.

        Raises
        ------
        BudgetExhausted
            The budget cannot pay for all of them.
        TypeError, ValueError
            `X` is not made of architectures of this space, or a proxy is not on offer.
        RuntimeError
            As for `evaluate`.
        """
        X = _own(self.space, X)
        return self.__guard(self.__desk.untrained, X, names)

    @property
    def supernet(self) -> Network:
        """The second door: a network that holds every architecture, whose passes are charged as they are computed.

        Raises
        ------
        ValueError
            The problem has none; a searcher says ``needs = (Supernet,)`` to be left out there, or names the kind of
            supernet that it works with. Or the network's genes are not those of the space.
        TypeError
            The problem's network lacks members of one.
        RuntimeError
            As for `evaluate`; passes of the network raise it, too.
        """
        return self.__guard(self.__desk.supernet)

    def recommend(self, X: Any) -> None:
        """Record the set of architectures, (k, d), that the method would return now: free, and it answers nothing."""
        X = _own(self.space, X)
        self.__guard(self.__desk.recommend, X)

    @contextmanager
    def reserve(self, trainings: float) -> Iterator[None]:
        """Keep the price of so many average trainings: the budget is smaller by it within the block, whole after it.

        No more is kept than half of the budget, and than it could pay for in every currency. Where the rest is spent,
        both doors raise `BudgetExhausted`, which ends the block and not the run: what was kept pays for what is asked
        behind the block. Within it `limit` and `left` are those of the rest, so what is paced by them fits it. Threads
        share the budget: in the block of one, the others have the rest, too.

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
        kept = self.__guard(self.__desk.ledger.keep, trainings, self.training)
        goes_on = False
        try:
            try:
                yield  # no lock is held: within the block, too, threads take turns
            finally:
                with suppress(RuntimeError):  # of a run that has ended, there is nothing to give back
                    goes_on = self.__guard(self.__desk.ledger.release, kept)
        except BudgetExhausted:
            if not goes_on:
                raise

    def record(self, **diagnostics: Any) -> None:
        """Record diagnostics worth plotting (numbers, strings, arrays and lists of them): free, and answers nothing."""
        self.__guard(self.__desk.record, diagnostics)

    def checkpoint(self, **state: Any) -> None:
        """Keep `state` (arrays, numbers, strings) so that a killed run goes on from here: free.

        The searcher's stream, the ledger and the place in the batches of the supernet are kept along. Without a
        checkpoint a resumed run computes everything since its beginning again, to the same end.
        """
        self.__guard(self.__desk.checkpoint, state)

    def restore(self) -> dict[str, Any] | None:
        """The last checkpoint's state, or None where there is none: ask first thing, and go on from it.

        Raises
        ------
        DamagedCheckpointError
            The checkpoint cannot be read.
        ValueError
            It is ahead of the log, or asked for after the first question.
        """
        return self.__guard(self.__desk.restore)

    def finish(self) -> None:
        """Write what was learned since the last line, and close; the harness calls it when the search has returned."""
        self.__guard.close(self.__desk.finish)

    def close(self) -> None:
        """Let nobody through the doors any more; the harness calls it when the search has failed."""
        self.__guard.close()


def _own(space: Space, X: Any) -> Array:
    """Architectures, (n, d), by the rows that they are known by: what is asked, logged and delivered exists.

    In an array of our own, as the caller's may be written by another of its threads.
    """
    return space.canonical(space.check(np.array(X)))
