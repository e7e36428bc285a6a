"""Which code and which data a run is about: stated in its specification, and compared where it is carried out."""

from __future__ import annotations

from dataclasses import replace

from mobench.core.capabilities import Fingerprinted
from mobench.core.problem import Problem
from mobench.harness.spec import IDENTITY, RunSpec
from mobench.plugins.sources import Sources

__all__ = ["data_of", "identified", "strangers", "subjects"]


def subjects(spec: RunSpec) -> dict[str, str]:
    """Entry of a specification to what it is about, as records of campaigns name it."""
    about = (f"searcher {spec.searcher}", f"problem {spec.problem}", f"data {spec.problem_label}")
    return dict(zip(IDENTITY, about, strict=True))


def data_of(problem: Problem) -> str:
    """Checksum of the data that a problem answers from, and the limits by which it is scored; empty if it says none.

    A file may change its limits as it may change its data: numbers from other ones do not mix.
    """
    if not isinstance(problem, Fingerprinted):
        return ""
    bounds = " and ".join(objective.bound for objective in problem.objectives if objective.limit is not None)
    return f"{problem.fingerprint} within {bounds}" if bounds else problem.fingerprint


def identified(spec: RunSpec, problem: Problem, sources: Sources) -> RunSpec:
    """The same specification, with the code and the data that are at hand here."""
    return replace(
        spec,
        searcher_code=sources.code("searcher", spec.searcher),
        problem_code=sources.code("problem", spec.problem),
        data=data_of(problem),
    )


def strangers(spec: RunSpec, problem: Problem, sources: Sources) -> str:
    """What of the code and the data that a specification states is another here, with both; empty where nothing is."""
    here = identified(spec, problem, sources)
    stated = {name: value for name in IDENTITY if (value := getattr(spec, name))}
    return "; ".join(
        f"{name.replace('_', ' ')} is {getattr(here, name) or 'none'}, expected {value}"
        for name, value in stated.items()
        if getattr(here, name) != value
    )
