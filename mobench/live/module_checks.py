"""What makes a module no search space, found before anything is trained: each fault in words, with its cure."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from mobench.live.extraction import elastic, gates_of, holds, walk
from mobench.live.genes import Quantity
from mobench.live.layers import ElasticBatchNorm

__all__ = ["check_beginnings", "check_logits", "check_lone_inputs", "check_parts", "check_repeats"]

FEW = 32
"""Numbers from which on their deviation tells something."""


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
        if isinstance(part, torch.jit.ScriptModule):
            name = next(name for name, each in module.named_modules() if each is part)
            raise ValueError(f"{name}: a scripted part cannot be looked into; give the module that was scripted")
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


def check_logits(output: Any, classes: int) -> None:
    """Refuse outputs that are no logits, (n, at least `classes`).

    Raises
    ------
    ValueError
        Another shape, no tensor, or probabilities.
    """
    shape = tuple(getattr(output, "shape", ()))
    if len(shape) != 2 or shape[1] < classes:
        found = shape or type(output).__name__
        raise ValueError(f"network: expected logits (n, {classes}) of the classes of the data, found {found}")
    if bool((output >= 0).all()) and torch.allclose(output.sum(dim=1), output.new_ones(())):
        raise ValueError("network: its outputs sum to one, but cross entropy takes logits; leave the softmax out")


def check_lone_inputs(module: nn.Module) -> None:
    """Refuse norms over the batch, which one input alone does not have; ValueError."""
    if any(isinstance(part, ElasticBatchNorm | nn.modules.batchnorm._BatchNorm) for part in module.modules()):
        raise ValueError(
            "batch: a batch norm needs two inputs at least, and the smallest batch has one; make it larger, give more "
            "inputs to train or validate on, or use ElasticLayerNorm"
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
    for name in first | second:
        if name not in first or name not in second or not torch.equal(first[name].cpu(), second[name].cpu()):
            raise ValueError(cure.format(name))


def check_beginnings(module: nn.Module, redrawn: nn.Module) -> None:
    """Refuse weights that plainly do not begin as `reset_parameters` redraws them: stand-alone networks begin so.

    They are told by a constant that the other does not have, or by deviations further apart than chance makes them.

    Raises
    ------
    ValueError
        Names the first such weight, and the cure.
    """
    for (name, made), again in zip(module.named_parameters(), redrawn.parameters(), strict=True):
        if not made.numel():
            continue
        (low, high), (lowest, highest) = (torch.aminmax(w.detach()) for w in (made, again))
        constant = made.numel() > 1 and (bool(low == high) or bool(lowest == highest))
        if constant and (low, high) != (lowest, highest):
            found = f"{float(low):.3g} to {float(high):.3g}, redrawn {float(lowest):.3g} to {float(highest):.3g}"
        elif not constant and abs(apart := _log_ratio(made, again)) > 0.25 + 5 / made.numel() ** 0.5:
            found = f"{math.exp(apart):.2g} times as far apart as redrawn"
        else:
            continue
        raise ValueError(
            f"{name}: the network's own initialisation ({found}) would be lost in stand-alone networks, which begin by "
            "reset_parameters; write it there, in a method of the class that holds the layers, called by its __init__"
        )


def _log_ratio(first: Tensor, second: Tensor) -> float:
    """Of two tensors' deviations; 0 where few numbers tell nothing of them."""
    return float((first.detach().std() / second.detach().std()).log()) if first.numel() >= FEW else 0.0
