"""Latency of any torch module on the device at hand: warm-up, many repeats, their median, its spread and context."""

from __future__ import annotations

import contextlib
import functools
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from mobench.core.space import Array

Mode = Literal["eager", "graph"]

WARM_UP_SECONDS = 0.2
"""Calls before the first measurement: clocks rise, caches fill, kernels are chosen."""

REPEAT_SECONDS = 0.002
"""Least length of one repeat: as many calls are timed together as that takes, whatever the clock's grain."""


@dataclass(frozen=True)
class Latency:
    """One measured latency and everything needed to judge it.

    Attributes
    ----------
    median, low, high : float
        Milliseconds a call: median and quartiles of the repeats.
    repeats, calls : int
        How many repeats, and calls timed together in each.
    batch : int
        Images a call.
    mode : str
        ``cpu``, ``eager`` (CUDA events around calls) or ``graph`` (around replays of a captured CUDA graph).
    dtype, device : str
        Type of weights and input; the device's own name.
    about : dict
        Versions, threads, memory format; on CUDA whether convolutions round float32 to TF32, and clock (MHz) and
        temperature (C) as read, never set.
    """

    median: float
    low: float
    high: float
    repeats: int
    calls: int
    batch: int
    mode: str
    dtype: str
    device: str
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def spread(self) -> float:
        """Interquartile range over the median."""
        return (self.high - self.low) / self.median


def measure_latency(
    module: nn.Module,
    shape: Sequence[int],
    *,
    batch: int = 1,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    mode: Mode = "eager",
    repeats: int = 50,
    warm_up: float = WARM_UP_SECONDS,
    tokens: int | None = None,
) -> Latency:
    """Time the forward pass of a module in evaluation mode on random input.

    On the CPU one thread computes and the monotonic clock is read. On CUDA the calls lie between two events on their
    stream: launched one by one (``eager``), or replayed from a captured graph (``graph``), which leaves the launch
    overhead out. Calls are made for `warm_up` first; each repeat lasts at least 2 ms.

    Parameters
    ----------
    module : torch.nn.Module
        Any module of one input; it is moved to the device and type, and its training mode restored.
    shape : sequence of int
        Shape of one input, without the batch.
    batch : int
        Inputs a call.
    device, dtype
        Where and in which type to measure.
    mode : {"eager", "graph"}
        How calls are launched on CUDA; the CPU knows ``eager`` only.
    repeats : int
        Measurements of which the median is taken, at least 5.
    warm_up : float
        Seconds of calls before the first repeat; less will do on a device that has been at work all along.
    tokens : int, optional
        Inputs are whole numbers below it, as language models take them, in place of random reals.

    Raises
    ------
    ValueError
        A batch below 1, fewer than 5 repeats, or graphs on the CPU.
    """
    device = torch.device(device)
    if batch < 1 or repeats < 5:
        raise ValueError(f"measure_latency: expected batch >= 1 and repeats >= 5, found {batch} and {repeats}")
    inputs = random_inputs((batch, *shape), device, dtype, tokens=tokens)
    with ready_call(module, inputs, dtype=dtype, mode=mode) as call:
        seconds = _cuda_seconds if device.type == "cuda" else _cpu_seconds
        warm = time.monotonic()
        calls = 0
        while time.monotonic() - warm < warm_up or calls < 3:
            call()
            calls += 1
        synchronise(device)
        calls = max(1, int(np.ceil(REPEAT_SECONDS / max(seconds(call, 3) / 3, 1e-9))))
        times = np.array([seconds(call, calls) / calls for _ in range(repeats)]) * 1e3
        about = _about(device, inputs)
    low, median, high = np.percentile(times, [25, 50, 75])
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    return Latency(
        median=float(median),
        low=float(low),
        high=float(high),
        repeats=repeats,
        calls=calls,
        batch=batch,
        mode=mode if device.type == "cuda" else "cpu",
        dtype=str(dtype).removeprefix("torch."),
        device=name,
        about=about,
    )


def random_inputs(
    shape: Sequence[int], device: torch.device, dtype: torch.dtype, *, tokens: int | None = None
) -> Tensor:
    """The same normal numbers at every call, or whole numbers below `tokens`, of a shape that the batch begins."""
    generator = torch.Generator().manual_seed(0)
    if tokens is not None:
        return torch.randint(tokens, tuple(shape), generator=generator).to(device)
    return torch.randn(tuple(shape), generator=generator).to(device=device, dtype=dtype)


