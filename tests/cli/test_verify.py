"""`mobench verify` finds what somebody changed, however well it was sealed again, and its stamp goes stale with it."""

import json
import shutil

import orjson
import pytest

from mobench.analysis.verification import read_stamp
from mobench.cli.main import main
from mobench.harness.processor import processor
from mobench.harness.sealed import seal

pytestmark = pytest.mark.long

NOISY = '''"""A line with noise."""

import numpy as np

from mobench import Cost, Objective, Space, Values


class Line:
    space = Space((50,))
    objectives = (Objective("x"), Objective("y"))
    training = Cost(evaluations=1, flops=10.0, seconds=2.0)
    deterministic = False

    def evaluate(self, X, *, fidelity, seeds):
        noise = np.array([np.random.default_rng(int(seed)).normal() for seed in seeds])
        return Values(self.score(X) + noise[:, None], flops=X[:, 0] + 1.0, seconds=2.0)

    def score(self, X):
        return np.column_stack([X[:, 0], 49 - X[:, 0]]).astype(float)

    def front(self):
        return self.space.all(), self.score(self.space.all())


def problem():
    return Line()
'''


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    """A campaign on a table, a toy and a noisy problem of the user's."""
    home = tmp_path_factory.mktemp("verify")
    (home / "line.py").write_text(NOISY)
    problems = ["-p", "catsum", "-p", "motif", "-p", "line", "--plugin", str(home / "line.py")]
    command = ["run", *problems, "-s", "random_search", "-s", "nsga2:population=6", "-b", "30", "--seeds", "2", "-q"]
    assert main([*command, "--name", "c", "--results", str(home / "results")]) == 0
    return home


@pytest.fixture
def copy(campaign, tmp_path):
    """One to spoil."""
    shutil.copytree(campaign / "results", tmp_path / "results")
    return tmp_path / "results" / "c"


def verify(folder, campaign, *more):
    return main(["verify", str(folder), "--plugin", str(campaign / "line.py"), "-q", *more])


def forge(folder, change):
    """Change a log's events and seal it as its end would."""
    path = folder / "log.jsonl"
    events = [json.loads(line) for line in path.read_text().splitlines()]
    events = change(events) or events
    path.write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in events))
    end = json.loads((folder / "end.json").read_text())
    end["log"] = seal(path.read_bytes())
    for name in ("flops", "seconds"):
        prices = [e[name] if isinstance(e[name], list) else [e[name]] * len(e["X"]) for e in events if "X" in e]
        end["spent"][name] = sum(map(sum, prices))
    end["spent"]["evaluations"] = sum(len(e["X"]) for e in events if "X" in e)
    (folder / "end.json").write_text(json.dumps(end))


def one(folder, problem, searcher="nsga2"):
    return sorted((folder / "runs" / problem).glob(f"{searcher}*/*-seed1-*"))[0]


def test_an_honest_campaign_is_verified_and_its_report_says_so(copy, campaign, capsys):
    said = "12 runs, 360 answers asked for again, 12 runs carried out again; nothing disagree"
    assert verify(copy, campaign, "--sample", "20") == 0
    assert f"{said}s" in capsys.readouterr().out
    assert main(["report", str(copy), "--plugin", str(campaign / "line.py")]) == 0
    assert f"{said}d" in capsys.readouterr().out
    assert f"{said}d" in (copy / "report" / "report.html").read_text()


def test_a_report_says_that_nobody_verified_a_campaign(copy, campaign, capsys):
    assert main(["report", str(copy), "--plugin", str(campaign / "line.py")]) == 0
    assert f"{copy}: not verified; `mobench verify {copy}` does it" in capsys.readouterr().out


def halved(events):
    for event in events:
        if "X" in event:
            event["F"] = [[value / 2 for value in row] for row in event["F"]]


def cheaper(events):
    for event in events:
        if "X" in event:
            event["flops"] = 1.0


def drawn_again(events):
    answers = [event for event in events if "X" in event]
    best = min(min(event["F"]) for event in answers)
    answers[0]["F"][0] = best


def others(events):
    for event in events:
        if "X" in event:
            event["X"][0] = [0] * len(event["X"][0])


