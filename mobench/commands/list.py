"""`mobench list`: searchers and problems at hand, and their options."""

from __future__ import annotations

import argparse
from typing import Any


def add(commands: Any) -> None:
    """Add the parser of `mobench list`."""
    parser = commands.add_parser("list", help="searchers and problems at hand; with a NAME, its options")
    parser.add_argument("name", nargs="?", help="a searcher or a problem")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Print all names, or one plugin's summary and options."""
    from mobench.plugins import find, option_lines, plugins, summary

    if args.name:
        kinds = [kind for kind in ("searcher", "problem") if args.name in plugins(kind)]
        plugin = find(kinds[0] if kinds else "searcher", args.name)
        needs = f"\nneeds: {', '.join(need.__name__ for need in plugin.needs)}" if plugin.needs else ""
        print(f"{plugin.name} ({plugin.kind}): {plugin.summary}{needs}\noptions:")
        print("\n".join(f"  {line}" for line in option_lines(plugin)) or "  none")
        return 0
    for kind in ("searcher", "problem"):
        print(f"{kind}s")
        for name in plugins(kind):
            try:
                print(f"  {name:<24} {summary(kind, name)}")
            except ValueError as error:
                print(f"  {name:<24} BROKEN: {error}")
    return 0
