"""Global state that a plugin must neither use nor change."""

from __future__ import annotations

import contextlib
import os
import random
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["global_state", "kept_randomness", "seed_globals"]

_CACHES = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")
"""Variables that torch sets by itself when parts of it are first imported."""


def global_state() -> dict[str, Any]:
    """What a plugin must leave as it was, by name; torch's where torch is loaded."""
    state: dict[str, Any] = {
        "the state of random": random.getstate(),
        "the state of numpy.random": str(np.random.get_state()),  # noqa: NPY002
        "numpy's error handling": np.geterr(),
        "the warnings filters": str(warnings.filters),
        "the environment": {name: value for name, value in os.environ.items() if name not in _CACHES},
        "the working directory": os.getcwd(),
        "the recursion limit": sys.getrecursionlimit(),
    }
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_rng_state"):
        state["the state of torch's generator"] = torch.get_rng_state().numpy().tobytes()
        state["torch's default dtype"] = torch.get_default_dtype()
        state["torch's number of threads"] = torch.get_num_threads()
        state["torch's gradient mode"] = torch.is_grad_enabled()
    return state


@contextlib.contextmanager
def kept_randomness() -> Iterator[None]:
    """Put the global random states back where they were."""
    torch = sys.modules.get("torch")
    saved = random.getstate(), np.random.get_state(), torch.get_rng_state() if torch else None  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(saved[0])
        np.random.set_state(saved[1])  # noqa: NPY002
        if torch:
            torch.set_rng_state(saved[2])


def seed_globals(seed: int) -> None:
    """Put all global random states somewhere else."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "manual_seed"):
        torch.manual_seed(seed)
