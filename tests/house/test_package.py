"""The package: what is listed is what is there, wheel and sdist hold it, and each way to install it works elsewhere."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import mobench

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
LINKS = ("searchers", "problems")
"""Folders at the top of the tree that `mobench/` holds a link to."""


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_listed_packages_are_the_folders():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    files = [path.relative_to(ROOT) for folder in ("mobench", *LINKS) for path in (ROOT / folder).rglob("*.py")]
    folders = {path.parent for path in files if path.parts[1] not in LINKS}
    assert sorted(listed) == sorted(
        ".".join(folder.parts if folder.parts[0] == "mobench" else ("mobench", *folder.parts)) for folder in folders
    )
    for folder in folders:
        assert (ROOT / folder / "__init__.py").exists(), f"{folder}: a folder of Python files is a package"


def test_the_version_is_that_of_one_place_wherever_it_is_written():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.+)$", citation, flags=re.M) == [mobench.__version__]
    assert re.findall(r"^## (\S+)", changes, flags=re.M)[0] in (mobench.__version__, "Unreleased")
    assert run(sys.executable, "-m", "mobench", "--version") == f"mobench {mobench.__version__}\n"


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A copy of the tracked and new files of the tree."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: no list of the files that belong to it")
    tree = tmp_path_factory.mktemp("tree")
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=ROOT)
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            target.symlink_to(os.readlink(source))
        elif source.exists():
            target.write_bytes(source.read_bytes())
    return tree


@pytest.fixture(scope="module")
def built(clone, tmp_path_factory):
    """A wheel and an sdist made from it."""
    tree, out = tmp_path_factory.mktemp("built") / "tree", tmp_path_factory.mktemp("dist")
    shutil.copytree(clone, tree, symlinks=True)
    for kind in ("wheel", "sdist"):  # one process each: setuptools keeps state between builds
        code = f"import sys; from setuptools import build_meta; build_meta.build_{kind}(sys.argv[1])"
        run(sys.executable, "-W", "ignore", "-c", code, str(out), cwd=tree)
    return {"wheel": next(out.glob("*.whl")), "sdist": next(out.glob("*.tar.gz"))}


def package_files(tree, *, links=True):
    """Files of the package, below `mobench/` all of them, or those of the links where they really are."""
    linked = [tree / "mobench" / name for name in LINKS]
    own = (p for p in (tree / "mobench").rglob("*") if p.is_file() and not any(p.is_relative_to(x) for x in linked))
    wanted = {str(p.relative_to(tree)) for p in own}
    for folder in LINKS:
        files = (p for p in (tree / folder).rglob("*") if p.suffix in (".py", ".npz", ".txt") or p.name == "NOTICE.md")
        wanted |= {f"{'mobench/' if links else ''}{p.relative_to(tree)}" for p in files}
    return wanted


def test_the_wheel_holds_the_package_and_nothing_else(built, clone):
    with zipfile.ZipFile(built["wheel"]) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == package_files(clone)


def test_the_sdist_holds_what_the_wheel_is_made_of(built, clone):
    with tarfile.open(built["sdist"]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE"} | package_files(clone, links=False) <= names


def without_links(tree, *, texts):
    """Make the tree what a zip of it becomes where no links are made: with texts of their targets, or nothing."""
    for name in LINKS:
        (tree / "mobench" / name).unlink()
        if texts:
            (tree / "mobench" / name).write_text(f"../{name}")


def source(way, clone, request, folder):
    """What pip is given for a way to install, and whether the installation is editable."""
    what, _, mode = way.partition(", ")
    if what in ("wheel", "sdist"):
        return request.getfixturevalue("built")[what], False
    shutil.copytree(clone, folder, symlinks=True)
    if what != "clone":
        without_links(folder, texts=what == "zip with texts for links")
    return folder, mode == "editable"


def environment(folder):
    """The programs of a virtual environment that sees the libraries of this one, and its own mobench first."""
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "rest.pth").write_text(f"import site; site.addsitedir({sysconfig.get_paths()['purelib']!r})\n")
    return folder / "bin"


def slow(way):
    return pytest.param(way, marks=pytest.mark.slow)


WAYS = ["wheel", "zip with texts for links, editable"]
SLOW_WAYS = ["sdist", "clone, editable", "zip with texts for links", "zip without links", "zip without links, editable"]


@pytest.mark.parametrize("way", [*WAYS, *map(slow, SLOW_WAYS)])
def test_what_is_installed_works_from_another_folder(way, clone, request, tmp_path):
    pytest.importorskip("pip", reason="pip is not installed")
    what, editable = source(way, clone, request, tmp_path / "tree")
    programs = environment(tmp_path / "venv")
    offline = ("--quiet", "--ignore-installed", "--no-deps", "--no-build-isolation", "--no-index")
    pip = (sys.executable, "-m", "pip", "--python", programs / "python", "install", *offline)
    run(*pip, *(["--editable"] if editable else []), what, cwd=tmp_path, env=os.environ | {"PYTHONPATH": ""})
    if not editable:
        shutil.rmtree(tmp_path / "tree", ignore_errors=True)
    smoke(programs, tmp_path / ("tree" if editable else "venv"), tmp_path)


def smoke(programs, home, folder):
    """Both kinds of plugins come from `home`; a campaign runs and is reported; a new searcher is checked."""
    rest = os.environ | {"PYTHONPATH": "", "MPLBACKEND": "agg"}
    code = "import mobench, mobench.searchers, mobench.problems as p; print(mobench.__file__, mobench.searchers, p)"
    assert run(programs / "python", "-c", code, cwd=folder, env=rest).count(str(home)) == 3

    def do(*arguments):
        return run(programs / "mobench", *arguments, cwd=folder, env=rest)

    assert "nsga2" in do("list")
    done = do(
        "run",
        "-p",
        "catsum",
        "-p",
        "motif",
        "-s",
        "nsga2",
        "-s",
        "random_search",
        "-b",
        "200",
        "--seeds",
        "2",
        "--name",
        "first",
    )
    assert "mobench report results/first" in done
    assert "8 ended" in do("status")
    assert "mean rank over problems" in do("report", "results/first")
    assert "<script" in (folder / "results/first/report/report.html").read_text()
    do("new", "searcher", "climber")
    assert "failed" not in do("check", "climber.py")
