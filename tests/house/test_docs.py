"""README and docs say what is so: every block of every page is run, or checked where the page says why it is not."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import mobench
from mobench.cli.main import COMMANDS, _parser
from mobench.figures.kinds import KINDS
from mobench.plugins.catalogue import find
from mobench.plugins.families import built_in
from mobench.plugins.options import check_options
from mobench.plugins.references import parse_reference

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLE = ROOT / "docs" / "problems" / "tables" / "example_table"
FENCE = re.compile(r"(?:^<!-- ([^\n]*) -->\n)?^```(\w*)\n(.*?)^```$", flags=re.M | re.S)


@dataclass(frozen=True)
class Block:
    """A fenced block, and what the comment above it says: ``not run: WHY``, ``needs: REQUIREMENT``, or nothing."""

    note: str
    language: str
    text: str

    @property
    def why_not(self):
        return self.note.partition("not run: ")[2]

    @property
    def file(self):
        """The name of the Python file that the block is, where its first line is a comment with one."""
        name = re.match(r"# (\w+\.py)\n", self.text)
        return name[1] if name else ""

    @property
    def commands(self):
        return [line for line in self.text.replace("\\\n", " ").splitlines() if shlex.split(line, comments=True)]


def blocks(page):
    return [Block(note or "", language, text) for note, language, text in FENCE.findall(page.read_text("utf-8"))]


def prose(page):
    return FENCE.sub("", page.read_text("utf-8"))


def name(page):
    return str(page.relative_to(ROOT))


def met(requirement):
    """Whether a requirement such as ``optuna`` or ``scipy>=1.15`` is."""
    package, _, least = requirement.partition(">=")
    try:
        found = version(package)
    except PackageNotFoundError:
        return False
    return [int(part) for part in found.split(".")[:2]] >= [int(part) for part in (least or "0").split(".")]


def environment():
    binaries = str(Path(sys.executable).parent)
    return os.environ | {"PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}", "MPLBACKEND": "agg"}


def call(command, folder):
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def run_python(block, folder):
    (folder / (block.file or "block.py")).write_text(block.text)
    if not block.file:
        call([sys.executable, "-W", "error", "block.py"], folder)


def run_bash(block, folder):
    for line in block.commands:
        call(shlex.split(line, comments=True), folder)


def run_toml(block, folder):
    """A campaign is read; the header of a table is that of the example; entry points are of groups that are read."""
    entries = tomllib.loads(block.text)
    if "searchers" in entries:
        (folder / "campaign.toml").write_text(block.text)
        call([sys.executable, "-c", "import mobench; mobench.read_campaign('campaign.toml')"], folder)
    elif "project" in entries:
        assert set(entries["project"]["entry-points"]) <= {"mobench.searchers", "mobench.problems"}
    else:
        assert block.text == (EXAMPLE / "cells.toml").read_text()


def run_csv(block, folder):
    assert (EXAMPLE / "cells.csv").read_text().startswith(block.text)


def run_text(block, folder):
    shows = re.match(r"(mobench|python|make|pip) \w", block.text)
    assert not shows, f"a block of commands is `bash`, with a comment `not run: WHY` above it perhaps:\n{block.text}"


RUN = {"python": run_python, "bash": run_bash, "toml": run_toml, "csv": run_csv, "text": run_text}


@pytest.mark.long
@pytest.mark.parametrize("page", PAGES, ids=name)
def test_blocks_run_in_order(page, tmp_path):
    """In one folder; a Python block that begins with ``# name.py`` is that file, which later blocks use."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    found = blocks(page)
    for place, block in enumerate(found):
        lacking = [r for r in block.note.partition("needs: ")[2].split(", ") if r and not met(r)]
        if lacking:
            pytest.skip(f"{', '.join(lacking)} is not installed")
        if not block.why_not:
            RUN[block.language](block, tmp_path)
        if block.file:
            stem = block.file.removesuffix(".py")
            assert any(stem in later.text for later in found[place + 1 :]), f"{block.file} is never used"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_has_a_language_and_a_known_note(page):
    found = blocks(page)
    assert page.read_text("utf-8").count("```") == 2 * len(found), "a block that is not fenced at the line's beginning"
    for block in found:
        assert block.language in RUN, block
        assert not block.note or re.fullmatch(r"(not run|needs): .+", block.note), block


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_what_is_not_run_is_no_nonsense(page):
    """Commands, also within sentences, parse; searchers, problems, options, scripts and targets exist."""
    left = [block for block in blocks(page) if block.why_not]
    lines = [line for block in left if block.language == "bash" for line in block.commands]
    for line in lines + re.findall(r"`(mobench [a-z][^`]*)`", prose(page)):
        first, *words = shlex.split(line, comments=True)
        if first == "mobench" and len(words) == 1:
            assert words[0] in COMMANDS, line
        elif first == "mobench":
            args = _parser().parse_args(words)
            if words[0] == "run":
                check_references(args.problem or [], args.searcher or [])
        elif first == "python":
            assert (ROOT / words[0]).exists(), line
        elif first == "make":
            assert f"\n{words[0]}:" in (ROOT / "Makefile").read_text(), line
    for entries in (tomllib.loads(block.text) for block in left if block.language == "toml"):
        check_references(entries["problems"], entries["searchers"])


