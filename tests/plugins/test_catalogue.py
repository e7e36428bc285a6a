"""Plugins from files: listed, configured, run by workers and remembered like built-in ones; broken ones harm nobody."""

import json
import os
import subprocess
import sys

import pytest

import mobench
from mobench.campaigns.reading import make_campaign, read_campaign
from mobench.campaigns.record import load_campaign, open_campaign
from mobench.cli.main import main
from mobench.engines.engine import run_campaign
from mobench.harness.execute import execute
from mobench.harness.spec import RunSpec
from mobench.plugins.catalogue import find, make_problem, plugins, summary
from mobench.plugins.plugin_file import read_plugins
from mobench.plugins.sources import in_use, using

SEARCHER = '''"""Asks for a few random architectures at a time."""

from typing import Annotated

from annotated_types import Ge

from ._shared import FACTOR


def search(run, *, batch: Annotated[int, Ge(1)] = 2):
    while True:
        run.evaluate(run.space.sample(run.rng, batch * FACTOR))
'''
PROBLEM = '''"""A line."""

import numpy as np

from mobench import Cost, Objective, Space, Values


class Line:
    space = Space((50,))
    objectives = (Objective("x"), Objective("y"))
    training = Cost(evaluations=1)
    deterministic = True

    def evaluate(self, X, *, fidelity, seeds):
        return Values(self.score(X))

    def score(self, X):
        return np.column_stack([X[:, 0], 49 - X[:, 0]]).astype(float)

    def front(self):
        return self.space.all(), self.score(self.space.all())


def problem():
    return Line()
'''


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder with a searcher and a problem."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "few.py").write_text(SEARCHER)
    (tmp_path / "_shared.py").write_text("FACTOR = 3\n")
    (tmp_path / "line.py").write_text(PROBLEM)
    return tmp_path


def run_few(*more):
    command = ["run", "-p", "line", "-s", "few:batch=1", "-s", "random_search", "-b", "20", "--seeds", "2", "-q"]
    return main([*command, "--name", "mine", *more])


def test_files_are_listed_configured_run_and_remembered(here, capsys):
    assert main(["list", "--plugin", "."]) == 0
    listing = capsys.readouterr().out
    assert "few                      Asks for a few random architectures at a time" in listing
    assert "line                     A line" in listing
    assert main(["list", "few", "--plugin", "few.py"]) == 0
    assert "batch: whole number from 1; default 2." in capsys.readouterr().out
    assert run_few("--plugin", "few.py", "--plugin", "line.py", "-w", "2") == 0
    assert main(["status", "results/mine"]) == 0
    code = read_plugins(["few.py"])[0].code
    assert f"line  few@{code[7:11]}:batch=1  2 ended" in capsys.readouterr().out
    document = json.loads((here / "results/mine/campaign.json").read_text())
    assert [entry["path"] for entry in document["plugins"]] == [str(here / "few.py"), str(here / "line.py")]
    ends = [json.loads(path.read_text()) for path in here.glob("results/mine/runs/line/few*/*/end.json")]
    files = {entry["path"]: f"sha256:{entry['checksum']}" for entry in document["plugins"]}
    assert document["identity"] == {
        "searcher few": files[str(here / "few.py")],
        "problem line": files[str(here / "line.py")],
    }
    for end in ends:
        assert end["versions"]["few"] == files[str(here / "few.py")]
    assert run_few("--plugin", ".") == 0  # the same files by another way


def test_options_of_a_file_are_checked(capsys):
    assert main(["run", "-p", "line", "-s", "few:bach=1", "--plugin", "."]) == 2
    assert "unknown option 'bach', did you mean 'batch'?" in capsys.readouterr().err
    assert main(["run", "-p", "line", "-s", "few:batch=0", "--plugin", "."]) == 2
    assert "option 'batch': input should be greater than or equal to 1, found 0" in capsys.readouterr().err


