"""Latency of a module that a user names as ``MODULE:FUNCTION``: what `mobench latency` measures."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from mobench.live.latency import measure_latency


def measure_named(
    name: str,
    shape: Sequence[int],
    *,
    batches: Sequence[int] = (1,),
    device: str = "cpu",
    dtype: str = "float32",
    modes: Sequence[Literal["eager", "graph"]] = ("eager",),
    repeats: int = 50,
) -> list[dict[str, Any]]:
    """Measure what ``MODULE:FUNCTION`` gives, once for each batch and mode, with `measure_latency`.

    Parameters
    ----------
    name : str
        A function without arguments that returns a torch module, or a torch module itself; the module that holds it
        is looked for in the current folder too.
    shape : sequence of int
        Shape of one input, without the batch.

    Returns
    -------
    list of dict
        The fields of `Latency`, one a measurement.

    Raises
    ------
    ValueError
        The name leads to no torch module, an unknown dtype or device, or a module that does not take such input.
    """
    found = getattr(torch, dtype, None)
    if not isinstance(found, torch.dtype):
        raise ValueError(f"dtype: expected float32, bfloat16 or another torch dtype, found {dtype!r}")
    module, place = _module(name), _device(device)
    rows = []
    for mode in modes:
        for batch in batches:
            try:
                measured = measure_latency(
                    module,
                    shape,
                    batch=batch,
                    device=place,
                    dtype=found,
                    mode=mode,
                    repeats=repeats,
                )
            except RuntimeError as error:
                raise ValueError(f"{name} does not run on input {(batch, *shape)}: {error}") from None
            rows.append(asdict(measured))
    return rows


def _module(name: str) -> nn.Module:
    """Find ``MODULE:FUNCTION`` and call it."""
    path, colon, attribute = name.partition(":")
    if not (path and colon and attribute):
        raise ValueError(f"expected MODULE:FUNCTION, torchvision.models:resnet18 for example, found {name!r}")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)
    found: Any = importlib.import_module(path)
    if not hasattr(found, attribute):
        raise ValueError(f"{path} has no {attribute!r}; expected a function that returns a torch module")
    found = getattr(found, attribute)
    built = found if isinstance(found, nn.Module) else found() if callable(found) else found
    if not isinstance(built, nn.Module):
        raise ValueError(
            f"{name}: expected a torch module or a function that returns one, found {type(built).__name__}"
        )
    return built


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"device: expected cpu, cuda or cuda:N, found {name!r}") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError("device: no CUDA device is at hand; measure on the cpu, or install torch for CUDA")
    return device
