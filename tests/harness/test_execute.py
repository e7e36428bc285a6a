"""Runs end, fail, resume and are left alone, each as it should; equal seeds give equal logs."""

import contextlib
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from mobench.files.documents import read_document
from mobench.harness.execute import execute
from mobench.harness.log import Log
from mobench.harness.spec import RunSpec
from mobench.plugins import catalogue as plugins
from mobench.plugins.plugin import Plugin
from mobench.plugins.references import describe, parse_reference

SPEC = RunSpec("catsum", "random_search", 3, {"evaluations": 60}, {}, {"batch": 7})


@pytest.fixture
def searcher(monkeypatch):
    """Register a function as the searcher ``mine``."""
    find = plugins.find

    def register(search):
        def lookup(kind, name, *more):
            return Plugin("mine", "searcher", search, (), "") if name == "mine" else find(kind, name, *more)

        monkeypatch.setattr("mobench.harness.execute.find", lookup)
        return RunSpec("catsum", "mine", 0, {"evaluations": 50})

    return register


def test_a_run_ends_with_its_ledger_versions_and_host(tmp_path):
    end = execute(SPEC, tmp_path / "run")
    assert end["reason"] == "budget: evaluations"
    assert end["spent"]["evaluations"] == 60
    assert {"python", "mobench", "numpy", "moocore"} <= set(end["versions"])
    assert end["host"]["cores"] == os.cpu_count()
    assert end["host"]["processor"]
    assert end == read_document(tmp_path / "run" / "end.json")


def test_an_ended_run_is_left_alone(tmp_path):
    first = execute(SPEC, tmp_path)
    log = (tmp_path / "log.jsonl").stat()
    assert execute(SPEC, tmp_path) == first
    assert (tmp_path / "log.jsonl").stat().st_mtime_ns == log.st_mtime_ns


@pytest.mark.parametrize("problem", ["catsum", "lotz"])
@pytest.mark.parametrize("name", ["random_search", "local_search", "regularized_evolution", "nsga2"])
def test_resuming_after_any_cut_gives_the_log_of_an_uninterrupted_run(tmp_path, problem, name):
    spec = RunSpec(problem, name, 1, {"evaluations": 90})
    execute(spec, tmp_path / "whole")
    whole = (tmp_path / "whole" / "log.jsonl").read_bytes()
    for i, cut in enumerate(np.random.default_rng(0).integers(0, len(whole), 12)):
        folder = tmp_path / f"cut{i}"
        execute(spec, folder)
        (folder / "end.json").unlink()
        (folder / "log.jsonl").write_bytes(whole[:cut])
        assert execute(spec, folder)["spent"] == read_document(tmp_path / "whole" / "end.json")["spent"]
        assert (folder / "log.jsonl").read_bytes() == whole


def test_equal_seeds_give_equal_logs_and_different_seeds_different_ones(tmp_path):
    logs = []
    for i, seed in enumerate([3, 3, 4]):
        np.random.seed(i)  # noqa: NPY002 - global random state must not matter
        execute(RunSpec("catsum", "nsga2", seed, {"evaluations": 60}), tmp_path / str(i))
        logs.append((tmp_path / str(i) / "log.jsonl").read_bytes())
    assert logs[0] == logs[1] != logs[2]


def test_a_failed_run_is_recorded_with_its_traceback_and_not_tried_again(tmp_path, searcher):
    calls = []

    def search(run):
        calls.append(1)
        run.evaluate(run.space.sample(run.rng, 5))
        raise RuntimeError("no such luck")

    end = execute(searcher(search), tmp_path)
    assert (end["reason"], end["error"]) == ("failed", "RuntimeError: no such luck")
    assert "in search" in end["traceback"]
    assert end["spent"]["evaluations"] == 5
    execute(searcher(search), tmp_path)
    assert calls == [1]


def test_a_searcher_that_stops_by_itself_has_finished(tmp_path, searcher):
    assert execute(searcher(lambda run: run.evaluate([[0] * 6])), tmp_path)["reason"] == "finished"


def test_a_library_that_swallows_exceptions_is_stopped_all_the_same(tmp_path, searcher):
    def search(run):
        while True:
            with contextlib.suppress(Exception):  # as careless libraries do
                run.evaluate(run.space.sample(run.rng, 5))

    assert execute(searcher(search), tmp_path)["reason"] == "budget: evaluations"


