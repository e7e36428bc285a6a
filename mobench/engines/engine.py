"""A campaign carried out or resumed, whole or one shard of it, by an engine: local processes, or a Dask cluster."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mobench.campaigns.campaign import Campaign
from mobench.campaigns.record import open_campaign
from mobench.campaigns.shard import WHOLE, Shard, share
from mobench.core.progress import Progress
from mobench.engines.attempt import Engine, Tally
from mobench.engines.local import local_processes
from mobench.harness.spec import RunSpec

__all__ = ["run_campaign", "run_specs"]


def run_specs(
    specs: Sequence[RunSpec],
    runs: Path,
    *,
    workers: int | None = None,
    progress: bool = True,
    engine: Engine = local_processes,
) -> Tally:
    """Carry out or resume all runs that have not ended.

    Parameters
    ----------
    specs : sequence of RunSpec
        The runs.
    runs : Path
        Each run gets the folder ``runs / spec.folder``.
    workers : int, optional
        Runs at a time; as many as cores when left out.
    progress : bool
        Whether to show progress on standard error.
    engine : Engine
        Where runs execute: processes of this machine, or `mobench.engines.dask.dask_cluster`.

    Raises
    ------
    ValueError
        `workers` is below 1.
    OSError
        The results folder cannot be written (full, read-only); everything written before can be resumed.
    KeyboardInterrupt
        Ctrl-C: the workers are ended; every run can be resumed.
    """
    _check(workers)
    pending = [spec for spec in specs if not os.path.exists(os.path.join(runs, spec.folder, "end.json"))]
    tally = Tally(already=len(specs) - len(pending))
    if pending:
        with Progress(len(specs), done=tally.already, show=progress) as bar:
            engine(pending, runs, workers=workers, tally=tally, bar=bar)
    return tally


def run_campaign(
    campaign: Campaign,
    folder: Path,
    *,
    workers: int | None = None,
    progress: bool = True,
    shard: Shard = WHOLE,
    engine: Engine = local_processes,
) -> Tally:
    """Carry out or resume a campaign, or one shard of it, in its results folder.

    Any number of processes and hosts may do so at the same time: a run that another one is at is left to it. See
    `run_specs`, `mobench.campaigns.shard.share` and `mobench.campaigns.record.open_campaign`.
    """
    _check(workers)
    open_campaign(campaign, folder)
    specs = share(campaign.specs, shard)
    return run_specs(specs, folder / "runs", workers=workers, progress=progress, engine=engine)


def _check(workers: int | None) -> None:
    if workers is not None and workers < 1:
        raise ValueError(f"workers: expected at least 1, found {workers}")
