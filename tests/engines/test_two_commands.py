"""Two commands on one results folder leave each other's runs alone, come back to them, and both end well."""

import fcntl
import signal
import time

import pytest
from _campaigns import alone, ends, family, logs, mobench, wait_for_work, wait_until_gone, write_campaign

from mobench.engines import engine
from mobench.engines.engine import run_specs
from mobench.harness.execute import execute
from mobench.harness.held import is_held
from mobench.harness.spec import RunSpec

pytestmark = pytest.mark.long

RUN = ("run", "c.toml", "-w", 1)
SPECS = [RunSpec("catsum", "random_search", seed, {"evaluations": 5}) for seed in range(3)]


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """Logs of the campaign carried out run by run in this process."""
    folder = tmp_path_factory.mktemp("alone")
    return alone(write_campaign(folder, seeds=2) / "c.toml", folder)


def finish(process):
    """Exit code and what a command wrote on standard error."""
    _, text = process.communicate(timeout=120)
    assert "Traceback" not in text, text
    return process.returncode, text


def test_two_commands_at_once_both_end_with_all_runs(tmp_path, expected):
    write_campaign(tmp_path, seeds=2)
    for code, text in map(finish, [mobench(*RUN, cwd=tmp_path) for _ in range(2)]):
        assert code == 0, text
        assert "mobench: 12 runs ended" in text
        assert "interrupted" not in text
    runs = tmp_path / "results" / "kills" / "runs"
    assert len(ends(runs)) == 12
    assert logs(runs) == expected


def test_shards_that_overlap_a_whole_campaign_end_well_too(tmp_path, expected):
    write_campaign(tmp_path, seeds=2)
    parts = [mobench(*RUN, *more, cwd=tmp_path) for more in ((), ("--shard", "1/2"), ("--shard", "2/2"))]
    assert [code for code, _ in map(finish, parts)] == [0, 0, 0]
    assert logs(tmp_path / "results" / "kills" / "runs") == expected


def test_the_survivor_of_two_commands_takes_over_and_finishes_everything(tmp_path, expected):
    write_campaign(tmp_path, seeds=2)
    runs = tmp_path / "results" / "kills" / "runs"
    first = mobench(*RUN, "-q", cwd=tmp_path)
    assert wait_for_work(first, runs)
    second = mobench(*RUN, "-q", cwd=tmp_path)
    while len(ends(runs)) < 4:
        time.sleep(0.02)
    below = family(first)
    first.kill()
    assert finish(first)[0] == -signal.SIGKILL
    assert wait_until_gone(below) == []
    assert finish(second)[0] == 0
    assert logs(runs) == expected


def test_a_command_whose_last_run_another_holds_says_so_and_ctrl_c_ends_it(tmp_path):
    (tmp_path / "c.toml").write_text(
        "name = 'one'\nproblems = ['catsum']\nsearchers = ['random_search']\nseeds = 2\nbudget = 5\n"
    )
    assert finish(mobench(*RUN, cwd=tmp_path))[0] == 0
    held = next((tmp_path / "results" / "one" / "runs").rglob("log.jsonl"))
    (held.parent / "end.json").unlink()
    with held.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        waiting = mobench(*RUN, cwd=tmp_path)
        line = waiting.stderr.readline()
        assert line == "another command is at 1 runs; waiting until it has ended them\n"
        time.sleep(0.5)
        assert waiting.poll() is None
        waiting.send_signal(signal.SIGINT)
        assert finish(waiting)[0] == 130
    code, text = finish(mobench(*RUN, cwd=tmp_path))
    assert (code, text.splitlines()[-1]) == (0, "mobench: 1 runs ended, 1 had before")


@pytest.fixture
def order(monkeypatch):
    """Which runs engines are given, attempt by attempt, and when the parent sleeps."""
    seen = []

    def here(pending, attempt, *, workers, tally, bar):
        for spec in pending:
            seen.append(spec.seed)
            if tally.add(spec, *attempt(spec)):
                bar.over(spec, tally.note)

    monkeypatch.setattr(engine.time, "sleep", lambda seconds: seen.append(f"{seconds:g} s"))
    return here, seen


class Holder:
    """Holds the log of a run as another process would, for some looks at it."""

    def __init__(self, folder):
        folder.mkdir(parents=True)
        self.file = (folder / "log.jsonl").open("w")
        fcntl.flock(self.file, fcntl.LOCK_EX)


def test_busy_runs_come_last_are_waited_for_with_ever_longer_pauses_and_taken_over(tmp_path, order, monkeypatch):
    here, seen = order
    holders = [Holder(tmp_path / SPECS[0].folder), Holder(tmp_path / SPECS[1].folder)]
    sleep = engine.time.sleep

    def until(seconds):
        sleep(seconds)
        if seen.count("0.2 s"):  # the first is ended by its holder
            holders[0].file.close()
            execute(SPECS[0], tmp_path / SPECS[0].folder)
        if seen.count("2 s") == 2:  # the second is let go
            holders[1].file.close()

    monkeypatch.setattr(engine.time, "sleep", until)
    tally = run_specs(SPECS, tmp_path, progress=False, engine=here)
    pauses = ["0.05 s", "0.1 s", "0.2 s", "0.4 s", "0.8 s", "1.6 s", "2 s", "2 s"]
    assert seen == [0, 1, 2, *pauses, 1]
    assert [spec.seed for spec in tally.ended] == [2, 0, 1]
    assert (tally.interrupted, tally.failed, tally.busy) == ([], [], [])


def test_a_log_is_held_while_another_has_it_open_and_looking_changes_nothing(tmp_path):
    assert not is_held(tmp_path / "none")
    held = Holder(tmp_path / "run")
    assert is_held(tmp_path / "run" / "log.jsonl")
    held.file.close()
    assert not is_held(tmp_path / "run" / "log.jsonl")
    assert (tmp_path / "run" / "log.jsonl").read_bytes() == b""
