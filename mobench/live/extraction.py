"""From a module with choices to one network in plain torch, and the walk over what such a module holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch import nn

from mobench.live.blocks import ElasticMLP
from mobench.live.genes import Gene, Quantity
from mobench.live.layers import Choice, Elastic, ElasticDepth

__all__ = ["elastic", "gates_of", "holds", "plain", "quantities", "walk"]


def elastic(part: nn.Module) -> bool:
    """Whether a module is a layer with sizes of its own."""
    return isinstance(part, Elastic)


def holds(part: nn.Module) -> bool:
    """Whether a module is, or has in it, a layer with genes."""
    return any(elastic(inner) or isinstance(inner, Choice | ElasticDepth) for inner in part.modules())


def quantities(part: nn.Module) -> list[Quantity]:
    """The sizes of an elastic layer."""
    values = [v for each in vars(part).values() for v in (each if isinstance(each, tuple) else (each,))]
    return [v for v in values if isinstance(v, Quantity)] if elastic(part) else []


def walk(part: nn.Module, gate: Quantity) -> Iterator[tuple[nn.Module, Quantity]]:
    """All modules with the gate, 0 or 1, that says for which genes they exist; plain parts are not entered."""
    yield part, gate
    if not holds(part) or elastic(part):
        return
    for i, child in enumerate(_parts(part)):
        if isinstance(part, Choice | ElasticDepth):
            yield from walk(child, gate * Quantity((part.gene,), part.exists(i).astype(float)))
        else:
            yield from walk(child, gate)


def gates_of(module: nn.Module) -> dict[Gene, list[Quantity]]:
    """The genes in the order in which a walk meets them, each with the gates of the parts that look at it."""
    gates: dict[Gene, list[Quantity]] = {}
    for part, gate in walk(module, Quantity.of(1)):
        own = (part.gene,) if isinstance(part, Choice | ElasticDepth) else ()
        for gene in (*own, *(g for q in quantities(part) for g in q.genes)):
            gates.setdefault(gene, []).append(gate)
    return gates


def _parts(part: nn.Module) -> list[nn.Module]:
    """The direct parts; `children` would leave out a module's second place."""
    return [child for child in part._modules.values() if child is not None]


def plain(part: nn.Module) -> nn.Module:
    """The part, changed in place, with every layer of mobench replaced by torch's, at the sizes of this pass."""
    if isinstance(part, Elastic):
        made = part.plain()
        return made.train(part.training)
    if isinstance(part, Choice):
        return plain(_parts(part)[part.gene.shares.support[0]])
    if isinstance(part, ElasticDepth):
        return nn.Sequential(*(plain(block) for block in _parts(part)[: int(part.gene.value)]))
    if isinstance(part, ElasticMLP):
        return nn.Sequential(*map(plain, _parts(part)))
    for name in vars(part).keys() - vars(nn.Module()).keys():
        vars(part)[name] = _numbers(vars(part)[name])
    for name, child in list(part._modules.items()):
        part._modules[name] = None if child is None else plain(child)
    return part


def _numbers(value: Any) -> Any:
    """What a module remembers of its sizes, alone or in lists and dictionaries, as numbers; else the value."""
    if isinstance(value, Gene | Quantity):
        option = value.options[value.shares.support[0]] if isinstance(value, Gene) else value.top()
        return int(option) if isinstance(option, float) and np.floor(option) == option else option
    if type(value) in (list, tuple):
        return type(value)(map(_numbers, value))
    return {key: _numbers(each) for key, each in value.items()} if type(value) is dict else value
