"""The bar of a campaign tells how far runs at work are, and looks so seldom that it costs nothing."""

import os
import re
import time

import pytest

from mobench.core.progress import Progress
from mobench.engines import runs_bar
from mobench.engines.engine import run_specs
from mobench.engines.runs_bar import RunsBar
from mobench.harness.execute import execute
from mobench.harness.held import locked
from mobench.harness.spec import RunSpec
from mobench.plugins.sources import Sources
from mobench.scoring.load import load

SPECS = [RunSpec("catsum", "random_search", seed, {"evaluations": 50}, {}, {"batch": 1}) for seed in range(3)]


class Told(Progress):
    """Progress that keeps what it is told."""

    def __init__(self, total):
        super().__init__(total)
        self.lines = []

    def reach(self, done, text):
        self.lines.append((done, text))


@pytest.fixture
def at_work(tmp_path):
    """A run with 30 of its 50 answers, held by a writer; another that was interrupted; a third that waits."""
    for spec in SPECS[:2]:
        run = tmp_path / spec.folder
        execute(spec, run)
        (run / "end.json").unlink()
        lines = (run / "log.jsonl").read_bytes().splitlines(keepends=True)
        (run / "log.jsonl").write_bytes(b"".join(lines[:30]))
    held, _ = locked(tmp_path / SPECS[0].folder / "log.jsonl")
    yield tmp_path
    os.close(held)


def bar_of(folder, shown):
    return RunsBar(shown, SPECS, folder, Sources(), contract="mobench-2")


def test_parts_of_runs_count_and_the_hypervolume_is_that_of_the_log(at_work, monkeypatch):
    monkeypatch.setattr(runs_bar, "PAUSE", 0.0)
    monkeypatch.setattr(runs_bar, "REST", 0)
    shown = Told(3)
    bar = bar_of(at_work, shown)
    bar.look()
    bar.look()
    done, text = shown.lines[-1]
    assert done == 0.6
    share = load(at_work / SPECS[0].folder).hypervolume()
    assert re.match(r"0/3 runs, \d+ s, 1 at work \(60%\)", text)
    assert text.endswith(f"hypervolume {share:.4f} of random_search:batch=1 on catsum, seed 0")


def test_what_is_over_is_counted_and_noted(tmp_path):
    shown = Told(3)
    bar = bar_of(tmp_path, shown)
    for spec in SPECS:
        execute(spec, tmp_path / spec.folder)
        bar.over(spec, "1 failed")
    assert bar.done == 3
    done, text = shown.lines[-1]
    assert done == 3
    assert re.fullmatch(r"3/3 runs, \d+ s, 1 failed", text)


def test_a_pause_is_a_hundred_times_as_long_as_a_look(at_work, monkeypatch):
    monkeypatch.setattr(runs_bar, "PAUSE", 0.0)
    clock = iter([0.0, 0.5, 0.75])  # before the look, behind it, behind the score
    bar = bar_of(at_work, Told(3))
    monkeypatch.setattr(time, "process_time", lambda: next(clock))
    bar.look()
    assert bar.patience == pytest.approx(50.0, abs=1.0)
    bar.look()  # it is not time for another


def test_nothing_is_looked_at_where_nothing_is_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(runs_bar, "is_held", None)
    bar = bar_of(tmp_path, Progress(3, show=False))
    assert bar.patience is None
    bar.look()


def test_off_a_terminal_lines_are_plain_and_the_last_one_counts_all(tmp_path, capfd):
    run_specs(SPECS, tmp_path, workers=2, progress=True)
    lines = capfd.readouterr().err.splitlines()
    assert lines[-1].startswith("3/3 runs, ")
    assert not any("\r" in line for line in lines)
