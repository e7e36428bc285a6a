"""The command line: run, status, report, list, data."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["main"]

EXAMPLES = """examples:
  mobench run                                       the default campaign: no download, about a minute
  mobench run my-campaign.toml --workers 8          a campaign of your own
  mobench run -p nasbench_graph:dataset=cora -s nsga2:population=50 -s random_search -b 500 --seeds 10 --name try
  mobench run -p catsum -s nsga2 -b trainings=100   budgets: evaluations, trainings, flops, seconds, asked
  mobench status results/default                    how far it has come
  mobench report results/default                    tables and figures from the logs, at any time
  mobench list nsga2                                what a searcher or problem is, and its options
  mobench data add nasbench201 --from ~/Downloads   import official files once
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code: 0 well, 1 some runs failed, 2 a mistake, 130 interrupted."""
    parser = _parser()
    args = parser.parse_args(arguments)
    if not getattr(args, "command", None):
        parser.print_help()
        return 0
    try:
        return int(args.command(args))
    except KeyboardInterrupt:
        _say("interrupted; the same command goes on where it stopped")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, TypeError, OSError, ImportError) as error:
        if os.environ.get("MOBENCH_DEBUG"):
            raise
        _say("error: " + " ".join(str(error).split()))
        return 2


def _say(line: str) -> None:
    sys.stderr.write(f"mobench: {line}\n")


def _parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="mobench",
        description="Multi-objective neural architecture search, measured honestly.",
        epilog=EXAMPLES,
        formatter_class=form,
    )
    parser.add_argument("--version", action="version", version=f"mobench {_version()}")
    commands = parser.add_subparsers(metavar="{run,status,report,list,data}")
    _add_run(commands, form)
    status = commands.add_parser("status", help="how far campaigns have come")
    status.add_argument("folder", nargs="*", type=Path, help="campaign folders (default: all under results/)")
    status.set_defaults(command=_status)
    report = commands.add_parser("report", help="tables and figures of a campaign, from its logs")
    report.add_argument("folder", type=Path, help="the campaign's folder, results/NAME")
    axes = ("evaluations", "asked", "flops", "seconds", "trainings")
    report.add_argument("--axis", choices=axes, default="", help="currency of the anytime figures (default: budget's)")
    report.set_defaults(command=_report)
    listing = commands.add_parser("list", help="searchers and problems at hand; with a NAME, its options")
    listing.add_argument("name", nargs="?", help="a searcher or a problem")
    listing.set_defaults(command=_list)
    _add_data(commands)
    return parser


def _add_run(commands: Any, form: Any) -> None:
    run = commands.add_parser(
        "run",
        help="run or resume a campaign",
        description="Run or resume a campaign. Every run is a folder; what has ended is left alone.",
        epilog=EXAMPLES,
        formatter_class=form,
    )
    run.add_argument("campaign", nargs="?", type=Path, help="a TOML file (default: the built-in campaign)")
    run.add_argument("-p", "--problem", action="append", metavar="NAME[:OPTION=VALUE,..]", help="repeatable")
    run.add_argument("-s", "--searcher", action="append", metavar="NAME[:OPTION=VALUE,..]", help="repeatable")
    run.add_argument("-b", "--budget", metavar="N|CURRENCY=N,..", help="unique evaluations, or currencies")
    run.add_argument("--seeds", metavar="N|N,N,..", help="how many seeds, or which")
    run.add_argument("--contract", help="how runs are scored: mobench-1, evoxbench, modnas")
    run.add_argument("--name", help="name of the campaign and of its folder")
    run.add_argument("--results", type=Path, default=Path("results"), help="folder of campaigns (default: results)")
    run.add_argument("-w", "--workers", type=int, help="runs at a time (default: all cores)")
    run.add_argument("--retry-failed", action="store_true", help="set failed runs aside and try them again")
    run.add_argument("-q", "--quiet", action="store_true", help="no progress")
    run.set_defaults(command=_run)


def _add_data(commands: Any) -> None:
    data = commands.add_parser("data", help="import official benchmark files once; see what is there")
    actions = data.add_subparsers(metavar="{list,add}", required=True)
    actions.add_parser("list", help="what is imported and what is missing").set_defaults(command=_data_list)
    add = actions.add_parser("add", help="import official files")
    add.add_argument("name", help="a problem, nasbench201 for example")
    add.add_argument("--from", dest="path", type=Path, required=True, help="a file or a folder to look through")
    add.set_defaults(command=_data_add)


def _version() -> str:
    from mobench import __version__

    return __version__


def _run(args: argparse.Namespace) -> int:
    from mobench.engine import run_campaign

    campaign = _campaign(args)
    folder = args.results / campaign.name
    for pair in campaign.not_applicable:
        _say(f"not applicable: {pair.searcher} on {pair.problem} ({pair.reason})")
    if args.retry_failed:
        _set_aside(campaign, folder)
    tally = run_campaign(campaign, folder, workers=args.workers, progress=not args.quiet)
    done = f"{len(tally.ended)} runs ended" + (f", {tally.already} had before" if tally.already else "")
    _say(f"{done}{', ' if tally.note else ''}{tally.note}")
    for label, runs in (("failed", tally.failed), ("interrupted", tally.interrupted)):
        for spec, text in runs[:3]:
            _say(f"{label}: {folder / 'runs' / spec.folder}: {' '.join(text.split())}")
    print(f"next: mobench report {folder}")
    return 1 if tally.failed or tally.interrupted else 0


def _campaign(args: argparse.Namespace) -> Any:
    """The campaign that the arguments describe: a file or the default one, with what the options override."""
    from mobench.campaign import DEFAULT, read_campaign

    changes: dict[str, Any] = {}
    if args.problem:
        changes["problems"] = args.problem
    if args.searcher:
        changes["searchers"] = args.searcher
    if args.budget:
        changes["budget"] = _amounts(args.budget)
    if args.seeds:
        seeds = [_number(part) for part in args.seeds.split(",")]
        changes["seeds"] = seeds if len(seeds) > 1 else seeds[0]
    for key in ("contract", "name"):
        if getattr(args, key):
            changes[key] = getattr(args, key)
    if not args.campaign and set(changes) - {"seeds"}:
        changes.setdefault("name", "adhoc")
    return read_campaign(args.campaign or DEFAULT, **changes)


def _amounts(text: str) -> Any:
    if "=" not in text:
        return _number(text)
    pairs = [part.partition("=") for part in text.split(",")]
    return {name.strip(): _number(value) for name, _, value in pairs}


def _number(text: str) -> int | float:
    try:
        return int(text) if text.strip().lstrip("+-").isdigit() else float(text)
    except ValueError:
        raise ValueError(f"command line: expected a number, found {text!r}") from None


def _set_aside(campaign: Any, folder: Path) -> None:
    """Rename the folders of failed runs, so that they are tried again and nothing is lost."""
    from mobench.compare import run_state

    for spec in campaign.specs:
        run = folder / "runs" / spec.folder
        if run_state(run) == "failed":
            attempt = next(n for n in range(1, 10_000) if not run.with_name(f"{run.name}.failed-{n}").exists())
            run.rename(run.with_name(f"{run.name}.failed-{attempt}"))


def _status(args: argparse.Namespace) -> int:
    from mobench.campaign import load_campaign
    from mobench.compare import STATES, run_state

    folders = args.folder or sorted(path.parent for path in Path("results").glob("*/campaign.json"))
    if not folders:
        print("no campaigns under results/; `mobench run` makes one")
    for folder in folders:
        campaign = load_campaign(folder)
        counts: dict[tuple[str, str], dict[str, int]] = {}
        for spec in campaign.specs:
            pair = counts.setdefault((spec.problem_label, spec.searcher_label), dict.fromkeys(STATES, 0))
            pair[run_state(folder / "runs" / spec.folder)] += 1
        total = {state: sum(pair[state] for pair in counts.values()) for state in STATES}
        print(f"{folder}: " + ", ".join(f"{n} {state}" for state, n in total.items() if n))
        width = max(len(f"{problem}  {searcher}") for problem, searcher in counts)
        for (problem, searcher), pair in counts.items():
            text = ", ".join(f"{n} {state}" for state, n in pair.items() if n)
            print(f"  {f'{problem}  {searcher}':<{width}}  {text}")
    return 0


def _report(args: argparse.Namespace) -> int:
    from mobench.report import write_report

    page, text = write_report(args.folder, axis=args.axis, progress=True)
    print(f"{text}\n\nreport: {page}")
    return 0


def _list(args: argparse.Namespace) -> int:
    from mobench.plugins import find, option_lines, plugins, summary

    if args.name:
        kinds = [kind for kind in ("searcher", "problem") if args.name in plugins(kind)]
        plugin = find(kinds[0] if kinds else "searcher", args.name)
        needs = f"\nneeds: {', '.join(need.__name__ for need in plugin.needs)}" if plugin.needs else ""
        print(f"{plugin.name} ({plugin.kind}): {plugin.summary}{needs}\noptions:")
        print("\n".join(f"  {line}" for line in option_lines(plugin)) or "  none")
        return 0
    for kind in ("searcher", "problem"):
        print(f"{kind}s")
        for name in plugins(kind):
            try:
                print(f"  {name:<24} {summary(kind, name)}")
            except ValueError as error:
                print(f"  {name:<24} BROKEN: {error}")
    return 0


def _data_list(args: argparse.Namespace) -> int:
    from mobench.plugins import plugins, with_data

    for name in plugins("problem"):
        module = with_data(name)
        if module is not None:
            print(name)
            print("\n".join(f"  {line}" for line in module.describe_data()))
    return 0


def _data_add(args: argparse.Namespace) -> int:
    from mobench.plugins import find, with_data

    module = with_data(find("problem", args.name).name)
    if module is None:
        raise ValueError(f"problem {args.name!r} imports no files; `mobench data list` shows which do")
    print("\n".join(module.add_data(args.path)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
