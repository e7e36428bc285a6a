"""Full disks, read-only folders and clocks that jump: one line that says so, and nothing lost."""

import ast
import contextlib
import errno
import itertools
import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from _campaigns import alone, logs, mobench, said, write_campaign

from mobench.harness.execute import execute
from mobench.harness.log import StorageError
from mobench.harness.spec import RunSpec
from mobench.plugins import catalogue as plugins
from mobench.plugins.plugin import Plugin

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]


@pytest.fixture
def spec(monkeypatch):
    """A run with many answers, checkpoints, and a searcher that swallows every exception it can."""

    def search(run):
        start = run.restore() or {"at": 0}
        for i in range(int(start["at"]), 12):
            with contextlib.suppress(Exception):
                run.evaluate([[i % 5, i // 5, 0, 0, 0, 0]])
                run.checkpoint(at=i + 1, weights=np.arange(i))

    find = plugins.find
    mine = Plugin("mine", "searcher", search, (), "")
    monkeypatch.setattr(
        "mobench.harness.execute.find", lambda kind, name, *more: mine if name == "mine" else find(kind, name, *more)
    )
    return RunSpec("catsum", "mine", 0, {"evaluations": 50})


def fill_after(k, patch):
    """From the k-th call on, whatever needs room on the disk finds none."""
    calls = itertools.count(1)

    def full(call):
        def counted(*arguments, **options):
            if next(calls) >= k:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return call(*arguments, **options)

        return counted

    for owner, name in ((os, "write"), (os, "fsync"), (os, "open"), (os, "replace"), (Path, "mkdir")):
        patch.setattr(owner, name, full(getattr(owner, name)))


def test_a_disk_that_is_full_at_any_system_call_leaves_a_run_that_can_be_resumed(tmp_path, spec, monkeypatch):
    execute(spec, tmp_path / "whole")
    whole = (tmp_path / "whole" / "log.jsonl").read_bytes()
    stops = 0
    for k in range(1, 200, 3):
        folder = tmp_path / str(k)
        with monkeypatch.context() as patch:
            fill_after(k, patch)
            patch.setattr("mobench.harness.log.SYNC_SECONDS", -1.0)
            try:
                execute(spec, folder)
                break  # fewer calls than k
            except (StorageError, OSError) as error:
                assert "No space left on device" in str(error)
                stops += 1
        assert not (folder / "end.json").exists()
        assert execute(spec, folder)["reason"] == "finished"
        assert (folder / "log.jsonl").read_bytes() == whole
    assert stops > 20


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own for results, and a function that changes it."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(*options):
        return subprocess.run(["mount", *options, folder], capture_output=True, check=False).returncode == 0

    if not shutil.which("mount") or not mount("-t", "tmpfs", "-o", "size=4k", "tmpfs"):
        pytest.skip("this user cannot mount a small file system")
    try:
        yield folder, lambda option: mount("-o", f"remount,{option}")
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_or_read_only_disk_stops_a_campaign_which_goes_on_when_there_is_room(tmp_path, small_disk):
    expected = alone(write_campaign(tmp_path, seeds=1) / "c.toml", tmp_path / "alone")
    disk, change = small_disk
    runs = disk / "kills" / "runs"
    run = ("run", "c.toml", "-q", "-w", 2, "--results", disk)
    for size in ("4k", "24k", "64k"):
        assert change(f"size={size}")
        code, lines = said(mobench(*run, cwd=tmp_path))
        assert (code, len(lines)) == (2, 1)
        assert lines[0].startswith("mobench: error: ")
        assert "No space left on device" in lines[0]
    assert change("ro,size=10m")
    code, lines = said(mobench(*run, cwd=tmp_path))
    assert (code, len(lines)) == (2, 1)
    assert "Read-only file system" in lines[0]
    assert said(mobench("status", disk / "kills", cwd=tmp_path)) == (0, [])
    assert change("rw")
    assert said(mobench(*run, cwd=tmp_path))[0] == 0
    assert logs(runs) == expected
    assert change("ro")  # what has ended is left alone, there too
    assert said(mobench(*run, cwd=tmp_path)) == (0, ["mobench: 0 runs ended, 6 had before"])


def test_no_decision_hangs_on_the_wall_clock():
    """`time.time` is nowhere called; `datetime.now` only says when a run began, or was verified."""
    found = []
    for path in sorted((ROOT / "mobench").glob("**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if name.split(".")[-1] in ("time_ns", "now", "today", "utcnow") or name in ("time.time", "time"):
                found.append((path.name, name))
    assert set(found) <= {(name, "datetime.datetime.now") for name in ("execute.py", "verification.py")}


def test_clocks_that_jump_between_attempts_change_nothing(tmp_path, monkeypatch):
    """Every attempt believes in a year of its own, and finds files from others."""
    spec, chance = RunSpec("catsum", "nsga2", 0, {"evaluations": 120}), random.Random(0)
    execute(spec, tmp_path / "whole")
    whole = (tmp_path / "whole" / "log.jsonl").read_bytes()
    folder = tmp_path / "run"
    for cut in (0, 1, len(whole) // 3, len(whole) // 2, len(whole)):
        execute(spec, folder)
        (folder / "end.json").unlink()
        (folder / "log.jsonl").write_bytes(whole[:cut])
        for path in (folder, *folder.iterdir()):
            os.utime(path, (year := chance.uniform(0, 4e9), year))
        monkeypatch.setattr(time, "time", lambda: chance.uniform(0, 4e9))
        assert execute(spec, folder)["reason"] == "budget: evaluations"
        assert (folder / "log.jsonl").read_bytes() == whole


@pytest.mark.parametrize("name", ["runs", "runs/catsum", "runs/catsum/random_search"])
def test_nothing_is_run_through_a_link_in_a_folder_that_somebody_sent(tmp_path, name):
    home = tmp_path / "home"
    home.mkdir()
    link = tmp_path / "results" / "sent" / name
    link.parent.mkdir(parents=True)
    link.symlink_to(home)
    run = ("run", "-p", "catsum", "-s", "random_search", "-b", 5, "--seeds", 1, "-w", 1, "-q", "--name", "sent")
    code, lines = said(mobench(*run, cwd=tmp_path))
    assert (code, len(lines)) == (2, 1)
    assert "is a symbolic link; nothing is written through it" in lines[0]
    assert list(home.iterdir()) == []


def test_a_log_that_is_a_link_costs_its_own_run_in_a_line_and_no_other(tmp_path):
    run = ("run", "-p", "catsum", "-s", "random_search", "-b", 5, "--seeds", 2, "-w", 1, "-q", "--name", "sent")
    assert said(mobench(*run, cwd=tmp_path))[0] == 0
    log = min((tmp_path / "results").rglob("log.jsonl"))
    log.with_name("end.json").unlink()
    log.unlink()
    log.symlink_to(tmp_path / "profile")
    code, lines = said(mobench(*run, cwd=tmp_path))
    assert code == 1
    assert lines[0] == "mobench: 0 runs ended, 1 had before, 1 failed"
    assert "log.jsonl: is a symbolic link, and nothing is written through it" in lines[1]
    assert not (tmp_path / "profile").exists()
