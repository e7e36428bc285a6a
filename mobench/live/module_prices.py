"""What the parts of a module cost, found by one pass through all of them with equal shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from mobench.live.extraction import elastic, holds
from mobench.live.genes import Gene, Quantity, Shares, passing
from mobench.live.layers import Elastic
from mobench.live.training import repeatable

__all__ = ["Use", "priced", "unfused"]


class Use(NamedTuple):
    """What a part of the module costs an example, where it exists: multiply-adds and parameters."""

    flops: Quantity
    params: Quantity


def priced(
    module: nn.Module, places: Mapping[nn.Module, Quantity], example: Tensor, shares: Mapping[Gene, Shares]
) -> tuple[list[Use], tuple[Any, Any]]:
    """The uses of all parts, and what the module makes of the example, in training and in evaluation mode.

    Parameters
    ----------
    module : nn.Module
        It is left in evaluation mode: no shared weights are for dropout.
    places : mapping
        Each part, and the gate that says for which genes it exists.
    example : Tensor
        A batch of inputs.
    shares : mapping
        Of every option.

    Raises
    ------
    ValueError
        Sizes do not meet, or the pass changed a buffer: the memory of past batches, which no shared weights have.
    """
    shapes: dict[nn.Module, list[Any]] = {part: [] for part in places}
    counters: dict[nn.Module, FlopCounterMode] = {}

    def before(part: nn.Module, _: Any) -> None:
        if not elastic(part) and not holds(part) and not _free(part):
            counters[part] = FlopCounterMode(display=False)
            counters[part].__enter__()  # type: ignore[no-untyped-call]

    def after(part: nn.Module, _: Any, output: Any) -> None:
        if part in counters:
            counters[part].__exit__(None, None, None)  # type: ignore[no-untyped-call]
            shapes[part].append(counters.pop(part).get_total_flops() / 2)  # the counter counts two
        elif elastic(part) or holds(part):
            shapes[part].append(getattr(output, "shape", None))

    hooks = [p.register_forward_pre_hook(before) for p in places] + [p.register_forward_hook(after) for p in places]
    buffers = [(name, buffer.clone()) for name, buffer in module.named_buffers()]
    try:
        training = _outputs(module.train(), example, shares)
    finally:
        for hook in hooks:
            hook.remove()
        for counter in counters.values():  # of a part that failed: torch would go on counting
            counter.__exit__(None, None, None)  # type: ignore[no-untyped-call]
    now = dict(module.named_buffers())
    for name, buffer in buffers:
        if not torch.equal(buffer, now[name]):
            raise ValueError(
                f"{name}: forward changes this buffer, a memory of past batches, which no shared weights have; compute "
                "it of the batch"
            )
    uses = [_use(part, gate, shapes[part], len(example)) for part, gate in places.items()]
    return uses, (training, _outputs(module.eval(), example, shares))


def _outputs(module: nn.Module, example: Tensor, shares: Mapping[Gene, Shares]) -> Any:
    """What all of the module makes of the example, the same numbers at every call."""
    try:
        with torch.no_grad(), passing(shares), torch.random.fork_rng(devices=[]), repeatable(str(example.device)):
            torch.manual_seed(0)  # dropout
            with unfused():
                return module(example)
    except (RuntimeError, IndexError) as error:
        cure = "does the first layer take these, and do the sizes that meet come from one gene?"
        if "indices" in str(error) or "index out of range" in str(error):
            cure = "inputs are normalised float32, no indices; for tokens give a Dataset of mean 0 and deviation 1 and "
            cure += "embed x.long().clamp(0, n - 1)"
        raise ValueError(f"inputs of shape {tuple(example.shape)}: {error}; {cure}") from error


@contextmanager
def unfused() -> Iterator[None]:
    """Attention and recurrent layers as the products that they are: `FlopCounterMode` counts none in fused kernels."""
    fast, onednn = torch.backends.mha.get_fastpath_enabled(), torch.backends.mkldnn.enabled
    torch.backends.mha.set_fastpath_enabled(False)
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]
    try:
        with sdpa_kernel(SDPBackend.MATH), torch.backends.cudnn.flags(enabled=False):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        torch.backends.mkldnn.enabled = onednn


def _free(part: nn.Module) -> bool:
    """Whether a part multiplies nothing: torch's own without weights. The counter takes seconds to import."""
    own = all(type(inner).__module__.startswith("torch.nn.") for inner in part.modules())
    return own and next(part.parameters(), None) is None


def _use(part: nn.Module, gate: Quantity, calls: Sequence[Any], n: int) -> Use:
    """What a part costs that was called on a batch of n examples."""
    flops, params = Quantity.of(0), Quantity.of(0)
    if isinstance(part, Elastic):
        params = part.costs(None)[1]
        flops = sum((part.costs(shape)[0] for shape in calls), flops)
    elif holds(part):
        params = params + sum(w.numel() for w in part.parameters(recurse=False))
        own: Any = getattr(part, "own_flops", None)
        flops = sum((own(shape) for shape in calls), flops) if own else flops
    else:
        flops, params = flops + sum(calls), params + sum(w.numel() for w in part.parameters())
    flops = gate * flops
    return Use(Quantity(flops.genes, flops.table / n), gate * params)