def test_a_campaign_file_names_plugins_relative_to_itself(here, monkeypatch):
    (here / "mine.toml").write_text(
        'plugins = ["few.py", "line.py"]\nproblems = ["line"]\nsearchers = ["few"]\nseeds = 1\nbudget = 10\n'
    )
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    campaign = read_campaign("../mine.toml")
    assert [file.name for file in campaign.plugins] == ["few", "line"]
    assert len(run_campaign(campaign, here / "out", workers=1, progress=False).ended) == 1
    assert load_campaign(here / "out").document == campaign.document
    with pytest.raises(TypeError, match="plugins: expected a list of files or folders, found 3"):
        read_campaign("../mine.toml", plugins=3)


def test_equal_seeds_give_equal_logs_on_any_number_of_workers(here):
    logs = []
    for workers in (1, 2):
        campaign = make_campaign(
            {"plugins": ["few.py"], "problems": ["catsum"], "searchers": ["few"], "seeds": 2, "budget": 30}
        )
        run_campaign(campaign, here / str(workers), workers=workers, progress=False)
        logs.append([(here / str(workers) / "runs" / s.folder / "log.jsonl").read_bytes() for s in campaign.specs])
    assert logs[0] == logs[1]


def test_two_campaigns_with_different_files_of_one_name_do_not_see_each_other(here):
    (here / "other").mkdir()
    (here / "other" / "few.py").write_text(SEARCHER.replace("from ._shared import FACTOR", "FACTOR = 5"))
    mobench.use_plugins(["line.py"])  # what both may use, and is kept with them
    entries = {"problems": ["line"], "searchers": ["few:batch=1"], "seeds": 1, "budget": 15}
    campaigns = [make_campaign(entries | {"plugins": [path]}) for path in ("few.py", "other/few.py")]
    asked = []
    for number, campaign in enumerate(campaigns):
        assert len(run_campaign(campaign, here / str(number), workers=1, progress=False).ended) == 1
        asked.append(
            len((here / str(number) / "runs" / campaign.specs[0].folder / "log.jsonl").read_text().splitlines())
        )
        assert [file.name for file in load_campaign(here / str(number)).plugins] == ["few", "line"]
    assert asked[0] > asked[1]  # three at a time, and five at a time
    assert "few" not in plugins("searcher")


def test_what_is_in_use_in_a_block_is_forgotten_after_it(here):
    with using(["few.py"]):
        mobench.use_plugins(["line.py"])
        assert [file.name for file in in_use().files] == ["few", "line"]
    assert in_use().files == ()
    assert main(["list", "few", "--plugin", "few.py"]) == 0
    assert in_use().files == ()


def test_names_work_in_python_once_the_file_is_in_use():
    mobench.use_plugins(["few.py", "line.py"])
    assert mobench.run("few:batch=2", "line", budget=10, folder="run").history.X.shape == (10, 1)
    assert summary("problem", "line") == "A line"


def test_a_function_brings_the_needs_of_its_module(here):
    (here / "needy.py").write_text(
        "from mobench import Supernet\n\nneeds = (Supernet,)\n\n\ndef search(run):\n    pass\n"
    )
    mobench.use_plugins(["needy.py"])
    with pytest.raises(ValueError, match=r"search needs Supernet "):
        mobench.run(find("searcher", "needy").call, "catsum")