@contextlib.contextmanager
def ready_call(
    module: nn.Module, inputs: Tensor, *, dtype: torch.dtype, mode: Mode = "eager"
) -> Iterator[Callable[[], Any]]:
    """Within it, a forward pass that can be called again and again: no gradients, evaluation mode, one CPU thread.

    Parameters
    ----------
    module : torch.nn.Module
        On the device of the inputs and of the type `dtype` within; all as before afterwards.
    inputs : Tensor
        A batch.
    mode : {"eager", "graph"}
        Launched one by one, or a captured CUDA graph.

    Raises
    ------
    ValueError
        Graphs on another device than CUDA.
    """
    if mode == "graph" and inputs.device.type != "cuda":
        raise ValueError(f"mode: 'graph' needs a CUDA device, found {inputs.device}; use 'eager'")
    with _measuring(module, inputs.device, dtype), torch.inference_mode():
        yield _captured(module, inputs) if mode == "graph" else functools.partial(module, inputs)


def measure_in_turn(
    modules: Sequence[nn.Module],
    shape: Sequence[int],
    *,
    batch: int = 1,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    repeats: int = 25,
) -> Array:
    """Time single calls of several modules in turn, so that they share the device's changing speed.

    On a machine that others use, too, latencies minutes apart differ by factors, while the ratio of two calls one
    behind the other stays within a few per cent (`docs/latency.md`). On the CPU, the time that the thread did not run
    is left out.

    Returns
    -------
    (repeats, len(modules)) array
        Milliseconds; a row is one round.

    Raises
    ------
    ValueError
        No modules, a batch below 1 or fewer than 5 repeats.
    """
    device = torch.device(device)
    if not modules or batch < 1 or repeats < 5:
        found = f"{len(modules)}, {batch} and {repeats}"
        raise ValueError(f"measure_in_turn: expected modules, batch >= 1 and repeats >= 5, found {found}")
    inputs = random_inputs((batch, *shape), device, dtype)
    with contextlib.ExitStack() as all_modules, torch.inference_mode():
        for module in modules:
            all_modules.enter_context(_measuring(module, device, dtype))
        calls = [functools.partial(module, inputs) for module in modules]
        cuda = device.type == "cuda"
        seconds = _cuda_seconds if cuda else functools.partial(_cpu_seconds, clock=time.thread_time)
        for call in calls:
            seconds(call, 3)
        return np.array([[seconds(call, 1) for call in calls] for _ in range(repeats)]) * 1e3


def _cpu_seconds(call: Callable[[], Any], calls: int, *, clock: Callable[[], float] = time.perf_counter) -> float:
    start = clock()
    for _ in range(calls):
        call()
    return clock() - start


def _cuda_seconds(call: Callable[[], Any], calls: int) -> float:
    event: Any = torch.cuda.Event
    start, end = event(enable_timing=True), event(enable_timing=True)
    start.record()
    for _ in range(calls):
        call()
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end)) / 1e3


def _captured(module: nn.Module, inputs: Tensor) -> Callable[[], Any]:
    """The forward pass as a CUDA graph, captured after three calls on a side stream (as capture asks for)."""
    stream: Any = torch.cuda.Stream
    side = stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            module(inputs)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        module(inputs)
    return graph.replay


def synchronise(device: torch.device) -> None:
    """Wait until a CUDA device has done what it was given; others have when a call returns."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@contextlib.contextmanager
def _measuring(module: nn.Module, device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """The module on the device in evaluation mode, one CPU thread; all as before afterwards."""
    threads, training = torch.get_num_threads(), module.training
    before = [(tensor, tensor.data) for tensor in (*module.parameters(), *module.buffers())]
    torch.set_num_threads(1)
    module.eval().to(device=device, dtype=dtype)
    try:
        yield
    finally:
        for tensor, data in before:
            tensor.data = data
        module.train(training)
        torch.set_num_threads(threads)


def _about(device: torch.device, inputs: Tensor) -> dict[str, Any]:
    about: dict[str, Any] = {"torch": str(torch.__version__), "host": platform.node(), "threads": 1}
    about["channels_last"] = inputs.dim() == 4 and inputs.is_contiguous(memory_format=torch.channels_last)
    if device.type == "cuda":
        about |= {"cuda": torch.version.cuda, "capability": list(torch.cuda.get_device_capability(device))}
        about["tf32_convolutions"] = bool(torch.backends.cudnn.allow_tf32)  # torch's default: float32 is not all of it
        for name in ("clock_rate", "temperature"):
            with contextlib.suppress(Exception):  # they need NVIDIA's management library, which may be missing
                about[name] = getattr(torch.cuda, name)(device)
    return about
