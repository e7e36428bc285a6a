"""What is checked of a searcher, each check a function that raises `Failed` where it finds a fault."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mobench.core.budget import parse_budget
from mobench.core.problem import Problem
from mobench.harness.history import read_history
from mobench.harness.log import Log
from mobench.plugins.catalogue import find, make_problem
from mobench.plugins.options import check_options
from mobench.plugins.plugin import missing
from mobench.plugins.plugin_file import read_plugins
from mobench.plugins.references import parse_reference
from mobench.plugins.sources import Sources
from mobench.scoring.result import Result
from mobench.testing.channel import channel
from mobench.testing.checks import Failed, Skipped
from mobench.testing.deliveries import check_populations, check_recommended
from mobench.testing.state import global_state as state_now
from mobench.testing.state import seed_globals
from mobench.testing.subject import CONTINUOUS, Subject
from mobench.testing.toy import GradedToy
from mobench.testing.trial import difference

__all__ = ["LENIENT", "MOOT", "SEARCHER_CHECKS"]

FEW = {"evaluations": 40}
"""The budget of checks that try many problems."""
RAGGED = "bilevel_toys:name=ragged"
"""A toy with a supernet whose genes have unequal numbers of operations."""
LOADING = 20.0
"""Seconds of a fresh process for what its first run loads, beside the run itself."""
LASTING = ("the environment", "the working directory", "the recursion limit")
"""Global state that no import has a reason to change."""


def options(subject: Subject) -> None:
    """Every option has a default that its annotation allows."""
    known = subject.plugin.options.values()
    defaults = {option.name: option.default for option in known if not (option.required or option.default is None)}
    check_options(subject.plugin, {**defaults, **subject.options})


def summary(subject: Subject) -> None:
    """The file says in one line what it is."""
    if not subject.plugin.summary:
        raise Failed("no docstring: its first line is what `mobench list` shows")


def space(subject: Subject) -> None:
    """It asks for architectures of the space only, also where genes are uneven or fixed."""
    shapes = [(4, 3, 5, 2, 4), (1, 7, 2, 1, 3, 9), (2,) * 12]
    bases = [subject.problem] if subject.reference else [subject.toy(cardinalities=shape) for shape in shapes]
    for problem in bases:
        for seed in range(2):
            found = subject.run(problem, None if subject.reference else FEW, seed=seed)
            if found.run.seen.outside:
                raise Failed(found.run.seen.outside[0])


def runs(subject: Subject) -> None:
    """It comes to a good end on a problem without difficulties."""
    found = subject.plain.well()
    if not found.run.spent.asked and not found.run.spent.flops:
        raise Failed("it ended without asking anything")


def budget(subject: Subject) -> None:
    """It spends its budget to the unit where it does not end by itself, and stops when that is spent."""
    sizes: list[dict[str, float]] = [subject.budget]
    if not subject.reference:
        sizes += [{"evaluations": 1}, {"evaluations": 7}, {"evaluations": 100}, {"asked": 33}, {"seconds": 90.0}]
    for size in sizes:
        found = (subject.plain if size == subject.budget else subject.run(budget=size)).well(str(size))
        run = found.run
        if run.seen.after:
            raise Failed(f"{size}: it asked on after BudgetExhausted, {run.seen.after} times or more; let it pass")
        if run.stopped and found.reason == "finished":
            raise Failed(f"{size}: it swallowed BudgetExhausted; let it pass")
        amount = getattr(run.limit, run.stopped) if run.stopped in ("evaluations", "asked") else 0.0
        if run.stopped and getattr(run.spent, run.stopped) < amount:
            raise Failed(f"{size}: {getattr(run.spent, run.stopped):g} {run.stopped} spent of {amount:g}")


def deterministic(subject: Subject) -> None:
    """Equal seeds give equal logs, whatever ran in between, with the global random state the same."""
    first = subject.run(prepare=lambda: seed_globals(0)).well()
    if not subject.reference:
        subject.run(subject.kind(cardinalities=(3, 3, 3)), prepare=lambda: seed_globals(0))
    again = subject.run(prepare=lambda: seed_globals(0)).well()
    if text := difference(first.lines, again.lines):
        raise Failed(f"two runs with one seed: {text}; draw from run.rng only, and keep nothing between runs")


def global_randomness(subject: Subject) -> None:
    """The log does not depend on the global random states."""
    seeded = subject.run(prepare=lambda: seed_globals(1)).well()
    if text := difference(subject.plain.well().lines, seeded.lines):
        raise Failed(f"with another state of random, numpy.random or torch, {text}; draw from run.rng only")


def global_state(subject: Subject) -> None:
    """Global state is what it was: random states, warnings, environment, working directory, torch's settings."""
    changed = subject.run(prepare=lambda: seed_globals(3)).changed  # random states not as a run before left them
    changed += [name for name in LASTING if subject.before[name] != state_now()[name]]
    if changed:
        raise Failed(f"changed: {', '.join(dict.fromkeys(changed))}")