@pytest.mark.parametrize(
    ("name", "text", "cause"),
    [
        ("bad", "def search(run:\n", r"syntax error in line 1: '\(' was never closed"),
        ("none", "x = 1\n", "it defines neither search"),
        (
            "imports",
            "import no_such_module\ndef search(run): pass\n",
            "ModuleNotFoundError: No module named 'no_such_",
        ),
        ("raises", "1 / 0\ndef search(run): pass\n", "ZeroDivisionError: division by zero"),
        ("exits", "raise SystemExit\ndef search(run): pass\n", "SystemExit"),
        ("value", "search = 3\n", "has no function 'search'"),
        ("nsga2", "def search(run): pass\n", "'nsga2' is the name of a built-in searcher; rename the file"),
        ("bad name", "def search(run): pass\n", r"a plugin's file is called NAME.py.*found 'bad name.py'"),
        ("nulls", "\0", "not a Python file|syntax error"),
    ],
)
def test_a_broken_file_is_named_with_its_cause_and_harms_nothing_else(here, capsys, name, text, cause):
    path = here / f"{name}.py"
    path.write_text(text)
    mobench.use_plugins([path])
    with pytest.raises(ValueError, match=cause) as caught:
        find("searcher", name)
    assert "\n" not in str(caught.value)
    assert str(here) in str(caught.value) or name == "value"
    assert find("searcher", "random_search").name == "random_search"
    assert main(["run", "-p", "catsum", "-s", "few", "-b", "5", "--seeds", "1", "-q", "--plugin", "few.py"]) == 0
    capsys.readouterr()
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert f"BROKEN {path}: " in out or name in ("imports", "raises", "exits", "value")


def test_a_folder_gives_its_plugins_and_leaves_out_helpers_and_tests(here):
    (here / "test_few.py").write_text("def search(run): pass\n")
    (here / "broken.py").write_text("def search(\n")
    assert [file.name for file in mobench.use_plugins([here])] == ["broken", "few", "line"]
    assert [name for name in plugins("searcher") if name in ("broken", "few", "line", "test_few")] == ["few"]


def test_what_is_not_there_is_refused(here):
    with pytest.raises(ValueError, match="there is no such file"):
        mobench.use_plugins(["none.py"])
    (here / "empty").mkdir()
    with pytest.raises(ValueError, match="no file in this folder defines"):
        mobench.use_plugins(["empty"])
    (here / "empty" / "few.py").write_text(SEARCHER)
    mobench.use_plugins(["few.py"])
    with pytest.raises(ValueError, match="has the same name; rename one of them"):
        mobench.use_plugins(["empty/few.py"])


def test_a_file_that_changed_is_another_plugin(here):
    mobench.use_plugins(["line.py"])
    assert make_problem("line", {}).space.size == 50
    (here / "line.py").write_text(PROBLEM.replace("50", "60"))
    assert make_problem("line", {}).space.size == 50
    mobench.use_plugins(["line.py"])
    assert make_problem("line", {}).space.size == 60


@pytest.mark.parametrize("changed", ["few.py", "_shared.py"])
def test_runs_of_a_changed_searcher_are_not_mixed_but_still_read(here, capsys, changed):
    assert run_few("--plugin", ".") == 0
    (here / changed).write_text((here / changed).read_text() + "\nMORE = 1\n")
    assert run_few("--plugin", ".") == 2
    err = capsys.readouterr().err
    assert "results/mine: searcher few has changed since 2 of these runs began (sha256:" in err
    assert "use another --name, and give `mobench report` both" in err
    assert main(["status", "results/mine"]) == 0
    assert run_few("--plugin", ".", "--name", "other") == 0


def test_a_changed_problem_would_score_in_another_way(here, capsys):
    assert run_few("--plugin", ".") == 0
    (here / "line.py").write_text(PROBLEM.replace("49", "50"))
    assert main(["export", "results/mine", "--to", "out", "--plugin", "line.py"]) == 2
    assert "line.py has changed, and would score these runs in another way; restore it" in capsys.readouterr().err


READERS = (
    ["report", "results/mine"],
    ["plot", "results/mine", "--kind", "anytime"],
    ["export", "results/mine", "--to", "out"],
)


