"""`mobench insight`: which genes decide each objective, from the answers of a campaign or a run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mobench.cli._terminal import add_plugins, add_selection, show

_EXAMPLES = """examples:
  mobench insight results/default                       every problem: tables, and figures in results/default/figures
  mobench insight results/default -p motif -s random_search     by what one searcher was answered
"""


def add(commands: Any) -> None:
    """Add the parser of `mobench insight`."""
    parser = commands.add_parser(
        "insight",
        help="which genes decide each objective",
        description="Importances of genes for each objective, from all answers at full fidelity: the share of the "
        "variance over the space that a gene explains alone and with its interactions (functional ANOVA of a random "
        "forest), with 90 %% intervals. Needs scikit-learn.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="RESULTS", help="folders of campaigns or of runs")
    add_selection(parser)
    add_plugins(parser, "of your problems")
    parser.add_argument("--format", default="pdf,png", metavar="FORMAT,..", help="of pdf, svg, png (default: pdf,png)")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Print a table a problem, and the files of its figure."""
    from mobench.analysis.importance import gene_importances
    from mobench.analysis.pooled import runs_by_problem
    from mobench.figures.importance import plot_importances
    from mobench.figures.saving import save_figure
    from mobench.files.names import slug

    found = runs_by_problem(args.folders, problems=args.problem or (), searchers=args.searcher or ())
    for label, results in found.items():
        table = gene_importances(results)
        show(f"{label}: {table['architectures'].iloc[0]:,} architectures\n{_lines(table)}")
        figure, data = plot_importances(table, title=label)
        stem = args.folders[0] / "figures" / f"importance-{slug(label)}"
        formats = [ending.strip() for ending in args.format.split(",") if ending.strip()]
        show("\n".join(map(str, save_figure(figure, data, stem, formats=formats, below=args.folders[0]))))
    return 0


def _lines(table: Any) -> str:
    """A line an objective and gene."""
    table = table.copy()
    for kind in ("alone", "total"):
        bounds = zip(table[kind], table[f"{kind}_low"], table[f"{kind}_high"], strict=True)
        table[kind] = [f"{share:.2f} [{low:.2f}, {high:.2f}]" for share, low, high in bounds]
    table["fit"] = [f"{fit:.0%}" for fit in table["fit"]]
    text: str = table[["objective", "gene", "alone", "total", "fit"]].to_string(index=False)
    return text
