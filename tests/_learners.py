"""Which searchers learn with a supernet of some kind: what tests of every one of them run over."""

from __future__ import annotations

from typing import Any

from mobench import ContinuousSupernet, Supernet
from mobench.plugins.catalogue import find, plugins
from mobench.plugins.plugin import missing

LEARNING = [
    name for name in plugins("searcher") if any(Supernet in need.__mro__ for need in find("searcher", name).needs)
]
"""All of them."""
CHOOSING = [name for name in LEARNING if ContinuousSupernet not in find("searcher", name).needs]
"""Those that are not for plain vectors alone."""


def learners(problem: Any) -> list[str]:
    """Those that can work with what a problem offers."""
    return [name for name in LEARNING if not missing(find("searcher", name), problem)]
