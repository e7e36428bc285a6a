"""Whether the simulated clock of a log is one that its prices allow."""

from __future__ import annotations

from typing import Any

import numpy as np

from mobench.core.problem import Problem
from mobench.harness.clock import durations, schedule
from mobench.harness.trained import goes_on

__all__ = ["clock_fault"]


def clock_fault(problem: Problem, events: list[dict[str, Any]]) -> str:
    """What of a log's simulated clock cannot be: when trainings were begun, and when they end; empty where all can.

    A searcher's time passes only while it waits for a training, so each moment at which it asks or notes something is
    0 or the end of a training that was begun before. Ends follow from these moments and from prices.

    Parameters
    ----------
    problem : Problem
        What was searched.
    events : list of dict
        The lines of the log, whose prices were compared.
    """
    workers = next((event["workers"] for event in events if "workers" in event), 0)
    if not workers:
        return ""
    free, moments, now = [0.0] * workers, {0.0}, 0.0
    begun: dict[int | None, dict[int, float]] = {}
    for event in (event for event in events if {"at", "X", "proxied"} & event.keys()):
        at = event["at"]
        if at not in moments or at < now:
            return f"its clock shows {at} s where nothing ended" if at >= now else "its clock goes back"
        now = at
        if "proxied" in event:
            seconds = durations(event, len(event["proxied"]), problem.training).tolist()
            if (ends := schedule(free, at, seconds).tolist()) != event["ends"]:
                return f"proxies end at {event['ends'][0]} s, and by their price at {ends[0]} s"
            moments.update(ends)
        if "X" not in event:
            continue
        X = np.array(event["X"], dtype=np.int64)
        keys = problem.space.key(X).tolist()
        others = [ends for fidelity, ends in begun.items() if fidelity != event["fidelity"]]
        ready = [max((ends[key] for ends in others if key in ends), default=0.0) for key in keys]
        seconds = durations(event, len(X), problem.training).tolist()
        ends = schedule(free, at, seconds, ready if goes_on(problem) else None).tolist()
        if ends != event["ends"]:
            k = next(i for i, (end, said) in enumerate(zip(ends, event["ends"], strict=False)) if end != said)
            return f"the training of {X[k].tolist()} ends at {event['ends'][k]} s, and by its price at {ends[k]} s"
        begun.setdefault(event["fidelity"], {}).update(zip(keys, ends, strict=True))
        moments.update(ends)
    return ""
