"""What options of searchers name of a problem, such as genes or fidelities: it says what there is."""

from __future__ import annotations

import itertools
from typing import Annotated, Any

from annotated_types import Ge

from mobench.core.capabilities import Proxied, fidelities_of
from mobench.core.networks import CategoricalSupernet
from mobench.core.offered import Offered

__all__ = ["Fidelity", "Gene", "Operation", "Proxy"]


def _proxies(problem: Any) -> tuple[str, ...]:
    return tuple(problem.proxy_names) if isinstance(problem, Proxied) else ()


def _operations(problem: Any) -> tuple[str, ...]:
    offered = problem.operations if isinstance(problem, CategoricalSupernet) else ()
    return tuple(dict.fromkeys(itertools.chain.from_iterable(offered)))


Gene = Annotated[str, Offered(lambda problem: problem.space.names)]
"""The name of a gene."""
Fidelity = Annotated[int, Ge(1), Offered(fidelities_of)]
"""Epochs of a training that are on offer."""
Proxy = Annotated[str, Offered(_proxies)]
"""The name of a zero-cost proxy."""
Operation = Annotated[str, Offered(_operations)]
"""The name of an operation that genes choose."""
