"""Energy of a torch module's forward pass, where NVIDIA's driver counts it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from mobench.live.latency import Mode, random_inputs, ready_call, synchronise

__all__ = ["energy_counter", "measure_energy"]

SECONDS = 0.5
"""Of calls for one measurement."""
TOGETHER = 0.004
"""Seconds of calls between two looks at the counter."""
LONGEST = 0.5
"""Seconds in which the counter moves at least once; it does every tenth of a second or so."""


def energy_counter(device: str | torch.device) -> Callable[[], float] | None:
    """A function that reads the millijoules which a GPU has taken since its driver was loaded.

    Returns
    -------
    callable or None
        None where there is no such counter: other devices, GPUs before Volta, no driver, no package ``nvidia-ml-py``.
    """
    place = torch.device(device)
    if place.type != "cuda":
        return None
    with contextlib.suppress(Exception):  # NVIDIA's library has errors of its own kind for each of these
        import pynvml

        pynvml.nvmlInit()
        index = torch.cuda.current_device() if place.index is None else place.index
        handle: Any = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(index).uuid}")
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
        return lambda: float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle))
    return None


def measure_energy(
    module: nn.Module,
    shape: Sequence[int],
    *,
    batch: int = 1,
    device: str | torch.device = "cuda",
    dtype: torch.dtype = torch.float32,
    mode: Mode = "eager",
    seconds: float = SECONDS,
    tokens: int | None = None,
) -> float | None:
    """Millijoules a call of a module, idle power included: what the driver's counter moves by during calls.

    They begin and end at a movement of the counter, and last for `seconds` at least. Other options are those of
    `measure_latency`; None where there is no counter.
    """
    counter = energy_counter(device)
    if counter is None:
        return None
    place = torch.device(device)
    inputs = random_inputs((batch, *shape), place, dtype, tokens=tokens)
    with ready_call(module, inputs, dtype=dtype, mode=mode) as call:

        def some(count: int) -> int:
            for _ in range(count):
                call()
            synchronise(place)
            return count

        def until_it_moves(count: int) -> int:
            last, until, calls = counter(), time.monotonic() + LONGEST, 0
            while counter() == last and time.monotonic() < until:
                calls += some(count)
            return calls

        some(3)
        start = time.monotonic()
        few = until_it_moves(1)
        together = max(1, int(TOGETHER * few / (time.monotonic() - start)))
        before, until, calls = counter(), time.monotonic() + seconds, 0
        while time.monotonic() < until:
            calls += some(together)
        calls += until_it_moves(together)
        return (counter() - before) / calls
