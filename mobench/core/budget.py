"""What a search costs: one record that serves as a price, a running total and a limit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

__all__ = [
    "AXES",
    "CURRENCIES",
    "SPEED",
    "BudgetExhausted",
    "ComputeBudget",
    "Cost",
    "as_given",
    "nominal_seconds",
    "on_axis",
    "paid_in",
    "parse_budget",
]

ASKED_CAP = 20
"""Default limit on questions asked (repeats included), as a multiple of the limit on evaluations."""


COUNTED = ("evaluations", "asked")
"""Currencies that are whole numbers."""
MOST = 2**53
"""The largest count: beyond it, floating-point numbers skip some."""


class BudgetExhausted(BaseException):
    """The budget is spent.

    It derives from ``BaseException`` so that a library's ``except Exception`` cannot swallow it; the harness
    catches it and ends the run in good order. A searcher should let it pass.
    """


@dataclass(frozen=True, slots=True)
class Cost:
    """A price, a running total or a limit (where ``inf`` means unlimited).

    Attributes
    ----------
    evaluations : float
        Unique answers: architectures evaluated, each counted once (once a draw where the problem is noisy).
    asked : float
        Questions, known answers included.
    flops : float
        Training compute, in multiply-adds as NAS-Bench-201 counts them.
    seconds : float
        Training time: declared by a table, measured where the training is live.
    clock : float
        Seconds on the simulated clock of several workers (`mobench.harness.clock`); 0 where a run has none.
    """

    evaluations: float = 0.0
    asked: float = 0.0
    flops: float = 0.0
    seconds: float = 0.0
    clock: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.evaluations + other.evaluations,
            self.asked + other.asked,
            self.flops + other.flops,
            self.seconds + other.seconds,
            self.clock + other.clock,
        )

    def __sub__(self, other: Cost) -> Cost:
        return Cost(
            self.evaluations - other.evaluations,
            self.asked - other.asked,
            self.flops - other.flops,
            self.seconds - other.seconds,
            self.clock - other.clock,
        )

    def share(self, limit: Cost) -> float:
        """How much of `limit` is spent, from 0 to 1, in the currency that is nearest to its end."""
        spent = [(amount, getattr(limit, currency)) for currency in CURRENCIES if (amount := getattr(self, currency))]
        return min(max((float(amount / most) for amount, most in spent), default=0.0), 1.0)

    def reached(self, limit: Cost) -> bool:
        """Whether any currency has come up to `limit`."""
        return (
            self.evaluations >= limit.evaluations
            or self.asked >= limit.asked
            or self.flops >= limit.flops
            or self.seconds >= limit.seconds
            or 0.0 < limit.clock <= self.clock
        )


class ComputeBudget:
    """A budget of trainings or flops.

    What a searcher that learns until its share of the compute is spent has among its ``needs``, beside what it needs of
    problems: under evaluations alone it would learn for ever.
    """


CURRENCIES: tuple[str, ...] = tuple(field.name for field in fields(Cost))
"""The currencies of the ledger, in the order of `Cost`'s fields."""

AXES = (*CURRENCIES, "trainings")
"""What costs are counted in: the currencies, and equivalent full trainings."""


def paid_in(training: Cost) -> str:
    """The currency in which trainings are counted: flops where a training's are known, else seconds, else answers."""
    return next(axis for axis in ("flops", "seconds", "evaluations") if getattr(training, axis) > 0)


def on_axis(training: Cost, spent: Mapping[str, Any], axis: str) -> Any:
    """Amounts of a currency, or of equivalent full trainings: an array or a number, as `spent` holds them.

    Parameters
    ----------
    training : Cost
        What one average full training costs.
    spent : mapping of str to Array or number
        Amounts of the currencies.
    axis : str
        One of `AXES`.

    Raises
    ------
    ValueError
        Unknown axis.
    """
    if axis in spent:
        return spent[axis]
    if axis != "trainings":
        raise ValueError(f"axis: unknown {axis!r}; choose from {', '.join(AXES)}")
    currency = paid_in(training)
    return spent[currency] / float(getattr(training, currency))


