"""Whatever is in the files that mobench reads, it ends in a value or in one documented error, and does nothing else."""

from __future__ import annotations

import os
import resource
import sys
from collections import Counter
from pathlib import Path

import _files
import _runs
import pytest
from _mutate import EDITS, Edit
from _watch import bounded, watched
from hypothesis import given, seed, settings

pytestmark = pytest.mark.filterwarnings("ignore")  # hostile numbers overflow
TARGETS = _runs.TARGETS | _files.TARGETS
ROOM = 3 * 2**30
"""Bytes that the reading of a small hostile file may take: 1 GiB for a pickle, 2 GiB for a table."""


def fuzz(name: str, cases: int, home: Path) -> Counter[str]:
    """Try so many cases of a target in a folder of its own; how many were read, and how many refused."""
    home = home / "home"
    home.mkdir()
    _runs.whole_campaign(home)  # made before it is watched
    before, outcomes = Path.cwd(), Counter()
    os.chdir(home)

    @seed(2026)
    @settings(max_examples=cases)
    @given(EDITS)
    def one(edits: list[Edit]) -> None:
        with watched(home.parent, outcomes):
            TARGETS[name](home, edits)

    try:
        with bounded(ROOM):
            one()
    finally:
        os.chdir(before)
    return outcomes


@pytest.mark.parametrize("name", TARGETS)
def test_hostile_data_is_refused_and_does_nothing(name, tmp_path, capsys):
    assert fuzz(name, 20, tmp_path).total() >= 20


@pytest.mark.slow
def test_twelve_thousand_cases(tmp_path, capsys):
    found = {}
    for name in TARGETS:
        (tmp_path / name).mkdir()
        found[name] = fuzz(name, 700, tmp_path / name)
        assert found[name]["read"], "every mutation is refused: nothing behind the first check is tried"
        assert found[name]["refused"] or name in ("plugin_file", "names"), "every mutation is read: none does harm"
    memory = f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB\n"
    with capsys.disabled():
        sys.stderr.write("\n".join(["", *(f"{name}: {dict(outcomes)}" for name, outcomes in found.items()), memory]))
    assert sum(outcomes.total() for outcomes in found.values()) >= 12_000
