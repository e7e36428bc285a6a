"""The house keeps its rules, and its guards see who does not: each is tried on violations planted in a copy."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("importlinter", reason="import-linter is not installed: pip install -e '.[dev]'")

ROOT = Path(__file__).parents[2]
CODE = ("mobench", "searchers", "problems", "scripts", "benchmarks", "tests")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]

ROOMS = "Rooms import downwards only, and know no searcher and no problem"
TORCH = "The harness does without torch"
PYMOO = "Only the adapters know pymoo"
INWARDS = "The front door is for plugins; a room imports from where things are"
DOOR = "Plugins come in by the front door, mobench.live and mobench.testing"
SEARCHERS = "No family of searchers imports another; what they share is in folders with an underscore"
PROBLEMS = "No family of problems imports another; what they share is in folders with an underscore"
METHODS = "No method imports another"
SOURCES = "No problem imports another"
FILES = "Methods and problems are imported file by file, never as a folder that could hand out any of them"
CIRCLES = "No circles"

NSGA2, CATSUM, RANKING = "searchers/evolution/nsga2.py", "problems/toys/catsum.py", "searchers/_population/ranking.py"
WITHIN = "def planted() -> None:\n    "
TYPING = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    "
PLANTED = [
    (METHODS, NSGA2, "import mobench.searchers.evolution.moead"),
    (METHODS, NSGA2, "from mobench.searchers.evolution.moead import search as other"),
    (METHODS, NSGA2, "from .moead import search as other"),
    (METHODS, NSGA2, "from . import moead"),
    (METHODS, NSGA2, WITHIN + "from mobench.searchers.evolution import moead"),
    (METHODS, "searchers/evolution/deep/__init__.py", "from mobench.searchers.evolution import moead"),
    (METHODS, NSGA2, TYPING + "from mobench.searchers.evolution.moead import search as other"),
    (METHODS, RANKING, "from ..evolution import moead"),  # a method through what is shared
    (SEARCHERS, NSGA2, "from mobench.searchers.gradient import mgda"),
    (SEARCHERS, NSGA2, "from ..gradient.mgda import search as other"),
    (SEARCHERS, NSGA2, "import mobench.searchers.gradient"),
    (SEARCHERS, "searchers/fresh/__init__.py", ""),  # a family without its place in the contract
    (SOURCES, CATSUM, "from . import lotz"),
    (PROBLEMS, CATSUM, "from mobench.problems.tables import motif"),
    (PROBLEMS, "problems/fresh/__init__.py", ""),
    (FILES, NSGA2, "from mobench.searchers import evolution"),
    (FILES, CATSUM, "import mobench.problems"),
    (TORCH, "mobench/harness/door.py", "import torch"),
    (TORCH, "mobench/harness/door.py", WITHIN + "from torch import nn"),
    (TORCH, "mobench/analysis/ioh.py", "from mobench.live import latency"),  # torch through another room
    (ROOMS, "mobench/harness/door.py", "from mobench.searchers.evolution import nsga2"),
    (ROOMS, "mobench/core/budget.py", WITHIN + "import mobench.searchers.evolution.nsga2"),
    (ROOMS, "mobench/live/meter.py", "from mobench.problems.toys import catsum"),
    (ROOMS, "mobench/files/tables.py", "from mobench.report import report"),
    (ROOMS, "mobench/files/tables.py", WITHIN + "from ..report import report"),
    (ROOMS, "mobench/analysis/ioh.py", "from mobench.engines import engine"),  # beside it, not below
    (ROOMS, CATSUM, "from mobench.searchers.evolution import nsga2"),
    (ROOMS, RANKING, "from mobench.problems._toys import constants"),
    (ROOMS, "mobench/attic/__init__.py", ""),  # a room without its place in the contract
    (INWARDS, "mobench/harness/door.py", "from mobench import Problem"),
    (INWARDS, "mobench/harness/__init__.py", "from mobench import Problem"),
    (PYMOO, "mobench/core/space.py", "import pymoo"),
    (TORCH, "mobench/core/space.py", TYPING + "import torch"),
    (DOOR, NSGA2, "from mobench.core.budget import Cost"),
    (DOOR, NSGA2, "from ...core.budget import Cost"),
    (DOOR, CATSUM, WITHIN + "import mobench.files.tables"),
    (CIRCLES, "mobench/analysis/ioh.py", "from mobench.analysis import export"),
    (CIRCLES, "searchers/_relaxed/descent.py", "from mobench.searchers._relaxed import sweep"),
]


def tool(name, *arguments, cwd):
    """Exit code and output of a tool of this environment, run on the tree in `cwd`, in wide lines."""
    environment = os.environ | {"COLUMNS": "400", "PYTHONPATH": str(cwd)}
    command = [str(Path(sys.executable).with_name(name)), *arguments]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def broken_contracts(tree):
    code, text = tool("lint-imports", "--no-logo", "--no-cache", cwd=tree)
    broken = re.findall(r"^(.+) BROKEN(?: \(.*\))?$", text, flags=re.M)
    assert (code != 0) == bool(broken), text
    return broken, text


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of all code and of the rules, with its two links, which a zip of the repository may lack."""
    copy = tmp_path_factory.mktemp("tree")
    for folder in CODE:
        skipped = shutil.ignore_patterns("__pycache__", "*.npz")
        shutil.copytree(ROOT / folder, copy / folder, symlinks=True, ignore=skipped)
    for folder in ("searchers", "problems"):
        (copy / "mobench" / folder).unlink(missing_ok=True)
        (copy / "mobench" / folder).symlink_to(Path("..", folder))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


