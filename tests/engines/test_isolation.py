"""Hostile and careless searchers: each ends as what it is, and no other run notices."""

import json
import os
import time

import psutil
import pytest
from _hostile import HOSTILE, LATE

import mobench
from mobench.campaigns.reading import make_campaign
from mobench.engines import worker
from mobench.engines.engine import run_campaign
from mobench.engines.local import UNFIT
from mobench.harness.execute import UnfitHostError, execute
from mobench.harness.limits import Limits
from mobench.harness.sealed import DamagedRunError

pytestmark = pytest.mark.long

BUILT_IN = ("random_search", "nsga2:population=10")
LIMITS = Limits(seconds=60.0, bytes=2 * 2**30)
WORKERS = (1, 3)


def campaign(folder, searchers, seeds):
    plugins = []
    for name in (HOSTILE | LATE).keys() & set(searchers):
        (folder / f"{name}.py").write_text((HOSTILE | LATE)[name].source)
        plugins.append(str(folder / f"{name}.py"))
    entries = {"problems": ["catsum", "lotz:bits=14"], "searchers": searchers, "seeds": seeds, "budget": 40}
    return make_campaign(entries | {"plugins": plugins})


def built_in_logs(made, folder):
    own = [spec for spec in made.specs if not spec.searcher_code]
    return {str(spec.folder): (folder / "runs" / spec.folder / "log.jsonl").read_bytes() for spec in own}


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A campaign of built-in searchers alone, and the same among plugins, on one worker and on three."""
    home, here = tmp_path_factory.mktemp("isolation"), os.getcwd()
    environment = dict(os.environ)
    alone = campaign(home, BUILT_IN, seeds=1)
    run_campaign(alone, home / "alone", workers=1, progress=False)
    mixed = campaign(home, (BUILT_IN[0], *HOSTILE, BUILT_IN[1]), seeds=1)
    tallies = {n: run_campaign(mixed, home / f"of-{n}", workers=n, progress=False, limits=LIMITS) for n in WORKERS}
    yield home, alone, mixed, tallies
    os.chdir(here)  # one of them has moved this process, too, when it was imported
    os.environ.update(environment)


@pytest.mark.parametrize("workers", WORKERS)
def test_built_in_runs_beside_hostile_ones_have_the_logs_that_they_have_alone(ended, workers):
    home, alone, mixed, _ = ended
    logs = built_in_logs(alone, home / "alone")
    assert len(logs) == 4
    assert built_in_logs(mixed, home / f"of-{workers}") == logs


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("name", HOSTILE)
def test_every_searcher_ends_as_what_it_is(ended, workers, name):
    home, _, mixed, tallies = ended
    tally, (_, outcome, words, _) = tallies[workers], HOSTILE[name]
    own = [spec for spec in mixed.specs if spec.searcher == name]
    lists = {"ended": [(spec, "") for spec in tally.ended], "failed": tally.failed}
    lists |= {"unfit": tally.unfit, "interrupted": tally.interrupted}
    found = {kind: [text for spec, text in runs if spec.searcher == name] for kind, runs in lists.items()}
    assert sum(map(len, found.values())) == len(own) == 2
    assert {kind for kind, texts in found.items() if texts} <= set(outcome.split(" or "))
    assert [text for texts in found.values() for text in texts if words not in text or len(text) > 2000] == []
    for spec in own:
        end = home / f"of-{workers}" / "runs" / spec.folder / "end.json"
        assert end.exists() == (spec in tally.ended or spec in [failed for failed, _ in tally.failed])
        if end.exists():
            document = json.loads(end.read_text())
            assert document["reason"] == ("failed" if outcome != "ended" else "finished")
            assert words in document.get("error", "")
            forged = name == "forges_its_log"
            assert document["log"]["lines"] == (end.parent / "log.jsonl").read_bytes().count(b"\n") - forged
            assert end.stat().st_size < 100_000


def test_no_process_outlives_the_campaign(ended):
    time.sleep(0.2)
    lasting = ("forkserver", "resource_tracker", "plain_pickles")  # they serve this process until it ends
    commands = [" ".join(p.cmdline()) for p in psutil.Process().children(recursive=True)]
    assert [command for command in commands if not any(word in command for word in lasting)] == []


def test_what_has_failed_is_not_tried_again_and_what_was_interrupted_is(ended):
    home, _, mixed, _ = ended
    again = run_campaign(mixed, home / "of-1", workers=1, progress=False, limits=LIMITS)
    assert again.unfit == []
    tried = {spec.searcher for spec, _ in again.interrupted}
    assert {"leaves_nothing"} <= tried <= {"leaves_nothing", "closes_all"}
    assert {spec.searcher for spec, _ in again.failed} <= {"closes_all"}


@pytest.mark.parametrize("name", LATE)
def test_a_run_past_its_time_limit_has_failed_and_keeps_what_it_had_delivered(tmp_path, monkeypatch, name):
    monkeypatch.setattr(worker, "GRACE_SECONDS", 0.5)
    made = campaign(tmp_path, ("random_search", name), seeds=1)
    tally = run_campaign(made, tmp_path / "out", workers=2, progress=False, limits=Limits(seconds=1.0))
    assert [spec.searcher for spec in tally.ended] == ["random_search"] * 2
    assert [text for _, text in tally.failed if LATE[name].words not in text] == []
    results = [mobench.load(tmp_path / "out" / "runs" / spec.folder) for spec, _ in tally.failed]
    assert [(len(result.history.X), result.error) for result in results] == [(3, text) for _, text in tally.failed]


PICKY = """
import multiprocessing

from mobench import make_problem


def problem():
    if multiprocessing.parent_process() is not None:
        raise ValueError("its data are elsewhere")
    return make_problem("catsum", {})
"""


def test_a_host_that_can_begin_nothing_is_found_out(tmp_path):
    (tmp_path / "picky.py").write_text(PICKY)
    entries = {"problems": ["picky"], "searchers": ["random_search"], "seeds": 5, "budget": 10}
    made = make_campaign(entries | {"plugins": [str(tmp_path / "picky.py")]})
    with pytest.raises(OSError, match="this machine cannot carry out these runs: ValueError: its data are elsewhere"):
        run_campaign(made, tmp_path / "out", workers=1, progress=False)
    assert len(list((tmp_path / "out").rglob("spec.json"))) == UNFIT
    assert list((tmp_path / "out").rglob("end.json")) == []


def test_a_log_that_its_searcher_wrote_by_another_way_is_damaged(ended):
    home, _, mixed, _ = ended
    for spec in mixed.specs:
        if spec.searcher == "forges_its_log":
            with pytest.raises(DamagedRunError, match="not the log that the run ended with"):
                mobench.load(home / "of-1" / "runs" / spec.folder)


def test_an_end_of_one_search_says_what_was_written_before(tmp_path, monkeypatch):
    """A full disk is believed, and nothing is recorded."""
    (tmp_path / "no_room.py").write_text(HOSTILE["no_room"].source)
    made = campaign(tmp_path, ("no_room",), seeds=1)
    monkeypatch.setattr("mobench.harness.execute.host_fault", lambda _: "no room at all")
    with pytest.raises(UnfitHostError, match="no room at all"):
        execute(made.specs[0], tmp_path / "run", made.sources)
    assert not (tmp_path / "run" / "end.json").exists()
