"""`mobench list`: searchers, problems and suites at hand, and their options."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from typing import Any

from mobench.cli._terminal import add_plugins, show
from mobench.plugins.plugin import KINDS, Kind

WIDEST = 120
"""Columns of a line at most."""


def add(commands: Any) -> None:
    """Add the parser of `mobench list`."""
    parser = commands.add_parser("list", help="searchers and problems at hand; with a NAME, its options")
    parser.add_argument("name", nargs="?", help="a searcher, a problem or a suite; `suites` for all of these")
    add_plugins(parser)
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Print all names, one plugin's summary and options, or suites."""
    from mobench.campaigns.suites import find_suite, suite_summary, suites

    if args.name == "suites":
        for name, path in suites().items():
            show(f"{name:<14} {suite_summary(path)}")
        return 0
    if any(args.name in (name, name.rpartition("-")[0]) for name in suites()):
        show(find_suite(args.name).read_text(encoding="utf-8").rstrip())
        return 0
    return _one(args.name) if args.name else _all()


def _one(name: str) -> int:
    from mobench.campaigns.suites import suites
    from mobench.core.messages import nearest
    from mobench.plugins.catalogue import find, plugins
    from mobench.plugins.options import option_lines

    kinds = [kind for kind in KINDS if name in plugins(kind)]
    if not kinds:
        known = [name for kind in KINDS for name in plugins(kind)] + [suite.rpartition("-")[0] for suite in suites()]
        raise ValueError(
            f"unknown name {name!r}{nearest(name, known)}; `mobench list` shows all, and --plugin FILE adds one"
        )
    for kind in kinds:
        plugin = find(kind, name)
        needs = f"\nneeds: {', '.join(need.__name__ for need in plugin.needs)}" if plugin.needs else ""
        show(f"{plugin.name} ({plugin.kind}): {plugin.summary}{needs}\noptions:")
        show("\n".join(map(_wrapped, option_lines(plugin))) or "  none")
    return 0


def _wrapped(line: str) -> str:
    """A line as an indented paragraph, no wider than the terminal."""
    return textwrap.fill(
        line,
        min(shutil.get_terminal_size().columns, WIDEST),
        initial_indent="  ",
        subsequent_indent="      ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _all() -> int:
    from mobench.plugins.sources import in_use

    for kind in KINDS:
        show(f"{kind}s")
        for heading, names in in_use().groups(kind):
            show(f"  {heading}")
            for name in names:
                show(f"    {name:<24} {_said(kind, name)}")
    for source, fault in in_use().broken().items():
        show(f"BROKEN {source}: {fault}")
    return 0


def _said(kind: Kind, name: str) -> str:
    from mobench.plugins.catalogue import summary

    try:
        return summary(kind, name)
    except ValueError as error:
        return f"BROKEN: {error}"