@pytest.fixture
def plant(tree):
    """Adds lines to a file of the copy, or adds the file; afterwards the copy is as it was."""
    kept = {}

    def add(name, lines):
        path = tree / name
        kept[path] = path.read_text(encoding="utf-8") if path.exists() else None
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{kept[path] or ''}\n{lines}\n", encoding="utf-8")

    yield add
    for path, text in kept.items():
        if text is None:
            shutil.rmtree(path.parent)
        else:
            path.write_text(text, encoding="utf-8")


def test_the_tree_keeps_every_contract(tree):
    assert broken_contracts(tree)[0] == []


@pytest.mark.long
@pytest.mark.parametrize(("contract", "file", "lines"), PLANTED)
def test_a_planted_violation_is_caught_by_the_name_of_its_contract(tree, plant, contract, file, lines):
    plant(file, lines)
    broken, text = broken_contracts(tree)
    assert contract in broken, text
    assert (Path(file).parent.name if file.endswith("__init__.py") else Path(file).stem) in text


def test_every_contract_is_tried():
    assert {contract for contract, _, _ in PLANTED} == {contract["name"] for contract in CONTRACTS}


@pytest.mark.long
def test_dead_code_is_caught(tree, plant):
    pytest.importorskip("vulture", reason="vulture is not installed: pip install -e '.[dev]'")
    code, text = tool("vulture", cwd=tree)
    assert code == 0, text
    plant("mobench/core/budget.py", "def nobody_calls_this() -> None:\n    pass")
    code, text = tool("vulture", cwd=tree)
    assert code != 0
    assert "mobench/core/budget.py" in text
    assert "nobody_calls_this" in text


def folders(home, prefix=""):
    """Packages below a package's folder, without those whose name begins with an underscore."""
    return {f"{prefix}{path.parent.name}" for path in home.glob("[!_]*/__init__.py")}


def test_contracts_that_list_rooms_and_families_list_all_of_them():
    contracts = {contract["name"]: contract for contract in CONTRACTS}
    rooms = folders(ROOT / "mobench", "mobench.") | {"mobench.adapters"}
    rooms -= {"mobench.searchers", "mobench.problems"}
    public = {"mobench.live", "mobench.testing"}
    assert set(contracts[TORCH]["source_modules"]) == rooms - {"mobench.live"}
    assert {name.removesuffix(".*") for name in contracts[INWARDS]["source_modules"]} == rooms
    assert set(contracts[DOOR]["forbidden_modules"]) == rooms - public
    for name, side in ((METHODS, "searchers"), (SOURCES, "problems")):
        families = {f"mobench.{side}.{family}.**" for family in folders(ROOT / side)}
        assert set(contracts[name]["modules"]) == families


@pytest.mark.parametrize(
    "line", ["from searchers.evolution import moead", "import problems.toys.catsum", "import tests"]
)
def test_folders_that_only_the_checkout_has_are_no_packages(tree, plant, line):
    plant(NSGA2, line)
    code, text = tool("ruff", "check", "--no-cache", "--select", "TID251", NSGA2, cwd=tree)
    assert code
    assert "TID251" in text


def test_the_parser_of_all_commands_loads_no_library_of_numbers():
    code = (
        "import sys; from mobench.cli.main import _parser; _parser(); "
        "print([m for m in ('numpy', 'pandas', 'scipy', 'moocore', 'torch', 'pymoo') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