def test_no_results_folder_makes_code_run_by_naming_it(here, capsys, monkeypatch):
    for file in ("few.py", "line.py"):  # a folder made elsewhere; what it names leaves a mark where it runs
        (here / file).write_text((here / file).read_text() + "\n\n__import__('pathlib').Path('mark').touch()\n")
    assert run_few("--plugin", ".") == 0
    (here / "mark").unlink()
    assert main(["status", "results/mine"]) == 0
    capsys.readouterr()
    for command in READERS:
        assert main(command) == 2
        err = capsys.readouterr().err
        assert f"where you trust that file, add --plugin {here / 'line.py'} (in Python, use_plugins)" in err
        assert err.count("\n") == 1
    run = next(here.glob("results/mine/runs/line/few*/*"))
    with pytest.raises(ValueError, match=r"unknown problem 'line'.*--plugin FILE"):
        mobench.load(run)
    assert load_campaign(here / "results/mine").plugins[1].path == here / "line.py"
    assert not (here / "mark").exists()
    assert not in_use().files


def test_a_problem_that_is_named_scores_its_runs_and_searchers_are_not_needed(here, capsys, monkeypatch):
    assert run_few("--plugin", ".") == 0
    assert f"next: mobench report results/mine --plugin {here / 'line.py'}" in capsys.readouterr().out
    (here / "few.py").unlink()
    assert main([*READERS[2], "--plugin", "line.py"]) == 0
    assert len((here / "out/evaluations.csv").read_text().splitlines()) == 1 + 4 * 20
    with using(["line.py"]):
        assert mobench.load(next(here.glob("results/mine/runs/line/few*/*"))).hypervolume() > 0


def test_a_campaign_of_files_goes_on_with_the_same_command(here, capsys, monkeypatch):
    assert run_few("--plugin", ".") == 0
    (next(here.glob("results/mine/runs/line/few*/*")) / "end.json").unlink()
    assert run_few() == 2  # the record names the file; that is not enough
    assert "unknown problem 'line'" in capsys.readouterr().err
    assert run_few("--plugin", ".") == 0
    assert "1 runs ended, 3 had before" in capsys.readouterr().err


def test_a_failed_searcher_is_mended_and_tried_again_under_the_same_name(here, capsys):
    (here / "mended.py").write_text("def search(run):\n    1 / 0\n")
    command = ["run", "-p", "catsum", "-s", "mended", "-b", "5", "--seeds", "1", "-q", "--plugin", "mended.py"]
    assert main(command) == 1
    (here / "mended.py").write_text("def search(run):\n    run.evaluate(run.space.sample(run.rng, 3))\n")
    assert main(command) == 2
    assert "where they failed: --retry-failed" in capsys.readouterr().err
    assert main([*command, "--retry-failed"]) == 0


def test_workers_run_what_was_read_whatever_lies_on_the_disk_by_then(here):
    campaign = make_campaign({"plugins": ["few.py"], "problems": ["catsum"], "searchers": ["few"], "seeds": 1})
    run_campaign(campaign, here / "before", workers=1, progress=False)
    (here / "few.py").write_text("raise RuntimeError\n")
    (here / "_shared.py").unlink()
    run_campaign(campaign, here / "after", workers=1, progress=False)
    before, after = ([path.read_bytes() for path in (here / at).rglob("log.jsonl")] for at in ("before", "after"))
    assert before == after
    assert len(after) == 1


