"""Runs on a Dask cluster, one of its own on this machine or one at an address; workers may die at any moment."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import platform
import threading
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from mobench.core.progress import Progress
from mobench.core.version import __version__
from mobench.engines.attempt import Attempt, Tally, cores, one_thread
from mobench.engines.worker import begin_worker, kill_group, process_context
from mobench.harness.spec import RunSpec

__all__ = ["dask_cluster"]

IN_FLIGHT = 2000
"""Runs that the scheduler knows of at a time: enough for as many workers, and little memory for any campaign."""

CHECK_SECONDS = 0.2
"""How soon a worker of our own that died is replaced."""

MANY_DEATHS = 50
"""So many deaths in which no run ends are no accident."""


def dask_cluster(
    pending: Sequence[RunSpec],
    attempt: Attempt,
    *,
    workers: int | None,
    tally: Tally,
    bar: Progress,
    address: str = "",
) -> None:
    """Carry out or resume runs on a Dask cluster: an engine for `mobench.engines.engine.run_specs`.

    A run whose worker dies is given to another one, which goes on where its log ends. It is given up where Dask has
    twice seen too many workers die of it (four each time, by default), and its log did not grow in between.

    Parameters
    ----------
    pending, attempt, workers, tally, bar
        As for every engine; `workers` is that of a cluster of its own.
    address : str
        Of a scheduler, ``tcp://host:8786``; a cluster of its own on this machine when left out. Its workers have one
        thread each, this version of mobench, and the results folder and plugin files under the same paths.

    Raises
    ------
    ImportError
        Dask is not installed.
    ValueError
        Both an address and a number of workers are given.
    OSError
        There is no scheduler at the address, it was lost, or a worker cannot do the work; the message says why.
    """
    if address and workers is not None:
        raise ValueError("workers: the cluster at the address has its own; leave the number out")
    try:
        distributed = importlib.import_module("distributed")
    except ImportError as error:
        raise ImportError('dask: not installed; `pip install "mobench[dask]"`') from error
    attempt.folder.mkdir(parents=True, exist_ok=True)
    attempt = replace(attempt, folder=attempt.folder.resolve())
    modules = attempt.modules(pending) | {"distributed"}
    with _quiet(), contextlib.ExitStack() as stack:
        found: Any = address or stack.enter_context(distributed.LocalCluster(n_workers=0, dashboard_address=None))
        client = stack.enter_context(_client(distributed, found))
        size = min(workers or cores(), len(pending))
        crew = None if address else stack.enter_context(_Crew(modules, found.scheduler_address, size))
        _Queue(distributed, client, attempt, tally, bar).work(pending, crew)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's own reports of lost connections off the terminal: what they come to is said in one line."""
    levels = {logger: logger.level for logger in map(logging.getLogger, ("distributed", "distributed.client"))}
    for logger in levels:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)


def _client(distributed: Any, cluster: Any) -> Any:
    try:
        return distributed.Client(cluster)
    except (OSError, ValueError) as error:
        raise OSError(f"dask: no scheduler at {cluster} ({error})") from None


class _Crew:
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
            with one_thread():
                process.start()
            alive.append(process)
        self.processes = alive

    def __enter__(self) -> _Crew:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            kill_group(process)


def _dask_worker(address: str) -> None:
    """A worker's life: one thread, no limit of memory, no nanny."""
    begin_worker()
    distributed: Any = importlib.import_module("distributed")

    async def serve() -> None:
        async with distributed.Worker(address, nthreads=1, memory_limit=0) as worker:
            await worker.finished()

    with _quiet():
        asyncio.run(serve())


class _Queue:
    """The runs of one campaign, and those of them that the scheduler knows of."""

    def __init__(self, distributed: Any, client: Any, attempt: Attempt, tally: Tally, bar: Progress) -> None:
        self.distributed, self.client, self.attempt, self.tally, self.bar = distributed, client, attempt, tally, bar
        self.name, self.submitted = f"mobench-{uuid.uuid4().hex}", 0
        self.running: dict[Any, tuple[Any, RunSpec]] = {}
        self.finished: SimpleQueue[Any] = SimpleQueue()
        self.done: SimpleQueue[tuple[Any, str, str]] = SimpleQueue()
        self.sizes: dict[Path, int] = {}

    def work(self, pending: Sequence[RunSpec], crew: _Crew | None) -> None:
        """Bring all runs to an outcome, and keep the crew complete."""
        threading.Thread(target=self._listen, daemon=True).start()
        waiting = deque(pending)
        try:
            while waiting or self.running:
                if crew is not None:
                    crew.keep(self.bar.done)
                while waiting and len(self.running) < IN_FLIGHT:
                    self._submit(waiting.popleft())
                with contextlib.suppress(Empty):
                    waiting.extend(self._hear(*self.done.get(timeout=CHECK_SECONDS)))
        finally:
            self.finished.put(None)

    def _hear(self, key: Any, outcome: str, text: str) -> Sequence[RunSpec]:
        """Take down how an attempt went; return the run where it is worth another one."""
        _, spec = self.running.pop(key)
        if outcome == "died" and self._grew(spec):
            return (spec,)
        if self.tally.add(spec, outcome, text):
            self.bar.advance(self.tally.note)
        return ()

    def _submit(self, spec: RunSpec) -> None:
        key = (self.name, self.submitted)
        self.submitted += 1
        future = self.client.submit(_on_worker, spec, self.attempt, __version__, key=key)
        self.running[key] = (future, spec)  # the scheduler forgets what nobody holds
        future.add_done_callback(self.finished.put)

    def _listen(self) -> None:
        """Fetch answers: in a thread, since that takes another worker where the one that had an answer has died."""
        while (future := self.finished.get()) is not None:
            self.done.put((future.key, *self._outcome(future)))

    def _outcome(self, future: Any) -> tuple[str, str]:
        """As `mobench.engines.attempt.Attempt` says it, or ``died``."""
        try:
            outcome, text = future.result()
        except self.distributed.KilledWorker:
            return "died", "its workers died again and again; it may be this run that kills them"
        except self.distributed.CancelledError:
            return "stopped", "dask: the scheduler was lost; run the same command again, it goes on where it stopped"
        except Exception as error:  # noqa: BLE001 - whatever kept a worker from the attempt
            return "stopped", f"dask: a worker cannot carry out runs ({type(error).__name__}: {error})"
        return outcome, text

    def _grew(self, spec: RunSpec) -> bool:
        """Whether a run's log has grown since its workers died the last time; True the first time."""
        log = self.attempt.folder / spec.folder / "log.jsonl"
        before, size = self.sizes.get(spec.folder, -1), log.stat().st_size if log.exists() else 0
        self.sizes[spec.folder] = size
        return size > before


def _on_worker(spec: RunSpec, attempt: Attempt, version: str) -> tuple[str, str]:
    """An attempt at a run, on a worker that is fit for it."""
    worker = importlib.import_module("distributed").get_worker()
    fault = ""
    if worker.state.nthreads > 1:
        fault = f"it has {worker.state.nthreads} threads; start it with `dask worker --nthreads 1 --nworkers N`"
    elif version != __version__:
        fault = f"it has mobench {__version__}, expected {version}"
    elif not attempt.folder.is_dir():
        fault = f"{attempt.folder} is not there; put the results on a file system that all hosts share"
    return ("stopped", f"dask: worker on {platform.node()}: {fault}") if fault else attempt(spec)
