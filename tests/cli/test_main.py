"""The command line: what it prints, what it returns, and how it says no."""

import functools
import os
import resource
import subprocess
import sys

import pytest

from mobench.campaigns.reading import make_campaign
from mobench.campaigns.record import open_campaign
from mobench.cli.main import main
from mobench.harness.execute import execute
from mobench.harness.spec import RunSpec


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


@pytest.mark.long
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
        command = [sys.executable, "-m", "mobench", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    run = ["run", "-p", "catsum", "-s", "bad", "-s", "random_search", "-b", "20", "--seeds", "1", "--name", "a"]
    done = mobench(*run)
    assert done.returncode == 1
    assert "1 failed" in done.stderr
    assert "RuntimeError: no such luck" in done.stderr
    assert "1 failed" in mobench("status").stdout
    shown = mobench("report", "results/a").stdout
    first = "INCOMPLETE  1 failed:\n  A failed run is scored by what it had delivered when it failed"
    assert shown.index(first) < shown.index(" on catsum: RuntimeError: no such luck") < shown.index("hypervolume ")
    assert mobench(*run).returncode == 0  # nothing is tried again by itself
    assert mobench(*run, "--retry-failed").returncode == 1
    assert len(list(tmp_path.glob("results/a/runs/catsum/bad*/*.failed-1/end.json"))) == 1
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
        (["list", "nope"], "unknown name 'nope'"),
        (["list", "tinny"], "unknown name 'tinny', did you mean 'tiny'?"),
        (["list", "fcnets"], "unknown name 'fcnets', did you mean 'fcnet'?"),
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


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        ("50.5", "budget: evaluations must be a whole number up to 9,007,199,254,740,992, found 50.5"),
        ("0.5", "budget: evaluations must be a whole number"),
        ("1e308", "budget: evaluations must be a whole number"),
        ("asked=1e308", "budget: asked must be a whole number"),
        ("", "--budget: expected a number, found ''"),
        ("evaluations=", "--budget: expected a number, found ''"),
    ],
)
def test_a_budget_that_is_none_is_one_line_and_nothing_is_run(capsys, tmp_path, budget, words):
    assert main(["run", "-p", "catsum", "-s", "random_search", "-b", budget]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--seeds", "--name", "--contract", "-p", "-s"])
def test_an_empty_option_does_not_mean_the_default(capsys, tmp_path, option):
    run = ["run", "-p", "catsum", "-s", "random_search", "-b", "5"]
    assert main([*run, option, ""]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_campaign_in_which_nothing_applies_is_refused_with_the_reasons_and_leaves_nothing(capsys, tmp_path):
    assert main(["run", "-p", "catsum", "-s", "darts", "-s", "spos", "--seeds", "1", "-q"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("mobench: error: catsum-darts-spos-")
    assert "nothing to run, since nothing applies: darts on catsum needs Supernet" in said[-1]
    assert "spos on catsum needs" in said[-1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("searcher", "words"),
    [
        ("grid:genes=[x0,nope]", "grid on catsum names 'nope' (option genes), which is not on offer; there are x0"),
        (
            "random_search:fidelity=7",
            "random_search on catsum names 7 (option fidelity), which is not on offer; no",
        ),
        ("nsga2:proxy=naswot", "nsga2 on catsum names 'naswot' (option proxy)"),
        ("bananas:encoding=path", "bananas on catsum names 'path' (option encoding)"),
    ],
)
def test_what_an_option_names_and_no_problem_has_is_a_line_before_anything_runs(capsys, tmp_path, searcher, words):
    assert main(["run", "-p", "catsum", "-s", "random_search", "-s", searcher, "--seeds", "1", "-q"]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not (tmp_path / "results").exists()


def test_what_an_option_names_and_some_problem_has_is_run_there_alone(capsys, tmp_path):
    run = ["run", "-p", "catsum", "-p", "lotz:bits=4", "-s", "grid:genes=[x5]", "--seeds", "1", "-b", "5"]
    assert main([*run, "-q", "--name", "some"]) == 0
    assert "not applicable: grid:genes=[x5] on lotz:bits=4 (names 'x5' (option genes)" in capsys.readouterr().err
    assert len(list((tmp_path / "results/some/runs").glob("*/*/*/end.json"))) == 1


def test_a_folder_in_which_nothing_applies_is_a_line_of_every_command_and_hides_no_other_campaign(capsys, tmp_path):
    none = make_campaign({"name": "none", "problems": ["catsum"], "searchers": ["darts"]})
    open_campaign(none, tmp_path / "results" / "none")
    assert main([*RUN, "--name", "other", "-w", "1"]) == 0
    capsys.readouterr()
    assert main(["status"]) == 0
    shown = capsys.readouterr().out
    assert "results/none: no runs, since nothing applies: darts on catsum needs Supernet" in shown
    assert "results/other: 4 ended" in shown
    commands = (["report"], ["export", "--to", "to"], ["plot", "--kind", "anytime"], ["plot", "--kind", "states"])
    for command, *options in commands:
        assert main([command, "results/none", *options]) == 2
        said = capsys.readouterr().err
        assert said.startswith("mobench: error: results/none: no runs, since nothing applies: darts on catsum")
        assert said.count("\n") == 1
    assert main(["report", "results/none", "results/other"]) == 2  # their budgets differ
    assert not (tmp_path / "to").exists()


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="this system has no such device")
@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "/dev/zero"),
        ("run", "-p", "table:path=/dev/zero", "-s", "random_search"),
        ("run", "-p", "table:path=t.toml", "-s", "random_search"),
        ("run", "-p", "table:path=pipe", "-s", "random_search"),
        ("run", "pipe"),
        ("data", "add", "nasbench201", "--from", "/dev/zero"),
    ],
    ids=" ".join,
)
def test_devices_and_pipes_in_the_place_of_files_are_one_line_and_take_neither_memory_nor_time(tmp_path, arguments):
    os.mkfifo("pipe")
    (tmp_path / "t.toml").write_text('data = "t.csv"\nobjectives = [{ name = "a" }, { name = "b" }]\n')
    (tmp_path / "t.csv").symlink_to("/dev/zero")
    command = [sys.executable, "-m", "mobench", *arguments]
    limit = functools.partial(resource.setrlimit, resource.RLIMIT_AS, (4 * 2**30,) * 2)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, preexec_fn=limit, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1


def test_a_long_name_of_the_temporary_folder_is_no_fault(tmp_path):
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    command = [sys.executable, "-m", "mobench", *RUN, "-w", "2"]
    done = subprocess.run(
        command, env=os.environ | {"TMPDIR": str(folder)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "mobench: 4 runs ended\n")
    assert list(folder.iterdir()) == []


def test_an_error_with_orders_to_a_terminal_reaches_none(capsys):
    assert main(["report", "x\x1b[2J\x9b31m\u202e"]) == 2
    said = capsys.readouterr().err
    assert r"x\x1b[2J\x9b31m\u202e" in said
    assert said[:-1].isprintable()


def test_new_writes_through_no_link(capsys, tmp_path):
    (tmp_path / "climber.py").symlink_to(tmp_path / "profile")
    assert main(["new", "searcher", "climber"]) == 2
    assert "climber.py" in capsys.readouterr().err
    assert not (tmp_path / "profile").exists()


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "[1.0,inf]"])
def test_an_option_that_no_record_can_hold_is_refused_and_does_not_vanish(capsys, tmp_path, value):
    (tmp_path / "odd.py").write_text("from typing import Any\n\n\ndef search(run, *, sigma: Any = 1.0):\n    pass\n")
    assert main(["run", "-p", "catsum", "-s", f"odd:sigma={value}", "--plugin", "odd.py", "-b", "5", "-q"]) == 2
    said = capsys.readouterr().err
    assert "searchers[0].options.sigma" in said
    assert "which a document cannot hold" in said
    assert said.count("\n") == 1
    spec = RunSpec("catsum", "random_search", 0, {"evaluations": 5}, {}, {"sigma": float("inf")})
    with pytest.raises(ValueError, match=r"searcher_options\.sigma is inf"):
        execute(spec, tmp_path / "run")
    assert list(tmp_path.rglob("spec.json")) == []


@pytest.mark.parametrize(("given", "threads"), [("", "1"), ("3", "3")])
def test_the_command_line_computes_with_one_thread_unless_the_environment_says_more(given, threads):
    code = (
        "import os, sys; from mobench.cli.main import main; assert 'numpy' not in sys.modules;"
        "main(['list', 'searchers']);"
        "print(*(os.environ[name] for name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS')))"
    )
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    environment |= dict.fromkeys(names, given) if given else {}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == f"{threads} {threads}"
