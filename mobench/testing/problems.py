"""What is checked of a problem, each check a function that raises `Failed` where it finds a fault."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from mobench.core.budget import Cost, paid_in, parse_budget
from mobench.core.problem import Objective, Problem
from mobench.core.space import Array, Space
from mobench.harness.answers import addresses
from mobench.harness.door import Run
from mobench.harness.execute import search_problem
from mobench.harness.ledger import PRICES
from mobench.plugins.catalogue import find, make_problem
from mobench.plugins.plugin_file import read_plugins
from mobench.plugins.sources import Sources
from mobench.testing.channel import channel
from mobench.testing.checks import Failed, Skipped
from mobench.testing.networks import (
    network_batches,
    network_corners,
    network_costs,
    network_passes,
    network_prices,
    supernet,
)
from mobench.testing.offers import (
    contract,
    fidelities,
    front,
    known_costs,
    limits,
    proxies,
    ranges,
    remarks,
    standard_errors,
    written_form,
)
from mobench.testing.specimen import Specimen
from mobench.testing.state import global_state as state_now
from mobench.testing.state import seed_globals

__all__ = ["LENIENT", "MOOT", "PROBLEM_CHECKS"]


def members(specimen: Specimen) -> None:
    """It has the members of a problem, each of its type."""
    problem = specimen.problem
    if not isinstance(problem, Problem):
        wanted = ("space", "objectives", "training", "deterministic", "evaluate", "score")
        raise Failed(f"it lacks {', '.join(name for name in wanted if not hasattr(problem, name))}")
    for name, kind in {"space": Space, "objectives": tuple, "training": Cost, "deterministic": bool}.items():
        if not isinstance(getattr(problem, name), kind):
            raise Failed(f"{name}: expected {kind.__name__}, found {getattr(problem, name)!r}")
    if not all(isinstance(objective, Objective) for objective in problem.objectives):
        raise Failed(f"objectives: expected a tuple of Objective, found {problem.objectives!r}")


def names_and_units(specimen: Specimen) -> None:
    """Objectives and genes have names of their own; units are words."""
    objectives, genes = specimen.problem.objectives, specimen.problem.space.names
    names = [objective.name for objective in objectives]
    if not names or not all(names) or len(set(names)) < len(names):
        raise Failed(f"objectives: expected different names, found {names}")
    if not all(isinstance(objective.unit, str) for objective in objectives):
        raise Failed(f"units: expected words, found {[objective.unit for objective in objectives]}")
    if len(set(genes)) < len(genes):
        raise Failed(f"space: expected a name of its own for each gene, found {genes}")


def summary(specimen: Specimen) -> None:
    """The file says in one line what it is."""
    if not specimen.summary:
        raise Failed("no docstring: its first line is what `mobench list` shows")


def shapes(specimen: Specimen) -> None:
    """Answers and scores of n architectures are (n, m) numbers."""
    m = len(specimen.problem.objectives)
    for n in sorted({len(specimen.rows(n)) for n in (1, 2, 5)}):
        X = specimen.rows(n)
        for face, F in (("evaluate", specimen.answer(X).F), ("score", specimen.score(X))):
            F = np.asarray(F)
            if F.shape != (n, m) or F.dtype.kind not in "fiu":
                raise Failed(f"{face}: expected numbers of shape ({n}, {m}), found {F.dtype} of shape {F.shape}")


def finite(specimen: Specimen) -> None:
    """No answer and no score is NaN or infinite."""
    X = specimen.many[:2000]
    for face, F in (("evaluate", specimen.answer(X).F), ("score", specimen.score(specimen.many))):
        if len(bad := np.argwhere(~np.isfinite(F))):
            row, column = bad[0]
            x = (X if face == "evaluate" else specimen.many)[row].tolist()
            raise Failed(f"{face}: {F[row, column]} for {specimen.problem.objectives[column].name!r} of {x}")


def prices(specimen: Specimen) -> None:
    """Prices are numbers, one a row or one for all, not negative, and positive in the currency of a training."""
    training, X = specimen.problem.training, specimen.rows(50)
    amounts = [getattr(training, axis) for axis in ("evaluations", "flops", "seconds")]
    if not (np.isfinite(amounts).all() and min(amounts) >= 0 and max(amounts) > 0):
        raise Failed(f"training: expected a positive price, found {training}")
    values = specimen.answer(X)
    for axis in PRICES:
        price = np.asarray(getattr(values, axis), dtype=np.float64)
        if price.shape not in ((), (len(X),)):
            raise Failed(f"{axis}: expected one price, or shape ({len(X)},), found shape {price.shape}")
        if not (np.isfinite(price).all() and price.min() >= 0):
            raise Failed(f"{axis}: expected finite prices from 0, found prices from {price.min()} to {price.max()}")
        if getattr(training, axis) > 0 and not (price > 0).any() and axis == paid_in(training):
            raise Failed(f"{axis}: a training costs {getattr(training, axis):g}, and answers cost nothing")


def training_price(specimen: Specimen) -> None:
    """What a training costs is what full answers cost on average, within a factor of two."""
    axis = paid_in(specimen.problem.training)
    if axis == "evaluations":
        raise Skipped("a training is an evaluation")
    if specimen.slow:
        raise Skipped("answers take long, too long for a mean of many")
    mean = float(np.mean(getattr(specimen.answer(specimen.rows(200)), axis)))
    said = getattr(specimen.problem.training, axis)
    if not 0.5 <= mean / said <= 2.0:
        raise Failed(f"training says {said:g} {axis}, answers cost {mean:g} on average")


def randomness(specimen: Specimen) -> None:
    """An answer is a function of its architecture, and where noise is declared of its seed; of nothing else."""
    X, noisy = specimen.rows(20), not specimen.problem.deterministic
    first = _after_seeding(lambda: specimen.answer(X).F)
    again = _after_seeding(lambda: specimen.answer(X).F)
    other = _after_seeding(lambda: specimen.answer(X, seed=1).F, int(noisy))
    if not _same(first, again):
        raise Failed("the same architectures with the same seeds get other answers")
    if not noisy and not _same(first, other):
        raise Failed("answers depend on their seeds: say deterministic = False")
    if noisy and _same(first, other):
        raise Failed("deterministic is False, and other seeds give the same answers")


def _after_seeding(ask: Callable[[], Any], seed: int = 0) -> Array:
    """What is answered with the global random states somewhere known."""
    seed_globals(seed)
    return np.asarray(ask())


def _same(a: Array, b: Array) -> bool:
    """Whether two arrays are equal; what is not a number is the matter of another check."""
    return np.array_equal(a, b, equal_nan=True)


def batches(specimen: Specimen) -> None:
    """Asked one by one, in another order or all at once, architectures get the same answers and scores."""
    X = specimen.rows(12)
    whole, singly = specimen.answer(X).F, [specimen.answer(X[i : i + 1], start=i).F for i in range(len(X))]
    if not _same(whole, np.concatenate(singly)):
        raise Failed("answers to a batch are not those to its rows one by one, with the seeds of their places")
    scores = specimen.score(X)
    if not _same(scores[::-1], specimen.score(X[::-1])):
        raise Failed("scores depend on the order of the rows")


def scores(specimen: Specimen) -> None:
    """Scores are free of noise, and no question changes them."""
    X = specimen.rows(20)
    first = _after_seeding(lambda: specimen.score(X))
    specimen.answer(X, seed=3)
    if not _same(first, _after_seeding(lambda: specimen.score(X))):
        raise Failed("scores of the same architectures differ")


def inputs(specimen: Specimen) -> None:
    """It does not change the architectures and seeds that it is given."""
    X = specimen.rows(20)
    seeds = addresses(0, 0, len(X))
    kept = X.copy(), seeds.copy()
    specimen.problem.evaluate(X, fidelity=None, seeds=seeds)
    specimen.problem.score(X)
    if not (_same(X, kept[0]) and _same(seeds, kept[1])):
        raise Failed("it changes its arguments in place; work on a copy")


def global_randomness(specimen: Specimen) -> None:
    """Answers and scores do not depend on the global random states."""
    X = specimen.rows(20)
    for face, ask in {"answers": lambda: specimen.answer(X).F, "scores": lambda: specimen.score(X)}.items():
        if not _same(_after_seeding(ask, 1), _after_seeding(ask, 2)):
            raise Failed(f"{face} depend on random, numpy.random or torch; noise comes from `seeds` only")


def global_state(specimen: Specimen) -> None:
    """Global state is what it was: random states, warnings, environment, working directory, torch's settings."""
    seed_globals(3)  # not as a question before left it
    before = state_now()
    specimen.answer(specimen.rows(5))
    specimen.score(specimen.rows(5))
    after = state_now()
    if changed := [name for name in before if before[name] != after[name]]:
        raise Failed(f"changed: {', '.join(changed)}")


