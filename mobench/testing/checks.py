"""Results of conformance checks, and how a list of checks is carried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Check", "Failed", "Skipped", "perform"]


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes
    ----------
    name : str
        The check.
    status : str
        ``passed``, ``failed``, ``warning`` (worth a look, not wrong), ``skipped`` (not applicable, or moot after an
        earlier failure), or ``expected`` (failed as announced).
    detail : str
        What was found; empty where there is nothing to say.
    """

    name: str
    status: Literal["passed", "failed", "warning", "skipped", "expected"]
    detail: str = ""


class Failed(Exception):
    """A check's verdict: what was expected and what was found."""


class Skipped(Exception):
    """A check does not apply, and why."""


def perform(
    checks: Mapping[str, Callable[[Any], None]],
    subject: Any,
    *,
    moot: Mapping[str, tuple[str, ...]],
    lenient: Sequence[str] = (),
    expected: Mapping[str, str] | None = None,
) -> list[Check]:
    """Run named checks in order.

    Parameters
    ----------
    checks : mapping of str to callable
        Each takes the subject and raises `Failed` or `Skipped`; any other exception is a failure, too.
    subject : Any
        What is checked.
    moot : mapping of str to tuple of str
        Checks that say nothing when the named one has failed; ``"*"`` stands for all others.
    lenient : sequence of str
        Checks whose failure is a warning.
    expected : mapping of str to str, optional
        Checks that are known to fail, and why. Strict: one that passes all the same fails.

    Raises
    ------
    ValueError
        `expected` names no check.
    """
    expected = expected or {}
    if unknown := sorted(set(expected) - set(checks)):
        raise ValueError(f"expected: unknown check {unknown[0]!r}; there are {', '.join(checks)}")
    results: list[Check] = []
    failed: set[str] = set()
    for name, check in checks.items():
        if cause := next((one for one in failed if {name, "*"} & set(moot.get(one, ()))), ""):
            results.append(Check(name, "skipped", f"moot: {cause} failed"))
            continue
        try:
            check(subject)
            result = Check(name, "passed")
            if name in expected:
                result = Check(name, "failed", f"expected to fail ({expected[name]}), and passed: no longer expect it")
        except Skipped as reason:
            result = Check(name, "skipped", str(reason))
        except Exception as error:  # noqa: BLE001 - the plugin may raise anything
            failed.add(name)
            detail = str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}"
            status: Literal["failed", "warning"] = "warning" if name in lenient else "failed"
            result = Check(name, status, detail)
            if name in expected:
                result = Check(name, "expected", f"{expected[name]}: {detail}")
        results.append(result)
    return results
