"""Pages of the site that are written elsewhere: front page, guide for contributors, changes, commands, how to cite."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import Any

import yaml
from mkdocs.structure.files import File, Files

WIDTH = "90"
FRONT = "---\nhide: [navigation]\n---\n\n"


def on_files(files: Files, config: Any) -> Files:
    """Add them: mkdocs calls this once it has collected the files of docs/."""
    root = Path(config.config_file_path).parent
    pages = {
        "index.md": FRONT + _moved(root / "README.md"),
        "contributing.md": _moved(root / "CONTRIBUTING.md"),
        "changelog.md": _moved(root / "CHANGELOG.md"),
        "reference/commands.md": commands(),
        "cite.md": cite(root / "CITATION.cff"),
    }
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_content(html: str, **_: Any) -> str:
    """Keep options of commands whole where a line of code is wrapped: mkdocs calls this with each page's HTML."""

    def kept(block: re.Match[str]) -> str:
        parts = re.split(r"(<[^>]+>)", block[0])
        parts[::2] = (re.sub(r"(?<![\w-])(--?\w[\w-]*)", r'<span class="whole">\1</span>', text) for text in parts[::2])
        return "".join(parts)

    return re.sub(r"<pre>.*?</pre>|<code>.*?</code>", kept, html, flags=re.S)


def _moved(page: Path) -> str:
    """A page beside `docs/` as one within it: its links lead to where they led."""
    text = page.read_text(encoding="utf-8")
    return text.replace("](docs/", "](").replace("](CONTRIBUTING.md)", "](contributing.md)")


def cite(source: Path) -> str:
    """How to cite, from the citation file."""
    entries = yaml.safe_load(source.read_text(encoding="utf-8"))
    names = [
        author.get("name") or f"{author['family-names']}, {author['given-names']}" for author in entries["authors"]
    ]
    fields = {
        "title": f"{{{entries['title']}}}",
        "author": " and ".join(f"{{{name}}}" for name in names),
        "version": str(entries["version"]),
        "license": entries["license"],
    } | {key: str(entries[name]) for key, name in (("doi", "doi"), ("url", "repository-code")) if name in entries}
    bibtex = ",\n".join(f"  {key} = {{{value}}}" for key, value in fields.items())
    return f"""# Cite

{entries["message"]}

```bibtex
@software{{mobench,
{bibtex}
}}
```

In words: {", ".join(names)}. *{entries["title"]}*, version {entries["version"]}. The page is made from `CITATION.cff`.

A paper's numbers are those of a version: `mobench --version`, and the commit in every run's `end.json`. Whoever has the
[results folder](verify.md) can check them.
"""


def commands() -> str:
    """Every command's help, as a page: options as they are printed, examples as a table that fits any screen."""
    from mobench.cli.main import _parser

    os.environ |= {"COLUMNS": WIDTH, "NO_COLOR": "1"}
    parser = _parser()
    (action,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    rows = [f"| [`mobench {c.dest}`](#mobench-{c.dest}) | {_cell(c.help)} |" for c in action._choices_actions]
    parts = ["# Commands", "\n".join(["| command | what it does |", "|---|---|", *rows]), _examples(parser)]
    for name, command in action.choices.items():
        own = _examples(command) if command.epilog != parser.epilog else ""
        parts += [f"## `mobench {name}`", _help(command), own]
    return "\n\n".join(filter(None, parts)) + "\n"


def _help(parser: argparse.ArgumentParser) -> str:
    epilog, parser.epilog = parser.epilog, None
    text = parser.format_help().rstrip()
    parser.epilog = epilog
    return f"```text\n{text}\n```"


def _examples(parser: argparse.ArgumentParser) -> str:
    """The examples that stand below a command's help: a row each, and what else stands there."""
    rows, rest = [], []
    for line in (parser.epilog or "").splitlines():
        if line.startswith("  "):
            command, _, meaning = line.strip().partition("  ")
            rows.append(f"| `{_cell(command)}` | {_cell(meaning)} |")
        elif line.strip() not in ("", "examples:"):
            rest.append(line)
    table = "\n".join(["| example | meaning |", "|---|---|", *rows]) if rows else ""
    return "\n\n".join(filter(None, [table, " ".join(rest)]))


def _cell(text: str | None) -> str:
    return (text or "").strip().replace("|", "\\|").replace("%%", "%").replace("<", "&lt;")
