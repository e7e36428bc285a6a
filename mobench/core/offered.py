"""What the annotation of an option says of problems: which of its values they know."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

__all__ = ["Offered"]


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
