"""The wheel and the sdist hold exactly what they should, and the wheel works away from the checkout."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A wheel and an sdist made from a copy of the tracked and new files of the tree."""
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
    out = tmp_path_factory.mktemp("dist")
    for kind in ("wheel", "sdist"):  # one process each: setuptools keeps state between builds
        code = f"import sys; from setuptools import build_meta; build_meta.build_{kind}(sys.argv[1])"
        run(sys.executable, "-W", "ignore", "-c", code, str(out), cwd=tree)
    return next(out.glob("*.whl")), next(out.glob("*.tar.gz")), tree


def package_files(tree):
    links = [p for p in (tree / "mobench").iterdir() if p.is_symlink()]
    own = (
        p for p in (tree / "mobench").rglob("*") if p.is_file() and not any(p.is_relative_to(link) for link in links)
    )
    wanted = {str(p.relative_to(tree)) for p in own}
    for folder in ("searchers", "problems"):
        files = (p for p in (tree / folder).rglob("*") if p.suffix in (".py", ".npz"))
        wanted |= {f"mobench/{p.relative_to(tree)}" for p in files}
    return wanted


def test_the_wheel_holds_the_package_and_nothing_else(built):
    wheel, _, tree = built
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == package_files(tree)


def test_the_sdist_holds_what_the_wheel_is_made_of(built):
    _, sdist, tree = built
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE"} | package_files(tree) <= names


def test_the_wheel_works_from_another_folder(built, tmp_path):
    with zipfile.ZipFile(built[0]) as archive:
        archive.extractall(tmp_path / "site")
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    where = run(sys.executable, "-c", "import mobench; print(mobench.__file__)", cwd=tmp_path, env=environment)
    assert str(tmp_path / "site") in where

    def mobench(*arguments):
        return run(sys.executable, "-m", "mobench.cli", *arguments, cwd=tmp_path, env=environment)

    assert "nsga2" in mobench("list")
    done = mobench(
        "run", "-p", "catsum", "-p", "motif", "-s", "nsga2", "-s", "random_search", "-b", "200", "--seeds", "2"
    )
    assert "mobench report results/adhoc" in done
    assert "8 ended" in mobench("status")
    assert "mean rank over problems" in mobench("report", "results/adhoc")
    assert "<script" in (tmp_path / "results/adhoc/report/report.html").read_text()
    mobench("new", "searcher", "climber")
    assert "failed" not in mobench("check", "climber.py")
