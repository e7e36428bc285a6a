"""`mobench watch`: a page that shows a campaign while it goes on."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from mobench.cli._terminal import add_plugins, show

_EXAMPLES = """examples:
  mobench watch                                  the campaign under results/ that changed last
  mobench watch results/default                  that one, while it is carried out and after
  mobench watch results/default --port 8765      at an address that stays, for a tunnel from another machine
  mobench watch results/mine --plugin mine.py    with scores on a problem of yours

Open the address that it prints. The page shows shares of budgets, the time left, hypervolume over the budget, current
fronts and what failed; Ctrl-C ends it, and does nothing to the campaign. From a laptop to a server:
ssh -L 8765:127.0.0.1:8765 SERVER.
"""


def add(commands: Any) -> None:
    """Add the parser of `mobench watch`."""
    parser = commands.add_parser(
        "watch",
        help="a live page of a campaign, in your browser",
        description="Show a campaign in a browser while it goes on: read from its logs, for this machine alone.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", nargs="?", type=Path, help="results/NAME (default: the latest under results/)")
    parser.add_argument("--port", type=int, default=0, help="of 127.0.0.1 (default: one that is free)")
    add_plugins(parser, "of your problems")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C."""
    from mobench.watch.server import WatchServer

    folder = args.folder or _latest()
    os.nice(5)  # runs come first; what was imported until here came faster
    with WatchServer(folder, port=args.port) as server:
        show(f"{folder}: {server.address}  (Ctrl-C ends the page, not the campaign)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


def _latest() -> Path:
    """The campaign that was begun or extended last."""
    records = sorted(Path("results").glob("*/campaign.json"), key=lambda path: path.stat().st_mtime)
    if not records:
        raise FileNotFoundError("no campaigns under results/; `mobench run` makes one")
    return records[-1].parent
