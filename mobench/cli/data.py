"""`mobench data`: import official benchmark files once, and see what is there."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mobench.cli._terminal import show


def add(commands: Any) -> None:
    """Add the parser of `mobench data`."""
    data = commands.add_parser("data", help="import official benchmark files once; see what is there")
    actions = data.add_subparsers(metavar="{list,add}", required=True)
    actions.add_parser("list", help="what is imported and what is missing").set_defaults(command=_data_list)
    adding = actions.add_parser("add", help="import official files")
    adding.add_argument("name", help="a problem, nasbench201 for example")
    adding.add_argument("--from", dest="path", type=Path, required=True, help="a file or a folder to look through")
    adding.set_defaults(command=_data_add)


def _data_list(args: argparse.Namespace) -> int:
    from mobench.plugins.catalogue import plugins, with_data

    for name in plugins("problem"):
        module = with_data(name)
        if module is not None:
            show(name)
            show("\n".join(f"  {line}" for line in module.describe_data()))
    return 0


def _data_add(args: argparse.Namespace) -> int:
    from mobench.plugins.catalogue import find, with_data

    module = with_data(find("problem", args.name).name)
    if module is None:
        raise ValueError(f"problem {args.name!r} imports no files; `mobench data list` shows which do")
    show("\n".join(module.add_data(args.path)))
    return 0
