"""`mobench verify`: whether the runs of a campaign are what they say."""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mobench.cli._terminal import add_plugins, say, show
from mobench.harness.limits import LONGEST_SECONDS

_EXAMPLES = """examples:
  mobench verify results/default                 every answer again, and ten runs carried out again
  mobench verify results/theirs --sample 100     more of them
  mobench verify results/mine --slow             answers that are trainings, too: as long as the runs took
"""

SHOWN = 20
"""Lines of one kind that are printed."""


def add(commands: Any) -> None:
    """Add the parser of `mobench verify`."""
    parser = commands.add_parser(
        "verify",
        help="whether a campaign's runs are what they say",
        description=(
            "Compare every run with its specification, its end, its budget and its data, ask for its answers again, "
            "and carry out a random sample of runs again. Exit code 1 where something disagrees; reports tell it."
        ),
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="results/NAME")
    parser.add_argument("--sample", type=int, default=10, metavar="N", help="runs to carry out again (default: 10)")
    parser.add_argument(
        "--time-limit", type=float, default=600.0, metavar="SECONDS", help="of a run carried out again (default: 600)"
    )
    parser.add_argument("--slow", action="store_true", help="answers that are trainings, too")
    parser.add_argument("-w", "--workers", type=int, help="runs at a time (default: all cores)")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress")
    add_plugins(parser, "of your searchers and problems")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Check every run, carry some out again, say what disagrees, and leave a stamp."""
    from mobench.analysis.verification import check_run, write_stamp
    from mobench.campaigns.study import read_study
    from mobench.core.progress import Progress

    if not 0 <= args.time_limit <= LONGEST_SECONDS:
        raise ValueError(f"--time-limit: expected seconds from 0 to {LONGEST_SECONDS:,}, found {args.time_limit:g}")
    if args.sample < 0:
        raise ValueError(f"--sample: expected a number of runs from 0, found {args.sample}")
    if not (args.folder / "campaign.json").exists():
        raise ValueError(f"{args.folder}: no campaign here; give results/NAME")
    study = read_study([args.folder])
    faults, left_out, answers, sound = [], Counter[str](), 0, []
    with Progress(len(study.runs), show=not args.quiet) as bar:
        for spec, folder in study.runs:
            if not folder.exists():
                left_out["it is missing"] += 1
            else:
                found = check_run(spec, folder, slow=args.slow)
                answers += found.answers
                faults += [found.fault] if found.fault else []
                sound += [(spec, folder)] if not found.fault and (folder / "end.json").exists() else []
                if found.left_out:
                    left_out[found.left_out] += 1
            bar.advance(f"{len(faults)} disagree" if faults else "")
    faults += _unplanned(args.folder, study.runs)
    replayed = _again(args, sound, faults, left_out)
    skipped = [f"{n} runs: {reason}" for reason, n in left_out.items()]
    looked_at = len(study.runs) - left_out["it is missing"]
    said = {"runs": looked_at, "answers": answers, "replayed": replayed, "faults": faults, "left_out": skipped}
    write_stamp(args.folder, study.runs, said)
    for line in faults[:SHOWN]:
        show(f"disagrees: {line}")
    for line in skipped:
        say(f"not verified: {line}")
    show(
        f"{args.folder}: {looked_at:,} runs, {answers:,} answers asked for again, {replayed:,} runs carried out again; "
        + (f"{len(faults):,} disagree" if faults else "nothing disagrees")
    )
    return 1 if faults else 0


def _unplanned(folder: Path, runs: Sequence[tuple[Any, Path]]) -> list[str]:
    """A line on folders of runs that the record does not name: who cuts a record may hide what it held."""
    from mobench.campaigns.aside import is_aside

    home, planned = folder / "runs", {place for _, place in runs}
    found = [path.parent for path in sorted(home.glob("*/*/*/spec.json")) if path.parent not in planned]
    strange = [str(path.relative_to(home)) for path in found if not is_aside(path)]
    more = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
    return [f"{folder}: holds {strange[0]}{more}, of which its record knows nothing"] if strange else []


def _again(args: argparse.Namespace, sound: list[Any], faults: list[str], left_out: Counter[str]) -> int:
    """Carry out a sample that nobody can foresee again; return how many runs it was."""
    from mobench.analysis.verification import runs_differ
    from mobench.core.capabilities import Slow
    from mobench.engines.engine import run_specs
    from mobench.harness.identity import files_at_hand
    from mobench.harness.limits import Limits
    from mobench.plugins.catalogue import make_problem
    from mobench.plugins.sources import in_use

    able = []
    for spec, folder in sound:
        slow = isinstance(make_problem(spec.problem, spec.problem_options), Slow)
        if in_use().code("searcher", spec.searcher) != spec.searcher_code:
            reason = f"{spec.searcher_label} is not at hand, and not carried out again; name it with --plugin"
            left_out[reason] += 1
        elif not files_at_hand(spec, in_use()):
            left_out[f"the file of {spec.searcher_label} is not here, or another; not carried out again"] += 1
        elif args.slow or not slow:
            able.append((spec, folder))
    chosen = random.SystemRandom().sample(able, min(args.sample, len(able)))
    with tempfile.TemporaryDirectory() as scratch:
        again = Path(scratch)
        try:
            run_specs(
                [spec for spec, _ in chosen],
                again,
                workers=args.workers,
                progress=not args.quiet,
                limits=Limits(args.time_limit),
            )
        except OSError as error:
            say(f"not all could be carried out again: {error}")
        for spec, folder in chosen:
            problem = make_problem(spec.problem, spec.problem_options)
            if fault := runs_differ(folder, again / spec.folder, problem):
                faults.append(fault)
    return len(chosen)
