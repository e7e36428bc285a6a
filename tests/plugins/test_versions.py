"""Two versions of a method are two methods: told apart by all of their code, side by side in one report."""

import compileall
import json
import multiprocessing
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import mobench
from mobench.campaigns.reading import make_campaign
from mobench.campaigns.record import load_campaign, open_campaign
from mobench.campaigns.study import read_study, select
from mobench.cli.main import main
from mobench.engines.engine import run_campaign
from mobench.harness.execute import UnfitHostError, execute
from mobench.harness.sealed import DamagedRunError
from mobench.plugins.plugin_file import read_plugins

METHOD = '''"""Random search that asks for a few at a time."""

from .parts.few import FEW


def search(run):
    while True:
        run.evaluate(run.space.sample(run.rng, FEW))
'''


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder with a method whose number lies in a subfolder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "meth.py").write_text(METHOD)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "few.py").write_text("FEW = 2\n")
    return tmp_path


def carried_out(name, seeds=3):
    entries = {"name": name, "problems": ["catsum"], "searchers": ["meth"], "seeds": seeds, "budget": 20}
    made = make_campaign(entries | {"plugins": ["meth.py"]})
    run_campaign(made, Path("results", name), workers=1, progress=False)
    return made


@pytest.mark.long
def test_versions_of_a_method_stand_side_by_side_whatever_the_order(here, capsys):
    carried_out("v1", seeds=3)
    (here / "parts" / "few.py").write_text("FEW = 5\n")
    carried_out("v2", seeds=4)
    pages = []
    for order in (("v1", "v2"), ("v2", "v1")):
        study = read_study([f"results/{name}" for name in order])
        assert len(study.runs) == 7
        assert len(study.searchers) == 2
        assert all(label.startswith("meth@") and len(label) == 9 for label in study.searchers)
        counts = {len(select(study, searchers=[label]).runs) for label in study.searchers}
        assert counts == {3, 4}
        assert len(select(study, searchers=["meth"]).runs) == 7
        assert main(["report", *(f"results/{name}" for name in order), "--to", f"out-{order[0]}"]) == 0
        pages.append(capsys.readouterr().out)
        assert all(label in pages[-1] for label in study.searchers)
    tables = [pd.read_csv(here / f"out-{name}" / "tables" / "runs.csv") for name in ("v1", "v2")]
    one, other = (table.sort_values(["searcher", "seed"], ignore_index=True) for table in tables)
    pd.testing.assert_frame_equal(one, other)


