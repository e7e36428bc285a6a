"""Every searcher that samples: one worker or two, killed or not, its log is the same to the byte."""

import random
import time

import pytest
from _campaigns import family, logs, mobench, unfinished, wait_for_work, wait_until_gone

from mobench.campaigns.reading import make_campaign
from mobench.engines.engine import run_campaign
from mobench.harness.execute import execute
from mobench.harness.spec import RunSpec
from mobench.plugins.families import built_in

pytestmark = pytest.mark.long

FAMILIES = ("baselines", "evolution", "bayesian", "tree", "reinforcement", "multi_fidelity")
LIVE = ("lemonade",)
"""What trains weights of its own has tests of its own."""
SEARCHERS = [
    name for name, module in built_in("searcher").items() if module.split(".")[2] in FAMILIES and name not in LIVE
]
ENTRIES = {"name": "boxes", "problems": ["motif"], "searchers": SEARCHERS, "seeds": 1, "budget": {"trainings": 30}}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The logs of all of them, one after the other in one worker."""
    folder = tmp_path_factory.mktemp("one")
    tally = run_campaign(make_campaign(ENTRIES), folder, workers=1, progress=False)
    assert (len(tally.ended), tally.failed) == (len(SEARCHERS), [])
    return logs(folder / "runs")


def test_the_families_are_whole():
    assert {"grid", "nsga2", "lemonade_tabular", "nsganetv2", "lamoo", "reinforce", "curve_stopping"} <= set(SEARCHERS)
    assert len(SEARCHERS) >= 26


def test_two_workers_that_are_killed_again_and_again_write_the_logs_of_one(tmp_path, expected):
    (tmp_path / "boxes.toml").write_text(
        f"problems = ['motif']\nsearchers = {SEARCHERS}\nseeds = 1\nbudget = {{ trainings = 30 }}\n"
    )
    runs, chance, torn = tmp_path / "results" / "boxes" / "runs", random.Random(0), 0
    for _ in range(5):
        parent = mobench("run", "boxes.toml", "-w", "2", cwd=tmp_path)
        if wait_for_work(parent, runs):
            time.sleep(chance.uniform(0.0, 0.05))
        processes = family(parent)
        parent.kill()
        parent.communicate()
        assert wait_until_gone(processes) == []
        torn += len(unfinished(runs))
    assert torn >= 3, "the kills came too late to test anything"
    last = mobench("run", "boxes.toml", "-w", "2", cwd=tmp_path)
    last.communicate()
    assert last.returncode == 0
    assert logs(runs) == expected


@pytest.mark.parametrize("name", SEARCHERS)
def test_a_log_that_a_kill_cut_short_is_written_on_to_the_same_bytes(name, tmp_path, expected):
    """Within the second line, a line in the middle and the last one."""
    spec = RunSpec("motif", name, 0, ENTRIES["budget"])
    whole = execute_whole(spec, tmp_path / "whole")
    assert whole in expected.values()
    lines = whole.splitlines(keepends=True)
    for cut in {1, len(lines) // 2, len(lines) - 1}:
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / "log.jsonl").write_bytes(b"".join(lines[:cut]) + lines[cut][: len(lines[cut]) // 2])
        assert execute_whole(spec, folder) == whole


def execute_whole(spec, folder):
    """The log of a run that is carried out, or carried on, in this process."""
    assert execute(spec, folder)["reason"] != "failed"
    return (folder / "log.jsonl").read_bytes()
