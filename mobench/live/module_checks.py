"""What makes a module no search space, found before anything is trained: each fault in words, with its cure."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from mobench.live.extraction import elastic, gates_of, holds, walk
from mobench.live.genes import Quantity

__all__ = ["check_parts", "check_repeats"]


def check_parts(module: nn.Module, example: Tensor) -> None:
    """Refuse parts that have no meaning in shared weights.

    Raises
    ------
    ValueError
        Weights in two places, of another kind or on another device than inputs, without sizes, or that are not to be
        trained; norms with running statistics; elastic layers under a parametrisation.
    """
    names = {id(w): name for name, w in module.named_parameters()}
    taken: set[int] = set()
    for part, _ in walk(module, Quantity.of(1)):
        inside = [part] if holds(part) else list(part.modules())
        for norm in inside:
            if isinstance(norm, nn.modules.batchnorm._NormBase) and norm.track_running_stats:
                raise ValueError(
                    f"{type(norm).__name__}: shared weights have no running statistics; use ElasticBatchNorm(width)"
                )
        if elastic(part) and part._modules:
            raise ValueError(f"{type(part).__name__}: a parametrised layer has no elastic sizes; take the layer alone")
        own = {id(w): w for each in inside for w in each.parameters(recurse=False)}
        for key, weight in own.items():
            _check_weight(names[key], weight, example)
            if key in taken:
                raise ValueError(
                    f"{names[key]}: one module, two places, or tied weights; share genes instead, or keep both in one "
                    "part without choices"
                )
        taken |= own.keys()


def _check_weight(name: str, weight: Tensor, example: Tensor) -> None:
    if isinstance(weight, UninitializedParameter):
        raise ValueError(f"{name}: a lazy layer has no size yet; give it its sizes")
    if not weight.requires_grad:
        raise ValueError(f"{name}: frozen, but each network is trained from scratch; keep constants as buffers")
    if weight.device != example.device:
        raise ValueError(
            f"{name}: on {weight.device}, inputs on {example.device}; leave .to() out, Recipe(device=...) says where"
        )
    if example.is_floating_point() and weight.dtype != example.dtype:
        raise ValueError(
            f"{name}: weights of {weight.dtype}, inputs of {example.dtype}; leave .double() or .half() out"
        )


def check_repeats(module: nn.Module, again: nn.Module) -> None:
    """Refuse a function that made two modules of one seed that differ.

    Raises
    ------
    ValueError
        Genes, or names, shapes or values of weights are not the same.
    """
    cure = "make_network: called twice with one seed of torch's it made two modules, which differ in {}; let it depend "
    cure += "on nothing else"
    if list(map(repr, gates_of(module))) != list(map(repr, gates_of(again))):
        raise ValueError(cure.format("their genes"))
    first, second = (dict(m.named_parameters()) for m in (module, again))
    for name in {**first, **second}:  # in their order, so that the message is the same every time
        if name not in first or name not in second or not torch.equal(first[name].cpu(), second[name].cpu()):
            raise ValueError(cure.format(name))
