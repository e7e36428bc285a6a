"""A run folder that contradicts itself is damaged, with a reason and without a number; the rest of a report goes on."""

import os
import shutil
from dataclasses import replace

import orjson
import pytest

import mobench
from mobench.analysis.collect import collect
from mobench.analysis.export import export
from mobench.campaigns.reading import make_campaign
from mobench.campaigns.study import read_study, run_state
from mobench.harness.execute import execute
from mobench.harness.history import read_history
from mobench.harness.log import Log
from mobench.harness.sealed import DamagedRunError, seal
from mobench.harness.spec import RunSpec
from mobench.plugins.catalogue import find
from mobench.report.report import write_report
from mobench.scoring.load import load

PLAN = {"name": "c", "problems": ["catsum"], "searchers": ["nsga2:population=10", "random_search"], "seeds": 2}


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("campaign") / "c"
    mobench.run_campaign(make_campaign(PLAN | {"budget": 60}), folder, workers=1, progress=False)
    return folder


@pytest.fixture
def campaign(original, tmp_path):
    return shutil.copytree(original, tmp_path / "c")


def victim(campaign):
    """The folder of one run of nsga2, whose log has several lines."""
    return next(folder for spec, folder in read_study([campaign]).runs if spec.searcher == "nsga2")


def change_end(folder, **entries):
    end = folder / "end.json"
    end.write_bytes(orjson.dumps(orjson.loads(end.read_bytes()) | entries))


def reseal(folder):
    change_end(folder, log=seal((folder / "log.jsonl").read_bytes()))


def lines(folder):
    return [orjson.loads(line) for line in (folder / "log.jsonl").read_bytes().splitlines()]


def write(folder, events):
    (folder / "log.jsonl").write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in events))


def cut_to_one_line(campaign, run):
    write(run, lines(run)[:1])


def torn(campaign, run):
    log = run / "log.jsonl"
    log.write_bytes(log.read_bytes()[:-7])


def halved(campaign, run):
    write(run, [e | {"F": [[v / 2 for v in row] for row in e["F"]]} if "F" in e else e for e in lines(run)])


def front_recommended(campaign, run):
    X, _ = mobench.make_problem("catsum", {}).front()
    write(run, [*lines(run), {"recommend": X.tolist()}])


def many_answers(campaign, run):
    write(run, lines(run) * 20)
    reseal(run)


def many_answers_and_a_ledger_to_match(campaign, run):
    write(run, lines(run) * 20)
    reseal(run)
    spent = orjson.loads((run / "end.json").read_bytes())["spent"]
    change_end(run, spent=spent | {"evaluations": spent["evaluations"] * 20})


def cheaper(campaign, run):
    write(run, [e | {"flops": -5.0} if "X" in e else e for e in lines(run)])
    reseal(run)


def another_run(campaign, run):
    other = next(folder for spec, folder in read_study([campaign]).runs if spec.searcher == "random_search")
    shutil.rmtree(run)
    shutil.copytree(other, run)


def no_log(campaign, run):
    (run / "log.jsonl").unlink()


def no_spec(campaign, run):
    (run / "spec.json").unlink()


def broken_end(campaign, run):
    (run / "end.json").write_bytes(b"{")


def end_of_nothing(campaign, run):
    change_end(run, log=None)


def ledger_of_words(campaign, run):
    change_end(run, spent={"evaluations": ["many"]})


def pipe_for_log(campaign, run):
    (run / "log.jsonl").unlink()
    os.mkfifo(run / "log.jsonl")


def device_for_log(campaign, run):
    (run / "log.jsonl").unlink()
    (run / "log.jsonl").symlink_to("/dev/zero")


