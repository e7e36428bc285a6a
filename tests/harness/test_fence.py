"""Attempts at one run are fenced: whoever took it over last writes it, alone, whatever clocks and locks say."""

import fcntl
import importlib
import multiprocessing
import os

import numpy as np
import pytest

from mobench.files.documents import read_document, write_document, written_whole
from mobench.harness.execute import execute
from mobench.harness.held import RunIsBusy
from mobench.harness.log import Log, RunIsLost
from mobench.harness.spec import RunSpec
from mobench.plugins import catalogue as plugins
from mobench.plugins.plugin import Plugin


def lose_the_lock(log):
    """What a network file system does to a host that was cut off for too long."""
    fcntl.flock(log._file, fcntl.LOCK_UN)


def numbers(path):
    with Log(path) as log:
        return [event["n"] for event in log.past]


def test_an_attempt_that_lost_its_lock_writes_nothing_into_the_next_one(tmp_path):
    path = tmp_path / "log.jsonl"
    with Log(path) as first:
        first.append({"n": 0})
        lose_the_lock(first)
        with Log(path) as second:
            assert second.past == [{"n": 0}]
            second.append({"n": 1})
            first.append({"n": 7})
            second.append({"n": 2})
            with pytest.raises(RunIsLost, match="another process took this run over"):
                first.sync()
            second.sync()
    assert numbers(path) == [0, 1, 2]


def test_a_lost_attempt_notices_at_its_next_sync_and_libraries_cannot_swallow_it(tmp_path, monkeypatch):
    monkeypatch.setattr("mobench.harness.log.SYNC_SECONDS", -1.0)
    path = tmp_path / "log.jsonl"
    with Log(path) as first:
        first.append({"n": 0})
        lose_the_lock(first)
        with Log(path), pytest.raises(RunIsLost):
            first.append({"n": 7})
    assert numbers(path) == [0]
    assert not issubclass(RunIsLost, Exception)


def test_an_empty_log_is_fenced_too(tmp_path):
    path = tmp_path / "log.jsonl"
    with Log(path) as first:
        lose_the_lock(first)
        with Log(path) as second:
            first.append({"n": 7})
            with pytest.raises(RunIsLost):
                first.sync()
            second.append({"n": 1})
    assert numbers(path) == [1]


@pytest.mark.parametrize("pause", ["mobench.harness.held.write_all", "os.fsync"])
def test_what_is_written_while_a_taker_pauses_between_reading_and_replacing_is_kept(tmp_path, monkeypatch, pause):
    path = tmp_path / "log.jsonl"
    with Log(path) as first:
        first.append({"n": 0})
        lose_the_lock(first)
        module, _, name = pause.rpartition(".")
        whole = getattr(importlib.import_module(module), name)

        def meanwhile(*arguments):
            monkeypatch.undo()
            first.append({"n": 1})
            first.sync()  # it is still the run's log: this line counts
            return whole(*arguments)

        monkeypatch.setattr(pause, meanwhile)
        with Log(path) as second:
            assert second.past == [{"n": 0}, {"n": 1}]
            second.append({"n": 2})
            with pytest.raises(RunIsLost):
                first.sync()
    assert numbers(path) == [0, 1, 2]


def test_a_log_whose_folder_was_taken_away_is_lost(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    with Log(folder / "log.jsonl") as log:
        folder.rename(tmp_path / "aside")
        log.append({"n": 0})
        with pytest.raises(RunIsLost, match="its folder was taken away"):
            log.sync()


@pytest.mark.parametrize("checkpoints", [False, True])
def test_a_run_taken_over_in_its_middle_ends_once_with_the_logs_of_one_attempt(tmp_path, monkeypatch, checkpoints):
    """The first attempt loses its lock; the second one, begun inside the first, ends the run; the first is told."""
    attempts = []

    class Noted(Log):
        def __init__(self, path):
            super().__init__(path)
            attempts.append(self)

    def search(run):
        me = len(attempts)
        for i in range(10):
            run.evaluate([[i % 5, i // 5, 0, 0, 0, 0]])
            if i == 5 and me == 1 and takeover:
                lose_the_lock(attempts[0])
                ends.append(execute(spec, tmp_path / "run"))
                kept.append(read())
            if checkpoints:
                run.checkpoint(at=np.arange(i))

    def read():
        return {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}

    find = plugins.find
    monkeypatch.setattr("mobench.harness.execute.Log", Noted)
    monkeypatch.setattr(
        "mobench.harness.execute.find",
        lambda kind, name, *more: Plugin("mine", kind, search, (), "") if name == "mine" else find(kind, name, *more),
    )
    spec, ends, kept = RunSpec("catsum", "mine", 0, {"evaluations": 50}), [], []
    takeover = False
    execute(spec, tmp_path / "alone")
    attempts.clear()
    takeover = True
    with pytest.raises(RunIsLost):
        execute(spec, tmp_path / "run")
    assert len(attempts) == 2
    assert read() == kept[0]
    assert (tmp_path / "run" / "log.jsonl").read_bytes() == (tmp_path / "alone" / "log.jsonl").read_bytes()
    assert execute(spec, tmp_path / "run") == ends[0]


def _hold(folder, barrier, answers):
    for i in range(10):
        barrier.wait()
        try:
            with Log(folder / f"{i}.jsonl") as log:
                answers.put((i, len(log.past)))
                barrier.wait()
        except RunIsBusy:
            barrier.wait()


def test_of_many_processes_that_open_one_log_at_once_one_gets_it(tmp_path):
    context = multiprocessing.get_context("spawn")
    for i in range(10):
        with Log(tmp_path / f"{i}.jsonl") as log:
            log.append({"n": 0})
    barrier, answers = context.Barrier(4), context.SimpleQueue()
    crowd = [context.Process(target=_hold, args=(tmp_path, barrier, answers)) for _ in range(4)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
        assert one.exitcode == 0
    assert sorted(answers.get() for _ in range(10)) == [(i, 1) for i in range(10)]
    assert answers.empty()
    answers.close()
    assert len(list(tmp_path.iterdir())) == 10


def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch):
    def none(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", none)
    with pytest.raises(OSError, match=r"log.jsonl: cannot be locked \(No locks available\)"):
        Log(tmp_path / "log.jsonl")


def test_hosts_whose_process_numbers_agree_do_not_write_one_scratch_file(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getpid", lambda: 7)  # as in containers, job after job
    path = tmp_path / "campaign.json"
    with written_whole(path) as ours:
        ours.write(b'{"format": 1, ')
        write_document(path, {"format": 1, "by": "them"})
        assert read_document(path)["by"] == "them"
        ours.write(b'"by": "us"}')
    assert read_document(path)["by"] == "us"
    assert list(tmp_path.iterdir()) == [path]