def test_versions_that_share_a_label_are_not_taken_for_one(here):
    made = carried_out("v1", seeds=1)
    code = made.identity["searcher meth"]
    shutil.copytree("results/v1", "results/forged")
    record = json.loads((here / "results/forged/campaign.json").read_text())
    record["identity"]["searcher meth"] = f"{code[:11]}{'0' * (len(code) - 11)}"
    record["seeds"] = [1]
    (here / "results/forged/campaign.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match=r"its searcher meth@.... is sha256:.*; report them apart"):
        read_study(["results/v1", "results/forged"])


@pytest.mark.parametrize("changed", ["meth.py", "parts/few.py", "parts/__init__.py"])
def test_every_file_that_is_imported_from_the_folder_counts(here, changed):
    before = read_plugins(["meth.py"])[0]
    (here / changed).write_text(f"# changed\n{(here / changed).read_text() if (here / changed).exists() else ''}")
    assert read_plugins(["meth.py"])[0].checksum != before.checksum
    (here / "unrelated.py").write_text("1\n")
    assert read_plugins(["meth.py"])[0].checksum != before.checksum


def test_files_that_are_not_imported_do_not_count(here):
    before = read_plugins(["meth.py"])[0]
    (here / "unrelated.py").write_text("1\n")
    (here / "parts" / "other.py").write_text("1\n")
    assert read_plugins(["meth.py"])[0] == before


def test_what_is_compiled_is_what_was_hashed(here):
    """A compiled file that a time stamp makes look fresh is neither read nor trusted."""
    (here / "parts" / "few.py").write_text("FEW = 7\n")
    compileall.compile_file("parts/few.py", quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    (here / "parts" / "few.py").write_text("FEW = 2\n")
    assert list((here / "parts" / "__pycache__").iterdir())
    made = carried_out("v", seeds=1)
    log = (here / "results/v/runs" / made.specs[0].folder / "log.jsonl").read_bytes().splitlines()
    assert len(json.loads(log[0])["X"]) == 2


def test_a_file_that_was_not_read_with_the_plugin_is_not_imported(here):
    (here / "hidden.py").write_text("FEW = 2\n")
    (here / "meth.py").write_text(
        "import importlib\nFEW = importlib.import_module('.hidden', __package__).FEW\n\ndef search(run):\n    pass\n"
    )
    with pytest.raises(ValueError, match=r"hidden.py in .* was not read with this plugin: import it by a statement"):
        carried_out("v")


@pytest.mark.parametrize("when", ["at once", "in the search"])
def test_a_file_of_the_folder_that_comes_by_another_way_is_refused(here, when):
    (here / "lib").mkdir()
    (here / "lib" / "helper_of_mine.py").write_text("FEW = 2\n")
    trick = "import pathlib, sys; sys.path.insert(0, str(pathlib.Path(__file__).parent / 'lib')); import helper_of_mine"
    ask = "    run.evaluate(run.space.sample(run.rng, 2))\n"
    source = f"{trick}\ndef search(run):\n{ask}" if when == "at once" else f"def search(run):\n    {trick}\n{ask}"
    (here / "meth.py").write_text(source)
    words = "helper_of_mine.py was not read with this plugin, and has no part in its checksum"
    if when == "at once":
        done = subprocess.run(
            [sys.executable, *"-m mobench run -p catsum -s meth --plugin meth.py -b 9".split()],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert words in done.stderr
    else:
        made = make_campaign({"problems": ["catsum"], "searchers": ["meth"], "plugins": ["meth.py"], "seeds": 1})
        tally = run_campaign(made, here / "out", workers=1, progress=False)
        assert [words in text for _, text in tally.failed] == [True]


def test_another_version_is_not_run_under_a_specification_that_names_one(here):
    made = carried_out("v1", seeds=1)
    (here / "parts" / "few.py").write_text("FEW = 5\n")
    other = make_campaign({"problems": ["catsum"], "searchers": ["meth"], "plugins": ["meth.py"]})
    with pytest.raises(UnfitHostError, match=r"searcher code is sha256:.*, expected sha256:"):
        execute(made.specs[0], here / "again", other.sources)
    assert not (here / "again" / "log.jsonl").exists()


def test_a_run_in_a_folder_knows_its_version(here):
    mobench.use_plugins(["meth.py"])
    mobench.run("meth", "catsum", budget=10, folder="one")
    (here / "meth.py").write_text(METHOD + "\nMORE = 1\n")
    mobench.use_plugins(["meth.py"])
    with pytest.raises(DamagedRunError, match=r"holds another run \(searcher_code is 'sha256:"):
        mobench.run("meth", "catsum", budget=10, folder="one")


def test_an_installed_package_has_a_version(here, monkeypatch):
    def installed(version, few):
        (here / "site" / "pack").mkdir(parents=True, exist_ok=True)
        (here / "site" / "pack" / "__init__.py").write_text("")
        (here / "site" / "pack" / "method.py").write_text(METHOD.replace("from .parts.few import FEW", f"FEW = {few}"))
        shutil.rmtree(here / "site" / "pack-1.dist-info", ignore_errors=True)
        (here / "site" / "pack-1.dist-info").mkdir()
        (here / "site" / "pack-1.dist-info" / "METADATA").write_text(f"Name: pack\nVersion: {version}\n")
        entry = "[mobench.searchers]\npacked = pack.method\n"
        (here / "site" / "pack-1.dist-info" / "entry_points.txt").write_text(entry)

    def run(*more):
        command = "-m mobench run -p catsum -s packed -b 20 --seeds 2".split()
        return subprocess.run([sys.executable, *command, *more], capture_output=True, text=True, check=False)

    monkeypatch.setenv("PYTHONPATH", str(here / "site"))
    installed("0.1.0", 2)
    assert run("--name", "p").returncode == 0
    identity = json.loads((here / "results/p/campaign.json").read_text())["identity"]
    assert identity["searcher packed"].startswith("0.1.0 sha256:")
    installed("0.2.0", 4)
    done = run("--name", "p")
    assert done.returncode == 2
    assert "searcher packed has changed since 2 of these runs began (0.1.0 sha256:" in done.stderr
    assert run("--name", "q").returncode == 0
    assert len(read_study(["results/p", "results/q"]).searchers) == 2


def claim(barrier, searcher, budget, outcomes):
    entries = {"name": "both", "problems": ["catsum"], "searchers": [searcher], "seeds": 2, "budget": budget}
    made = make_campaign(entries)
    barrier.wait()
    try:
        open_campaign(made, Path("results/both"))
        outcomes.put(searcher)
    except ValueError as error:
        outcomes.put(str(error))


def at_once(*budgets):
    """What two commands say that begin two campaigns of one name at once, of two searchers and these budgets."""
    context = multiprocessing.get_context("fork")
    shutil.rmtree(Path("results/both"), ignore_errors=True)
    barrier, outcomes = context.Barrier(2), context.Queue()
    asked = zip(("random_search", "nsga2"), budgets, strict=True)
    both = [context.Process(target=claim, args=(barrier, *one, outcomes)) for one in asked]
    for process in both:
        process.start()
    said = {outcomes.get(timeout=30) for _ in both}
    for process in both:
        process.join()
    return said


def test_of_two_different_campaigns_of_one_name_begun_at_once_one_is_told_so(here):
    for _ in range(6):
        said = at_once(20, 30)
        (owner,) = said & {"random_search", "nsga2"}
        ours, theirs = (20, 30) if owner == "random_search" else (30, 20)
        words = f"holds another campaign (budget is {ours} evaluations there, {theirs} evaluations here); use another"
        assert any(words in text for text in said)
        assert load_campaign(Path("results/both")).searchers == ((owner, {}),)


def test_of_two_parts_of_a_campaign_begun_at_once_none_is_lost(here):
    for _ in range(6):
        assert at_once(20, 20) == {"random_search", "nsga2"}
        assert {name for name, _ in load_campaign(Path("results/both")).searchers} == {"random_search", "nsga2"}