def classes(specimen: Specimen) -> None:
    """Rows of one class share scores, and answers where there is no noise."""
    problem, X = specimen.problem, specimen.many[:5000]
    space = problem.space
    if space.classes is None and space.inactive is None and space.pool is None:
        raise Skipped("every row is a class of its own")
    if space.inactive is not None:
        X = np.concatenate([X[:2500], _with_other_inactive_genes(space, X[:2500])])
    if space.pool is not None:  # rows that do not exist, too: a searcher may ask for them
        X = np.concatenate([X, Space(space.cardinalities).sample(np.random.default_rng(6), 500)])
    keys = np.asarray(problem.space.key(X))
    if keys.shape != (len(X),) or keys.dtype != np.int64:
        raise Failed(f"classes: expected int64 keys of shape ({len(X)},), found {keys.dtype} of shape {keys.shape}")
    _, first, member = np.unique(keys, return_index=True, return_inverse=True)
    faces = {"scores": specimen.score(X)} | ({"answers": specimen.answer(X).F} if problem.deterministic else {})
    for face, F in faces.items():
        if len(bad := np.argwhere((F != F[first][member]).any(axis=1))):
            i = int(bad[0, 0])
            raise Failed(f"{face} of {X[i].tolist()} and {X[first][member][i].tolist()} differ, in one class")


