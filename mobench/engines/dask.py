"""Runs on a Dask cluster, one of its own on this machine or one at an address; workers may die at any moment."""

from __future__ import annotations

import contextlib
import importlib
import platform
import secrets
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from mobench.core.version import __version__, code_checksum
from mobench.engines.attempt import Attempt, Deaths, Tally, cores
from mobench.engines.dask_crew import Crew, cluster, quiet
from mobench.engines.runs_bar import RunsBar
from mobench.engines.worker import in_own_process, process_context
from mobench.files.writing import written_whole
from mobench.harness.limits import NO_LIMITS
from mobench.harness.spec import RunSpec

__all__ = ["dask_cluster"]

IN_FLIGHT = 2000
"""Runs that the scheduler knows of at a time: enough for as many workers, and little memory for any campaign."""

CHECK_SECONDS = 0.2
"""How soon a worker of our own that died is replaced."""

STRIKES = 3
"""A host that so many runs in a row could not be carried out on gets no more, and a run is tried so often."""

_LOST = "dask: the scheduler was lost; run the same command again, it goes on where it stopped"

PATIENCE = 5.0
"""Seconds without an outcome after which it is said that there are no workers."""


def dask_cluster(
    pending: Sequence[RunSpec],
    attempt: Attempt,
    *,
    workers: int | None,
    tally: Tally,
    bar: RunsBar,
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
        Of a scheduler, ``tcp://host:8786`` or ``tls://host:8786``; when left out, a cluster of its own on this machine,
        which nobody reaches from elsewhere. Its workers have one thread each, the same code of mobench, and the results
        folder, which they share, and plugin files under the same paths.

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
    with quiet(), contextlib.ExitStack() as stack:
        found: Any = address or stack.enter_context(cluster(distributed))
        client = stack.enter_context(_client(distributed, found))
        size = min(workers or cores(), len(pending))
        crew = None if address else stack.enter_context(Crew(modules, found.scheduler_address, size))
        mark = stack.enter_context(_marked(attempt.folder))
        _Queue(distributed, client, attempt, mark, tally, bar).work(pending, crew)


@contextlib.contextmanager
def _marked(folder: Path) -> Iterator[tuple[Path, str]]:
    """A file with a secret in the results folder: who does not see it there has another folder of the same path."""
    secret = secrets.token_hex(16)
    path = folder / f".mobench-{uuid.uuid4().hex}.token"
    with written_whole(path) as file:
        file.write(secret.encode())
    try:
        yield path, secret
    finally:
        path.unlink(missing_ok=True)


def _client(distributed: Any, cluster: Any) -> Any:
    try:
        return distributed.Client(cluster)
    except (OSError, ValueError) as error:
        raise OSError(f"dask: no scheduler at {cluster} ({error})") from None


class _Queue:
    """The runs of one campaign, and those of them that the scheduler knows of."""

    def __init__(
        self, distributed: Any, client: Any, attempt: Attempt, mark: tuple[Path, str], tally: Tally, bar: RunsBar
    ) -> None:
        self.distributed, self.client, self.attempt, self.tally, self.bar = distributed, client, attempt, tally, bar
        self.mark, self.heard, self.told = mark, time.monotonic(), False
        self.name, self.submitted = f"mobench-{uuid.uuid4().hex}", 0
        self.running: dict[Any, tuple[Any, RunSpec]] = {}
        self.finished: SimpleQueue[Any] = SimpleQueue()
        self.done: SimpleQueue[tuple[Any, str, str, str]] = SimpleQueue()
        self.deaths = Deaths(attempt)
        self.strikes: Counter[str] = Counter()
        self.refusals: Counter[Path] = Counter()
        self.fit: list[str] | None = None

    def work(self, pending: Sequence[RunSpec], crew: Crew | None) -> None:
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
                    self.heard = time.monotonic()
                self.bar.look()
                if crew is None and time.monotonic() - self.heard > PATIENCE:
                    self._tell_of_no_workers()
        finally:
            self.finished.put(None)

    def _tell_of_no_workers(self) -> None:
        """Say once what is waited for, where there is nobody who could do the work."""
        self.heard = time.monotonic()
        with contextlib.suppress(OSError):  # a scheduler that was lost is told of by its runs
            if not self.told and not self.client.nthreads():
                address = self.client.scheduler.address
                self.bar.warn(f"dask: no workers at {address} yet, waiting for `dask worker {address} --nthreads 1`")
                self.told = True

    def _hear(self, key: Any, outcome: str, text: str, host: str) -> Sequence[RunSpec]:
        """Take down how an attempt went; return the run where it is worth another one."""
        _, spec = self.running.pop(key)
        if outcome == "died":
            if self.deaths.again(spec):
                return (spec,)
            outcome, text = self.deaths.give_up(spec, text)
        if outcome == "unfit" and self._refused(spec, host, text):
            return (spec,)
        self.strikes[host] *= outcome == "unfit"  # whoever has ended a run is fit for others
        if self.tally.add(spec, outcome, text):
            self.bar.over(spec, self.tally.note)
        return ()

    def _submit(self, spec: RunSpec) -> None:
        key = (self.name, self.submitted)
        self.submitted += 1
        future = self.client.submit(
            _on_worker, spec, self.attempt, self.mark, code_checksum(), key=key, workers=self.fit
        )
        self.running[key] = (future, spec)  # the scheduler forgets what nobody holds
        future.add_done_callback(self.finished.put)

    def _listen(self) -> None:
        """Fetch answers: in a thread, since that takes another worker where the one that had an answer has died."""
        while (future := self.finished.get()) is not None:
            self.done.put((future.key, *self._outcome(future)))

    def _outcome(self, future: Any) -> tuple[str, str, str]:
        """As `mobench.engines.attempt.Attempt` says it, or ``died``; and the host."""
        try:
            outcome, text, host = future.result()
        except self.distributed.KilledWorker:
            return "died", "its workers died again and again", ""
        except self.distributed.CancelledError:
            return "stopped", _LOST, ""
        except Exception as error:  # noqa: BLE001 - whatever kept a worker from the attempt
            return "stopped", f"dask: a worker cannot carry out runs ({type(error).__name__}: {error})", ""
        return outcome, text, host

    def _refused(self, spec: RunSpec, host: str, text: str) -> bool:
        """Count against a host, and for once against the run, that it could not be carried out; whether to try again.

        Raises
        ------
        OSError
            No host is left that could carry out anything.
        """
        self.strikes[host] += 1
        self.refusals[spec.folder] += 1
        workers = list(self.client.nthreads())
        fit = [worker for worker in workers if self.strikes[_host(worker)] < STRIKES]
        if not fit:
            raise OSError(f"dask: no host can carry out these runs: {host}: {text}")
        self.fit = fit if len(fit) < len(workers) else None
        return self.refusals[spec.folder] < STRIKES


def _host(address: str) -> str:
    """Of a worker's address without its port: what workers of one host have in common."""
    return address.rpartition(":")[0]


def _on_worker(spec: RunSpec, attempt: Attempt, mark: tuple[Path, str], code: str) -> tuple[str, str, str]:
    """An attempt at a run, on a worker that is fit for it: how it went, and on which host."""
    worker = importlib.import_module("distributed").get_worker()
    if fault := _fault(worker.state.nthreads, mark, code):
        return "stopped", f"dask: worker on {platform.node()}: {fault}", ""
    alone = spec.searcher_code or spec.problem_code or attempt.limits != NO_LIMITS
    went = in_own_process(process_context(set()), attempt, spec) if alone else attempt(spec)
    return *went, _host(worker.address)


def _fault(threads: int, mark: tuple[Path, str], code: str) -> str:
    """Why a worker must not carry out runs; empty where it may."""
    path, secret = mark
    if threads > 1:
        return f"it has {threads} threads; start it with `dask worker --nthreads 1 --nworkers N`"
    if code_checksum() != code:
        return f"it has other code of mobench ({__version__}, checksum {code_checksum()}, expected {code})"
    try:
        shared = path.read_text(encoding="ascii") == secret
    except (OSError, ValueError):
        shared = False
    return (
        "" if shared else f"its {path.parent} is another folder; put the results on a file system that all hosts share"
    )
