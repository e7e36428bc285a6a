"""Option tables of the pages are what the searchers and problems say, and each has its table."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("options", ROOT / "scripts" / "docs" / "options.py")
tables = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tables)
WRITTEN = tables.written(sorted((ROOT / "docs").rglob("*.md")))


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.stem)
def test_the_table_is_what_the_options_say(page):
    stale = "this page's option table is stale: python scripts/docs/options.py"
    assert page.read_text(encoding="utf-8") == WRITTEN[page], stale


def test_every_method_has_its_table():
    named = {name for text in WRITTEN.values() for name in tables.BETWEEN.findall(text)}
    assert named >= {path.stem for path in (ROOT / "searchers").glob("[!_]*/[!_]*.py")}


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("as in `nsga2`", "as in [`nsga2`](../evolution/nsga2.md)"),
        ("(docs/motif-live.md)", "([motif-live](../../motif-live.md))"),
        ("`radius`", "`radius`"),
    ],
)
def test_pages_that_a_meaning_names_become_links(text, link):
    assert tables.linked(text, ROOT / "docs" / "methods" / "bilevel") == link
