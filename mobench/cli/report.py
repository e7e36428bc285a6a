"""`mobench report`: one page, tables and figures of campaigns or of a run, remade from their logs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mobench.analysis.measures import HYPERVOLUME, MARGIN, MEASURES
from mobench.campaigns.labels import parse_labels
from mobench.cli._terminal import add_contract, add_labels, add_plugins, show
from mobench.core.budget import AXES

_EXAMPLES = """examples:
  mobench report results/default                    one campaign, finished or still running
  mobench report results/mine results/theirs        several as one; their budgets and contracts must agree
  mobench report results/default --axis trainings   over equivalent full trainings
  mobench report results/default --indicator area   over the whole course: area over the convergence curve
  mobench report results/mine --label nsga2:population=50=Ours    names that readers see (or label = in the TOML)
  mobench report results/mine --contract mobench-1  scored by another contract than the campaign's
  mobench report results/default/runs/catsum/nsga2/500evaluations-seed0-1a2b3c4d    a single run
"""


def add(commands: Any) -> None:
    """Add the parser of `mobench report`."""
    parser = commands.add_parser(
        "report",
        help="one page, tables and figures of campaigns, from their logs",
        description="Write report.html (one file that opens from disk), tables and figures, from the logs alone.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", nargs="+", type=Path, help="results/NAME, or a run's folder; several are merged")
    parser.add_argument("--axis", choices=AXES, default="", help="currency of budgets and curves (default: budget's)")
    parser.add_argument(
        "--indicator",
        choices=tuple(MEASURES),
        default=HYPERVOLUME.name,
        help="of tables and tests (default: %(default)s)",
    )
    parser.add_argument(
        "--margin", type=float, default=MARGIN, help="means that differ by less count as equal (default: %(default)s)"
    )
    add_labels(parser)
    add_contract(parser)
    add_plugins(parser, "of your problems")
    parser.add_argument("--to", type=Path, help="folder to write to (default: report/ in the first folder)")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Write the report and print its text."""
    from mobench.report.report import write_report

    chosen = {"axis": args.axis, "contract": args.contract, "indicator": args.indicator, "margin": args.margin}
    page, text = write_report(args.folder, labels=parse_labels(args.label), **chosen, to=args.to, progress=True)
    show(f"{text}\n\nreport: {page}")
    return 0
