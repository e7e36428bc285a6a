"""Provenance: the commands that a report prints make its runs and its tables again, and runs know their commit."""

import html
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import mobench.harness.checkout
from mobench.analysis.provenance import command_to_run
from mobench.analysis.reading import read_analysis
from mobench.campaigns.reading import make_campaign
from mobench.campaigns.record import open_campaign
from mobench.cli.main import main
from mobench.cli.run import _campaign
from mobench.harness.checkout import commit
from mobench.harness.execute import STREAMS, execute
from mobench.harness.spec import RunSpec
from mobench.report.report import write_report


@pytest.fixture(autouse=True)
def few_figures(monkeypatch):
    """Commands and tables are looked at here, and drawing takes most of the time of a report."""
    monkeypatch.setattr("mobench.report.drawings.OVERALL", ())
    monkeypatch.setattr("mobench.report.report.draw_problem", lambda *_: ())


def printed(page):
    """The commands in a report, as their words."""
    code = re.search(r"again:</p></div><pre><code>(.*?)</code></pre>", page.read_text(encoding="utf-8"), re.DOTALL)
    return [shlex.split(line) for line in html.unescape(code[1]).splitlines()]


def tables(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "tables").iterdir())}


@pytest.mark.long
def test_the_commands_in_a_report_make_its_tables_again_to_the_byte_twice(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run = "run -p lotz:bits=6 -s random_search -s nsga2:population=10 -b 40 --seeds 2 --name first -w 1 -q".split()
    assert main(run) == 0
    assert main(["report", "results/first"]) == 0
    first = tmp_path / "results" / "first" / "report"
    expected = {"runs.csv", "ranks.csv", "problem-lotz-bits=6.csv", "times-lotz-bits=6.csv", "pairs.tex"}
    assert expected <= set(tables(first))
    *_, again = printed(first / "report.html")
    for name in ("once", "twice"):
        assert main([*again[1:], "--to", name]) == 0
        assert tables(tmp_path / name) == tables(first)


GREEDY = """\"\"\"Evaluates a few, and recommends all that there is.\"\"\"


def search(run):
    run.evaluate(run.space.sample(run.rng, 5))
    run.recommend(run.space.all())
"""


@pytest.mark.long
@pytest.mark.usefixtures("few_figures")
def test_logs_are_scored_by_another_contract_from_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("greedy.py").write_text(GREEDY)
    run = "run -p lotz:bits=6 -s greedy -s random_search -b 20 --seeds 2 --name mine -w 1 -q --plugin greedy.py"
    assert main(run.split()) == 0
    found = {}
    for contract in ("mobench-2", "mobench-1"):
        assert main(["report", "results/mine", "--contract", contract, "--to", contract]) == 0
        assert f"contract {contract}: " in capsys.readouterr().out
        runs = pd.read_csv(Path(contract) / "tables" / "runs.csv")
        runs["searcher"] = runs["searcher"].str.partition("@")[0]
        found[contract] = runs.groupby("searcher")["hypervolume"].mean()
        again = printed(Path(contract) / "report.html")[-1]
        assert again[again.index("--contract") + 1] == contract
        assert main([*again[1:], "--to", f"{contract}-again"]) == 0
        assert tables(Path(f"{contract}-again")) == tables(Path(contract))
        export = ["export", "results/mine", "--contract", contract, "--format", "ioh", "--to", f"{contract}-ioh"]
        assert main(export) == 0
        figure = ["plot", "results/mine", "--contract", contract, "--kind", "medians", "--to", f"{contract}.svg"]
        assert main(figure) == 0
    assert found["mobench-1"]["greedy"] == 1  # taken at its word
    assert found["mobench-2"]["greedy"] < found["mobench-2"]["random_search"]
    assert found["mobench-1"]["random_search"] == pytest.approx(found["mobench-2"]["random_search"])
    drawn = [pd.read_csv(f"{contract}.csv")["median"].tolist() for contract in found]
    gaps = [next(Path(f"{contract}-ioh").rglob("*greedy*/**/*.dat")).read_bytes() for contract in found]
    assert drawn[0] != drawn[1]
    assert gaps[0] != gaps[1]
    assert main(["report", "results/mine", "--contract", "evoxbench"]) == 2
    assert "contract 'evoxbench': the problem gives neither a true front nor bounds" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["report", "results/mine", "--contract", "mobench"])


