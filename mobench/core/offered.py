"""What the annotation of an option says of problems: which of its values they know, or can take."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

__all__ = ["Offered", "Taken"]


@dataclass(frozen=True)
class Offered:
    """In the annotation of a searcher's option: which values the problem knows, found before anything runs.

    Where an option names something else, the pair is left out of a campaign; where that is so on all of its problems,
    nothing is run.

    Attributes
    ----------
    by : callable
        Of the problem; the values that it knows.

    Examples
    --------
    >>> Gene = Annotated[str, Offered(lambda problem: problem.space.names)]
    """

    by: Callable[[Any], Collection[Any]]


@dataclass(frozen=True)
class Taken:
    """In the annotation of a searcher's option: whether a problem can take a value, found before anything runs.

    What follows where it cannot is as for `Offered`, which is for values that can be listed.

    Attributes
    ----------
    by : callable
        Of the value and the problem; raises ValueError or OSError that says why not. A path may be a text still.

    Examples
    --------
    >>> Even = Annotated[int, Taken(lambda value, problem: check_even(value))]
    """

    by: Callable[[Any, Any], object]
