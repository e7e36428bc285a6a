"""What a problem can offer beyond answers, each a protocol: a known front, fidelities, a written form, and more."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

from mobench.core.budget import Cost, parse_budget
from mobench.core.problem import Problem, Values
from mobench.core.space import Array

__all__ = [
    "Costed",
    "Decodable",
    "Drawable",
    "Enumerable",
    "Fingerprinted",
    "FromFiles",
    "MultiFidelity",
    "Proxied",
    "ProxiesFingerprinted",
    "Published",
    "Ranged",
    "Remarked",
    "Replicated",
    "Resumable",
    "Slow",
    "Surrogate",
    "fidelities_of",
    "limit_on",
]


@runtime_checkable
class Costed(Protocol):
    """Some objectives are formulas of the architecture, as parameters and FLOPs are: known before a training."""

    def known_costs(self, X: Array) -> Array:
        """Their values of (n, d) architectures, seen and scored alike, in natural units: (n, m), NaN in all others."""
        ...


@runtime_checkable
class Enumerable(Protocol):
    """The true front can be listed."""

    def front(self) -> tuple[Array, Array]:
        """All architectures (k, d) whose scored values (k, m) are nondominated, whether within limits or not."""
        ...


@runtime_checkable
class FromFiles(Protocol):
    """It was read from files of users, who may change them while a process goes on."""

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them; the problem is built anew once one is another file, or gone."""
        ...


@runtime_checkable
class MultiFidelity(Protocol):
    """Answers can be had for less, at a lower fidelity."""

    @property
    def fidelities(self) -> tuple[int, ...]:
        """Epochs on offer, ascending; the last is the full fidelity."""
        ...


def fidelities_of(problem: object) -> tuple[int, ...]:
    """Epochs that a problem offers, ascending; empty where it has one fidelity only."""
    return tuple(problem.fidelities) if isinstance(problem, MultiFidelity) else ()


def limit_on(problem: Problem, budget: float | Mapping[str, float], *, workers: int = 0) -> Cost:
    """The limit that a budget sets to a run on a problem; see `mobench.core.budget.parse_budget`."""
    return parse_budget(budget, problem.training, workers=workers, fidelities=fidelities_of(problem))


@runtime_checkable
class Resumable(Protocol):
    """Shorter trainings are the beginning of longer ones, and go on.

    An answer at a later epoch costs what is left of its price, one at an earlier epoch nothing.
    """

    @property
    def resumable(self) -> bool:
        """Whether they do under these options; not where each question draws a training of its own."""
        ...


@runtime_checkable
class Decodable(Protocol):
    """Architectures have a written form."""

    def decode(self, X: Array) -> list[str]:
        """One string a row of X."""
        ...


@runtime_checkable
class Drawable(Protocol):
    """Architectures can be drawn as graphs."""

    def graph(self, x: Array) -> list[tuple[str, str, str]]:
        """The edges of one architecture, (d,), without cycles: names of source and target node, and a label."""
        ...


@runtime_checkable
class Slow(Protocol):
    """Answers take long: they are computed, charged and logged in portions, so that an end or a kill loses little."""

    @property
    def portion(self) -> int:
        """Architectures answered at a time."""
        ...


@runtime_checkable
class Fingerprinted(Protocol):
    """Answers come from data that can change under the same name (a table, an import)."""

    @property
    def fingerprint(self) -> str:
        """Checksum of the data that decides the answers and the scores."""
        ...


@runtime_checkable
class Proxied(Protocol):
    """Untrained architectures have scores that promise something of them, for much less than an answer."""

    @property
    def proxy_names(self) -> tuple[str, ...]:
        """Zero-cost proxies on offer."""
        ...

    def proxies(self, X: Array, *, names: tuple[str, ...]) -> Values:
        """Scores of (n, d) architectures, (n, k) in ``F``, the same each time, more is better; and what they cost."""
        ...


@runtime_checkable
class ProxiesFingerprinted(Protocol):
    """Scores of untrained architectures come from data that can change under the same name."""

    @property
    def proxies_fingerprint(self) -> str:
        """Checksum of the data that decides them."""
        ...


@runtime_checkable
class Published(Protocol):
    """A paper fixed bounds for comparing fronts on this problem."""

    def bounds(self, contract: str) -> tuple[Array, Array]:
        """Ideal and nadir point, (m,) each, as the named contract's paper gives them.

        Raises
        ------
        ValueError
            The contract has no bounds for this choice of data and objectives.
        """
        ...


@runtime_checkable
class Ranged(Protocol):
    """What objectives reach over all architectures is known."""

    @property
    def ranges(self) -> tuple[Array, Array]:
        """The least and the greatest scored value of each objective, (m,) each, in natural units."""
        ...


@runtime_checkable
class Remarked(Protocol):
    """There may be something that one should know of the data before believing the answers."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """One line each; `mobench run`, `mobench check` and reports say them."""
        ...


@runtime_checkable
class Replicated(Protocol):
    """Scores come from repeated trainings or measurements, so that it may be known how far others would move them."""

    def standard_errors(self, X: Array) -> Array:
        """Standard errors of the scored values of (n, d) architectures: (n, m), 0 where exact, NaN where unknown."""
        ...


@runtime_checkable
class Surrogate(Protocol):
    """Answers come from a model that was fitted to measurements, and how well it fits is known."""

    @property
    def held_out(self) -> Mapping[str, tuple[float, float]]:
        """R2 and Kendall's tau of each modelled objective, by name, on measurements that were not used in the fit."""
        ...
