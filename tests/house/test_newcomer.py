"""A newcomer's way: the page on adding a searcher, alone, leads from nothing to a package in a campaign's report."""

import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "add-a-searcher.md"


def block(language, words):
    """The block of the page in which these words are."""
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)
    (found,) = (text for text in blocks if words in text)
    return found


@pytest.mark.slow
def test_a_package_written_from_the_page_is_installed_checked_run_and_reported(tmp_path):
    def do(*command):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    do(sys.executable, "-m", "venv", "--without-pip", "venv")
    python = str(tmp_path / "venv" / "bin" / "python")
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    (site / "rest.pth").write_text(f"import site; site.addsitedir({sysconfig.get_paths()['purelib']!r})\n")

    home = tmp_path / "mobench-climber"
    home.mkdir()
    (home / "climber.py").write_text(block("python", "# climber.py\n"))
    (home / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools>=77"]\nbuild-backend = "setuptools.build_meta"\n\n'
        '[project]\nname = "mobench-climber"\nversion = "0.1.0"\ndependencies = ["mobench"]\n\n'
        + block("toml", "entry-points")
        + '\n[tool.setuptools]\npy-modules = ["climber"]\n'
    )
    offline = ("--no-deps", "--no-build-isolation", "--no-index")
    do(sys.executable, "-m", "pip", "--python", python, "install", *offline, str(home))
    assert "climber" in do(python, "-c", "import climber; print(climber.__file__)")

    mobench = (python, "-m", "mobench")
    assert "climber " in do(*mobench, "list")
    assert "whole number from 1; default 1000" in do(*mobench, "list", "climber")
    checked = do(*mobench, "check", "climber")
    assert "failed " not in checked
    assert "passed    fresh process" in checked
    do(
        *mobench,
        "run",
        "-p",
        "catsum",
        "-s",
        "climber:restarts=50",
        "-s",
        "random_search",
        "-b",
        "200",
        "--seeds",
        "3",
        "--name",
        "first",
        "-q",
    )
    do(*mobench, "report", "results/first")
    page = (tmp_path / "results" / "first" / "report" / "report.html").read_text(encoding="utf-8")
    assert "climber:restarts=50" in page
    assert "Hill climbing on a random weighted sum, restarted when stuck." in page


PAPER = Path(__file__).parents[2] / "docs" / "paper.md"


def test_nine_commands_lead_from_nothing_to_a_paper():
    blocks = re.findall(r"```bash\n(.*?)```", PAPER.read_text(encoding="utf-8"), flags=re.S)
    commands = [line.split()[:2] for block in blocks for line in block.replace("\\\n", "").splitlines()]
    assert len(commands) == 9  # as the page says
    assert commands[0] == ["pip", "install"]
    assert ["mobench", "report"] in commands
    assert commands[-1] == ["mobench", "paper"]
