"""The command line: what it prints, what it returns, and how it says no."""

import os
import subprocess
import sys

import pytest

from mobench.cli.main import main


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


RUN = ["run", "-p", "catsum", "-s", "random_search", "-s", "nsga2:population=10", "-b", "60", "--seeds", "2", "-q"]


def test_run_status_and_report_work_together(capsys, tmp_path):
    assert main([*RUN, "--name", "a", "-w", "2"]) == 0
    assert "mobench report results/a" in capsys.readouterr().out
    assert main(["status"]) == 0
    assert "results/a: 4 ended" in capsys.readouterr().out
    assert main(["report", "results/a"]) == 0
    out = capsys.readouterr().out
    assert "mean rank over problems" in out
    report = tmp_path / "results" / "a" / "report"
    assert {p.name for p in report.iterdir()} == {"report.html", "tables", "figures", "files.json"}
    for name in ("runs", "ranks", "pairs", "advice", "problem-catsum", "searcher-nsga2-population=10", "setups"):
        assert {p.suffix for p in (report / "tables").glob(f"{name}.*")} >= {".csv", ".tex"}
    assert {p.suffix for p in (report / "figures").glob("anytime-catsum.*")} == {".svg", ".csv"}


def test_failed_runs_are_shown_first_and_retried_only_on_demand(capsys, tmp_path, monkeypatch):
    plugin = tmp_path / "site"
    (plugin / "bad-1.dist-info").mkdir(parents=True)
    (plugin / "bad-1.dist-info" / "METADATA").write_text("Name: bad\nVersion: 1\n")
    (plugin / "bad-1.dist-info" / "entry_points.txt").write_text(
        "[mobench.searchers]\nbad = bad\nabsent = no_such_module\n"
    )
    (plugin / "bad.py").write_text("def search(run):\n    raise RuntimeError('no such luck')\n")
    environment = os.environ | {"PYTHONPATH": str(plugin)}

    def mobench(*arguments):
        command = [sys.executable, "-m", "mobench.cli", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    run = ["run", "-p", "catsum", "-s", "bad", "-s", "random_search", "-b", "20", "--seeds", "1"]
    done = mobench(*run)
    assert done.returncode == 1
    assert "1 failed" in done.stderr
    assert "RuntimeError: no such luck" in done.stderr
    assert "1 failed" in mobench("status").stdout
    shown = mobench("report", "results/adhoc").stdout
    first = "INCOMPLETE  1 failed:\n  A failed run is scored by what it had delivered when it failed"
    assert shown.index(first) < shown.index(" on catsum: RuntimeError: no such luck") < shown.index("hypervolume ")
    assert mobench(*run).returncode == 0  # nothing is tried again by itself
    assert mobench(*run, "--retry-failed").returncode == 1
    assert len(list(tmp_path.glob("results/adhoc/runs/catsum/bad*/*.failed-1/end.json"))) == 1
    listing = mobench("list").stdout
    assert "BROKEN: searcher 'absent': its package cannot be imported" in listing
    assert "nsga2" in listing


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "none.toml"], "none.toml"),
        (["run", "-p", "catsom"], "unknown problem 'catsom', did you mean 'catsum'?"),
        (["run", "-p", "catsum", "-s", "nsga22"], "did you mean 'nsga2'?"),
        (["run", "-p", "catsum", "-s", "nsga2:population=x"], "option 'population'"),
        (["run", "-p", "catsum", "-s", "nsga2", "-b", "0"], "must be positive"),
        (["run", "-p", "catsum", "-s", "nsga2", "-b", "many"], "expected a number, found 'many'"),
        (["run", "-p", "catsum", "-s", "nsga2", "-b", "trainigs=3"], "unknown currency 'trainigs'"),
        (["run", "-p", "catsum", "-s", "nsga2", "--seeds", "0"], "at least 1"),
        (["run", "-p", "catsum", "-s", "nsga2", "--seeds", "a,b"], "expected a number, found 'a'"),
        (["run", "-p", "catsum", "-s", "nsga2", "-w", "0"], "workers: expected at least 1"),
        (["run", "-p", "catsum", "-s", "nsga2", "--name", "../x"], "name: expected letters"),
        (["report", "nowhere"], "campaign.json is missing"),
        (["status", "nowhere"], "campaign.json is missing"),
        (["list", "nope"], "unknown searcher 'nope'"),
        (["data", "add", "catsum", "--from", "x"], "imports no files"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(capsys, tmp_path, arguments, words):
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("mobench: error: ")
    assert said.count("\n") == 1
    assert words in said
    assert not list(tmp_path.iterdir())


def test_a_folder_of_another_format_or_campaign_is_refused(capsys, tmp_path):
    main([*RUN, "--name", "a"])
    assert main(["run", "-p", "catsum", "-s", "random_search", "-b", "7", "--name", "a"]) == 2
    assert "holds another campaign" in capsys.readouterr().err
    path = tmp_path / "results" / "a" / "campaign.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 2'))
    assert main(["report", "results/a"]) == 2
    assert "written in format 2" in capsys.readouterr().err


def test_results_that_cannot_be_written_are_one_line(capsys, tmp_path):
    (tmp_path / "results").write_text("a file where the folder should be")
    assert main([*RUN, "--name", "a"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_list_teaches(capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("random_search", "nsga2", "catsum", "nasbench_graph"))
    assert main(["list", "nsga2"]) == 0
    assert "population" in capsys.readouterr().out


def test_help_and_version(capsys):
    assert main([]) == 0
    assert "examples:" in capsys.readouterr().out
    for arguments in (["--version"], ["run", "--help"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 0
