"""`mobench choose`: one architecture of what a campaign's runs deliver, drawn and written down."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from mobench.cli._terminal import add_plugins, add_selection, show

_EXAMPLES = """examples:
  mobench choose results/default                                  the knee of every problem's front
  mobench choose results/default -p motif --weights error=2,latency:cpu_b64=1
"""


def add(commands: Any) -> None:
    """Add the parser of `mobench choose`."""
    parser = commands.add_parser(
        "choose",
        help="one architecture of the fronts: the knee, or by weights",
        description="Choose one architecture a problem of all that its runs deliver, by the values that searchers saw: "
        "the knee of the front, or the one nearest to preference weights. Its scored values stand beside them.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="RESULTS", help="folders of campaigns or of runs")
    add_selection(parser)
    parser.add_argument("--weights", default="", metavar="NAME=W,..", help="how much objectives matter (default: knee)")
    add_plugins(parser, "of your problems")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="where to write (default: RESULTS/chosen)")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Print the architectures, and the files that hold them."""
    from mobench.analysis.compromise import choose
    from mobench.analysis.pooled import runs_by_problem
    from mobench.core.capabilities import Drawable
    from mobench.figures.architecture import plot_architecture
    from mobench.figures.saving import save_figure
    from mobench.files.names import slug

    weights = _weights(args.weights)
    folder = args.to or args.folders[0] / "chosen"
    found = runs_by_problem(args.folders, problems=args.problem or (), searchers=args.searcher or ())
    for label, results in found.items():
        choice = choose(results, weights=weights)
        units = {objective.name: objective.unit for objective in choice.problem.objectives}
        show(f"{label}: {choice.rule}, of {choice.candidates} candidates\n  {choice.text}")
        for name, value in choice.score.items():
            show(f"  {name}: {value:.4g} {units[name]}".rstrip() + f" (seen: {choice.seen[name]:.4g})")
        folder.mkdir(parents=True, exist_ok=True)
        files = [choice.write(folder / f"{slug(label)}.json")]
        if isinstance(choice.problem, Drawable):
            values = {name: f"{value:.4g} {units[name]}".strip() for name, value in choice.score.items()}
            drawing = plot_architecture(choice.problem.graph(choice.x), values=values, text=choice.text, title=label)
            files += save_figure(*drawing, folder / slug(label))
        show("\n".join(map(str, files)))
    return 0


def _weights(text: str) -> dict[str, float] | None:
    """``error=2,latency=1`` as a mapping; None where nothing is given."""
    pairs = [part.rpartition("=") for part in text.split(",") if part.strip()]
    if twice := [name for name, times in Counter(name.strip() for name, *_ in pairs).items() if name and times > 1]:
        raise ValueError(f"weights: {twice[0]} is given twice")
    try:
        return {name.strip(): float(value) for name, _, value in pairs} or None
    except ValueError:
        raise ValueError(f"weights: expected NAME=NUMBER with commas between, found {text!r}") from None
