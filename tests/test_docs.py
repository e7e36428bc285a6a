"""README and docs say what is so: every command and every Python block runs."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.S)


def environment():
    binaries = str(Path(sys.executable).parent)
    return os.environ | {"PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}", "MPLBACKEND": "agg"}


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=lambda p: p.stem)
def test_python_blocks_run_in_order(page, tmp_path):
    """A block that begins with ``# name.py`` is that file; the others run one after the other."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    for source in blocks(page, "python"):
        name = re.match(r"# (\w+\.py)\n", source)
        file = tmp_path / (name[1] if name else "block.py")
        file.write_text(source)
        done = subprocess.run(
            [sys.executable, "-W", "error", file.name], cwd=tmp_path, env=environment(), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "bash")], ids=lambda p: p.stem)
def test_commands_run(page, tmp_path):
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    for line in "".join(blocks(page, "bash")).splitlines():
        command = shlex.split(line, comments=True)
        if command:
            done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True)
            assert done.returncode == 0, f"{line}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)}: {target}"


def test_the_readme_names_every_built_in():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for folder in ("searchers", "problems"):
        for path in (ROOT / folder).glob("[!_]*.py"):
            assert f"`{path.stem}`" in text, f"README.md does not mention {path.stem}"
