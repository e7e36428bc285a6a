"""A searcher to be checked, and what it is checked on."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mobench.core.networks import Supernet
from mobench.core.problem import Problem
from mobench.plugins.catalogue import make_problem
from mobench.plugins.options import check_options
from mobench.plugins.plugin import Plugin, missing
from mobench.plugins.references import parse_reference
from mobench.plugins.sources import Sources, in_use
from mobench.testing.checks import Skipped
from mobench.testing.state import global_state as state_now
from mobench.testing.toy import GradedToy, Toy
from mobench.testing.trial import Trial, trial

__all__ = ["CONTINUOUS", "Subject", "subject_of"]

BUDGET = {"evaluations": 50}
"""Of most checks."""
LEARNING = {"trainings": 2}
"""The budget of a searcher that learns with a supernet."""
CONTINUOUS = "bilevel_toys:name=quadratic_front"
"""A toy with a supernet whose alpha is a plain vector."""


@dataclass(frozen=True)
class Subject:
    """A searcher to be checked, and the problem of the checks that do not bring their own.

    Attributes
    ----------
    plugin : Plugin
        The searcher.
    options : mapping
        Its options, as given.
    reference : str
        The problem as another process can build it; empty for the toy.
    named : bool
        Whether another process can find the searcher by name.
    seconds : float
        Longest computing time for one run.
    sources : Sources
        What names mean, its own included.
    before : mapping
        Global state before the first check: what the first run changes for good, no later one does.
    """

    plugin: Plugin
    options: Mapping[str, Any]
    reference: str
    named: bool
    seconds: float
    sources: Sources = field(default_factory=in_use)
    before: Mapping[str, Any] = field(default_factory=state_now)

    @property
    def problem(self) -> Problem:
        """What most checks search."""
        return make_problem(*parse_reference(self.reference), self.sources) if self.reference else self.kind()

    @property
    def kind(self) -> type[Toy]:
        """The plain toy, or the one with fidelities where the searcher needs them."""
        return GradedToy if missing(self.plugin, Toy()) and not missing(self.plugin, GradedToy()) else Toy

    @property
    def budget(self) -> dict[str, float]:
        """Of most checks."""
        return dict(LEARNING if self.learns else BUDGET)

    @property
    def learns(self) -> bool:
        """Whether it needs a supernet, of whatever kind."""
        return any(Supernet in need.__mro__ for need in self.plugin.needs)

    def run(self, problem: Problem | None = None, budget: Any = None, **more: Any) -> Trial:
        """One watched run: see `mobench.testing.trial.trial`."""
        options = check_options(self.plugin, self.options)
        problem = self.problem if problem is None else problem
        return trial(self.plugin, problem, budget or self.budget, options=options, seconds=self.seconds, **more)

    @functools.cached_property
    def plain(self) -> Trial:
        """The run of the defaults: what several checks look at is carried out once."""
        return self.run()

    def toy(self, kind: type[Toy] | None = None, **shape: Any) -> Toy:
        """A toy of this shape; `Skipped` where it cannot offer what the searcher needs."""
        toy = (kind or self.kind)(**shape)
        if lacking := missing(self.plugin, toy):
            raise Skipped(f"the searcher needs {', '.join(lacking)}, which the toys do not offer")
        return toy


def subject_of(
    plugin: Plugin, *, options: Mapping[str, Any], problem: str, named: bool, seconds: float, sources: Sources
) -> Subject:
    """A subject, with a problem that offers what the searcher needs: the toy, else a bilevel toy, else the one given.

    Raises
    ------
    ValueError
        Neither offers it.
    """
    for reference in [problem] if problem else ["", "bilevel_toys", CONTINUOUS]:
        subject = Subject(plugin, options, reference, named, seconds, sources)
        if not (lacking := missing(plugin, subject.problem)):
            return subject
    raise ValueError(f"searcher {plugin.name!r} needs {', '.join(lacking)}; name a problem that offers it")
