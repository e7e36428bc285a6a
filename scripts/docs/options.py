"""Writes the option tables of docs/: `python scripts/docs/options.py`; each stands between two comments of its page.

The first comment names the searcher or the problem, the second ends the table:

<!-- options of darts -->

<!-- end -->
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from mobench.plugins.catalogue import find, plugins
from mobench.plugins.plugin import Plugin
from mobench.plugins.signature import Option
from mobench.plugins.words import type_in_words, value_in_words

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
BETWEEN = re.compile(r"(?<=^<!-- options of )(\w+) -->\n.*?^(?=<!-- end -->$)", flags=re.M | re.S)


def main() -> None:
    """Write the pages whose tables are not what the options say, and name them."""
    for page, text in written(DOCS.rglob("*.md")).items():
        if page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")
            print(page.relative_to(ROOT))


def written(pages: Iterable[Path]) -> dict[Path, str]:
    """The pages that have option tables, with their tables as the options are now."""
    texts = {page: page.read_text(encoding="utf-8") for page in pages}

    def table_on(page: Path) -> str:
        return BETWEEN.sub(lambda m: f"{m[1]} -->\n\n{table(plugin(m[1]), page.parent)}\n\n", texts[page])

    return {page: table_on(page) for page, text in texts.items() if BETWEEN.search(text)}


def plugin(name: str) -> Plugin:
    """The searcher or the problem of this name."""
    return find("searcher" if name in plugins("searcher") else "problem", name)


def table(of: Plugin, folder: Path) -> str:
    """A row an option, for a page in `folder`."""
    rows = [row(option, folder) for option in of.options.values()]
    return "\n".join(["| option | values | default | meaning |", "|---|---|---|---|", *rows])


def row(option: Option, folder: Path) -> str:
    """Name, values, default and meaning, with pages of docs/ as links."""
    default = "must be given" if option.required else value_in_words(option.default)
    cells = (f"`{option.name}`", type_in_words(option.hint), default, linked(option.meaning, folder))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def linked(text: str, folder: Path) -> str:
    """Paths of pages, and names of searchers and problems that have one, as links seen from `folder`."""

    def link(words: str, page: Path) -> str:
        return f"[{words}]({Path(os.path.relpath(page, folder)).as_posix()})"

    homes = {f"`{page.stem}`": page for room in ("methods", "problems") for page in (DOCS / room).rglob("*.md")}
    text = re.sub(r"`\w+`", lambda m: link(m[0], homes[m[0]]) if m[0] in homes else m[0], text)
    return re.sub(r"docs/([\w/-]+)\.md", lambda m: link(Path(m[1]).name, DOCS / f"{m[1]}.md"), text)


if __name__ == "__main__":
    main()
