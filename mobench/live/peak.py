"""Peak memory of a forward pass: the most bytes of weights and values that are alive at one time, counted."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

__all__ = ["peak_memory"]


class _Alive(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Keeps count of the storages that operations hand out, until nothing holds them."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.known: set[int] = set()
        self.now = self.most = 0

    def see(self, tensor: Tensor) -> None:
        """Count a tensor's storage from now on, once."""
        storage = tensor.untyped_storage()
        address, size = id(storage), storage.nbytes()
        if address not in self.known:
            self.known.add(address)
            self.now += size
            self.most = max(self.most, self.now)
            weakref.finalize(storage, self._gone, address, size)

    def _gone(self, address: int, size: int) -> None:
        self.known.discard(address)
        self.now -= size

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        for each in tree_iter(found):
            if isinstance(each, Tensor):
                self.see(each)
        return found


def peak_memory(module: nn.Module, example: Tensor) -> int:
    """Bytes of parameters, buffers, input and values alive at the worst moment of a forward pass without gradients.

    What torch's operations hand out is counted, the scratch memory within them is not: the number is the same on every
    machine, and a lower bound of what a device needs.

    Parameters
    ----------
    module : nn.Module
        In evaluation mode for the pass, as it was afterwards.
    example : Tensor
        A batch of inputs.
    """
    training = module.training
    module.eval()
    try:
        with torch.no_grad(), _Alive() as alive:
            for tensor in (*module.parameters(), *module.buffers(), example):
                alive.see(tensor)
            output = module(example)
            del output
        return int(alive.most)
    finally:
        module.train(training)