def check_references(problems, searchers):
    for kind, references in (("problem", problems), ("searcher", searchers)):
        for plugin, options in map(parse_reference, references):
            check_options(find(kind, plugin), options)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", prose(page)):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)}: {target}"


def test_the_readme_names_every_built_in():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for folder in ("searchers", "problems"):
        for path in (ROOT / folder).glob("[!_]*/[!_]*.py"):
            assert f"`{path.stem}`" in text, f"README.md does not mention {path.stem}"


def test_the_reference_names_the_whole_front_door():
    found = set(re.findall(r"mobench\.(\w+)", (ROOT / "docs" / "reference" / "python.md").read_text(encoding="utf-8")))
    assert set(mobench.__all__) - {"__version__"} <= found


def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs", reason="mkdocs is not installed: pip install 'mobench[docs]'")
    pytest.importorskip("material", reason="mkdocs-material is not installed: pip install 'mobench[docs]'")
    call([sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")], ROOT)
    for page in PAGES[2:]:
        assert (tmp_path / "site" / page.relative_to(ROOT / "docs").with_suffix(".html")).exists(), page
    assert (tmp_path / "site" / "contributing.html").exists()
    front = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "honestly" in front
    assert 'href="methods/evolution/nsga2.html"' in front
    assert '<script src="assets/iframe-worker.js">' in front
    assert (tmp_path / "site" / "search" / "search_index.js").exists()
    for kind, plugins in (("searchers", built_in("searcher")), ("problems", built_in("problem"))):
        cards = (tmp_path / "site" / f"{kind}.html").read_text(encoding="utf-8")
        assert [name for name in plugins if f">{name}</code>" not in cards] == []
    assert "@software" in read(tmp_path / "site" / "cite.html")
    search_from_disk(tmp_path / "site" / "index.html")


def read(path):
    return path.read_text(encoding="utf-8")


def search_from_disk(page):
    """Chromium, where there is one, finds pages by a word in a site that no server shows."""
    if browser := shutil.which("chromium") or shutil.which("google-chrome"):
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom"]
        found = subprocess.run(
            [browser, *flags, f"{page.as_uri()}?q=hypervolume"], capture_output=True, text=True, check=True
        )
        assert re.search(r"\d+ matching documents", found.stdout)


def test_the_gallery_has_a_figure_of_every_kind_and_no_other():
    assert {path.stem for path in (ROOT / "docs" / "figures" / "gallery").glob("*.png")} == set(KINDS)
