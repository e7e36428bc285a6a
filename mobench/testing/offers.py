"""What is checked of all that a problem offers beyond answers: a front, bounds, fidelities, and more."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from mobench.core.budget import paid_in
from mobench.core.capabilities import (
    Costed,
    Decodable,
    Enumerable,
    MultiFidelity,
    Proxied,
    Published,
    Ranged,
    Remarked,
    Replicated,
)
from mobench.core.indicators import nondominated
from mobench.core.problem import minimised
from mobench.core.space import Array
from mobench.harness.ledger import PRICES
from mobench.scoring.contract import contract_for
from mobench.scoring.feasibility import feasible_front
from mobench.testing.checks import Failed, Skipped
from mobench.testing.specimen import Specimen
from mobench.testing.state import seed_globals

__all__ = [
    *("contract", "fidelities", "front", "known_costs", "limits", "proxies", "ranges"),
    *("remarks", "standard_errors", "written_form"),
]


DISTINCT = 5
"""Values of an objective from which on a proxy that tells it is no chance."""


def front(specimen: Specimen) -> None:
    """The front's architectures have its values as scores, no one dominates another, and none known dominates one."""
    problem = specimen.problem
    if not isinstance(problem, Enumerable):
        raise Skipped("the front is not listed")
    X, F = problem.front()
    X, F = problem.space.check(X), np.asarray(F)
    if not len(X) or F.shape != (len(X), len(problem.objectives)):
        raise Failed(f"expected (k, d) architectures and (k, m) values, found shapes {X.shape} and {F.shape}")
    scores = specimen.score(X)
    if len(bad := np.argwhere(~np.isclose(scores, F, rtol=1e-12, atol=0).all(axis=1))):
        i = int(bad[0, 0])
        raise Failed(f"not attainable: {X[i].tolist()} scores {scores[i].tolist()}, the front says {F[i].tolist()}")
    if not (kept := nondominated(F, problem.objectives)).all():
        raise Failed(f"not mutually nondominated: {F[~kept][0].tolist()} is dominated")
    known = np.concatenate([F, specimen.score(specimen.many)])
    if not (kept := nondominated(known, problem.objectives)[: len(F)]).all():
        raise Failed(f"not the front: an architecture dominates {F[~kept][0].tolist()}")


def limits(specimen: Specimen) -> None:
    """Limits are finite numbers, and where the front is known some of it is within all of them."""
    objectives = specimen.problem.objectives
    limited = [objective for objective in objectives if objective.limit is not None]
    if not limited:
        raise Skipped("no objective has a limit")
    for objective in limited:
        number = isinstance(objective.limit, int | float) and not isinstance(objective.limit, bool)
        if not number or not math.isfinite(objective.limit or 0.0):
            raise Failed(f"limit of {objective.name}: expected a finite number, found {objective.limit!r}")
    if isinstance(specimen.problem, Enumerable):
        try:
            feasible_front(minimised(specimen.problem.front()[1], objectives), objectives)
        except ValueError as error:
            raise Failed(str(error)) from None


def contract(specimen: Specimen) -> None:
    """Runs can be scored: a front, or bounds that leave some room."""
    problem = specimen.problem
    found = contract_for(problem)
    if isinstance(problem, Published) and not isinstance(problem, Enumerable):
        shape = (len(problem.objectives),)
        ideal, nadir = (np.asarray(point) for point in problem.bounds(found.name))
        if ideal.shape != shape or nadir.shape != shape or not (ideal < nadir).all():
            raise Failed(f"bounds: expected ideal < nadir of shape {shape}, found {ideal} and {nadir}")


def ranges(specimen: Specimen) -> None:
    """No score lies beyond the least and the greatest that are given."""
    problem = specimen.problem
    if not isinstance(problem, Ranged):
        raise Skipped("it gives no ranges")
    shape = (len(problem.objectives),)
    least, greatest = (np.asarray(end) for end in problem.ranges)
    if least.shape != shape or greatest.shape != shape:
        raise Failed(f"expected two arrays of shape {shape}, found shapes {least.shape} and {greatest.shape}")
    F = specimen.score(specimen.many)
    if len(bad := np.argwhere((F < least) | (F > greatest))):
        row, column = (int(i) for i in bad[0])
        name = problem.objectives[column].name
        raise Failed(f"{name}: {F[row, column]} lies outside {least[column]} to {greatest[column]}")


def standard_errors(specimen: Specimen) -> None:
    """How sure scores are is a number for each of them: 0 where exact, NaN where unknown, and always the same."""
    problem = specimen.problem
    if not isinstance(problem, Replicated):
        raise Skipped("nothing is said about the noise of scores")
    X = specimen.many
    found = np.asarray(problem.standard_errors(X.copy()))
    if found.shape != (len(X), len(problem.objectives)):
        raise Failed(f"expected shape {(len(X), len(problem.objectives))}, found {found.shape}")
    if (found < 0).any() or np.isinf(found).any():
        raise Failed(f"expected numbers from 0 on, or NaN, found {found[(found < 0) | np.isinf(found)][0]}")
    if not np.array_equal(found, np.asarray(problem.standard_errors(X.copy())), equal_nan=True):
        raise Failed("asked twice, it says different things")


