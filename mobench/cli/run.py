"""`mobench run`: run or resume a campaign, from a file or from the options."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mobench.cli._terminal import EXAMPLES, say, show


def add(commands: Any) -> None:
    """Add the parser of `mobench run`."""
    parser = commands.add_parser(
        "run",
        help="run or resume a campaign",
        description="Run or resume a campaign. Every run is a folder; what has ended is left alone.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "campaign",
        nargs="?",
        type=Path,
        help="a TOML file, or a results folder to go on with (default: the built-in campaign)",
    )
    parser.add_argument("--suite", action="append", metavar="NAME", help="a suite; `mobench list suites` shows all")
    parser.add_argument("-p", "--problem", action="append", metavar="NAME[:OPTION=VALUE,..]", help="repeatable")
    parser.add_argument("-s", "--searcher", action="append", metavar="NAME[:OPTION=VALUE,..]", help="repeatable")
    parser.add_argument("--plugin", action="append", metavar="FILE", help="searchers and problems of yours; repeatable")
    parser.add_argument(
        "-b", "--budget", metavar="N|CURRENCY=N,..", help="unique evaluations, or currencies (default: the file's)"
    )
    parser.add_argument("--seeds", metavar="N|N,N,..", help="how many seeds, or which (default: the file's)")
    parser.add_argument(
        "--simulated-workers", type=int, metavar="N", help="trainings of a run at a time, on a simulated clock"
    )
    parser.add_argument("--contract", help="how runs are scored: mobench-2 (default), mobench-1, evoxbench, modnas")
    parser.add_argument(
        "--name",
        help="name of the campaign and of its folder (default: the file's; where options make it another campaign, "
        "one made from what it is about)",
    )
    parser.add_argument("--results", type=Path, help="folder of campaigns (default: results)")
    parser.add_argument("-w", "--workers", type=int, help="runs at a time (default: all cores)")
    parser.add_argument("--shard", default="1/1", metavar="I/N", help="carry out the I-th of N parts, as one of N jobs")
    parser.add_argument("--engine", choices=("local", "dask"), default="local", help="where runs execute")
    parser.add_argument("--address", default="", help="scheduler of --engine dask (default: a cluster of its own here)")
    parser.add_argument(
        "--time-limit", type=float, default=0.0, metavar="SECONDS", help="a run that takes longer has failed"
    )
    parser.add_argument(
        "--memory-limit", type=float, default=0.0, metavar="GIB", help="a run whose process takes more has failed"
    )
    parser.add_argument(
        "--retry-failed", action="store_true", help="set failed and damaged runs aside and try them again"
    )
    parser.add_argument(
        "--rerun",
        action="append",
        default=[],
        metavar="SEARCHER",
        help="set its runs aside and carry them out again, those of others are kept; repeatable",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Run what has not ended; say what was left out and what failed."""
    from mobench.campaigns.failures import different, read_failure
    from mobench.campaigns.record import load_campaign
    from mobench.campaigns.shard import parse_shard, share
    from mobench.engines.engine import run_campaign

    engine, shard = _engine(args), parse_shard(args.shard)
    campaign = _campaign(args)
    folder = _is_folder(args.campaign) or (args.results or Path("results")) / campaign.name
    for pair in campaign.not_applicable:
        say(f"not applicable: {pair.searcher} on {pair.problem} ({pair.reason})")
    for remark in _remarks(campaign):
        say(remark)
    if args.retry_failed and (folder / "campaign.json").exists():
        _set_aside(folder, [spec.folder for spec in share(load_campaign(folder).specs, shard)])
    tally = run_campaign(
        campaign,
        folder,
        workers=args.workers,
        progress=not args.quiet,
        shard=shard,
        engine=engine,
        limits=_limits(args),
        rerun=args.rerun,
    )
    for line in tally.said if args.quiet else ():
        say(line)
    part = f"shard {shard}: " if shard.count > 1 else ""
    done = f"{part}{len(tally.ended)} runs ended" + (f", {tally.already} had before" if tally.already else "")
    say(f"{done}{', ' if tally.note else ''}{tally.note}")
    for failure, same in different(read_failure(folder / "runs" / s.folder, known=text) for s, text in tally.failed):
        say(f"failed: {failure.folder}: {failure.error}{f' (and {same - 1} more)' * (same > 1)}")
        for line in failure.lines:
            say(f"  {line}")
    words: dict[str, list[tuple[Any, str]]] = {"not possible on this host": tally.unfit}
    words |= {"interrupted": tally.interrupted, "damaged": _damaged(folder, share(campaign.specs, shard))}
    for label, runs in words.items():
        for spec, text in runs[:3]:
            say(f"{label}: {folder / 'runs' / spec.folder}: {' '.join(text.split())}")
    show(" ".join([f"next: mobench report {folder}", *(f"--plugin {file.path}" for file in campaign.problem_files)]))
    return 1 if tally.failed or any(words.values()) else 0