def test_ids_do_not_depend_on_where_a_plugin_comes_from(here):
    spec = RunSpec("catsum", "few", 0, {"evaluations": 6})
    mobench.use_plugins(["few.py"])
    execute(spec, here / "run")
    assert spec.id == RunSpec("catsum", "few", 0, {"evaluations": 6}).id
    open_campaign(make_campaign({"problems": ["catsum"], "searchers": ["random_search"]}), here / "other")
    assert json.loads((here / "other/campaign.json").read_text())["plugins"] == []


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("searcher", []),
        ("problem", []),
        pytest.param("problem", ["--supernet"], marks=pytest.mark.long),
        pytest.param("problem", ["--network"], marks=pytest.mark.long),
    ],
)
def test_what_new_writes_runs_passes_its_own_test_and_the_kit(here, capsys, monkeypatch, kind, form):
    monkeypatch.setenv("MOBENCH_DATA", str(here / "data"))
    assert main(["new", kind, "mine", *form]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "next: mobench check mine.py"
    assert main(["check", "mine.py"]) == 0
    out = capsys.readouterr().out
    assert f"{kind} mine\n" in out
    assert "warning" not in out
    environment = os.environ | {"PYTHONPATH": ""}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout
    assert main(["new", kind, "mine"]) == 2
    assert "mine.py: exists already; choose another name" in capsys.readouterr().err


def test_a_new_package_has_an_entry_point(here, capsys):
    import tomllib

    assert main(["new", "searcher", "climber", "--package"]) == 0
    project = tomllib.loads((here / "mobench-climber" / "pyproject.toml").read_text())
    assert project["project"]["entry-points"] == {"mobench.searchers": {"climber": "climber"}}
    assert project["tool"]["setuptools"]["py-modules"] == ["climber"]
    assert sorted(path.name for path in (here / "mobench-climber").iterdir()) == [
        "climber.py",
        "pyproject.toml",
        "test_climber.py",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["new", "searcher", "nsga2"], "there is a searcher 'nsga2' already"),
        (["new", "searcher", "../x"], "name: expected letters, digits and _"),
        (["new", "searcher", "test_x"], "name: expected letters"),
        (["check", "nsga22"], "unknown 'nsga22', did you mean 'nsga2'?"),
        (["check", "none.py"], "there is no such file"),
        (["check", "catsum", "--expect", "front"], "--expect: expected CHECK=REASON, found 'front'"),
        (["check", "catsum", "--expect", "font=x"], "expected: unknown check 'font'"),
        (["list", "--plugin", "none.py"], "there is no such file"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(arguments, words, capsys):
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1


def test_a_failed_check_is_exit_code_1(here, capsys):
    (here / "ends.py").write_text('"""Ends."""\n\n\ndef search(run):\n    pass\n')
    assert main(["check", "ends.py"]) == 1
    assert "failed    runs                it ended without asking anything" in capsys.readouterr().out


@pytest.mark.parametrize("harm", ["import os; os.chdir('/')", "raise BaseException('no')"])
def test_what_a_plugin_does_when_it_is_imported_harms_nobody(here, capsys, harm):
    (here / "rude.py").write_text(f"{harm}\n\ndef search(run):\n    run.evaluate(run.space.sample(run.rng, 2))\n")
    command = ["run", "-p", "catsum", "-s", "rude", "--plugin", "rude.py", "-b", "5", "--seeds", "1", "-q"]
    code = main(command)
    assert os.getcwd() == str(here)
    if "chdir" in harm:
        assert code == 0
        assert len(list(here.glob("results/catsum-rude-*/runs/catsum/rude*/*/end.json"))) == 1
    else:
        assert code == 2
        assert "its file cannot be imported" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["aid.py", "aid/__init__.py"])
def test_a_file_beside_a_plugin_is_imported_from_there(here, capsys, place):
    (here / place).parent.mkdir(exist_ok=True)
    (here / place).write_text("AMOUNT = 2\n")
    text = "import AMOUNT\n\ndef search(run):\n    run.evaluate(run.space.sample(run.rng, AMOUNT))\n"
    command = ["run", "-p", "catsum", "-s", "aided", "--plugin", "aided.py", "-b", "5", "--seeds", "1", "-q"]
    (here / "aided.py").write_text(f"from aid {text}")
    assert main(command) == 2
    assert "No module named 'aid'; it lies beside the plugin: from .aid import ..." in capsys.readouterr().err
    (here / "aided.py").write_text(f"from .aid {text}")
    assert main(command) == 0


def test_forms_of_new_problems_go_with_problems(here, capsys):
    assert main(["new", "searcher", "mine", "--network"]) == 2
    assert "--network: goes with a problem" in capsys.readouterr().err
    assert not (here / "mine.py").exists()