def test_a_searcher_that_is_not_deterministic_is_caught_at_the_first_difference(tmp_path, searcher):
    def search(shift):
        def inner(run):
            for i in range(10):
                run.evaluate([[i % 5, (i // 5 + shift * (i > 6)) % 5, 0, 0, 0, 0]])

        return inner

    execute(searcher(search(0)), tmp_path)
    (tmp_path / "end.json").unlink()
    end = execute(searcher(search(1)), tmp_path)
    assert end["reason"] == "failed"
    assert "after answer 7 the first difference: it was [2, 1, 0, 0, 0, 0]" in end["error"]
    assert "now it is [2, 2, 0, 0, 0, 0]" in end["error"]


def test_a_searcher_that_ends_before_its_log_does_is_caught(tmp_path, searcher):
    execute(searcher(lambda run: [run.evaluate([[i, 0, 0, 0, 0, 0]]) for i in range(5)]), tmp_path)
    (tmp_path / "end.json").unlink()
    end = execute(searcher(lambda run: run.evaluate([[0] * 6])), tmp_path)
    assert "the log goes on after answer 1" in end["error"]


def test_notes_are_replayed_too(tmp_path, searcher):
    def search(run):
        run.evaluate([[0] * 6])
        run.recommend([[0] * 6])
        run.record(a=1)
        run.evaluate([[1] * 6])

    execute(searcher(search), tmp_path)
    whole = (tmp_path / "log.jsonl").read_bytes()
    for lines in range(5):
        (tmp_path / "end.json").unlink()
        (tmp_path / "log.jsonl").write_bytes(b"".join(whole.splitlines(keepends=True)[:lines]))
        assert execute(searcher(search), tmp_path)["reason"] == "finished"
        assert (tmp_path / "log.jsonl").read_bytes() == whole


def test_a_folder_with_another_run_is_refused(tmp_path):
    execute(SPEC, tmp_path)
    (tmp_path / "end.json").unlink()
    with pytest.raises(ValueError, match="another run"):
        execute(RunSpec("catsum", "nsga2", 3, {"evaluations": 60}), tmp_path)


def test_a_folder_of_another_format_is_refused(tmp_path):
    execute(SPEC, tmp_path)
    for name in ("spec.json", "end.json"):
        text = (tmp_path / name).read_text()
        (tmp_path / name).write_text(text.replace('"format": 1', '"format": 0'))
    with pytest.raises(ValueError, match="written in format 0, this mobench reads format 1"):
        execute(SPEC, tmp_path)


def test_a_read_only_folder_is_an_os_error(tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user writes to read-only folders")
        with pytest.raises(OSError, match="denied"):
            execute(SPEC, tmp_path / "run")
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def test_ids_are_readable_and_decided_by_what_decides_the_outcome():
    assert SPEC.id.startswith("60evaluations-seed3-")
    same = RunSpec("catsum", "random_search", 3, {"evaluations": 60}, {}, {"batch": 7})
    assert SPEC.id == same.id
    others = [
        RunSpec("lotz", "random_search", 3, {"evaluations": 60}, {}, {"batch": 7}),
        RunSpec("catsum", "random_search", 4, {"evaluations": 60}, {}, {"batch": 7}),
        RunSpec("catsum", "random_search", 3, {"evaluations": 61}, {}, {"batch": 7}),
        RunSpec("catsum", "random_search", 3, {"evaluations": 60}, {}, {"batch": 8}),
    ]
    assert len({spec.folder for spec in others} | {SPEC.folder}) == 5


@pytest.mark.parametrize("text", ["../../x", "/etc/passwd", "a" * 500, "..", "x\n\0y", "C:\\x", "~"])
def test_no_option_leads_out_of_the_results_folder(text):
    folder = RunSpec("table", "nsga2", 0, {"evaluations": 1}, {"path": text}).folder
    root = Path("/results")
    assert root in (root / folder).resolve().parents
    assert len(folder.parts) == 3
    assert all(len(part) <= 80 and not part.startswith(".") for part in folder.parts)


def test_labels_are_read_back_as_they_were_written():
    options = {"dataset": "cora", "objectives": ["error", "params"], "noise": True, "n": 3, "x": 0.5}
    assert parse_reference(describe("p", options)) == ("p", options)


def test_a_busy_run_is_left_alone(tmp_path):
    execute(SPEC, tmp_path)
    (tmp_path / "end.json").unlink()
    before = (tmp_path / "log.jsonl").read_bytes()
    with Log(tmp_path / "log.jsonl"), pytest.raises(OSError, match="another process"):
        execute(SPEC, tmp_path)
    assert (tmp_path / "log.jsonl").read_bytes() == before
