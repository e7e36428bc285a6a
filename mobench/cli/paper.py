"""`mobench paper`: the tables and figures of a paper's experiment section, from logs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mobench.analysis.measures import HYPERVOLUME, MARGIN, MEASURES
from mobench.campaigns.labels import parse_labels
from mobench.cli._terminal import add_contract, add_labels, add_plugins, add_selection, show
from mobench.core.budget import AXES

_EXAMPLES = """examples:
  mobench paper results/default                      into results/default/paper: medians of the share of hypervolume
  mobench paper results/default --to paper --statistic iqm --indicator igd_plus
  mobench paper results/before results/after --to paper --label ours=Ours    two versions of `ours`, and their verdict
  mobench paper results/default -s nsga2 -s random_search --width double

matrix.tex (problems and searchers, booktabs, best in bold, equals marked), pairs.tex (verdicts), versions.tex (did the
change help? where there are versions of one searcher), PDF figures as wide as a column, the numbers of all of them as
CSV, and experiments.tex, which puts them together: \\newcommand{\\mobench}{paper} \\input{paper/experiments}
"""


def add(commands: Any) -> None:
    """Add the parser of `mobench paper`."""
    parser = commands.add_parser(
        "paper",
        help="tables (LaTeX) and figures (PDF) of a paper's experiment section",
        description="Write the tables and figures of a paper's experiment section, from the logs alone.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="RESULTS", help="folders of campaigns or of runs")
    add_selection(parser)
    parser.add_argument(
        "--statistic",
        choices=("median", "iqm", "mean"),
        default="median",
        help="of the matrix: median, interquartile mean, mean and standard deviation (default: %(default)s)",
    )
    parser.add_argument(
        "--indicator",
        choices=tuple(MEASURES),
        default=HYPERVOLUME.name,
        help="of tables and tests (default: %(default)s)",
    )
    parser.add_argument(
        "--margin", type=float, default=MARGIN, help="means that differ by less count as equal (default: %(default)s)"
    )
    parser.add_argument("--axis", choices=AXES, default="", help="currency of curves (default: the budget's)")
    parser.add_argument(
        "--width",
        choices=("single", "double"),
        default="single",
        help="column of a problem's figures (default: single)",
    )
    add_labels(parser)
    add_contract(parser)
    add_plugins(parser, "of your problems")
    parser.add_argument("--to", type=Path, help="folder to write to (default: paper/ in the first folder)")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Write the files and print their names."""
    from mobench.report.paper import write_paper

    files = write_paper(
        args.folders,
        args.to,
        problems=args.problem or (),
        searchers=args.searcher or (),
        labels=parse_labels(args.label),
        statistic=args.statistic,
        indicator=args.indicator,
        margin=args.margin,
        axis=args.axis,
        contract=args.contract,
        width=args.width,
        progress=True,
    )
    show("\n".join(map(str, files)))
    return 0
