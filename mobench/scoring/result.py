"""What one run found: delivered architectures, their measures, its curve."""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from mobench.core.budget import CURRENCIES, Cost, on_axis
from mobench.core.capabilities import Enumerable, Slow
from mobench.core.indicators import log10_regret
from mobench.core.problem import Problem, minimised
from mobench.core.space import Array
from mobench.harness.history import History, Note
from mobench.scoring import claimed
from mobench.scoring.contract import Contract, Delivered, contract_for
from mobench.scoring.contracts import DEFAULT
from mobench.scoring.delivery import Course, counted, course_of, delivered, trace
from mobench.scoring.records import Records, check_records

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["NoPopulationError", "Result"]


class NoPopulationError(ValueError):
    """The contract scores final populations, and the run recorded none."""


UNLIMITED = Cost(math.inf, math.inf, math.inf, math.inf, math.inf)


@dataclass(frozen=True, repr=False)
class Result:
    """What a run found, as far as its log goes.

    Attributes
    ----------
    problem : Problem
        What was searched.
    history : History
        Everything that the searcher saw, in order.
    reason : str
        Why the run ended: ``budget: <currency>``, in a currency that the budget was given in, ``finished``, ``failed``,
        or ``unfinished``.
    error : str
        Of a failed run.
    limit : Cost
        The budget: where what it delivers is judged.
    seed : int
        The run's.
    ledger : Cost, optional
        What it had spent at its end, questions that no log holds included; None where that is not known.
    """

    problem: Problem
    history: History
    reason: str
    error: str = ""
    limit: Cost = UNLIMITED
    seed: int = 0
    ledger: Cost | None = None
    _contracts: dict[str, Contract] = field(default_factory=dict, compare=False)

    def __repr__(self) -> str:
        names = ", ".join(objective.name for objective in self.problem.objectives)
        return f"<Result: {len(self.history.X):,} answers of ({names}), {self.reason}>"

    def _repr_html_(self) -> str:
        """What a notebook shows; where a score would cost a training, or cannot be had, nothing is scored."""
        from mobench.scoring.notebook import as_html

        known, error, found = len(self.history.X) > 0 and not isinstance(self.problem, Slow), self.error, None
        try:
            found = (self.front(), self.hypervolume()) if known else None
        except ValueError as cause:
            error = "; ".join(filter(None, (error, str(cause))))
        return as_html(self.reason, error, self.spent, found)

    def plot(self, *, contract: str = DEFAULT) -> Figure:
        """Draw what was delivered, beside the true front where that is known, and the course of the run.

        Parameters
        ----------
        contract : str
            How the run is scored.

        Returns
        -------
        matplotlib.figure.Figure
            Of the first two objectives; a notebook shows it, `savefig` writes it.
        """
        # Rooms import downwards only, and figures are above scores: this one door leads up, and by name.
        figure: Figure = importlib.import_module("mobench.figures.of_result").figure_of(self, contract=contract)
        return figure

    @property
    def spent(self) -> Cost:
        """What the run has spent: at its end, or as far as its log goes."""
        return Cost(**self.history.total) if self.ledger is None else self.ledger

    def contract(self, name: str = DEFAULT) -> Contract:
        """The named contract of the problem."""
        if name not in self._contracts:
            self._contracts[name] = contract_for(self.problem, name)
        return self._contracts[name]

    @property
    def _limit(self) -> dict[str, float]:
        return {currency: getattr(self.limit, currency) for currency in CURRENCIES}

    @cached_property
    def _course(self) -> Course:
        return course_of(self.problem, self.history, seed=self.seed)

    @cached_property
    def _records(self) -> Records:
        return check_records(self.history.records, self.problem.space)

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with records of the searcher that are left out, a sentence each."""
        return self._records.faults

    def delivered(self, *, contract: str = DEFAULT) -> Array:
        """The architectures that the run delivers within its budget, chosen from what it saw; shape (k, d).

        All are within the limits of the objectives as seen; once scored some may turn out beyond, and count nothing.

        Raises
        ------
        NoPopulationError
            The contract scores final populations, and the run recorded none; scores and curves raise it, too.
        """
        return self._chosen(contract)[0]

    @cached_property
    def _found(self) -> dict[str, tuple[Array, Array | None]]:
        """Contract to what `_chosen` found."""
        return {}

    def _chosen(self, name: str) -> tuple[Array, Array | None]:
        """Delivered architectures, (k, d), and what was seen of them, (k, m), where all of them were answered."""
        if name not in self._found:
            self._found[name] = self._choose(name)
        return self._found[name]

    def _choose(self, name: str) -> tuple[Array, Array | None]:
        self._require_population(name)
        rule = self.contract(name).delivered
        if rule == "paid":
            which, seen = delivered(self._course, self._limit)
            return self._course.X[which], seen
        history = self.history
        return claimed.choose(self.problem, history, len(history.X), populations=self._populations(rule)), None

    def _populations(self, rule: Delivered) -> tuple[Note, ...] | None:
        """What the run recorded as its population, where a contract scores that."""
        return tuple(note for note in self._records.populations if note.answers) if rule == "population" else None

    def _require_population(self, name: str) -> None:
        """Refuse a run that had all its budget and recorded no population under a contract that scores populations."""
        told = self.contract(name).delivered != "population" or self._records.populations
        if not told and self.reason not in ("failed", "unfinished"):
            raise NoPopulationError(
                f"contract {name!r} scores the final population, and this run recorded none: a searcher that has one "
                "records it by run.record(population=X); score others by mobench-2"
            )

    def scored(self, *, contract: str = DEFAULT) -> tuple[Array, Array]:
        """The delivered architectures, (k, d), and their scored values in natural units, (k, m)."""
        X = self.delivered(contract=contract)
        return X, self._score(X)

    def _score(self, X: Array) -> Array:
        return self.problem.score(X) if len(X) else np.empty((0, len(self.problem.objectives)))

    def front(self, *, contract: str = DEFAULT) -> pd.DataFrame:
        """The delivered architectures with their scored values in natural units, best first objective first.

        Returns
        -------
        pandas.DataFrame
            ``architecture`` (written form where the problem has one), a column for each gene and each objective.
            Architectures that turn out dominated, or beyond a limit, once scored are marked False in ``nondominated``;
            where there are limits, the latter in ``feasible``, too.
        """
        from mobench.scoring.front import best_first, judged, tabulate

        X, F = self.scored(contract=contract)
        frame = tabulate(self.problem, X, F, genes=True)
        return best_first(judged(frame, F, self.problem.objectives), self.problem)

    def hypervolume(self, *, contract: str = DEFAULT) -> float:
        """Share of the true front's hypervolume that the delivered set reaches, 0 where it delivers nothing."""
        return self.contract(contract).share(self.scored(contract=contract)[1])

    def measures(self, *, contract: str = DEFAULT) -> dict[str, float]:
        """All measures of the delivered set: see `mobench.scoring.contract.Contract.measures`."""
        X, seen = self._chosen(contract)
        natural = None if seen is None else minimised(seen, self.problem.objectives)  # twice minimised is natural
        return self.contract(contract).measures(self._score(X), natural)

    def looked_up(self, *, contract: str = DEFAULT) -> dict[str, float]:
        """What the trainings cost that scoring has looked up for the delivered set: no ledger holds them."""
        if self.contract(contract).delivered != "paid":
            return dict.fromkeys(CURRENCIES, 0.0)
        return dict(counted(self._course, self._limit).price)

    def one_shot_tau(self) -> float:
        """Kendall's tau-b between one-shot values that the searcher recorded and the scores of the same architectures.

        One-shot values are those of the first objective, minimised, with inherited weights; a searcher tells them by
        ``run.record(one_shot_X=X, one_shot=values)``. NaN where it told fewer than two, where either side is constant,
        and where the front is unknown: there a score may cost a training.
        """
        from scipy.stats import kendalltau

        X, values = self._records.one_shot_X, self._records.one_shot
        if len(X) < 2 or not isinstance(self.problem, Enumerable):
            return float("nan")
        scored = minimised(self.problem.score(X), self.problem.objectives)[:, 0]
        return float(kendalltau(values, scored).statistic)

    def curve(self, *, axis: str = "evaluations", contract: str = DEFAULT, indicator: str = "") -> pd.DataFrame:
        """The share of hypervolume over the course of the run, up to its budget, a row wherever it changes.

        Parameters
        ----------
        axis : str
            One of `mobench.core.budget.AXES`: a currency of the ledger, or ``trainings``.
        contract : str
            How the sets are scored.
        indicator : str
            A distance that is wanted, too: ``igd_plus``, ``epsilon`` or ``r2``.

        Returns
        -------
        pandas.DataFrame
            Columns `axis`, ``hypervolume``, ``log10_regret``, and the indicator where one is named.

        Raises
        ------
        ValueError
            Unknown axis or indicator.
        """
        import pandas as pd

        self._require_population(contract)
        judge = self.contract(contract)
        if judge.delivered == "paid":
            (amounts, sets), X = trace(self._course, axis, self._limit), self._course.X
        else:
            populations = self._populations(judge.delivered)
            spent, X, sets = claimed.trace(self.problem, self.history, populations=populations)
            amounts = on_axis(self.problem.training, spent, axis)
        scored = self._score(X)
        share = judge.shares(scored, sets)
        columns = {"hypervolume": share, "log10_regret": log10_regret(share)}
        if indicator:
            columns[indicator] = np.array([judge.distance(indicator, scored[rows]) for rows in sets], dtype=np.float64)
        changed = np.ones(len(sets), dtype=bool)
        changed[1:] = np.any([values[1:] != values[:-1] for values in columns.values()], axis=0)
        return pd.DataFrame({name: values[changed] for name, values in ({axis: amounts} | columns).items()})
