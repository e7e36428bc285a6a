"""A look at a campaign knows running from interrupted, how far each run is, and why others failed."""

import os

import pytest

from mobench.campaigns.failures import different, read_failure
from mobench.campaigns.look import look
from mobench.campaigns.reading import make_campaign
from mobench.campaigns.record import open_campaign
from mobench.cli.main import main
from mobench.harness.execute import execute
from mobench.harness.held import locked

FAILS = '''"""Fails."""


def search(run):
    run.evaluate(run.space.sample(run.rng, 1))
    help_with(run)


def help_with(run):
    raise ValueError("no luck\\x1b[2J")
'''


@pytest.fixture
def campaign(tmp_path):
    """One run of each state: ended, failed, at work with .4 of its budget spent, interrupted with .8, waiting."""
    (tmp_path / "fails.py").write_text(FAILS)
    text = {"name": "c", "problems": ["catsum"], "searchers": ["random_search:batch=1", "fails"], "seeds": 4}
    campaign = make_campaign(text | {"budget": 20, "plugins": [tmp_path / "fails.py"]})
    folder = tmp_path / "results" / "c"
    open_campaign(campaign, folder)
    for spec in campaign.specs:
        run = folder / "runs" / spec.folder
        if spec.searcher == "fails" and spec.seed > 1:
            continue
        if spec.searcher == "fails" or spec.seed < 3:
            execute(spec, run, campaign.sources)
        if spec.searcher != "fails" and spec.seed in (1, 2):
            (run / "end.json").unlink()
            log = (run / "log.jsonl").read_bytes().splitlines(keepends=True)
            (run / "log.jsonl").write_bytes(b"".join(log[: 8 * spec.seed]))
            if spec.seed == 1:
                held, _ = locked(run / "log.jsonl")
    yield campaign, folder
    os.close(held)


def test_running_and_interrupted_are_told_apart_by_the_lock_and_shares_by_the_log(campaign):
    found = look(*campaign)
    assert dict(found.total) == {"ended": 1, "running": 1, "interrupted": 1, "failed": 2, "waiting": 3}
    shares = {run.spec.seed: (run.state, run.share) for run in found.begun}
    assert shares == {1: ("running", 0.4), 2: ("interrupted", 0.8)}
    assert found.share == (3 + 0.4 + 0.8) / 8
    assert found.left is not None


def test_looking_changes_nothing_that_a_run_left(campaign):
    definition, folder = campaign

    def everything():
        return {path: path.read_bytes() for path in (folder / "runs").rglob("*") if path.is_file()}

    before = everything()
    look(definition, folder)
    assert everything() == before


def test_failures_of_one_cause_are_one_with_the_place_in_the_searchers_file(campaign):
    found = look(*campaign)
    ((failure, runs),) = different(found.failures)
    assert runs == 2
    assert failure.error == "ValueError: no luck\\x1b[2J"
    assert failure.lines[-1].strip() == 'raise ValueError("no luck\\x1b[2J")'
    assert "in help_with" in failure.lines[-2]


def test_status_shows_shares_what_was_interrupted_and_causes_and_is_well(campaign, capsys):
    assert main(["status", str(campaign[1])]) == 0
    shown = capsys.readouterr().out
    first, *lines = shown.splitlines()
    assert first.startswith(f"{campaign[1]}: 1 ended, 2 failed, 1 running, 1 interrupted, 3 waiting; 52% done, about ")
    assert "  running: catsum  random_search:batch=1  seed 1  40% of its budget" in lines
    assert "  interrupted: catsum  random_search:batch=1  seed 2  80% of its budget" in lines
    assert any(line.endswith("ValueError: no luck\\x1b[2J (and 1 more)") for line in lines)
    assert "in help_with" in shown
    assert "\x1b" not in shown


def test_an_end_that_cannot_be_read_is_a_failure_with_that_cause(tmp_path):
    (tmp_path / "end.json").write_text('{"format": 1}')
    assert "damaged, 'reason' is None" in read_failure(tmp_path).error
