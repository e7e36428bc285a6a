"""A Dask cluster of our own on this machine, which nobody reaches from elsewhere, and its workers."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
from collections.abc import Iterator
from typing import Any

from mobench.engines.worker import begin_worker, kill_group, process_context

__all__ = ["Crew", "cluster", "quiet"]

MANY_DEATHS = 50
"""So many deaths in which no run ends are no accident."""

_LOOPBACK = "127.0.0.1"
_PAGES = f"{_LOOPBACK}:0"
"""Where Dask has its server of web pages, which it always starts: a port that nobody else wants."""
_NO_PAGES: dict[str, Any] = {"distributed.scheduler.http.routes": [], "distributed.worker.http.routes": []}
"""Settings of Dask by which that server has none."""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep Dask's own reports of lost connections off the terminal: what they come to is said in one line."""
    levels = {logger: logger.level for logger in map(logging.getLogger, ("distributed", "distributed.client"))}
    for logger in levels:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)


@contextlib.contextmanager
def cluster(distributed: Any) -> Iterator[Any]:
    """A scheduler that listens to this machine only, and shows no pages."""
    with importlib.import_module("dask").config.set(_NO_PAGES):
        found = distributed.LocalCluster(
            n_workers=0, host=_LOOPBACK, dashboard_address=None, scheduler_kwargs={"dashboard_address": _PAGES}
        )
    with found:
        yield found


class Crew:
    """Worker processes of a cluster of our own: whoever dies is replaced."""

    def __init__(self, modules: set[str], address: str, size: int) -> None:
        self.context = process_context(modules)
        self.address, self.size, self.deaths, self.ended = address, size, 0, 0
        self.processes: list[Any] = []

    def keep(self, ended: int) -> None:
        """Replace the dead; OSError where many died while the number of runs that have ended stayed the same."""
        alive = [process for process in self.processes if process.is_alive()]
        self.deaths = len(self.processes) - len(alive) + (self.deaths if ended == self.ended else 0)
        self.ended = ended
        if self.deaths > MANY_DEATHS:
            raise OSError(f"dask: {self.deaths} workers died one after the other, and no run ended in between")
        while len(alive) < self.size:
            process = self.context.Process(target=_dask_worker, args=(self.address,), name="mobench-dask-worker")
            process.start()
            alive.append(process)
        self.processes = alive

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            kill_group(process)


def _dask_worker(address: str) -> None:
    """A worker's life: one thread, no limit of memory, no nanny."""
    begin_worker()
    distributed: Any = importlib.import_module("distributed")

    async def serve() -> None:
        here = {"host": _LOOPBACK, "dashboard": False, "dashboard_address": _PAGES}
        async with distributed.Worker(address, nthreads=1, memory_limit=0, **here) as worker:
            await worker.finished()

    with quiet(), importlib.import_module("dask").config.set(_NO_PAGES):
        asyncio.run(serve())
