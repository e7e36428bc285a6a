"""`mobench plot`: one kind of figure of a campaign, for a paper, with the numbers drawn beside it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mobench.analysis.measures import HYPERVOLUME, MEASURES
from mobench.campaigns.labels import parse_labels
from mobench.cli._terminal import add_contract, add_labels, add_plugins, add_selection, say, show
from mobench.core.budget import AXES

_EXAMPLES = """examples:
  mobench plot results/default --kind list               the kinds of figures and what they show
  mobench plot results/default --kind anytime            a figure a problem, to results/default/figures/
  mobench plot results/default --kind anytime --indicator igd_plus    the same by another indicator
  mobench plot results/default --kind attainment -p motif --width double --format pdf,svg
  mobench plot results/default --kind difference -p motif -s nsga2 -s random_search --to paper/difference.pdf
  mobench plot results/default --kind attainment -p nasbench_graph --objectives error,latency
  mobench plot results/default --kind critical-difference --axis trainings
  mobench plot results/default --kind architecture -p motif --row 3,1,3,0,2,1

Every figure comes with the numbers drawn (CSV). A campaign may be running still; several folders are merged.
"""


def add(commands: Any) -> None:
    """Add the parser of `mobench plot`."""
    parser = commands.add_parser(
        "plot",
        help="one kind of figure of a campaign, for a paper",
        description="Draw one kind of figure from a campaign's logs: vector, fonts embedded, sized for a column.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", nargs="*", type=Path, metavar="RESULTS", help="folders of campaigns or of runs")
    parser.add_argument("-k", "--kind", required=True, help="which figure; `list` shows them all")
    add_selection(parser)
    add_labels(parser)
    add_contract(parser)
    parser.add_argument(
        "--indicator",
        choices=tuple(MEASURES),
        default=HYPERVOLUME.name,
        help="of curves over the budget, ranks and tests (default: %(default)s)",
    )
    add_plugins(parser, "of your problems")
    parser.add_argument("--axis", choices=AXES, default="", help="currency of costs (default: the budget's)")
    parser.add_argument("--objectives", default="", metavar="NAME,NAME", help="of fronts and attainment (default: all)")
    parser.add_argument("--row", default="", metavar="GENE,GENE,..", help="an architecture, for --kind architecture")
    parser.add_argument("--width", choices=("single", "double"), default="", help="column (default: what suits it)")
    parser.add_argument("--format", default="pdf,png", metavar="FORMAT,..", help="of pdf, svg, png (default: pdf,png)")
    parser.add_argument(
        "--to", type=Path, help="file (its ending is the format) or stem (default: RESULTS/figures/KIND)"
    )
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Draw the figures and print their files."""
    from mobench.analysis.reading import read_analysis
    from mobench.figures.kinds import KINDS, draw, find_kind
    from mobench.figures.registry import Selection
    from mobench.figures.saving import save_figure

    if args.kind == "list":
        show("\n".join(f"{kind.name:<20} {kind.summary}" for kind in KINDS.values()))
        return 0
    if not args.folders:
        raise ValueError("RESULTS: name at least one folder, results/NAME; only `--kind list` needs none")
    single = find_kind(args.kind).of_one_problem
    chosen = {"axis": args.axis, "contract": args.contract, "indicator": args.indicator}
    analysis = read_analysis(
        args.folders,
        problems=args.problem or (),
        searchers=args.searcher or (),
        labels=parse_labels(args.label),
        **chosen,
        progress=True,
    )
    problems = list(analysis.study.problems) if single else [""]
    lacking: dict[str, list[str]] = {}
    for problem in problems:
        selection = Selection(problem, objectives=_names(args.objectives), row=_genes(args.row), width=args.width)
        try:
            figure, data = draw(analysis, args.kind, selection)
        except ValueError as error:  # the others may have what this one lacks
            if not problem:
                raise
            lacking.setdefault(str(error), []).append(problem)
            continue
        stem, formats = _place(args, problem if len(problems) > 1 or not args.to else "")
        below = None if args.to else args.folders[0]
        show("\n".join(map(str, save_figure(figure, data, stem, formats=formats, below=below))))
    remarks = [f"{', '.join(of)}: {reason}" for reason, of in lacking.items()]
    if sum(map(len, lacking.values())) == len(problems):
        raise ValueError("; ".join(remarks))
    for remark in remarks:
        say(f"left out: {remark}")
    return 0


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _genes(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(gene) for gene in text.split(",")) if text.strip() else ()
    except ValueError:
        raise ValueError(f"row: expected whole numbers with commas between, found {text!r}") from None


def _place(args: argparse.Namespace, problem: str) -> tuple[Path, list[str]]:
    """Stem of the files, and their formats."""
    from mobench.figures.saving import FORMATS
    from mobench.files.names import slug

    formats = list(_names(args.format))
    stem = args.to or args.folders[0] / "figures" / args.kind
    if args.to and args.to.suffix[1:] in FORMATS:
        stem, formats = args.to.with_suffix(""), [args.to.suffix[1:]]
    label = slug(problem) if problem else ""
    return (stem.with_name(f"{stem.name}-{label}") if label else stem), formats