@pytest.mark.long
def test_the_commands_in_a_report_of_a_single_run_make_it_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = RunSpec("lotz", "nsga2", 3, {"evaluations": 40}, {"bits": 6}, {"population": 10})
    execute(spec, tmp_path / "old" / "run")
    page, text = write_report(tmp_path / "old" / "run", to="out")
    assert "1 run, 1 searcher, 1 problem, 1 seed" in text
    make, report = printed(page)
    assert make[:2] == ["python", "-c"]
    assert 'mobench.run("nsga2:population=10", "lotz:bits=6", budget={"evaluations": 40}, seed=3, ' in make[2]
    subprocess.run([sys.executable, *make[1:]], check=True, capture_output=True)
    assert main([*report[1:], "--to", "again"]) == 0
    old, new = (tmp_path / folder / "log.jsonl" for folder in ("old/run", "results/run"))
    assert old.read_bytes() == new.read_bytes()
    timed = ("runs.", "searcher-", "setups.")  # these hold seconds of this machine
    kept = {name for name in tables(tmp_path / "out") if not name.startswith(timed)}
    assert kept
    assert all(tables(tmp_path / "again")[name] == tables(tmp_path / "out")[name] for name in kept)


def test_seeds_are_alike_over_problems_unless_every_run_says_that_its_stream_was_its_own(tmp_path):
    campaign = make_campaign(
        {"name": "c", "problems": ["catsum", "lotz:bits=6"], "searchers": ["random_search", "local_search"]}
        | {"budget": 30, "seeds": 6}
    )
    open_campaign(campaign, tmp_path / "c")
    ends = []
    for spec in campaign.specs:
        execute(spec, tmp_path / "c" / "runs" / spec.folder)
        ends.append(tmp_path / "c" / "runs" / spec.folder / "end.json")

    def say(path, **more):
        document = json.loads(path.read_text())
        document.pop("streams", None)
        path.write_text(json.dumps(document | more))

    for path in ends:
        say(path, streams=STREAMS)
    apart = read_analysis([tmp_path / "c"])
    assert not apart.alike
    say(ends[-1])
    alike = read_analysis([tmp_path / "c"])
    assert alike.alike
    assert alike.pairs["least_p"][0] == 2 / 2**6
    assert apart.pairs["least_p"][0] < 1e-5
    assert alike.pairs_on_each.equals(apart.pairs_on_each)


@pytest.mark.parametrize("seeds", [4, [2, 5]])
def test_the_command_makes_the_same_campaign(tmp_path, monkeypatch, seeds):
    entries = {
        "name": "a",
        "problems": ["catsum", "nasbench_graph:dataset=cora,objectives=[error,params]"],
        "searchers": ["nsga2:population=10", "random_search"],
        "seeds": seeds,
        "budget": {"evaluations": 30, "asked": 90},
    }
    campaign = make_campaign(entries)
    open_campaign(campaign, tmp_path)
    found = []
    monkeypatch.setattr("mobench.cli.run.run", lambda args: found.append(_campaign(args)) or 0)
    assert main(shlex.split(command_to_run(tmp_path))[1:]) == 0
    assert found[0].document == campaign.document


OWN = '''
"""Asks for one architecture after the other."""


def search(run):
    for x in run.space.at(range(30)):
        run.evaluate(x[None])
'''


def test_the_commands_name_the_files_of_plugins_of_one_s_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(OWN)
    assert main("run -p catsum -s mine --plugin mine.py -b 20 --seeds 1 --name own -w 1 -q".split()) == 0
    command = shlex.split(command_to_run(tmp_path / "results" / "own"))
    assert command[command.index("--plugin") + 1] == str(tmp_path / "mine.py")
    page, _ = write_report("results/own")
    make, report = printed(page)
    assert make == command
    assert "--plugin" not in report  # scoring needs the problem's code only


def test_a_run_knows_the_commit_that_it_was_run_from(tmp_path, monkeypatch):
    calls, real = [], subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: calls.append(a) or real(*a, **k))
    commit.cache_clear()
    specs = [RunSpec("catsum", "random_search", seed, {"evaluations": 5}) for seed in (0, 1)]
    ends = [execute(spec, tmp_path / str(spec.seed)) for spec in specs]
    assert len(calls) <= 2  # once a process, not once a run
    if not commit():
        assert all("commit" not in end["versions"] for end in ends)
        pytest.skip("mobench is not run from a checkout here")
    assert {end["versions"]["commit"] for end in ends} == {commit()}
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", commit())


def test_outside_a_checkout_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(mobench.harness.checkout, "__file__", str(tmp_path / "checkout.py"))
    assert commit.__wrapped__() == ""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit.__wrapped__() == ""
