"""`mobench report`: tables and figures of a campaign, remade from its logs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

AXES = ("evaluations", "asked", "flops", "seconds", "trainings")


def add(commands: Any) -> None:
    """Add the parser of `mobench report`."""
    parser = commands.add_parser("report", help="tables and figures of a campaign, from its logs")
    parser.add_argument("folder", type=Path, help="the campaign's folder, results/NAME")
    parser.add_argument("--axis", choices=AXES, default="", help="currency of the anytime figures (default: budget's)")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Write the report and print its text."""
    from mobench.report import write_report

    page, text = write_report(args.folder, axis=args.axis, progress=True)
    print(f"{text}\n\nreport: {page}")
    return 0
