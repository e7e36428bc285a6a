"""A device that this machine does not have, emulated: what CUDA refuses to do between devices is refused here, too.

Within `far_device()` tensors that go to ``cuda`` are `Far`: they compute here and say that they are elsewhere.
They raise where CUDA would: numpy cannot read them, and operations do not mix them with tensors of the CPU but for
scalars, indices and copies. What waits for a device (`item`, `tolist`, `float`) is counted.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

FAR = torch.device("cuda", 0)
NAME = "NVIDIA E100 Emulated"
T = torch.Tensor
GETS_DEVICE, GETS_CUDA = T.device.__get__, T.is_cuda.__get__
GETS_GRADIENT = T.grad.__get__
REFUSED = {T.numpy, T.__array__}
MIXES = {T.__getitem__, T.__setitem__, T.copy_, T.to, T.cpu, T.cuda}
"""What takes tensors of two devices: indices may lie on the CPU, and copies are asked for."""
ASKS = {torch._has_compatible_shallow_copy_type}
"""What only looks at kinds of tensors."""
WAITS = {T.item, T.tolist, T.__float__, T.__int__, T.__bool__, T.cpu}
waited: Counter[str] = Counter()
"""How often the device was waited for, by what."""


class Far(torch.Tensor):
    """A tensor that lies elsewhere."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func == GETS_DEVICE:
            return FAR
        if func == GETS_CUDA:
            return True
        if func == GETS_GRADIENT:
            gradient = super().__torch_function__(func, types, args, kwargs)
            return gradient if gradient is None else gradient.as_subclass(Far)
        if func is T.__deepcopy__:
            return _copied(*args)
        if func in REFUSED:
            raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first")
        if func in WAITS:
            if Graph.capturing is not None:
                raise RuntimeError("CUDA error: operation not permitted when stream is capturing")
            waited[func.__name__] += 1
        if func in ASKS:
            return super().__torch_function__(func, types, args, kwargs)
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        if func not in MIXES and any(not isinstance(it, Far) and it.ndim for it in tensors):
            raise RuntimeError(f"Expected all tensors to be on the same device, but found cuda:0 and cpu ({func})")
        if func is T.cpu or (func is T.to and _names("cpu", args[1:], kwargs)):
            return super().__torch_function__(func, types, args, kwargs).as_subclass(torch.Tensor)
        if func is T.to and (_names("cuda", args[1:], kwargs) or any(isinstance(it, Far) for it in args[1:])):
            args, kwargs = _here(args, kwargs)
        return super().__torch_function__(func, types, args, kwargs)


def _copied(tensor, memo):
    if id(tensor) not in memo:
        memo[id(tensor)] = found = _far(tensor.detach().clone(), leaf=True).requires_grad_(tensor.requires_grad)
        if isinstance(tensor, torch.nn.Parameter):
            found._is_param = True
    return memo[id(tensor)]


class _Sends(TorchFunctionMode):
    """What asks for the device gets it, in form of the CPU."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        far = [it for it in args[1:] if isinstance(it, Far)]
        sent = func is T.cuda or (func is T.to and (_names("cuda", args[1:], kwargs) or bool(far)))
        made = func not in (T.to, torch._C._nn._parse_to) and _is_far(kwargs.get("device"))
        if not (sent or made):
            return func(*args, **kwargs)
        args, kwargs = _here(args, kwargs)
        found = func(*args, **kwargs)
        return tree_map(lambda it: _far(it, leaf=made) if isinstance(it, torch.Tensor) else it, found)


def _far(tensor, *, leaf):
    """The tensor as one that lies elsewhere; what was made there is a leaf, as it would be."""
    return tensor.detach().as_subclass(Far).requires_grad_(tensor.requires_grad) if leaf else tensor.as_subclass(Far)


def _is_far(device):
    return device is not None and torch.device(device).type == "cuda"


def _names(kind, args, kwargs):
    """Whether a device of this kind is among the arguments."""
    named = [*args, kwargs.get("device")]
    devices = [torch.device(it) for it in named if isinstance(it, str | torch.device)]
    return any(device.type == kind for device in devices)


def _here(args, kwargs):
    """The arguments with the CPU in the device's place."""
    cpu = torch.device("cpu")
    args = [args[0], *(cpu if isinstance(it, str | torch.device) and _is_far(it) else it for it in args[1:])]
    return tuple(args), {key: cpu if key == "device" and _is_far(value) else value for key, value in kwargs.items()}


class Graph:
    """A captured graph: what was computed, those of backward passes too, to be computed again."""

    capturing = None

    def __init__(self):
        self.calls = []

    def replay(self):
        with torch._C.DisableTorchFunctionSubclass(), torch.no_grad():
            for func, args, kwargs in self.calls:
                func(*args, **kwargs)


class _Captures(TorchDispatchMode):
    def __init__(self, graph):
        super().__init__()
        self.graph = graph

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.graph.calls.append((func, args, kwargs or {}))
        return func(*args, **(kwargs or {}))


@contextlib.contextmanager
def _captured(graph):
    Graph.capturing = graph
    try:
        with _Captures(graph):
            yield
    finally:
        Graph.capturing = None


class Event:
    """The time at which the device came to it."""

    def __init__(self, enable_timing=False):
        self.at = None

    def record(self):
        self.at = time.perf_counter()

    def synchronize(self):
        waited["synchronize"] += 1

    def elapsed_time(self, other):
        return 1e3 * (other.at - self.at)


class _Stream:
    def wait_stream(self, other):
        pass


def _asked(free):
    """What torch.cuda answers about the device."""
    asked = {"mem_get_info": lambda device=None: (free, free), "get_device_name": lambda device=None: NAME}
    asked |= dict.fromkeys(("memory_reserved", "memory_allocated", "max_memory_allocated"), lambda device=None: 0)
    asked |= {"get_device_capability": lambda device=None: (9, 0), "synchronize": lambda device=None: None}
    asked |= {"reset_peak_memory_stats": lambda device=None: None, "is_available": lambda: True}
    asked |= {"Event": Event, "Stream": _Stream, "current_stream": _Stream, "CUDAGraph": Graph, "graph": _captured}
    asked |= {"get_rng_state": lambda device=None: torch.zeros(8, dtype=torch.uint8)}
    asked |= dict.fromkeys(("set_rng_state", "manual_seed", "manual_seed_all"), lambda *_: None)
    return asked | {"stream": lambda stream: contextlib.nullcontext()}


@contextlib.contextmanager
def far_device(free=2**40):
    """Within it ``cuda`` is a device that holds `Far` tensors, with so many free bytes."""
    waited.clear()
    kernels = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    asked = _asked(free)
    known = {name: getattr(torch.cuda, name) for name in asked}
    for name, answer in asked.items():
        setattr(torch.cuda, name, answer)
    kept = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(True)  # modules that are sent get new parameters
    try:
        with _Sends():
            yield waited
    finally:
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = kernels
        for name, function in known.items():
            setattr(torch.cuda, name, function)
        torch.__future__.set_overwrite_module_params_on_conversion(kept)
