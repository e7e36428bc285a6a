"""The parts of a report about all problems: what is missing, comparisons, provenance."""

from __future__ import annotations

import pandas as pd

from mobench.analysis.analysis import Analysis
from mobench.analysis.constants import CONTRACT_FILE, constants_table, contract_document
from mobench.analysis.measures import HYPERVOLUME, MARGIN
from mobench.analysis.provenance import command_to_report, command_to_run, problem_table, setups
from mobench.campaigns.study import STATES
from mobench.core.version import __version__
from mobench.harness.checkout import commit
from mobench.report.page import Block, Code, Folded, Pair, Section, Text
from mobench.report.pairs import pairs_blocks
from mobench.report.tables import Table
from mobench.scoring.contracts import CONTRACTS

__all__ = ["FAILED_COUNT", "overall_section", "provenance_section", "state_note", "state_section"]


FAILED_COUNT = "A failed run is scored by what it had delivered when it failed, and counts like any other."


def state_note(analysis: Analysis) -> tuple[Text, ...]:
    """How many runs did not end, and how: what everything else has to be read with; nothing where all did."""
    counts = analysis.scores["state"].value_counts()
    if (counts.index == "ended").all():
        return ()
    text = ", ".join(f"{counts[state]} {state}" for state in STATES if state in counts)
    tone = "failure" if "failed" in counts else "warning"
    said = (f"{text}, of {len(analysis.scores)} runs. What follows is about the runs that ended or failed.",)
    return (Text((*said, *[FAILED_COUNT] * ("failed" in counts)), tone),)


def state_section(analysis: Analysis, drawings: tuple[Block, ...]) -> Section:
    """What failed, runs still, is missing, or was left out, pair by pair."""
    scores, total = analysis.scores, len(analysis.scores)
    blocks: list[Block] = []
    if (scores["state"] != "ended").any():
        pairs = analysis.summary[["problem", "searcher", *STATES]]
        incomplete = pairs[pairs["ended"] < pairs[list(STATES)].sum(axis=1)]
        blocks += _failures(analysis)
        damaged = scores.loc[scores["state"] == "damaged", ["problem", "searcher", "seed", "error"]]
        if len(damaged):
            blocks.append(Table("damaged", "Damaged runs: what their folders hold contradicts itself.", damaged))
        blocks.append(Table("incomplete", "Runs by state, of every pair that is not complete.", incomplete))
        blocks += drawings
    else:
        blocks.append(Text((f"All {total} runs have ended." if total > 1 else "The run has ended.",)))
    if analysis.study.not_applicable:
        rows = [(pair.problem, pair.searcher, pair.reason) for pair in analysis.study.not_applicable]
        frame = pd.DataFrame(rows, columns=["problem", "searcher", "reason"])
        blocks.append(Table("not-applicable", "Pairs left out, and why.", frame))
    return Section("State of the runs", tuple(blocks))


def _failures(analysis: Analysis) -> list[Block]:
    """Each error once, with how many runs it ended and one traceback."""
    failed = analysis.ends[analysis.ends["reason"] == "failed"]
    blocks: list[Block] = []
    if len(failed):
        keys = ["problem", "searcher", "error"]
        frame = failed.groupby(keys, sort=False).agg(runs=("seed", "size"), first_seed=("seed", "min")).reset_index()
        blocks.append(Table("failures", "Failed runs, by their error.", frame))
        for row in failed.drop_duplicates(keys).itertuples():
            title = f"Traceback of {row.searcher} on {row.problem}, seed {row.seed}"
            blocks.append(Folded(title, (Code(str(row.traceback or row.error)),)))
    return blocks