def parse_budget(
    budget: float | Mapping[str, float], training: Cost, *, workers: int = 0, fidelities: Sequence[int] = ()
) -> Cost:
    """Turn a budget as people write it into a limit.

    Parameters
    ----------
    budget : number or mapping
        A number of unique evaluations, or a mapping over ``evaluations``, ``asked``, ``flops``, ``seconds``,
        ``trainings`` (equivalent full trainings) and ``clock`` (seconds on a simulated clock); the first limit reached
        ends the run.
    training : Cost
        What one average full training costs on the problem at hand.
    workers : int
        How many trainings run at a time on a simulated clock; 0 where there is none.
    fidelities : sequence of int
        Epochs on offer, ascending, where there are several.

    Returns
    -------
    Cost
        The limit. Questions are capped at 20 times the evaluations, or 20 times the trainings that the limit would
        pay for, unless ``asked`` is given: a space smaller than the budget then ends the run instead of looping. Where
        trainings can be shorter, as many more as the limit pays for at the least fidelity.

    Raises
    ------
    ValueError
        An unknown or missing currency, an amount that is not positive, or a count that is no whole number.
    TypeError
        An amount that is not a number.

    Examples
    --------
    >>> parse_budget(500, Cost(evaluations=1)).asked
    10000.0
    >>> parse_budget({"trainings": 2}, Cost(evaluations=1, flops=3e9)).flops
    6000000000.0
    """
    amounts = dict(budget) if isinstance(budget, Mapping) else {"evaluations": budget}
    for name, amount in amounts.items():
        if name not in AXES:
            raise ValueError(f"budget: unknown currency {name!r}; choose from {', '.join(AXES)}")
        if isinstance(amount, bool) or not isinstance(amount, int | float):
            raise TypeError(f"budget: {name} must be a number, found {amount!r}")
        if not (amount > 0 and math.isfinite(amount)):
            raise ValueError(f"budget: {name} must be positive and finite, found {amount!r}")
        if name in COUNTED and not (amount <= MOST and float(amount).is_integer()):
            raise ValueError(f"budget: {name} must be a whole number up to {MOST:,}, found {amount!r}")
    if not amounts:
        raise ValueError(f"budget: empty; give a positive amount of {', '.join(AXES)}")
    if "clock" in amounts and not workers:
        raise ValueError("budget: clock needs workers that train on a simulated clock; add --simulated-workers N")
    trainings = float(amounts.pop("trainings", math.inf))
    limit = {axis: float(amounts.get(axis, math.inf)) for axis in CURRENCIES}
    currency = paid_in(training)
    limit[currency] = min(limit[currency], trainings * getattr(training, currency))
    if limit["evaluations"] < 1:
        raise ValueError(f"budget: {trainings:g} trainings pay for no evaluation of this problem; give at least 1")
    if "asked" not in amounts:
        payable = min(
            limit[axis] / getattr(training, axis)
            for axis in ("evaluations", "flops", "seconds")
            if getattr(training, axis) > 0
        )
        if (slot := nominal_seconds(training)) > 0:
            payable = min(payable, limit["clock"] * workers / slot if workers else math.inf)
        if math.isinf(payable):
            raise ValueError("budget: seconds of a training are not known before here; add evaluations, asked or flops")
        shorter = fidelities[-1] / fidelities[0] if fidelities else 1.0
        full, short = (max(1, math.ceil(min(k, limit["evaluations"], MOST))) for k in (payable, payable * shorter))
        limit["asked"] = float(ASKED_CAP * full + short - full)
    return Cost(**limit)


SPEED = 1e9
"""Multiply-adds a second of a simulated worker, where a problem has prices in multiply-adds and none in seconds."""


def nominal_seconds(training: Cost) -> float:
    """How long one average full training occupies a simulated worker; 0 where neither price is known."""
    return training.seconds if training.seconds > 0 else training.flops / SPEED


def as_given(reason: str, budget: float | Mapping[str, float], training: Cost) -> str:
    """Why a run ended, in the words of its budget: of one in trainings a run ends by trainings, whatever pays for them.

    Parameters
    ----------
    reason : str
        ``budget: <currency of the ledger>``; any other one is returned as it is.
    budget : number or mapping
        As people write it.
    training : Cost
        What one average full training costs.

    Examples
    --------
    >>> as_given("budget: flops", {"trainings": 2}, Cost(evaluations=1, flops=3e9))
    'budget: trainings'
    """
    if not isinstance(budget, Mapping) or "trainings" not in budget:
        return reason
    currency = paid_in(training)
    amount = budget["trainings"] * getattr(training, currency)
    return "budget: trainings" if reason == f"budget: {currency}" and amount <= budget.get(currency, amount) else reason
