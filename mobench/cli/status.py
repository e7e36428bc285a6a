"""`mobench status`: how far campaigns have come, who is at work, what was interrupted and what failed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mobench.cli._terminal import show

_EXAMPLES = """examples:
  mobench status                    every campaign under results/
  mobench status results/default    one of them; from any host that sees the folder, at any time

states of runs:
  ended         in good order
  failed        its cause is below; mobench run --retry-failed tries it again
  damaged       its files contradict each other; --retry-failed carries it out again
  running       a process holds the lock of its log
  interrupted   begun, and nobody is at it: mobench run goes on where its log ends
  waiting       not begun
"""

SHOWN = 10
"""Runs that have begun, each in a line."""


def add(commands: Any) -> None:
    """Add the parser of `mobench status`."""
    parser = commands.add_parser(
        "status",
        help="how far campaigns have come, and what failed",
        description="How far campaigns have come: states of runs, shares of budgets, time left, causes of failures.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", nargs="*", type=Path, help="campaign folders (default: all under results/)")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Print of each campaign how far it has come, its pairs, what is at work or interrupted, and what failed."""
    from mobench.campaigns.look import look
    from mobench.campaigns.record import load_campaign
    from mobench.campaigns.study import nothing_applies

    folders = args.folder or sorted(path.parent for path in Path("results").glob("*/campaign.json"))
    if not folders:
        show("no campaigns under results/; `mobench run` makes one")
    for folder in folders:
        campaign = load_campaign(folder)
        if not campaign.specs:
            show(f"{folder}: no runs, {nothing_applies(campaign.not_applicable)}")
            continue
        show("\n".join([*_lines(folder, look(campaign, folder))]))
    return 0


def _lines(folder: Path, found: Any) -> list[str]:
    """What is printed of a look at a campaign."""
    from mobench.campaigns.failures import different
    from mobench.campaigns.look import STATES
    from mobench.core.messages import duration

    total = found.total
    lines = [f"{folder}: {_counted(total, STATES)}"]
    if total["running"]:
        left = f", about {duration(found.left)} left" if found.left is not None else ""
        lines[0] += f"; {found.share:.0%} done{left}"
    width = max(len("  ".join(pair)) for pair in found.counts)
    lines += [f"  {'  '.join(pair):<{width}}  {_counted(counts, STATES)}" for pair, counts in found.counts.items()]
    for state in ("running", "interrupted"):
        begun = [run for run in found.begun if run.state == state]
        for run in begun[:SHOWN]:
            share = "" if run.share is None else f"  {run.share:.0%} of its budget"
            lines.append(f"  {state}: {run.spec.problem_label}  {run.spec.searcher_label}  seed {run.spec.seed}{share}")
        lines += [f"  {state}: {len(begun) - SHOWN} more"] * (len(begun) > SHOWN)
    if total["interrupted"]:
        lines.append("  the command that began interrupted runs goes on where their logs end")
    for failure, runs in different(found.failures):
        lines.append(f"  failed: {failure.folder}: {failure.error}{f' (and {runs - 1} more)' * (runs > 1)}")
        lines += [f"    {line}" for line in failure.lines]
    return lines


def _counted(counts: Any, states: tuple[str, ...]) -> str:
    return ", ".join(f"{counts[state]} {state}" for state in states if counts[state])