def overall_section(analysis: Analysis, drawings: tuple[Block, ...]) -> Section:
    """Searchers over all problems: ranks, pairs, figures."""
    ranks = Table(
        "ranks",
        f"Mean rank over the problems (1 is best), and interquartile mean of the {analysis.measure.label} over all "
        "runs with its interval.",
        analysis.ranks,
        formats={"mean_rank": ".2f", "confidence": ".1%"} | dict.fromkeys(("iqm", "low", "high"), ".4f"),
        titles={"iqm": "interquartile mean", "confidence": "confidence of it", "problems": "problems ranked on"},
    )
    pairs = pairs_blocks(
        "pairs",
        f"Every pair of searchers over the problems, and what may be said of it ({_tested(analysis)}, Holm-corrected "
        f"over the pairs; equal: the means differ by less than {analysis.margin:g}).",
        analysis.pairs,
    )
    difficulty = Table(
        "difficulty",
        "What each problem can tell at this budget: the floor (median share of random search), the best median, the "
        "best run, the room (which part of what the floor leaves was won), and how many searchers are at the ceiling.",
        analysis.difficulty,
        formats=dict.fromkeys(("floor", "best", "best_run"), ".4f") | {"room": ".3f"},
        titles={"best_searcher": "best searcher", "best": "its median", "best_run": "best run"},
    )
    left_out = tuple(f"{note}." for note in analysis.left_out)
    said = [Text(("Not everything can be compared:",), "warning", left_out)] if left_out else []
    if analysis.shared:
        said.append(Text(("Not all problems are different:",), "warning", tuple(f"{n}." for n in analysis.shared)))
    return Section("Over all problems", (*said, ranks, *pairs, difficulty, Pair(drawings)))


def _tested(analysis: Analysis) -> str:
    """How searchers are compared over problems."""
    if len(analysis.study.problems) < 2:
        return "exact rank sums"
    if analysis.alike:
        return "exact sign flips by seed: a seed's runs may be alike on different problems"
    return "exact rank sums of all problems"


def provenance_section(analysis: Analysis) -> Section:
    """Contract, data, machines, versions, seeds, and the commands that make everything again."""
    study = analysis.study
    seeds = list(study.seeds)
    whole = len(seeds) > 2 and seeds == list(range(seeds[0], seeds[-1] + 1))
    compact = f"{seeds[0]} to {seeds[-1]}" if whole else ", ".join(map(str, seeds))
    made = f"Made by mobench {__version__}" + (f", commit {found}" if (found := commit()) else "") + "."
    problems = Table(
        "problems",
        "What was searched, and the checksum of the data that answered.",
        problem_table(study),
        formats={"architectures": ",.0f", "true_front": ",.0f"},
        titles={"true_front": "on the true front", "data": "checksum of data"},
    )
    constants = Table(
        "constants",
        "What shares rest on, as the contract compares values: maximised objectives with their sign changed, "
        "logarithms where it says so.",
        constants_table(analysis.contracts),
        formats=dict.fromkeys(("ideal", "nadir", "volume"), ".6g"),
    )
    ran = Table(
        "setups",
        "Where the runs that ended were carried out, and by which versions.",
        setups(analysis.ends),
        formats={"wall_hours": ".3g", "cpu_hours": ".3g"},
        titles={"setup": "host and versions", "first_started": "first started", "last_started": "last started"},
    )
    options = {"contract": study.contract}
    options |= {} if analysis.measure == HYPERVOLUME else {"indicator": analysis.measure.name}
    options |= {} if analysis.margin == MARGIN else {"margin": f"{analysis.margin:g}"}
    commands = [*map(command_to_run, study.sources), command_to_report(study, analysis.axis, **options)]
    checksum = contract_document(analysis.contracts)[1]
    text = (
        f"Contract {study.contract}: {CONTRACTS[study.contract]}.",
        f"{'Seeds' if len(seeds) > 1 else 'Seed'} {compact}. Equal seeds give equal logs, and every number here is "
        f"derived from the logs. {made}",
        *(f"{source}: {stamp}." for source, stamp in analysis.stamps),
        f"The constants of the contract are in tables/{CONTRACT_FILE}, SHA-256 {checksum}.",
    )
    return Section(
        "Provenance",
        (
            Text(text),
            problems,
            constants,
            ran,
            Text(("To make the runs, and this report of them, again:",)),
            Code("\n".join(commands)),
            Text(("For a paper, mobench plot draws any of these figures: PDF, fonts embedded, as wide as a column.",)),
        ),
    )