def _remarks(campaign: Any) -> list[str]:
    """What problems say of their own data."""
    from mobench.core.capabilities import Remarked
    from mobench.plugins.catalogue import make_problem

    found = []
    for name, options in campaign.problems:
        problem = make_problem(name, options, campaign.sources)
        found += [f"{name}: {remark}" for remark in problem.remarks] if isinstance(problem, Remarked) else []
    return found


def _campaign(args: argparse.Namespace) -> Any:
    """The campaign that the arguments describe: a file, a suite or the default one, with what the options override."""
    from mobench.campaigns.reading import DEFAULT, name_of, read_campaign, recorded_campaign
    from mobench.campaigns.suites import find_suite, named_for, suites

    if args.suite and (args.campaign or args.problem or len(args.suite) > 1):
        raise ValueError("--suite: it names its problems itself; give no file, no --problem and no second suite")
    file = find_suite(args.suite[0]) if args.suite else args.campaign
    if file and not file.exists():
        more = "; every problem needs its own -p, every searcher its own -s" if args.problem or args.searcher else ""
        raise ValueError(f"{file}: there is no such campaign file or results folder{more}")
    if file and file.is_dir() and not _is_folder(file):
        raise ValueError(f"{file}: a folder without a campaign.json; name one of a campaign, such as results/NAME")
    if _is_folder(args.campaign) and args.results is not None:
        raise ValueError(f"--results: {args.campaign} is the folder to go on with; leave --results out")
    changes: dict[str, Any] = {}
    if args.problem:
        changes["problems"] = args.problem
    if args.searcher:
        changes["searchers"] = args.searcher
    if args.plugin:
        changes["plugins"] = args.plugin
    if args.budget is not None:
        changes["budget"] = _amounts(args.budget)
    if args.seeds is not None:
        seeds = [_number(part, "--seeds") for part in args.seeds.split(",")]
        changes["seeds"] = seeds if len(seeds) > 1 else seeds[0]
    for key in ("contract", "name", "simulated_workers"):
        if getattr(args, key) is not None:
            changes[key] = getattr(args, key)
    if folder := _is_folder(args.campaign):
        campaign = recorded_campaign(folder, **changes)
        if named_for(campaign, suites().get(campaign.name)).name != campaign.name:
            raise ValueError(
                f"{folder}: has the name of a suite, which stays as it is; rename the folder, or add searchers"
            )
        return campaign
    if args.suite:
        return named_for(read_campaign(file, **{"name": file.stem} | changes), None if args.name else file)
    campaign = read_campaign(file or DEFAULT, **changes)
    if file and not args.name and campaign.name.endswith(f"-{name_of(campaign).rpartition('-')[2]}"):
        say(f"options make this another campaign than {file}: it is called {campaign.name}")
    if not file and not args.name and set(changes) - {"seeds", "plugins"}:
        campaign = replace(campaign, name=name_of(campaign))
    return named_for(campaign, None)


def _is_folder(path: Path | None) -> Path | None:
    """The argument, where it is a results folder."""
    return path if path is not None and (path / "campaign.json").exists() else None


def _damaged(folder: Path, specs: Sequence[Any]) -> list[tuple[Any, str]]:
    """Runs whose folders contradict themselves: nobody carries them out again unless they are set aside."""
    from mobench.campaigns.index import run_states

    states = run_states(folder, [spec.folder for spec in specs])
    text = "its log is not what its end says; --retry-failed sets it aside and carries it out again"
    return [(spec, text) for spec, state in zip(specs, states, strict=True) if state == "damaged"]


def _limits(args: argparse.Namespace) -> Any:
    from mobench.harness.limits import LONGEST_SECONDS, MOST_BYTES, Limits

    given = (
        ("--time-limit", args.time_limit, LONGEST_SECONDS),
        ("--memory-limit", args.memory_limit, MOST_BYTES / 2**30),
    )
    for option, value, most in given:
        if not 0 <= value <= most:
            raise ValueError(f"{option}: expected a number from 0 to {most:,.0f}, found {value:g}")
    return Limits(args.time_limit, int(args.memory_limit * 2**30))


def _amounts(text: str) -> Any:
    if "=" not in text:
        return _number(text, "--budget")
    pairs = [part.partition("=") for part in text.split(",")]
    return {name.strip(): _number(value, "--budget") for name, _, value in pairs}


def _number(text: str, option: str) -> int | float:
    try:
        return int(text) if text.strip().lstrip("+-").isdigit() else float(text)
    except ValueError:
        raise ValueError(f"{option}: expected a number, found {text!r}") from None


def _set_aside(folder: Path, places: list[Path]) -> None:
    """Rename the folders of failed and damaged runs, so that they are tried again and nothing is lost."""
    from mobench.campaigns.aside import set_aside
    from mobench.campaigns.index import run_states

    states = zip(places, run_states(folder, places), strict=True)
    set_aside([folder / "runs" / place for place, state in states if state in ("failed", "damaged")], "failed")


def _engine(args: argparse.Namespace) -> Any:
    from mobench.engines.local import local_processes

    if args.engine == "local":
        if args.address:
            raise ValueError("--address: belongs to --engine dask")
        return local_processes
    from mobench.engines.dask import dask_cluster

    return functools.partial(dask_cluster, address=args.address)