@pytest.mark.parametrize("problem", ["catsum", "motif", "line"])
@pytest.mark.parametrize("change", [halved, cheaper, drawn_again, others])
def test_answers_and_prices_that_the_problem_does_not_give_are_found(copy, campaign, capsys, change, problem):
    if change is cheaper and problem == "catsum":
        pytest.skip("catsum's answers cost evaluations only")
    folder = one(copy, problem)
    forge(folder, change)
    assert verify(copy, campaign, "--sample", "0") == 1
    out = capsys.readouterr().out
    assert f"disagrees: {folder}: " in out
    assert "1 disagree" in out


def test_a_search_that_did_not_happen_is_found_where_it_is_carried_out_again(copy, campaign, capsys):
    """Every answer is the problem's own, every price is paid, every checksum fits: the front was simply known."""
    folder, donor = one(copy, "catsum"), one(copy, "catsum", "random_search")
    (folder / "log.jsonl").write_bytes((donor / "log.jsonl").read_bytes())
    forge(folder, lambda events: None)
    assert verify(copy, campaign, "--sample", "0") == 0
    assert verify(copy, campaign, "--sample", "20") == 1
    said = capsys.readouterr().out
    assert f"disagrees: {folder}: carried out again, its log differs from line 1" in said
    assert "it was computed on" not in said
    end = json.loads((folder / "end.json").read_text())
    (folder / "end.json").write_text(json.dumps(end | {"host": end["host"] | {"processor": "a Z80"}}))
    assert verify(copy, campaign, "--sample", "20") == 1  # another processor is told, and excuses nothing
    assert f"; it was computed on a Z80, this is {processor()}: " in capsys.readouterr().out


@pytest.mark.parametrize("file", ["log.jsonl", "end.json", "spec.json"])
def test_another_runs_files_are_found(copy, campaign, capsys, file):
    folder, donor = one(copy, "catsum"), one(copy, "catsum", "random_search")
    shutil.copy(donor / file, folder / file)
    assert verify(copy, campaign, "--sample", "0") == 1
    assert f"{folder}" in capsys.readouterr().out


def test_a_stamp_is_of_what_was_there(copy, campaign, capsys):
    assert verify(copy, campaign, "--sample", "1") == 0
    assert main(["report", str(copy), "--plugin", str(campaign / "line.py")]) == 0
    assert "nothing disagreed" in capsys.readouterr().out
    forge(one(copy, "motif"), halved)
    assert main(["report", str(copy), "--plugin", str(campaign / "line.py")]) == 0
    assert "and runs have changed or come since; verify it again" in capsys.readouterr().out
    assert verify(copy, campaign, "--sample", "0") == 1
    capsys.readouterr()
    assert main(["report", str(copy), "--plugin", str(campaign / "line.py")]) == 0
    assert "NOT AS IT SAYS, at " in capsys.readouterr().out
    (copy / "verified.json").write_text('{"format": 1, "at": 3}')
    assert "cannot be read" in read_stamp(copy, ())


def test_what_cannot_be_verified_is_named(copy, campaign, capsys):
    (one(copy, "catsum") / "end.json").unlink()
    shutil.rmtree(one(copy, "motif"))
    assert verify(copy, campaign, "--sample", "0") == 0
    err = capsys.readouterr().err
    assert "not verified: 1 runs: it has not ended" in err
    assert "not verified: 1 runs: it is missing" in err


def test_what_is_no_campaign_is_refused(tmp_path, capsys):
    assert main(["verify", str(tmp_path)]) == 2
    assert "no campaign here; give results/NAME" in capsys.readouterr().err
    assert main(["verify", str(tmp_path), "--sample", "-1"]) == 2


