"""`mobench status`: how far campaigns have come."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mobench.cli._terminal import show


def add(commands: Any) -> None:
    """Add the parser of `mobench status`."""
    parser = commands.add_parser("status", help="how far campaigns have come")
    parser.add_argument("folder", nargs="*", type=Path, help="campaign folders (default: all under results/)")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Print a line a campaign and a line a pair."""
    from mobench.campaigns.index import run_states
    from mobench.campaigns.record import load_campaign
    from mobench.campaigns.study import STATES, nothing_applies

    folders = args.folder or sorted(path.parent for path in Path("results").glob("*/campaign.json"))
    if not folders:
        show("no campaigns under results/; `mobench run` makes one")
    for folder in folders:
        campaign = load_campaign(folder)
        if not campaign.specs:
            show(f"{folder}: no runs, {nothing_applies(campaign.not_applicable)}")
            continue
        counts: dict[tuple[str, str], dict[str, int]] = {}
        states = run_states(folder, (spec.folder for spec in campaign.specs))
        for spec, state in zip(campaign.specs, states, strict=True):
            pair = counts.setdefault((spec.problem_label, spec.searcher_label), dict.fromkeys(STATES, 0))
            pair[state] += 1
        total = {state: sum(pair[state] for pair in counts.values()) for state in STATES}
        show(f"{folder}: " + ", ".join(f"{n} {state}" for state, n in total.items() if n))
        width = max(len(f"{problem}  {searcher}") for problem, searcher in counts)
        for (problem, searcher), pair in counts.items():
            text = ", ".join(f"{n} {state}" for state, n in pair.items() if n)
            show(f"  {f'{problem}  {searcher}':<{width}}  {text}")
    return 0
