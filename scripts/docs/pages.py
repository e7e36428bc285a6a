"""Pages of the site that are written elsewhere: the front page, the guide for contributors, changes, commands."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

WIDTH = "100"
FRONT = "---\nhide: [navigation]\n---\n\n"


def on_files(files: Files, config: Any) -> Files:
    """Add them: mkdocs calls this once it has collected the files of docs/."""
    root = Path(config.config_file_path).parent
    pages = {
        "index.md": FRONT + _moved(root / "README.md"),
        "contributing.md": _moved(root / "CONTRIBUTING.md"),
        "changelog.md": _moved(root / "CHANGELOG.md"),
        "reference/commands.md": commands(),
    }
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def _moved(page: Path) -> str:
    """A page beside `docs/` as one within it: its links lead to where they led."""
    text = page.read_text(encoding="utf-8")
    return text.replace("](docs/", "](").replace("](CONTRIBUTING.md)", "](contributing.md)")


def commands() -> str:
    """Every command's help, as a page."""
    from mobench.cli.main import _parser

    os.environ |= {"COLUMNS": WIDTH, "NO_COLOR": "1"}
    parser = _parser()
    (choices,) = (a.choices for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    parts = ["# Commands", _help(parser)]
    for name, command in choices.items():
        parts += [f"## `mobench {name}`", _help(command)]
    return "\n\n".join(parts) + "\n"


def _help(parser: argparse.ArgumentParser) -> str:
    return f"```text\n{parser.format_help().rstrip()}\n```"
