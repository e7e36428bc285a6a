"""Makes problems of the package `evoxbench` and asks them: seeded, without traces, and with errors that name a cure."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mobench import Array

CURE = (
    "download database.zip and data.zip (see github.com/EMI-Group/evoxbench), unpack them, and say once where they "
    "are: python -c \"from evoxbench.database.init import config; config('PATH/database', 'PATH/data')\""
)


def make(suite: str, number: int) -> Any:
    """The package's problem, whose values are as they were measured (the package normalises some).

    Raises
    ------
    ValueError
        The package is not installed, its database is not configured, or a file of its data is missing.
    """
    if importlib.util.find_spec("evoxbench") is None:
        raise ValueError("evoxbench is not installed: pip install 'mobench[evoxbench]'")
    from django.conf import settings
    from django.core.exceptions import AppRegistryNotReady, ImproperlyConfigured

    said = io.StringIO()  # the package prints how its configuration went, and what went wrong, before it fails
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it leaves files open, and switches all warnings off
        try:
            benchmark = getattr(importlib.import_module("evoxbench.test_suites"), suite)(number)
        except (ImportError, RuntimeError, OSError, LookupError, AppRegistryNotReady, ImproperlyConfigured) as error:
            lines = [line for line in said.getvalue().splitlines() if "Succeed" not in line]
            raise ValueError(f"database not configured: {lines[-1] if lines else error}; {CURE}") from None
    settings.DEBUG = False  # with it, Django keeps the text of every query
    benchmark.normalized_objectives = False
    return benchmark


def space_name(benchmark: Any) -> str:
    """The class of the search space."""
    return type(benchmark.search_space).__name__


def low(benchmark: Any) -> Array:
    """The least value of each gene, (d,): in the package, genes do not all begin at 0."""
    return np.asarray(benchmark.search_space.lb, dtype=np.int64)


def ask(benchmark: Any, X: Array, seeds: Array, *, true_eval: bool) -> Array:
    """The package's answer to each of (n, d) rows by itself, with the global random states seeded for it; (n, m).

    Raises
    ------
    ValueError
        The database or the data lack what a row needs.
    """
    from django.core.exceptions import ObjectDoesNotExist
    from django.db import DatabaseError

    F = np.empty((len(X), benchmark.evaluator.n_objs))
    with _kept_randomness():
        for i, (x, seed) in enumerate(zip(X + low(benchmark), seeds, strict=True)):
            random.seed(int(seed))
            np.random.seed([int(seed) >> 32, int(seed) & 0xFFFFFFFF])  # noqa: NPY002 - what the package draws from
            try:
                F[i] = benchmark.evaluate(x[None], true_eval=true_eval)
            except (LookupError, ObjectDoesNotExist, DatabaseError) as error:
                raise ValueError(
                    f"evoxbench's database or data have nothing for {x.tolist()} ({type(error).__name__}: {error}); "
                    f"they are not complete: {CURE}"
                ) from None
    return F


@contextlib.contextmanager
def _kept_randomness() -> Iterator[None]:
    """Put the global random states, from which the package draws, back where they were."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


def listed(benchmark: Any) -> Array:
    """The package's Pareto set as rows of genes from 0 on, each once; (k, d)."""
    archs = benchmark.pareto_set
    if archs.dtype.kind not in "iu":
        cells = [_seven_nodes(arch) if isinstance(arch, dict) else str(arch) for arch in archs]
        archs = benchmark.search_space.encode(cells)
    X: Array = np.unique(archs.astype(np.int64) - low(benchmark), axis=0)
    return X


def _seven_nodes(cell: dict[str, Any]) -> dict[str, Any]:
    """The same cell of NAS-Bench-101 with seven nodes: those that it lacks come before the output, and join nothing."""
    matrix, ops = np.asarray(cell["matrix"]), list(cell["ops"])
    places = [len(matrix) - 1] * (7 - len(matrix))
    matrix = np.insert(np.insert(matrix, places, 0, axis=0), places, 0, axis=1)
    return {"matrix": matrix, "ops": [*ops[:-1], *["maxpool3x3"] * len(places), ops[-1]]}


def database_size() -> int:
    """Bytes of the database that the package is configured for; 0 where there is no file."""
    from django.conf import settings

    path = Path(settings.DATABASES["default"]["NAME"])
    return path.stat().st_size if path.exists() else 0
