"""What the commands share: the examples that they teach by, and a line on standard error."""

from __future__ import annotations

import argparse
import sys

from mobench.core.messages import plain
from mobench.scoring.contracts import CONTRACTS

EXAMPLES = """examples:
  mobench run                                       the default campaign: no download, minutes
  mobench run --suite tiny -s nsga2                 problems that ship with mobench, at a published budget
  mobench run my-campaign.toml --workers 8          a campaign of your own
  mobench run my-campaign.toml --shard 3/50         the third of fifty jobs that share it
  mobench run -p nasbench_graph:dataset=cora -s nsga2:population=50 -s random_search -b 500 --seeds 10 --name try
  mobench run -p catsum -s nsga2 -b trainings=100   budgets: evaluations, trainings, flops, seconds, asked
  mobench status results/default                    how far it has come, and what failed
  mobench watch results/default                     the same live in a browser, with curves and fronts
  mobench report results/default                    one page with tables and figures from the logs, at any time
  mobench plot results/default --kind ecdf          a figure for a paper; --kind list shows the kinds
  mobench paper results/default                     tables and figures of a paper's section: LaTeX and PDF
  mobench insight results/default                   which genes decide each objective
  mobench choose results/default                    one architecture of the fronts: the knee, or by --weights
  mobench export results/default --to table         every answer as a row, for other tools
  mobench verify results/default                    whether its runs are what they say
  mobench list nsga2                                what a searcher or problem is, and its options
  mobench data add nasbench201 --from ~/Downloads   import official files once
  mobench new searcher climber                      begin one of your own
  mobench check climber.py                          whether it keeps the rules
  mobench latency mynets:small --shape 3,32,32      how long a torch module takes here
"""


def add_plugins(parser: argparse.ArgumentParser, what: str = "a file or folder") -> None:
    """Add ``--plugin`` to a parser; `mobench.cli.main` makes known to the command what is named."""
    parser.add_argument(
        "--plugin", dest="plugins", action="append", default=[], metavar="FILE", help=f"{what}; repeatable"
    )


def add_contract(parser: argparse.ArgumentParser) -> None:
    """Add ``--contract`` to the parser of a command that scores logs."""
    parser.add_argument(
        "--contract", choices=tuple(CONTRACTS), default="", help="score by this one (default: the campaign's)"
    )


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add ``--problem`` and ``--searcher`` to a parser; `mobench.campaigns.study.select` takes their labels."""
    parser.add_argument("-p", "--problem", action="append", help="as the campaign labels it; repeatable (default: all)")
    parser.add_argument("-s", "--searcher", action="append", help="as labelled; repeatable (default: all)")


def add_labels(parser: argparse.ArgumentParser) -> None:
    """Add ``--label`` to the parser of a command that shows names; `mobench.campaigns.labels.parse_labels` reads it."""
    parser.add_argument(
        "--label", action="append", default=[], metavar="LABEL=NAME", help="call it so: nsga2=Ours; repeatable"
    )


def say(line: str) -> None:
    """Write a line to standard error, so that standard output holds results only."""
    sys.stderr.write(f"mobench: {plain(line)}\n")


def show(text: str) -> None:
    """Write results to standard output; names and errors of others in them steer no terminal."""
    print(plain(text, most=len(text)), flush=True)
