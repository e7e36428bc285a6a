"""The rooms of the house: none is too big, and pages name only places that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = (str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", *sorted(DOCS))
WITHIN = ("", "mobench")
"""Where a path of a page may begin: `core/budget.py` is short for `mobench/core/budget.py`."""


def lines(path):
    return len(path.read_text(encoding="utf-8").splitlines())


def room_sizes():
    """Lines of Python of each room of the harness."""
    home = ROOT / "mobench"
    rooms = [path for path in home.iterdir() if path.is_dir() and not path.is_symlink()]
    sizes = {room.name: sum(map(lines, room.rglob("*.py"))) for room in rooms}
    return sizes | {path.stem: lines(path) for path in home.glob("[!_]*.py")}


def test_no_room_holds_more_than_a_fifth_of_the_harness():
    sizes = room_sizes()
    shares = {room: size / sum(sizes.values()) for room, size in sorted(sizes.items(), key=lambda item: -item[1])}
    for room, share in shares.items():
        print(f"{room:10} {sizes[room]:6} lines {share:6.1%}")  # noqa: T201
    assert max(shares.values()) <= 0.2, shares


def named(page):
    """Words within backticks and in plain blocks that look like a file or a folder of the tree."""
    text = page.read_text(encoding="utf-8")
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S))
    blocks = re.findall(r"^```text\n(.*?)^```$", text, flags=re.M | re.S)
    words = " ".join([*spans, *blocks]).split()
    paths = {word for word in words if re.fullmatch(r"(?:[\w.-]+/)+[\w.-]*|[A-Z]+\.(?:md|cff)", word)}
    return {path for path in paths if re.search(r"/$|\.\w+$", path) or (ROOT / path.partition("/")[0]).is_dir()}


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_is_there(page):
    for path in named(ROOT / page):
        if (
            path.startswith(("mobench/", "searchers/", "problems/", "tests/", "docs/", "scripts/", "benchmarks/"))
            and "NAME" not in path
        ):
            assert any((ROOT / start / path).exists() for start in WITHIN), f"{page} names {path}, which is not there"
