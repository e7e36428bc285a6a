"""Looks at a campaign in a thread of their own, for as long as somebody asks what there is to see."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from mobench.core.messages import one_line
from mobench.watch.feed import Feed
from mobench.watch.scores import Scores
from mobench.watch.view import campaign_view, problem_view, truth_view

__all__ = ["Watcher"]

PAUSE = 1.0
"""Seconds between looks."""
PATIENCE = 10.0
"""Whoever has asked nothing for so long does not look on: then nothing is read."""


class Watcher:
    """Looks at a campaign again and again while it is asked, and remembers what it saw.

    Parameters
    ----------
    folder : Path
        ``results/NAME``.

    Raises
    ------
    FileNotFoundError, ValueError
        There is no campaign, or its record cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._feed = Feed(folder)
        self._scores = Scores(self._feed.campaign)
        self._asked: dict[int, float] = {}
        self._wake, self._over = threading.Event(), threading.Event()
        self._campaign = campaign_view(self._feed, self._scores)
        self._problems: dict[int, dict[str, Any]] = {}
        self._truths: dict[int, dict[str, Any]] = {}
        self._thread = threading.Thread(target=self._go_on, daemon=True)
        self._thread.start()

    def seen(self, problem: int, *, truth: bool) -> dict[str, Any]:
        """What was seen at the last look, of one problem by its number; another look is taken soon.

        Parameters
        ----------
        truth : bool
            Whether what stays of the problem is wanted, too: see `mobench.watch.view.truth_view`.
        """
        self._asked[problem] = time.monotonic()
        self._wake.set()
        found = {"campaign": self._campaign, "number": problem, "problem": self._problems.get(problem)}
        return found | ({"truth": self._truths.get(problem)} if truth else {})

    def close(self) -> None:
        """End the looks."""
        self._over.set()
        self._wake.set()
        self._thread.join()

    def _go_on(self) -> None:
        while self._wake.wait() and not self._over.is_set():
            self._wake.clear()
            try:
                self._look()
            except (OSError, ValueError) as error:  # its folder was taken away, say: it may come back
                self._campaign = self._campaign | {"fault": one_line(error)}
            self._over.wait(PAUSE)

    def _look(self) -> None:
        self._feed.look()
        if self._scores.campaign is not self._feed.campaign:
            self._scores = Scores(self._feed.campaign)
            self._truths, self._problems = {}, {}
        self._campaign = campaign_view(self._feed, self._scores)
        wanted = [number for number, at in [*self._asked.items()] if time.monotonic() - at < PATIENCE]
        for number in wanted:
            label = self._feed.problems[number] if number < len(self._feed.problems) else None
            if label is None:
                continue
            entries = self._feed.of_problem[label]
            if number not in self._truths:
                self._truths[number] = truth_view(self._scores, entries[0].spec)
            self._scores.score(entries)
            self._problems[number] = problem_view(self._scores, entries, self._feed.names)
