"""Runs are told of while they go on: on a terminal by themselves, elsewhere where asked; and scored as they are."""

import pytest

import mobench
from mobench.core.progress import Progress
from mobench.harness.execute import execute
from mobench.harness.spec import RunSpec
from mobench.scoring import passing
from mobench.scoring.passing import share_in_passing
from mobench.testing.toy import Toy

SPEC = RunSpec("catsum", "random_search", 0, {"evaluations": 40})


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(passing, "FIRST", 0.0)
    monkeypatch.setattr(passing, "PAUSE", 0.001)
    monkeypatch.setattr(passing, "REST", 0)


def slowly(run):
    while True:
        run.evaluate(run.space.sample(run.rng, 1))
        if run.spent.evaluations % 50 == 0:
            import time

            time.sleep(0.01)


def test_a_run_is_silent_off_a_terminal_unless_asked(at_once, capfd):
    mobench.run(slowly, "catsum", budget=300)
    assert capfd.readouterr().err == ""
    mobench.run(slowly, "catsum", budget=300, progress=True)
    last = capfd.readouterr().err.splitlines()[-1]
    assert last.startswith("100% of the budget, ")
    assert "hypervolume 0." in last


def test_a_run_tells_of_itself_on_a_terminal_unless_forbidden(at_once, capfd, monkeypatch):
    monkeypatch.setattr(Progress, "is_watched", staticmethod(lambda: True))
    mobench.run(slowly, "catsum", budget=200)
    assert "of the budget" in capfd.readouterr().err
    mobench.run(slowly, "catsum", budget=200, progress=False)
    assert capfd.readouterr().err == ""


def test_a_run_in_a_folder_tells_what_its_log_says_and_the_log_is_the_same(at_once, capfd, tmp_path):
    mobench.run("random_search", "catsum", budget=400, folder=tmp_path / "told", progress=True)
    assert "of the budget" in capfd.readouterr().err
    mobench.run("random_search", "catsum", budget=400, folder=tmp_path / "silent", progress=False)
    assert (tmp_path / "told" / "log.jsonl").read_bytes() == (tmp_path / "silent" / "log.jsonl").read_bytes()


def test_the_teller_is_gone_when_the_run_ends_however_that_is(at_once, capfd):
    import threading

    def fails(run):
        slowly_until = run.space.sample(run.rng, 5)
        run.evaluate(slowly_until)
        raise RuntimeError("no luck")

    before = threading.active_count()
    with pytest.raises(RuntimeError, match="no luck"):
        mobench.run(fails, "catsum", budget=300, progress=True)
    assert threading.active_count() == before


def test_problems_of_the_users_are_not_scored_beside_the_run(at_once, capfd):
    mobench.run(slowly, Toy(), budget=200, progress=True)
    assert "hypervolume" not in capfd.readouterr().err


def test_a_share_in_passing_is_the_result_of_the_log_so_far(tmp_path):
    execute(SPEC, tmp_path)
    assert share_in_passing(SPEC, tmp_path) == mobench.load(tmp_path).hypervolume()
    (tmp_path / "end.json").unlink()
    log = (tmp_path / "log.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "log.jsonl").write_bytes(log[0])
    assert share_in_passing(SPEC, tmp_path) == mobench.load(tmp_path).hypervolume()


def test_no_share_is_had_of_foreign_code_of_live_problems_or_of_what_is_not_there(tmp_path, monkeypatch):
    execute(SPEC, tmp_path)
    foreign = RunSpec("catsum", "random_search", 0, {"evaluations": 40}, problem_code="sha256:1")
    assert share_in_passing(foreign, tmp_path) is None
    assert share_in_passing(SPEC, tmp_path / "none") is None
    monkeypatch.setattr(passing, "MOST", 10)
    assert share_in_passing(SPEC, tmp_path) is None
    live = RunSpec("cell_training", "random_search", 0, {"evaluations": 40})
    assert share_in_passing(live, tmp_path) is None
