"""One thread a process: runs are small and go side by side, and threads that wait for each other take their time."""

from __future__ import annotations

import os

__all__ = ["ONE_THREAD", "one_thread"]

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
"""What libraries read when they are loaded, by the names of environment variables."""


def one_thread() -> None:
    """Libraries that are not loaded yet will use one thread, where the environment does not say how many."""
    for name, threads in ONE_THREAD.items():
        os.environ.setdefault(name, threads)
