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
"""Of calls for one measurement: the driver's counter moves every tenth of a second or so."""


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
    """Millijoules a call of a module, idle power included: the driver's counter before and after calls for `seconds`.

    Options are those of `measure_latency`; None where there is no counter.
    """
    counter = energy_counter(device)
    if counter is None:
        return None
    place = torch.device(device)
    inputs = random_inputs((batch, *shape), place, dtype, tokens=tokens)
    with ready_call(module, inputs, dtype=dtype, mode=mode) as call:
        for _ in range(3):
            call()
        synchronise(place)
        before, start, calls = counter(), time.monotonic(), 0
        while time.monotonic() - start < seconds:
            call()
            calls += 1
            if calls % 16 == 0:  # the queue of launches stays short
                synchronise(place)
        synchronise(place)
        return (counter() - before) / calls
