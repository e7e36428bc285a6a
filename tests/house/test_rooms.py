"""The rooms of the house: none is too big, and pages name only places that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/design.md", "docs/where-code-belongs.md")
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
    """Paths within backticks, and first words of the lines of plain blocks: what looks like a file or a folder."""
    text = page.read_text(encoding="utf-8")
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S))
    blocks = re.findall(r"^```text\n(.*?)^```$", text, flags=re.M | re.S)
    words = [word for span in spans for word in span.split()] + re.findall(r"\S+", "\n".join(blocks))
    return {word for word in words if re.fullmatch(r"(?:[\w.-]+/)+(?:[\w.-]+\.\w+)?", word)}


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_is_there(page):
    for path in named(ROOT / page):
        if not path.startswith(("results/", "site/", ".")):  # what is made, and what belongs to no checkout
            assert any((ROOT / start / path).exists() for start in WITHIN), f"{page} names {path}, which is not there"
