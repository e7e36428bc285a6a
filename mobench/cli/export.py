"""`mobench export`: all evaluations of campaigns, for other tools."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mobench.cli._terminal import add_contract, add_plugins, say, show
from mobench.core.budget import AXES

EXAMPLES = """examples:
  mobench export results/default --to table                       table/evaluations.csv, a row an answer
  mobench export results/a results/b --to all --format parquet    campaigns of one budget and contract together
  mobench export results/default --to table --scored              with scores.csv, wide.csv, curves.csv, fronts.csv
  mobench export results/default --to ioh --format ioh            for IOHanalyzer and iohinspector
  mobench export results/oneshot --to ioh --format ioh --axis flops
"""


def add(commands: Any) -> None:
    """Add the parser of `mobench export`."""
    parser = commands.add_parser(
        "export",
        help="all evaluations as one table, or for IOHprofiler",
        description="Write what the logs say for other tools: every evaluation as a row of one CSV or Parquet table, "
        "or, for IOHprofiler, the share of hypervolume still missing. runs.csv beside it lists every run.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("results", nargs="+", type=Path, help="folders of campaigns, results/NAME, or of runs")
    parser.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="where to write; made if need be")
    parser.add_argument("--format", choices=("csv", "parquet", "ioh"), default="csv", help="default: csv")
    add_contract(parser)
    add_plugins(parser, "of your problems")
    parser.add_argument("--axis", choices=AXES, default="evaluations", help="what ioh counts (default: evaluations)")
    parser.add_argument("--scored", action="store_true", help="scores, curves and fronts, too, and a column a searcher")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Write the files; say where they are and which runs are not whole in them."""
    import pandas as pd

    from mobench.analysis.export import export
    from mobench.campaigns.study import read_study

    study = read_study(args.results, contract=args.contract)
    files = export(study, args.to, format=args.format, axis=args.axis, scored=args.scored, progress=True)
    states = pd.read_csv(files[0])["state"].value_counts(sort=False)
    if len(states) > 1 or "ended" not in states:
        say("not all runs have ended: " + ", ".join(f"{n} {state}" for state, n in states.items()))
    show(str(files[1]) if args.format != "ioh" else f"{args.to}: {len(files)} files")
    return 0
