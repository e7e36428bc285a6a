"""What the tests of engines share: a campaign as a user starts it, and what must not depend on how it was run."""

import contextlib
import functools
import signal
import subprocess
import sys
import time
import unittest.mock
from pathlib import Path

import psutil

from mobench.campaigns.reading import read_campaign
from mobench.harness.execute import execute

SAME = ("log.jsonl", "spec.json")

SLOW = """\"\"\"Random search that takes its time, so that a kill finds it at work.\"\"\"

import time


def search(run, *, pause: float = 0.004):
    while True:
        run.evaluate(run.space.sample(run.rng, 1))
        time.sleep(pause)
"""


def write_campaign(folder, *, seeds=4, searchers=("random_search:batch=1", "nsga2:population=20", "slow")):
    """A campaign file, and the plugin ``slow`` beside it."""
    (folder / "slow.py").write_text(SLOW)
    (folder / "c.toml").write_text(
        "name = 'kills'\nproblems = ['catsum', 'lotz:bits=14']\nplugins = ['slow.py']\n"
        f"searchers = {list(searchers)}\nseeds = {seeds}\nbudget = 150\n"
    )
    return folder


def logs(runs):
    """Every file of every run that must not depend on how it was carried out."""
    return {str(p.relative_to(runs)): p.read_bytes() for p in sorted(runs.rglob("*")) if p.name in SAME}


def alone(campaign_file, runs):
    """Its logs when it is carried out run by run in this process."""
    campaign = read_campaign(campaign_file)
    with unittest.mock.patch("time.sleep"):
        for spec in campaign.specs:
            execute(spec, runs / spec.folder, campaign.sources)
    return logs(runs)


def mobench(*arguments, cwd, **options):
    """A command as a user gives it: Ctrl-C reaches it, even where these tests run in the background of a script."""
    command = [sys.executable, "-m", "mobench", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    foreground = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(command, cwd=cwd, preexec_fn=foreground, **pipes, **options)


def said(process, seconds=60.0):
    """Exit code and the lines on standard error that are mobench's own; anything else there fails the test."""
    _, text = process.communicate(timeout=seconds)
    assert "Traceback" not in text, text
    return process.returncode, [line for line in text.splitlines() if line.startswith("mobench: ")]


def unfinished(runs):
    """Folders of runs that have begun and not ended."""
    return [p.parent for p in runs.rglob("log.jsonl") if p.stat().st_size and not (p.parent / "end.json").exists()]


def wait_for_work(parent, runs):
    """Wait until a run that has not ended gets its next answers; False when the campaign has ended before."""
    before = {folder: (folder / "log.jsonl").stat().st_size for folder in unfinished(runs)}
    while parent.poll() is None:
        with contextlib.suppress(FileNotFoundError):
            if any((folder / "log.jsonl").stat().st_size > before.get(folder, 0) for folder in unfinished(runs)):
                return True
        time.sleep(0.002)
    return False


def family(parent):
    """All processes that a command started."""
    return psutil.Process(parent.pid).children(recursive=True) if parent.poll() is None else []


def wait_until_gone(processes, seconds=30.0):
    """Which of them are still there."""
    return psutil.wait_procs(processes, timeout=seconds)[1]


def ends(runs):
    """Runs that have ended."""
    return sorted(Path(p.parent).name for p in runs.rglob("end.json"))