def resumes(subject: Subject) -> None:
    """Killed anywhere and started again, it writes the log of an uninterrupted run."""
    whole = subject.plain.well().lines
    cuts = sorted({int(len(whole) * share) for share in (0.15, 0.5, 0.85, 1.0)} - {0})
    for cut in cuts:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "log.jsonl"
            killed = subject.run(path=path, killed_at=cut)
            if cut < len(whole) and killed.reason != "killed":
                raise Failed(f"killed after line {cut}, it went on: something swallows BaseException")
            with path.open("ab") as log:
                log.write(b'{"X":[[0')  # the line that the kill tore
            resumed = subject.run(path=path).well(f"resumed after line {cut} of {len(whole)}")
            if text := difference(whole, resumed.lines):
                raise Failed(f"killed after line {cut} of {len(whole)} and resumed: {text}")


def tiny_spaces(subject: Subject) -> None:
    """Spaces smaller than a population or than the budget are survived."""
    for shape in [(1,), (2,), (1, 1, 1), (2, 1), (3, 2)]:
        subject.run(subject.toy(cardinalities=shape), FEW).well(f"cardinalities {shape}")


def objectives(subject: Subject) -> None:
    """Any number of objectives from 1 to 6 is survived, maximised ones included."""
    for m in range(1, 7):
        subject.run(subject.toy(m=m, maximise=m % 2 == 0), FEW).well(f"m = {m}")


def ties(subject: Subject) -> None:
    """Equal values are survived: few different ones, and all the same."""
    for levels in (3, 1):
        what = "few different values" if levels > 1 else "all values the same"
        subject.run(subject.toy(levels=levels), FEW).well(what)


def duplicates(subject: Subject) -> None:
    """Different rows that are the same network, and share an answer, are survived."""
    subject.run(subject.toy(paired=True, cardinalities=(4, 3, 2)), {"evaluations": 30}).well()


def scales(subject: Subject) -> None:
    """Objectives of any scale and sign are survived."""
    for scale, shift in [(1e9, 0.0), (1e-9, 0.0), (1.0, -1e3), (1e-3, 1e6)]:
        subject.run(subject.toy(scale=scale, shift=shift), FEW).well(f"values times {scale:g} plus {shift:g}")


def noise(subject: Subject) -> None:
    """Noisy answers, new with every draw, are survived, and follow the seed."""
    logs = [subject.run(subject.toy(noisy=True), FEW).well().lines for _ in range(2)]
    if text := difference(*logs):
        raise Failed(text)


def fidelities(subject: Subject) -> None:
    """Cheaper fidelities on offer are used rightly, or left alone."""
    subject.run(subject.toy(GradedToy), {"trainings": 60}).well()


def ledger(subject: Subject) -> None:
    """It writes nothing on the run, whose ledger and limit are the harness's."""
    if written := [text for text in subject.plain.run.seen.touched if text.startswith("writes")]:
        raise Failed(f"{written[0]}; a run's attributes are for reading")


def supernets(subject: Subject) -> None:
    """On supernets of other kinds it comes to a good end, refuses at the start, or is not applicable by its needs."""
    if not subject.learns:
        raise Skipped("it needs no supernet")
    for reference in (RAGGED, CONTINUOUS):
        problem = make_problem(*parse_reference(reference))
        if missing(subject.plugin, problem):
            continue
        found = subject.run(problem)
        if isinstance(found.error, ValueError) and not found.run.spent.flops:
            continue
        if found.error is not None:
            raise Failed(
                f"{reference}: {type(found.error).__name__}: {found.error}; where it does not fit, say so: "
                "needs = (CategoricalSupernet,) or (ContinuousSupernet,) makes it not applicable"
            )
        if found.run.seen.outside:
            raise Failed(f"{reference}: {found.run.seen.outside[0]}")


