"""The processor that a run is computed on: the last bits of linear algebra depend on it."""

from __future__ import annotations

import contextlib
import functools
import platform
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["processor"]

_NAMES = Path("/proc/cpuinfo")


@functools.cache
def processor() -> str:
    """Its name, as far as the system tells, and the widest vectors that numpy found: ``AMD EPYC 7763, X86_V3``.

    Libraries of linear algebra choose their order of summation by these, so that what is computed with them (models,
    supernets) is the same to the last bit where they are.
    """
    name = platform.machine()  # `platform.processor` starts a process, and waits for it
    with contextlib.suppress(OSError, StopIteration):
        lines = _NAMES.read_text(encoding="utf-8", errors="replace").splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    config: Any = np.show_config(mode="dicts")
    vectors = (config or {}).get("SIMD Extensions", {})
    return ", ".join([name, *[*vectors.get("baseline", []), *vectors.get("found", [])][-1:]])
