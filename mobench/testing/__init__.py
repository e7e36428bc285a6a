"""The conformance kit: what a searcher or a problem must do to be trusted in a campaign, as a list of checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mobench.core.problem import Problem
from mobench.plugins.catalogue import find
from mobench.plugins.plugin import as_plugin
from mobench.plugins.plugin_file import read_plugins
from mobench.plugins.references import parse_reference
from mobench.plugins.sources import Sources, in_use
from mobench.testing.checks import Check, perform
from mobench.testing.problems import LENIENT as PROBLEM_LENIENT
from mobench.testing.problems import MOOT as PROBLEM_MOOT
from mobench.testing.problems import PROBLEM_CHECKS
from mobench.testing.searchers import LENIENT, MOOT, SEARCHER_CHECKS
from mobench.testing.specimen import Specimen
from mobench.testing.state import kept_randomness
from mobench.testing.subject import subject_of

__all__ = ["Check", "assert_passes", "check_problem", "check_searcher", "table"]


def check_searcher(
    searcher: str | Path | Callable[..., None],
    *,
    options: Mapping[str, Any] | None = None,
    problem: str = "",
    expected: Mapping[str, str] | None = None,
    seconds: float = 60.0,
) -> list[Check]:
    """Check a searcher: it keeps to its space, budget, seed and door, and survives what campaigns contain.

    Parameters
    ----------
    searcher : str, path or callable
        A name (``"nsga2"``, ``"nsga2:population=20"``), a file (``"climber.py"``), or a function
        ``search(run, *, options)``, of which a fresh process cannot be checked.
    options : mapping, optional
        Options of the searcher.
    problem : str, optional
        What most checks search, by name, where the searcher needs what no toy offers.
    expected : mapping of str to str, optional
        Checks that are known to fail, and why. Strict: one that passes all the same fails.
    seconds : float
        Longest computing time for one run; a searcher that takes longer fails.

    Returns
    -------
    list of Check

    Raises
    ------
    ValueError
        No such searcher, a broken file, or an unknown check in `expected`.
    """
    (name, given, made), sources = _named(searcher)
    plugin = find("searcher", name, sources) if made is None else as_plugin("searcher", name, made)
    given |= dict(options or {})
    subject = subject_of(plugin, options=given, problem=problem, named=made is None, seconds=seconds, sources=sources)
    with kept_randomness():
        return perform(SEARCHER_CHECKS, subject, moot=MOOT, lenient=LENIENT, expected=expected)


def check_problem(
    problem: str | Path | Problem | Callable[..., Problem],
    *,
    options: Mapping[str, Any] | None = None,
    expected: Mapping[str, str] | None = None,
) -> list[Check]:
    """Check a problem: shapes, prices, randomness, scores and its front.

    Parameters
    ----------
    problem : str, path, Problem or callable
        A name, a file, a problem, or a function that makes one; of the last two a fresh process cannot be checked.
    options, expected : mapping, optional
        As of `check_searcher`.

    Raises
    ------
    ValueError
        No such problem, a broken file, data that is missing, or an unknown check in `expected`.
    """
    (name, given, made), sources = _named(problem)
    specimen = Specimen.of(name, given | dict(options or {}), made, sources)
    with kept_randomness():
        return perform(PROBLEM_CHECKS, specimen, moot=PROBLEM_MOOT, lenient=PROBLEM_LENIENT, expected=expected)


def _named(target: Any) -> tuple[tuple[str, dict[str, Any], Any], Sources]:
    """Name, options, and the object where it is one; and what names mean, that of a file that is checked included."""
    if not isinstance(target, str | Path):
        return (getattr(target, "__name__", type(target).__name__), {}, target), in_use()
    sources = in_use()
    path, colon, rest = str(target).partition(":")
    if path.endswith(".py"):
        checked = Sources(read_plugins([path]))
        target, sources = f"{checked.files[0].name}{colon}{rest}", checked.over(sources)
    return (*parse_reference(str(target)), None), sources


def table(results: Sequence[Check]) -> str:
    """The results as text, a line a check."""
    width = max((len(result.name) for result in results), default=0)
    return "\n".join(f"{result.status:<8}  {result.name:<{width}}  {result.detail}".rstrip() for result in results)


def assert_passes(results: Sequence[Check]) -> None:
    """Raise AssertionError with the table where a check failed: for tests."""
    if any(result.status == "failed" for result in results):
        raise AssertionError(f"not conformant:\n{table(results)}")
