"""`mobench check`: the conformance kit, on a searcher or a problem."""

from __future__ import annotations

import argparse
from typing import Any

from mobench.cli._terminal import add_plugins, show

EXAMPLES = """examples:
  mobench check climber.py                  a file of yours
  mobench check nsga2:population=20         a searcher by name, with an option
  mobench check climber --plugin climber.py --expect "objectives=two by definition"
"""


def add(commands: Any) -> None:
    """Add the parser of `mobench check`."""
    parser = commands.add_parser(
        "check",
        help="whether a searcher or a problem keeps the rules",
        description="Check a searcher or a problem. Exit code 1 where a check fails; a warning is worth a look.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME|FILE", help="NAME[:OPTION=VALUE,..] or FILE.py[:OPTION=VALUE,..]")
    add_plugins(parser)
    parser.add_argument("--problem", default="", metavar="NAME", help="what the searcher is checked on mostly")
    parser.add_argument("--expect", action="append", default=[], metavar="CHECK=REASON", help="known to fail; strict")
    parser.add_argument("--seconds", type=float, default=60.0, help="computing time for one run (default: 60)")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Print a table of checks for each kind that the name stands for."""
    from mobench.core.messages import nearest
    from mobench.plugins.catalogue import plugins
    from mobench.plugins.plugin import KINDS
    from mobench.plugins.references import parse_reference
    from mobench.plugins.sources import use_plugins
    from mobench.testing import check_problem, check_searcher, table

    target, among = args.name, KINDS
    if (path := target.partition(":")[0]).endswith(".py"):
        (file,) = use_plugins([path])
        if file.fault:
            raise ValueError(f"plugin {file.path}: {file.fault}")
        target, among = file.name + target[len(path) :], file.kinds
    name = parse_reference(target)[0]
    kinds = [kind for kind in among if name in plugins(kind)]
    if not kinds:
        known = [other for kind in KINDS for other in plugins(kind)]
        raise ValueError(
            f"unknown {name!r}{nearest(name, known)}; give a searcher, a problem or the path of a .py file"
        )
    expected = dict(_expectation(text) for text in args.expect)
    results = []
    for kind in kinds:
        if kind == "searcher":
            found = check_searcher(target, problem=args.problem, expected=expected, seconds=args.seconds)
        else:
            found = check_problem(target, expected=expected)
        show(f"{kind} {target}\n{table(found)}")
        results += found
    counts = {status: sum(result.status == status for result in results) for status in ("failed", "warning", "passed")}
    show(", ".join(f"{count} {status}" for status, count in counts.items() if count))
    return 1 if counts["failed"] else 0


def _expectation(text: str) -> tuple[str, str]:
    name, equals, reason = text.partition("=")
    if not equals or not reason.strip():
        raise ValueError(f"--expect: expected CHECK=REASON, found {text!r}")
    return name.strip(), reason.strip()
