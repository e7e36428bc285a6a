"""A network as its searcher holds it: what the protocols name, for reading, and no copies beside the ledger."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, NoReturn

from mobench.core.networks import CategoricalNetwork, ContinuousNetwork, ElasticNetwork, Network

__all__ = ["handed"]

TOLD: dict[str, Any] = {"coarse": False, "wires": (), "owners": MappingProxyType({}), "morph": None}
"""What a network may tell beside its kind's members, and what it is where it does not."""


class _Handed:
    __slots__ = ("__network",)
    __network: Network

    def __init__(self, network: Network) -> None:
        object.__setattr__(self, "_Handed__network", network)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"supernet.{name}: cannot be set; weights are yours, the network is the problem's")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"supernet.{name}: cannot be deleted; the network is the problem's")

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError("supernet: cannot be copied or pickled, its passes are charged to one ledger; copy the weights")

    def __repr__(self) -> str:
        return f"run.supernet of {type(self.__network).__name__}"


def _view(kind: type) -> type[_Handed]:
    """The class whose instances have the members of `kind` and what else it may tell, and no others."""

    def member(name: str) -> property:
        return property(lambda self: getattr(self._Handed__network, name))

    def told(name: str) -> property:
        return property(lambda self: getattr(self._Handed__network, name, TOLD[name]))

    members = {name: member(name) for name in dir(kind) if not name.startswith("_")}
    members |= {name: told(name) for name in TOLD}
    return type(f"Handed{kind.__name__}", (_Handed,), {"__slots__": ()} | members)


_KINDS = {kind: _view(kind) for kind in (ElasticNetwork, CategoricalNetwork, ContinuousNetwork)}


def handed(network: Network) -> Any:
    """The network behind a view of its kind's members.

    Parameters
    ----------
    network : CategoricalNetwork (an ElasticNetwork perhaps) or ContinuousNetwork
        As `check_network` lets through.
    """
    return next(view for kind, view in _KINDS.items() if isinstance(network, kind))(network)
