"""A campaign carried out or resumed, whole or one shard of it, by an engine: local processes, or a Dask cluster."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from mobench.campaigns.campaign import Campaign
from mobench.campaigns.record import open_campaign
from mobench.campaigns.shard import WHOLE, Shard, share
from mobench.campaigns.study import nothing_applies
from mobench.core.progress import Progress
from mobench.engines.attempt import Attempt, Engine, Tally
from mobench.engines.local import local_processes
from mobench.engines.runs_bar import RunsBar
from mobench.files.writing import check_below
from mobench.harness.held import is_held
from mobench.harness.limits import NO_LIMITS, Limits
from mobench.harness.spec import RunSpec
from mobench.plugins.sources import Sources, in_use
from mobench.scoring.contracts import DEFAULT

__all__ = ["run_campaign", "run_specs"]

PAUSE, LONGEST_PAUSE = 0.05, 2.0
"""Seconds between looks at runs that another command is at: at first, and at most; each pause is twice the last."""

LONGEST_FOLDER = 60
"""Letters of a folder's name in which a socket can be: its own name takes 31, and systems take 92 at least."""


def run_specs(
    specs: Sequence[RunSpec],
    folder: Path,
    *,
    workers: int | None = None,
    progress: bool = True,
    engine: Engine = local_processes,
    sources: Sources | None = None,
    limits: Limits = NO_LIMITS,
    contract: str = DEFAULT,
) -> Tally:
    """Carry out or resume all runs that have not ended.

    A run that another command is at is left to it, and come back to when there is nothing else to do: then this
    command waits until the other one has ended it, and carries it on where the other one was killed.

    Parameters
    ----------
    specs : sequence of RunSpec
        The runs.
    folder : Path
        Each run gets the folder ``folder / spec.folder``.
    workers : int, optional
        Runs at a time; as many as cores when left out.
    progress : bool
        Whether to show progress on standard error.
    engine : Engine
        Where runs execute: processes of this machine, or `mobench.engines.dask.dask_cluster`.
    sources : Sources, optional
        What names of searchers and problems mean; what `mobench.use_plugins` made known when left out.
    limits : Limits
        What each run may take; one that exceeds them has failed.
    contract : str
        How runs are scored whose hypervolume is shown in passing.

    Raises
    ------
    ValueError
        `workers` is below 1.
    OSError
        The results folder cannot be written (full, read-only, or a link leads out of it); everything written before
        can be resumed.
    KeyboardInterrupt
        Ctrl-C: the workers are ended; every run can be resumed.
    """
    _check(workers)
    folder = folder.absolute()
    pending = [spec for spec in specs if not _has_ended(spec, folder)]
    tally, attempt = Tally(already=len(specs) - len(pending)), Attempt(folder, sources or in_use(), limits)
    for spec in pending:
        check_below(folder / spec.folder, folder)
    if not pending:
        return tally
    with _short_sockets(), Progress(len(specs), done=tally.already, show=progress) as shown:
        bar = RunsBar(shown, pending, folder, attempt.sources, contract=contract)
        pause = PAUSE
        while pending:
            engine(pending, attempt, workers=workers, tally=tally, bar=bar)
            pending, pause = _after_others(attempt, tally, bar, pause)
    return tally


@contextlib.contextmanager
def _short_sockets() -> Iterator[None]:
    """Processes meet at sockets in the temporary folder; where its name is too long for one, in ``/tmp``."""
    before = tempfile.gettempdir()
    if len(os.fsencode(before)) > LONGEST_FOLDER:
        tempfile.tempdir = "/tmp"
    try:
        yield
    finally:
        tempfile.tempdir = before


def _has_ended(spec: RunSpec, folder: Path) -> bool:
    return os.path.exists(os.path.join(folder, spec.folder, "end.json"))


def _after_others(attempt: Attempt, tally: Tally, bar: RunsBar, pause: float) -> tuple[list[RunSpec], float]:
    """Wait while others are at runs of ours, and take down those that end.

    Returns
    -------
    free : list of RunSpec
        Runs that were let go before their end, and are ours to carry on; what others are still at is busy as before.
    pause : float
        Seconds before the next look.
    """
    waiting, tally.busy = tally.busy, []
    said = False
    while waiting:
        time.sleep(pause)
        bar.look()
        pause = min(2 * pause, LONGEST_PAUSE)
        ended = [_has_ended(spec, attempt.folder) for spec in waiting]
        for spec in itertools.compress(waiting, ended):
            if tally.add(spec, *attempt(spec)):
                bar.over(spec, tally.note)
        waiting = [spec for spec, over in zip(waiting, ended, strict=True) if not over]
        held = [is_held(attempt.folder / spec.folder / "log.jsonl") for spec in waiting]
        if not all(held):
            tally.busy = list(itertools.compress(waiting, held))
            return [spec for spec, busy in zip(waiting, held, strict=True) if not busy], pause
        if waiting and not said:
            bar.say(f"another command is at {len(waiting)} runs; waiting until it has ended them")
            said = True
    return [], pause


def run_campaign(
    campaign: Campaign,
    folder: str | Path,
    *,
    workers: int | None = None,
    progress: bool = True,
    shard: Shard = WHOLE,
    engine: Engine = local_processes,
    limits: Limits = NO_LIMITS,
    rerun: Sequence[str] = (),
) -> Tally:
    """Carry out or resume a campaign, or one shard of it, in its results folder.

    Any number of processes and hosts may do so at the same time; each returns when all runs of its share have ended.
    See `run_specs`, `mobench.campaigns.shard.share` and, for what a folder may hold already and for `rerun`,
    `mobench.campaigns.record.open_campaign`.

    Raises
    ------
    ValueError
        Nothing in it applies (the message says why), or searchers are to be run again in shards, of which each would
        set aside what the others have done. And as the others do.
    """
    _check(workers)
    folder = Path(folder)
    if rerun and shard.count > 1:
        raise ValueError("rerun: a shard would set aside what the others have done; give it to one whole command first")
    if not campaign.specs:
        raise ValueError(f"{campaign.name}: nothing to run, {nothing_applies(campaign.not_applicable)}")
    said = open_campaign(campaign, folder, rerun=rerun)
    for line in said if progress else ():
        Progress.warn(line)
    check_below(folder / "runs", folder)
    specs = share(campaign.specs, shard)
    tally = run_specs(
        specs,
        folder / "runs",
        workers=workers,
        progress=progress,
        engine=engine,
        sources=campaign.sources,
        limits=limits,
        contract=campaign.contract,
    )
    tally.said = said
    return tally


def _check(workers: int | None) -> None:
    if workers is not None and workers < 1:
        raise ValueError(f"workers: expected at least 1, found {workers}")