def known_costs(specimen: Specimen) -> None:
    """What is known before a training is in whole columns, and what is answered and scored."""
    problem = specimen.problem
    if not isinstance(problem, Costed):
        raise Skipped("no objective is said to be a formula")
    X = specimen.rows(100)
    found, shape = np.asarray(problem.known_costs(X)), (len(X), len(problem.objectives))
    if found.shape != shape:
        raise Failed(f"expected shape {shape}, NaN where unknown, found {found.shape}")
    known = ~np.isnan(found)
    if (known.any(axis=0) != known.all(axis=0)).any():
        raise Failed("an objective is known of some architectures only")
    for face, F in (("answered", specimen.answer(X).F), ("scored", specimen.score(X))):
        if len(bad := np.argwhere(known & ~np.isclose(found, F, rtol=1e-12, atol=0))):
            row, column = (int(i) for i in bad[0])
            name = problem.objectives[column].name
            raise Failed(f"{name} of {X[row].tolist()}: known as {found[row, column]}, {face} as {F[row, column]}")


def proxies(specimen: Specimen) -> None:
    """Scores of untrained architectures are functions of these, priced below an answer, and no answers themselves."""
    problem = specimen.problem
    if not isinstance(problem, Proxied):
        raise Skipped("it offers no zero-cost proxies")
    names = problem.proxy_names
    if not isinstance(names, tuple) or not names or len(set(names)) < len(names) or not all(names):
        raise Failed(f"proxy_names: expected different names in a tuple, found {names!r}")
    X, axis = specimen.rows(30), paid_in(problem.training)
    whole, rows = np.asarray(problem.proxies(X.copy(), names=names).F), np.arange(len(X))
    if whole.shape != (len(X), len(names)) or whole.dtype.kind not in "fiu" or not np.isfinite(whole).all():
        raise Failed(f"expected finite scores of shape {(len(X), len(names))}, found {whole.dtype} of {whole.shape}")
    for column, name in enumerate(names):  # as they are asked for, one at a time
        for seed, order in ((1, rows), (2, rows[::-1])):
            seed_globals(seed)
            asked = X[order]
            found = problem.proxies(asked, names=(name,))
            if not np.array_equal(asked, X[order]):
                raise Failed(f"{name}: changes the architectures that it is given; work on a copy")
            if not np.array_equal(np.asarray(found.F), whole[order][:, [column]]):
                raise Failed(f"{name}: other scores when asked alone, in another order, or with another global seed")
        for currency in PRICES:
            price = np.asarray(getattr(found, currency), dtype=np.float64)
            if price.shape not in ((), (len(X),)) or not (np.isfinite(price).all() and price.min() >= 0):
                raise Failed(f"{name}: {currency}: expected finite prices from 0, one or ({len(X)},), found {price}")
            if currency == axis and price.mean() > getattr(problem.training, axis):
                raise Failed(f"{name}: costs {price.mean():g} {axis}, more than a training; train instead")
    _no_answers(specimen, X, dict(zip(names, whole.T, strict=True)))


def _no_answers(specimen: Specimen, X: Array, scores: Mapping[str, Array]) -> None:
    """No proxy is, up to its sign and unit, what has to be paid for: formulas may be told."""
    known = specimen.problem.known_costs(X) if isinstance(specimen.problem, Costed) else None
    for face, F in (("answer", np.asarray(specimen.answer(X).F)), ("score", specimen.score(X))):
        for j, objective in enumerate(specimen.problem.objectives):
            if (known is not None and not np.isnan(known[:, j]).any()) or len(np.unique(F[:, j])) < DISTINCT:
                continue
            for name, S in scores.items():
                if len(np.unique(S)) > 1 and abs(np.corrcoef(S, F[:, j])[0, 1]) > 1 - 1e-9:
                    raise Failed(
                        f"{name}: is the {face} {objective.name!r}, told before it is paid for; if that is a formula "
                        "say so (known_costs), else leave it out"
                    )


def remarks(specimen: Specimen) -> None:
    """It has nothing to remark on its own data; what it has is worth a look."""
    said = specimen.problem.remarks if isinstance(specimen.problem, Remarked) else ()
    if not isinstance(said, tuple) or not all(isinstance(remark, str) for remark in said):
        raise Failed(f"remarks: expected a tuple of lines, found {said!r}")
    if said:
        raise Failed("; ".join(said))


def fidelities(specimen: Specimen) -> None:
    """Fidelities ascend, answer in shape, and cost no more than the full one."""
    problem = specimen.problem
    if not isinstance(problem, MultiFidelity):
        raise Skipped("there is one fidelity")
    offer = problem.fidelities
    if not offer or list(offer) != sorted(set(offer)) or min(offer) < 1:
        raise Failed(f"expected ascending numbers of epochs, found {offer}")
    X, axis = specimen.rows(10), paid_in(problem.training)
    full = specimen.answer(X)
    for fidelity in offer[:-1]:
        cheap = specimen.answer(X, fidelity=fidelity)
        if np.shape(cheap.F) != np.shape(full.F) or not np.isfinite(cheap.F).all():
            raise Failed(f"fidelity {fidelity}: expected finite answers of shape {np.shape(full.F)}")
        if axis != "evaluations" and (np.asarray(getattr(cheap, axis)) > np.asarray(getattr(full, axis))).any():
            raise Failed(f"fidelity {fidelity} costs more {axis} than the full one")


def written_form(specimen: Specimen) -> None:
    """Different architectures have different written forms."""
    if not isinstance(specimen.problem, Decodable):
        raise Skipped("architectures have no written form")
    X = np.unique(specimen.rows(200), axis=0)
    texts = specimen.problem.decode(X)
    if len(texts) != len(X) or not all(isinstance(text, str) for text in texts):
        raise Failed(f"decode: expected {len(X)} strings, found {len(texts)}: {texts[:1]}")
    if len(set(texts)) < len(set(specimen.problem.space.key(X).tolist())):
        raise Failed("decode: different networks have the same written form")
