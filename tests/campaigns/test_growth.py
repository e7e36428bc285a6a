"""A results folder is gone on with: more and fewer, again, under another name; and one is made where none is named."""

import json
import re
import shutil

import pytest

from mobench.campaigns.reading import make_campaign, name_of, read_campaign
from mobench.campaigns.record import load_campaign, open_campaign
from mobench.cli.main import main
from mobench.engines.engine import run_campaign
from mobench.harness.log import Log

METHOD = "def search(run):\n    while True:\n        run.evaluate(run.space.sample(run.rng, {}))\n"
RUN = ["run", "-p", "catsum", "-b", "20", "-w", "1", "-q"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys, *arguments, code=0):
    """What a command says on standard error, without its first word."""
    assert main([*RUN, *arguments]) == code
    return [line.removeprefix("mobench: ") for line in capsys.readouterr().err.splitlines()]


def logs(folder):
    """Bytes of each log of a campaign, by its place."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("log.jsonl")}


def test_unnamed_runs_are_named_by_what_they_are_about(here, capsys):
    for arguments in (["-s", "nsga2"], ["-s", "nsga2", "--seeds", "2"], ["-s", "random_search"]):
        run(capsys, "--seeds", "1", *arguments)
    names = sorted(path.name for path in (here / "results").iterdir())
    assert [re.sub("-[0-9a-f]{6}$", "-*", name) for name in names] == ["catsum-nsga2-*", "catsum-random_search-*"]
    assert load_campaign(here / "results" / names[0]).seeds == (0, 1)  # more seeds are more of the same


def test_a_name_tells_all_that_a_folder_cannot_hold_two_of_and_is_a_name(here):
    base = {"problems": ["catsum"], "searchers": ["nsga2"], "budget": 20}
    others = [{"problems": ["lotz"]}, {"searchers": ["nsga2:population=8"]}, {"budget": 30}, {"contract": "mobench-1"}]
    campaigns = [make_campaign(base | more) for more in ({}, *others)]
    assert len({campaign.name for campaign in campaigns}) == 5
    assert make_campaign(base | {"seeds": 9}).name == campaigns[0].name == name_of(campaigns[0])
    many = make_campaign({"problems": ["catsum", *(f"lotz:bits={n}" for n in range(2, 30))], "searchers": ["nsga2"]})
    assert re.fullmatch("catsum-lotz-nsga2-[0-9a-f]{6}", many.name)
    long = ["random_search", "local_search", "regularized_evolution", "nsga2", "smsemoa"]
    assert re.fullmatch("catsum-5searchers-[0-9a-f]{6}", make_campaign(base | {"searchers": long}).name)


def test_a_file_with_other_content_does_not_occupy_its_name(here, capsys):
    (here / "c.toml").write_text("problems = ['catsum']\nsearchers = ['nsga2']\nseeds = 1\nbudget = 20\n")
    assert read_campaign("c.toml").name == "c"
    assert read_campaign("c.toml", seeds=5).name == "c"
    assert read_campaign("c.toml", problems=["catsum"]).name == "c"
    assert re.fullmatch("c-[0-9a-f]{6}", read_campaign("c.toml", problems=["lotz"]).name)
    assert read_campaign("c.toml", problems=["lotz"], name="mine").name == "mine"
    assert main(["run", "c.toml", "-q", "-w", "1"]) == 0
    assert "another campaign" not in capsys.readouterr().err
    assert main(["run", "c.toml", "-p", "lotz", "-q", "-w", "1"]) == 0
    assert "options make this another campaign than c.toml: it is called c-" in capsys.readouterr().err
    assert len(list((here / "results").iterdir())) == 2


def test_more_seeds_searchers_and_problems_are_added_and_named(here, capsys):
    run(capsys, "-s", "nsga2", "--seeds", "1", "--name", "a")
    before = logs(here / "results" / "a")
    said = run(capsys, "-p", "lotz", "-s", "nsga2", "-s", "random_search", "--seeds", "2", "--name", "a")
    assert said[0] == "results/a: adds problem lotz and searcher random_search and seed 1"
    assert "7 runs ended, 1 had before" in said
    assert logs(here / "results" / "a").items() > before.items()
    assert main(["status", "results/a"]) == 0
    assert "results/a: 8 ended" in capsys.readouterr().out


def test_fewer_are_run_and_what_else_lies_there_is_said_and_stays(here, capsys):
    run(capsys, "-s", "nsga2", "-s", "random_search", "--seeds", "3", "--name", "a")
    before = logs(here / "results" / "a")
    said = run(capsys, "-s", "random_search", "--seeds", "1", "--name", "a")
    assert said == [
        "results/a: holds searcher nsga2 and seeds 1, 2, too, which nobody asks for now: "
        "what has ended of them stays, and counts in reports",
        "0 runs ended, 1 had before",
    ]
    assert logs(here / "results" / "a") == before
    assert load_campaign(here / "results" / "a").seeds == (0, 1, 2)
    assert main(["status"]) == 0
    assert "results/a: 6 ended" in capsys.readouterr().out


def test_runs_that_nobody_asks_for_and_that_are_not_over_are_counted(here, capsys):
    run(capsys, "-s", "nsga2", "--seeds", "2", "--name", "a")
    said = run(capsys, "-s", "random_search", "--seeds", "1", "--name", "a")
    assert any("1 of its runs are neither over nor asked for: `mobench run results/a` asks for" in s for s in said)
    assert main(["run", "results/a", "-q", "-w", "1"]) == 0
    assert capsys.readouterr().err == "mobench: 1 runs ended, 3 had before\n"


def test_a_renamed_folder_is_gone_on_with(here, capsys):
    run(capsys, "-s", "nsga2", "--seeds", "1", "--name", "a")
    (here / "results" / "a").rename(here / "results" / "b")
    assert run(capsys, "-s", "nsga2", "--seeds", "2", "--name", "b") == [
        "results/b: was called a, and goes on as b",
        "results/b: adds seed 1",
        "1 runs ended, 1 had before",
    ]
    shutil.move("results/b", "elsewhere")
    assert main(["run", "elsewhere", "--seeds", "3", "-q", "-w", "1"]) == 0
    assert "elsewhere: adds seed 2" in capsys.readouterr().err
    assert load_campaign(here / "elsewhere").name == "elsewhere"
    assert main(["report", "elsewhere"]) == 0


def test_one_searcher_is_run_again_and_the_others_are_kept(here, capsys):
    (here / "meth.py").write_text(METHOD.format(2))
    command = ["-s", "nsga2", "-s", "meth", "--plugin", "meth.py", "--seeds", "2", "--name", "a"]
    run(capsys, *command)
    before = {name: log for name, log in logs(here / "results" / "a").items() if "nsga2" in name}
    (here / "meth.py").write_text(METHOD.format(5))
    refused = run(capsys, *command, code=2)[-1]
    assert "searcher meth has changed since 2 of these runs began" in refused
    assert "--rerun meth carries them out again and keeps all others" in refused
    said = run(capsys, *command, "--rerun", "meth")
    assert said == [
        "results/a: sets 2 runs of meth aside, their folders end in .rerun-N now; runs of other searchers are kept",
        "2 runs ended, 2 had before",
    ]
    now = logs(here / "results" / "a")
    assert {name: log for name, log in now.items() if "nsga2" in name} == before
    assert sum(".rerun-1/" in name for name in now) == 2
    assert main(["status"]) == 0
    assert "results/a: 4 ended" in capsys.readouterr().out
    assert main(["verify", "results/a", "--plugin", "meth.py", "--sample", "0"]) == 0


def test_built_in_searchers_run_again_to_the_same_logs(here, capsys):
    run(capsys, "-s", "nsga2", "--seeds", "1", "--name", "a")
    (before,) = logs(here / "results" / "a").values()
    for _ in range(2):
        run(capsys, "-s", "nsga2", "--seeds", "1", "--name", "a", "--rerun", "nsga2")
    found = logs(here / "results" / "a")
    assert set(found.values()) == {before}
    assert len(found) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rerun", "nsga3"], "rerun: unknown 'nsga3', did you mean 'nsga2'?"),
        (["--rerun", "nsga2", "--shard", "1/2"], "rerun: a shard would set aside what the others have done"),
        (["-b", "30"], "holds another campaign (budget is 20 evaluations there, 30 evaluations here)"),
        (["--contract", "mobench-1"], "(contract is mobench-2 there, mobench-1 here)"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line_and_changes_nothing(here, capsys, arguments, words):
    run(capsys, "-s", "nsga2", "--seeds", "1", "--name", "a")
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    (said,) = run(capsys, "-s", "nsga2", "--seeds", "1", "--name", "a", *arguments, code=2)
    assert words in said
    assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before


def test_a_run_at_work_is_not_set_aside(here, capsys):
    run(capsys, "-s", "nsga2", "--seeds", "2", "--name", "a")
    log = next((here / "results" / "a").rglob("log.jsonl"))
    with Log(log):
        (said,) = run(capsys, "-s", "nsga2", "--seeds", "2", "--name", "a", "--rerun", "nsga2", code=2)
    assert "a command is at this run" in said
    assert not list(here.rglob("*.rerun-*"))


def test_a_file_that_is_not_there_is_named_with_the_likely_slip(here, capsys):
    assert main(["run", "-p", "catsum", "lotz"]) == 2
    assert "lotz: there is no such campaign file or results folder; every problem needs its own -p" in (
        capsys.readouterr().err
    )


def test_pairs_that_do_not_apply_are_found_between_old_and_new(here):
    folder = here / "a"
    open_campaign(make_campaign({"problems": ["catsum"], "searchers": ["nsga2"]}), folder)
    open_campaign(make_campaign({"problems": ["bilevel_toys"], "searchers": ["darts"]}), folder)
    assert {(p.problem, p.searcher) for p in load_campaign(folder).not_applicable} == {("catsum", "darts")}
    assert len(load_campaign(folder).specs) == 3 * 5


def test_labels_that_are_taken_away_are_gone_and_those_of_others_stay(here):
    folder, two = (
        here / "a",
        {"searchers": [{"name": "nsga2", "label": "Ours"}, {"name": "random_search", "label": "R"}]},
    )
    open_campaign(make_campaign({"problems": ["catsum"], **two}), folder)
    open_campaign(make_campaign({"problems": ["catsum"], "searchers": ["nsga2"]}), folder)
    assert json.loads((folder / "campaign.json").read_text())["labels"] == {"random_search": "R"}


def test_a_campaign_and_how_it_went_are_told_in_a_line(here):
    campaign = make_campaign({"problems": ["catsum"], "searchers": ["nsga2"], "seeds": 2, "budget": 20, "name": "c"})
    assert repr(campaign) == "<Campaign c: 1 problem x 1 searcher x 2 seeds, 20 evaluations a run>"
    assert repr(run_campaign(campaign, here / "c", workers=1, progress=False)) == "<Tally: 2 runs ended>"
    again = run_campaign(campaign, str(here / "c"), workers=1, progress=False)
    assert repr(again) == "<Tally: 0 runs ended, 2 had before>"