def deliveries(subject: Subject) -> None:
    """What it recommends could have been trained within its budget, and that and its population are choices."""
    problem = subject.problem if subject.reference else subject.toy()
    found = subject.run(problem, seed=1).well()
    log = Log()
    log.lines = found.lines
    history = read_history(log, d=len(problem.space.cardinalities), m=len(problem.objectives))
    check_populations(problem, history)
    check_recommended(problem, history, found.run.limit)


def hidden_truth(subject: Subject) -> None:
    """It keeps to the doors: nothing private of the run, behind which the problem's scores are."""
    if read := [text for text in subject.plain.run.seen.touched if text.startswith("reads")]:
        raise Failed(f"{read[0]}, which is private; run.evaluate is the door")


def fresh_process(subject: Subject) -> None:
    """A fresh process, whose hashes of strings differ, writes the same log."""
    if not subject.named:
        raise Skipped("given as a function; give its file to check this")
    job = {
        "files": [str(file.path) for file in subject.sources.files],
        "searcher": subject.plugin.name,
        "options": dict(subject.options),
        "problem": subject.reference,
        "seconds": subject.seconds + LOADING,
    }
    code = "from mobench.testing.searchers import elsewhere; elsewhere()"
    hashing = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(job),
        env=os.environ | {"PYTHONHASHSEED": hashing},
        capture_output=True,
        text=True,
        timeout=60 + subject.seconds + LOADING,
        check=False,
    )
    if done.returncode:
        raise Failed(done.stderr.strip().splitlines()[-1])
    if text := difference(subject.plain.well().lines, done.stdout.encode().splitlines(keepends=True)):
        raise Failed(f"{text}; is there a set, a hash or a setting that another process has in another order?")


def elsewhere() -> None:
    """The other process of `fresh_process`: read a job from standard input, write the run's log."""
    job, answer = json.load(sys.stdin), channel()
    sources = Sources(read_plugins(job["files"]))
    plugin = find("searcher", job["searcher"], sources)
    subject = Subject(plugin, job["options"], job["problem"], named=True, seconds=job["seconds"], sources=sources)
    answer.write(b"".join(subject.run().well().lines))
    answer.flush()
    os._exit(0)  # a thread that does not end keeps nobody waiting


def better_than_chance(subject: Subject) -> None:
    """On CatSum, after 100 evaluations, it reaches more hypervolume than random search in three of three seeds.

    Where it does not, two more seeds are run, and the means of all five are compared.
    """
    problem = make_problem("catsum", {})
    if lacking := missing(subject.plugin, problem):
        raise Skipped(f"CatSum does not offer {', '.join(lacking)}")
    chance = Subject(find("searcher", "random_search"), {}, "catsum", named=True, seconds=subject.seconds)
    shares = np.array([[_share(who, problem, seed) for who in (subject, chance)] for seed in range(3)])
    if (shares[:, 0] > shares[:, 1]).all():
        return
    more = [[_share(who, problem, seed) for who in (subject, chance)] for seed in (3, 4)]
    mine, floor = np.concatenate([shares, more]).mean(axis=0)
    if subject.plugin.name != "random_search" and mine <= floor:
        raise Failed(f"it reaches {mine:.3f} of CatSum's hypervolume, random search {floor:.3f}")


def _share(subject: Subject, problem: Problem, seed: int) -> float:
    found = subject.run(problem, {"evaluations": 100}, seed=seed).well()
    log = Log()
    log.lines = found.lines
    history = read_history(log, d=len(problem.space.cardinalities), m=len(problem.objectives))
    return Result(problem, history, "finished", limit=parse_budget(100, problem.training), seed=seed).hypervolume()


SEARCHER_CHECKS: dict[str, Callable[[Subject], None]] = {
    check.__name__.replace("_", " "): check
    for check in (
        *(options, summary, ledger, hidden_truth, space, runs, budget, supernets, deliveries),
        *(deterministic, global_randomness, global_state, resumes, fresh_process),
        *(tiny_spaces, objectives, ties, duplicates, scales, noise, fidelities, better_than_chance),
    )
}
"""Checks by name, in order."""

MOOT = {
    "options": ("*",),
    "ledger": ("*",),
    "hidden truth": ("*",),
    "space": ("*",),
    "runs": ("*",),
    "budget": ("resumes",),
    "deterministic": ("global randomness", "resumes", "fresh process", "noise"),
    "global randomness": ("resumes", "fresh process", "noise"),
}
"""What a failure leaves nothing to say about."""

LENIENT = ("summary", "better than chance")
"""Checks whose failure is a warning."""