def _with_other_inactive_genes(space: Space, X: Array) -> Array:
    """The same (n, d) architectures written in another way."""
    mask = np.asarray(space.inactive(X) if space.inactive is not None else None)
    if mask.shape != X.shape or mask.dtype != bool:
        raise Failed(f"inactive: expected a bool mask of shape {X.shape}, found {mask.dtype} of shape {mask.shape}")
    Y = np.where(mask, (X + 1) % np.array(space.cardinalities), X)
    if (space.inactive(Y) != mask).any():  # type: ignore[misc]
        raise Failed("inactive: genes that decide nothing decide which genes are inactive")
    return Y


def searched(specimen: Specimen) -> None:
    """A searcher comes to a good end on it through the door."""
    n = len(specimen.rows(30))
    run = Run(specimen.problem, limit=parse_budget({"evaluations": n}, specimen.problem.training))
    search_problem(find("searcher", "random_search"), run, {"batch": 10})
    if not run.spent.evaluations:
        raise Failed(f"{n} evaluations pay for no answer")


def fresh_process(specimen: Specimen) -> None:
    """A fresh process gives the same answers and scores."""
    if not specimen.name:
        raise Skipped("given as an object; give its file to check this")
    files = [str(file.path) for file in specimen.sources.files]
    job = {"files": files, "name": specimen.name, "options": dict(specimen.options)}
    done = subprocess.run(
        [sys.executable, "-c", "from mobench.testing.problems import elsewhere; elsewhere()"],
        input=json.dumps(job),
        env=os.environ | {"PYTHONHASHSEED": "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        raise Failed(done.stderr.strip().splitlines()[-1])
    for face, here, there in zip(("answers", "scores"), _faces(specimen), json.loads(done.stdout), strict=True):
        if here != there:
            raise Failed(f"{face} differ in another process")


def _faces(specimen: Specimen) -> list[Any]:
    X = specimen.rows(50)
    return [np.asarray(F, dtype=np.float64).tolist() for F in (specimen.answer(X).F, specimen.score(X))]


def elsewhere() -> None:
    """The other process of `fresh_process`: read a job from standard input, write answers and scores."""
    job, answer = json.load(sys.stdin), channel()
    sources = Sources(read_plugins(job["files"]))
    problem = make_problem(job["name"], job["options"], sources)
    answer.write(json.dumps(_faces(Specimen(problem, job["name"], job["options"], "", sources))).encode())
    answer.flush()


PROBLEM_CHECKS: dict[str, Callable[[Specimen], None]] = {
    check.__name__.replace("_", " "): check
    for check in (
        *(members, names_and_units, summary, shapes, finite, prices, training_price, inputs, global_state),
        *(randomness, scores, global_randomness, batches, classes, limits, front, contract, ranges),
        *(standard_errors, known_costs, fidelities, proxies, written_form, remarks),
        *(supernet, network_passes, network_prices, network_batches, network_corners, network_costs),
        *(searched, fresh_process),
    )
}
"""Checks by name, in order."""

MOOT = {
    "members": ("*",),
    "shapes": ("*",),
    "finite": ("front", "contract", "searched", "fidelities", "fresh process"),
    "randomness": ("global randomness", "batches", "fresh process"),
    "scores": ("global randomness", "batches", "front", "fresh process"),
    "global randomness": ("batches", "front", "fresh process"),
    "prices": ("training price", "searched"),
    "limits": ("contract", "searched", "fresh process"),
    "supernet": ("network passes", "network prices", "network batches", "network corners", "network costs"),
}
"""What a failure leaves nothing to say about."""

LENIENT = ("summary", "training price", "remarks")
"""Checks whose failure is a warning."""