def test_a_failed_run_is_carried_out_again_as_far_as_it_came(copy, campaign, capsys):
    """A forger's log of true answers does not pass because its end says that the search failed."""
    folder, donor = one(copy, "catsum"), one(copy, "catsum", "random_search")
    (folder / "log.jsonl").write_bytes((donor / "log.jsonl").read_bytes())
    forge(folder, lambda events: None)
    end = json.loads((folder / "end.json").read_text())
    (folder / "end.json").write_text(json.dumps(end | {"reason": "failed", "error": "x", "traceback": ""}))
    assert verify(copy, campaign, "--sample", "20") == 1
    assert f"disagrees: {folder}: carried out again, its log differs from line 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"reason": "budget: love"}, "ended with 'budget: love', and carried out again with 'budget: evaluations'"),
        ({"spent": {"evaluations": 30.0, "asked": 31.0}}, "its end says that it spent"),
        ({"spent": {"evaluations": 30.0, "asked": 1e9}}, "end.json says 1e+09 asked, and the budget is 600"),
    ],
)
def test_an_end_that_says_what_its_search_would_not_is_found(copy, campaign, capsys, change, words):
    folder = one(copy, "catsum")
    end = json.loads((folder / "end.json").read_text())
    (folder / "end.json").write_text(json.dumps(end | change))
    assert verify(copy, campaign, "--sample", "20") == 1
    assert words in capsys.readouterr().out


def test_what_was_left_out_stands_beside_verified(copy, campaign, capsys):
    (one(copy, "catsum") / "end.json").unlink()
    assert verify(copy, campaign, "--sample", "0") == 0
    capsys.readouterr()
    assert main(["report", str(copy), "--plugin", str(campaign / "line.py")]) == 0
    assert "nothing disagreed; NOT VERIFIED: 1 runs: it has not ended" in capsys.readouterr().out


@pytest.mark.parametrize("file", ["log.jsonl", "end.json"])
def test_a_folder_in_the_place_of_a_file_is_a_damaged_run_and_no_more(copy, campaign, capsys, file):
    folder = one(copy, "catsum")
    (folder / file).unlink()
    (folder / file).mkdir()
    assert verify(copy, campaign, "--sample", "0") == 1
    assert main(["report", str(copy), "--plugin", str(campaign / "line.py")]) == 0
    assert "1 damaged" in capsys.readouterr().out


def test_a_damaged_run_is_named_and_can_be_set_aside(copy, campaign, capsys):
    (one(copy, "catsum") / "log.jsonl").write_bytes(b"")
    command = ["run", "-p", "catsum", "-p", "motif", "-p", "line", "--plugin", str(campaign / "line.py")]
    command += ["-s", "random_search", "-s", "nsga2:population=6", "-b", "30", "--seeds", "2", "-q"]
    command += ["--name", "c", "--results", str(copy.parent)]
    assert main(command) == 1
    assert "its log is not what its end says; --retry-failed sets it aside" in capsys.readouterr().err
    assert main([*command, "--retry-failed"]) == 0
    assert verify(copy, campaign, "--sample", "20") == 0


def test_runs_that_a_record_does_not_name_any_more_are_found(copy, campaign, capsys):
    record = json.loads((copy / "campaign.json").read_text())
    (copy / "campaign.json").write_text(json.dumps(record | {"seeds": [0]}))
    assert verify(copy, campaign, "--sample", "0") == 1
    out = capsys.readouterr().out
    assert f"disagrees: {copy}: holds " in out
    assert "and 5 more, of which its record knows nothing" in out


def test_a_warm_run_whose_file_is_another_now_is_not_carried_out_again(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "given.csv").write_text("x0,x1,x2,x3,x4,x5\n0,0,0,0,0,0\n")
    command = ["run", "-p", "catsum", "-s", "nsga2:start=given.csv", "-b", "30", "--seeds", "1", "-q", "--name", "warm"]
    assert main(command) == 0
    assert main(["verify", "results/warm", "-q"]) == 0
    assert "1 runs carried out again; nothing disagrees" in capsys.readouterr().out
    (tmp_path / "given.csv").write_text("x0,x1,x2,x3,x4,x5\n1,0,0,0,0,0\n")
    assert main(["verify", "results/warm", "-q"]) == 0
    said = capsys.readouterr()
    assert "0 runs carried out again; nothing disagrees" in said.out
    assert "not verified: 1 runs: the file of nsga2:start=given.csv is not here, or another" in said.err
    assert main(command) == 2
    assert "file of nsga2:start=given.csv has changed since 1 of these runs began" in capsys.readouterr().err