ATTACKS = [
    *(cut_to_one_line, torn, halved, front_recommended, many_answers, many_answers_and_a_ledger_to_match, cheaper),
    *(another_run, no_log, no_spec, broken_end, end_of_nothing, ledger_of_words, pipe_for_log, device_for_log),
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_a_forged_torn_or_swapped_run_is_damaged_and_the_others_are_read(campaign, original, attack, tmp_path):
    run = victim(campaign)
    attack(campaign, run)
    scores, _, outcomes = collect(read_study([campaign]))
    before = collect(read_study([original]))[0]
    hit = scores["run"] == str(run.relative_to(campaign / "runs"))
    assert scores.loc[hit, "state"].tolist() == ["damaged"]
    assert scores.loc[hit, "hypervolume"].isna().all()
    assert scores.loc[hit, "error"].str.len().iloc[0] > 20
    assert scores.loc[~hit, "hypervolume"].tolist() == before.loc[~hit, "hypervolume"].tolist()
    assert len(outcomes) == 3
    listing, *_ = export(read_study([campaign]), tmp_path / "export")
    assert listing.read_text().count("damaged") == 1
    spec = next(spec for spec, _ in read_study([original]).runs if spec.folder == run.relative_to(campaign / "runs"))
    with pytest.raises(DamagedRunError):
        load(run, expected=spec)


def test_the_report_names_damaged_runs_and_goes_on(campaign):
    halved(campaign, victim(campaign))
    page, text = write_report(campaign)
    assert "1 damaged" in text
    assert "not the log that the run ended with" in text
    assert "Damaged runs" in page.read_text()


@pytest.mark.parametrize("attack", [cut_to_one_line, torn, front_recommended, no_log, broken_end])
def test_a_look_in_passing_sees_what_changes_a_size(campaign, attack):
    run = victim(campaign)
    attack(campaign, run)
    assert run_state(run) == "damaged"


def test_a_folder_with_another_run_is_not_taken_for_this_one(tmp_path):
    mobench.run("random_search", "catsum", budget=30, seed=0, folder=tmp_path)
    again = mobench.run("random_search", "catsum", budget=30, seed=0, folder=tmp_path)
    assert len(again.history.X) == 30
    for change in ({"seed": 1}, {"budget": 31}, {"searcher": "nsga2"}, {"problem": "lotz"}):
        asked = {"searcher": "random_search", "problem": "catsum", "budget": 30, "seed": 0} | change
        with pytest.raises(ValueError, match=f"holds another run .*{next(iter(change))}"):
            mobench.run(folder=tmp_path, **asked)


def test_ends_of_earlier_versions_are_read_as_before(campaign):
    run = victim(campaign)
    end = orjson.loads((run / "end.json").read_bytes())
    del end["log"]
    (run / "end.json").write_bytes(orjson.dumps(end))
    assert run_state(run) == "ended"
    assert len(load(run).history.X) == 60


def test_a_run_that_fails_while_it_is_replayed_ends_with_the_ledger_of_its_log(tmp_path, monkeypatch):
    spec = RunSpec("catsum", "random_search", 0, {"evaluations": 60}, {}, {"batch": 10})
    execute(spec, tmp_path)
    (tmp_path / "end.json").unlink()
    found = find("searcher", "random_search")

    def other(run, *, batch):
        run.evaluate(run.space.sample(run.rng, batch))
        raise RuntimeError("not today")

    monkeypatch.setattr("mobench.harness.execute.find", lambda *_: replace(found, call=other))
    end = execute(spec, tmp_path)
    assert (end["reason"], end["error"]) == ("failed", "RuntimeError: not today")
    assert end["spent"]["evaluations"] == 60
    assert mobench.load(tmp_path).hypervolume() > 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"learned": -5.0}, "a pass of a supernet cost -5"),
        ({"proxied": [[0, 0]], "S": [1.0], "name": "hint", "flops": -5.0, "seconds": 0.0}, "a proxy costs -5 flops"),
        (
            {"X": [[0, 0]], "F": [[1.0, 2.0]], "fidelity": None, "asked": 2, "flops": -5.0, "seconds": 0.0},
            "than nothing",
        ),
        ({"recommend": [[0, 0]], "learned": 5.0}, "learned and recommend at once"),
    ],
)
def test_nothing_in_a_log_gives_money_back(line, said):
    """A line that pays the searcher would leave room in the budget for answers that it could not afford."""
    paid = {"X": [[0, 1]], "F": [[1.0, 2.0]], "fidelity": None, "asked": 1, "flops": 3.0, "seconds": 0.0}
    log = Log()
    for event in (paid, line, paid):
        log.append(event)
    with pytest.raises(ValueError, match=said):
        read_history(log, d=2, m=2)
