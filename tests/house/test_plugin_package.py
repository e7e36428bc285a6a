"""A package of plugins outside the tree: built, installed, and used by name from another folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

PACKAGE = Path(__file__).parents[1] / "plugin_package"
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"

CAMPAIGN = """
name = "outside"
problems = ["staircase:steps=6", "catsum"]
searchers = ["coin_flips:batch=10,heads=0.2", "random_search"]
seeds = 2
budget = 60
"""


@pytest.fixture(scope="module")
def do(tmp_path_factory):
    """Runs Python in an empty folder, where the package is installed beside mobench."""
    pytest.importorskip("pip", reason="pip is not installed")
    home = tmp_path_factory.mktemp("outside")
    shutil.copytree(PACKAGE, home / "source")
    path = os.pathsep.join([str(home / "site"), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"PYTHONPATH": path, "MPLBACKEND": "agg"}

    def run(*arguments, cwd=home / "work"):
        command = [sys.executable, *map(str, arguments)]
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    (home / "work").mkdir()
    run("-W", "ignore", "-c", BUILD, home, cwd=home / "source")
    (wheel,) = home.glob("*.whl")
    run("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", home / "site", wheel, cwd=home)
    shutil.rmtree(home / "source")
    return run


def test_its_plugins_are_listed_with_their_options(do):
    listed = do("-m", "mobench", "list")
    assert "coin_flips " in listed
    assert "staircase " in listed
    assert "heads" in do("-m", "mobench", "list", "coin_flips")
    assert "steps" in do("-m", "mobench", "list", "staircase")


@pytest.mark.parametrize("name", ["coin_flips", "staircase"])
def test_its_plugins_keep_the_rules(do, name):
    checked = do("-m", "mobench", "check", name)
    assert "passed" in checked
    assert "failed " not in checked


def test_a_campaign_runs_and_reports_them(do, tmp_path):
    (tmp_path / "outside.toml").write_text(CAMPAIGN)
    do("-m", "mobench", "run", "outside.toml", "-q", cwd=tmp_path)
    do("-m", "mobench", "report", "results/outside", cwd=tmp_path)
    page = (tmp_path / "results" / "outside" / "report" / "report.html").read_text(encoding="utf-8")
    assert "coin_flips:batch=10,heads=0.2" in page
    assert "staircase:steps=6" in page


def test_python_finds_them_by_name(do):
    code = "import mobench; print(mobench.run('coin_flips', 'staircase', budget=300, heads=0.3).hypervolume() > 0)"
    assert do("-c", code) == "True\n"
