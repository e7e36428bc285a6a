"""The parts of a report about all problems: what is missing, the answer, comparisons, searchers, provenance."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mobench import __version__
from mobench.contract import CONTRACTS
from mobench.page import Block, Code, Folded, Pair, Section, Text, slug
from mobench.plugins import summary as plugin_summary
from mobench.provenance import command_to_run, commit, problem_table, setups
from mobench.report_data import Report, numbers
from mobench.runs import STATES
from mobench.tables import Table

__all__ = [
    "answer_section",
    "overall_section",
    "provenance_section",
    "runs_section",
    "searchers_section",
    "state_section",
]


def state_section(report: Report, drawings: tuple[Block, ...]) -> Section:
    """What failed, runs still, is missing, or was left out: first, and nothing of it dropped."""
    scores, total = report.scores, len(report.scores)
    counts = scores["state"].value_counts()
    blocks: list[Block] = []
    if not (counts.index == "ended").all():
        text = ", ".join(f"{counts[state]} {state}" for state in STATES if state in counts)
        tone = "failure" if "failed" in counts else "warning"
        blocks.append(Text((f"{text}, of {total} runs. What follows is about the runs that ended.",), tone))
        pairs = report.summary[["problem", "searcher", *STATES]]
        incomplete = pairs[pairs["ended"] < pairs[list(STATES)].sum(axis=1)]
        blocks += _failures(report)
        blocks.append(Table("incomplete", "Runs by state, of every pair that is not complete.", incomplete))
        blocks += drawings
    else:
        blocks.append(Text((f"All {total} runs have ended.",)))
    if report.runs.not_applicable:
        rows = [(pair.problem, pair.searcher, pair.reason) for pair in report.runs.not_applicable]
        frame = pd.DataFrame(rows, columns=["problem", "searcher", "reason"])
        blocks.append(Table("not-applicable", "Pairs left out: the problem does not offer what is needed.", frame))
    return Section("State of the runs", tuple(blocks))


def _failures(report: Report) -> list[Block]:
    """Each error once, with how many runs it ended and one traceback."""
    failed = report.ends[report.ends["reason"] == "failed"]
    blocks: list[Block] = []
    if len(failed):
        keys = ["problem", "searcher", "error"]
        frame = failed.groupby(keys, sort=False).agg(runs=("seed", "size"), first_seed=("seed", "min")).reset_index()
        blocks.append(Table("failures", "Failed runs, by their error.", frame))
        for row in failed.drop_duplicates(keys).itertuples():
            title = f"Traceback of {row.searcher} on {row.problem}, seed {row.seed}"
            blocks.append(Folded(title, (Code(str(row.traceback or row.error)),)))
    return blocks


def answer_section(report: Report) -> Section:
    """Which searcher to use, on what, at which budget, and how sure that is."""
    title = "Which searcher, on what, at which budget"
    if not report.ended:
        return Section(title, (Text(("No run has ended yet, so nothing can be said.",), "warning"),))
    advice = report.advice
    table = Table(
        "advice",
        f"The searcher of best median hypervolume share, by problem and by what is spent of {report.axis}; "
        "others listed as not told apart may be as good (Mann-Whitney tests, Holm-corrected, 5 %).",
        advice.assign(peers=advice["peers"].replace("", "none: best alone")),
        formats={"spent": ",.4g", "median": ".4f", "low": ".4f", "high": ".4f"},
        titles={"spent": report.axis, "peers": "not told apart from it", "low": "95 % low", "high": "95 % high"}
        | {"worse": "worse"},
        best=tuple(i for i, spent in enumerate(advice["spent"]) if spent == advice["spent"].max()),
    )
    warned = report.difficulty[report.difficulty["warning"] != ""]
    warnings = tuple(f"{row.problem}: {row.warning}." for row in warned.itertuples())
    weak = (Text(("What weakens these answers:",), "warning", warnings),) if warnings else ()
    return Section(title, (_answer(report), *weak, table))


def _answer(report: Report) -> Text:
    """The answer in sentences: over all problems, then for each."""
    ranks, full = report.ranks.dropna(subset="mean_rank"), report.advice
    full = full[full["spent"] == full["spent"].max()]
    spent = f"{report.budget:,.4g} {report.axis}"
    lines, items = [], []
    if len(ranks) > 1:
        best, problems = ranks.iloc[0], len(full)
        lines.append(
            f"After {spent}, {best['searcher']} has the best mean rank, {best['mean_rank']:.2f} of {len(ranks)} "
            f"searchers over {problems} problem{'s' * (problems > 1)}."
        )
        mine = report.pairs[(report.pairs["better"] == best["searcher"]) | (report.pairs["worse"] == best["searcher"])]
        rivals = [s for s in ranks["searcher"][1:] if len(_of(mine, s))]
        lines += [f"{_of(mine, rivals[0])['verdict'].iloc[0]}."] if rivals else []
    for row in full.itertuples():
        few = " One run tells nothing about luck." if row.runs < 2 else ""
        peers = f"not told apart from {row.peers}" if row.peers else "better than every other" if row.worse else ""
        items.append(
            f"{row.problem}: {row.best}, {row.median:.4f} of the true front's hypervolume in the median of {row.runs} "
            f"run{'s' * (row.runs > 1)} (95 % {row.low:.4f} to {row.high:.4f}){', ' * bool(peers)}{peers}.{few}"
        )
    return Text(tuple(lines) or (f"After {spent}:",), "answer", tuple(items))


def _of(pairs: pd.DataFrame, searcher: str) -> pd.DataFrame:
    return pairs[(pairs["better"] == searcher) | (pairs["worse"] == searcher)]


def overall_section(report: Report, drawings: tuple[Block, ...]) -> Section:
    """Searchers over all problems: ranks, pairs, figures."""
    ranks = Table(
        "ranks",
        "Mean rank over the problems (1 is best), and interquartile mean of the hypervolume share over all runs with "
        "its 95 % interval.",
        report.ranks,
        formats={"mean_rank": ".2f", "iqm": ".4f", "low": ".4f", "high": ".4f"},
        titles={"iqm": "interquartile mean", "low": "95 % low", "high": "95 % high", "problems": "problems ranked on"},
    )
    pairs = Table(
        "pairs",
        "Every pair of searchers over the problems (Wilcoxon signed-rank, Holm-corrected), and what may be said of it.",
        report.pairs[["better", "worse", "verdict", *report.pairs.columns[2:-1]]],
        formats=dict.fromkeys(("improvement", "low", "high", "cliffs_delta"), ".3f")
        | dict.fromkeys(("p_value", "p_adjusted"), ".2g"),
        titles={"improvement": "probability of improvement", "low": "95 % low", "high": "95 % high"},
    )
    return Section("Over all problems", (ranks, pairs, Pair(drawings)))


def searchers_section(report: Report) -> Section:
    """A part a searcher: how it did on each problem, what it spent, and its diagnostics."""
    return Section("Searchers", (), tuple(_searcher(report, label) for label in report.runs.searchers))


def _searcher(report: Report, label: str) -> Section:
    mine = report.summary[report.summary["searcher"] == label]
    scores = report.scores[report.scores["searcher"] == label]
    spent = scores[scores["state"] == "ended"].groupby("problem", sort=False)
    costs = spent[["evaluations", "asked", "flops", "seconds", "trainings"]].median().reset_index()
    ends = report.ends[report.ends["searcher"] == label]
    took = ends.groupby("problem", sort=False).agg(
        cpu_seconds=("cpu_seconds", "median"), ended_by=("reason", lambda r: ", ".join(sorted(set(r))))
    )
    columns = ["problem", "median", "low", "high", "log10_regret", "rank", *STATES]
    frame = mine[columns].merge(costs, how="left", on="problem").merge(took.reset_index(), how="left", on="problem")
    frame["ended_by"] = frame["ended_by"].fillna("")
    table = Table(
        f"searcher-{slug(label)}",
        f"{label} on each problem: median share with its 95 % interval, rank, and the median of what a run spent.",
        frame,
        formats={"median": ".4f", "low": ".4f", "high": ".4f", "log10_regret": ".2f", "cpu_seconds": ".3g"}
        | dict.fromkeys(("evaluations", "asked", "flops", "seconds", "trainings"), ",.4g"),
        titles={"low": "95 % low", "high": "95 % high", "log10_regret": "log10 regret", "cpu_seconds": "CPU seconds"},
    )
    name = label.partition(":")[0]
    blocks: tuple[Block, ...] = (Text((f"{plugin_summary('searcher', name)}.",)), table)
    if len(records := _records(report, label)):
        what = (
            "Diagnostics that the run of median share recorded, scalars only: how often, first, last, least and most."
        )
        blocks += (Table(f"diagnostics-{slug(label)}", what, records, formats=dict.fromkeys(records.columns, ".4g")),)
    return Section(label, blocks)


def _records(report: Report, label: str) -> pd.DataFrame:
    """The numbers that the searcher's median runs recorded."""
    rows = []
    for (problem, searcher), run in report.median_runs.items():
        series: dict[str, list[float]] = {}
        for note in run.history.records if searcher == label else ():
            for key, value in numbers(note.content).items():
                series.setdefault(key, []).append(value)
        rows += [(problem, key, len(v), v[0], v[-1], min(v), max(v)) for key, v in series.items()]
    return pd.DataFrame(rows, columns=["problem", "quantity", "times", "first", "last", "least", "most"])


def runs_section(report: Report) -> Section:
    """Every run in a row."""
    times = report.ends[["problem", "searcher", "seed", "reason", "wall_seconds"]]
    frame = report.scores.merge(times, how="left", on=["problem", "searcher", "seed"])
    frame["reason"] = frame["reason"].fillna("")
    measures = [c for c in ("hypervolume", "log10_regret", "igd_plus", "epsilon", "r2") if c in frame]
    columns = [
        "problem",
        "searcher",
        "seed",
        "state",
        *measures,
        "evaluations",
        "asked",
        "flops",
        "seconds",
        "trainings",
    ]
    table = Table(
        "runs",
        "Every run: its state, the measures of what it delivered, what it spent and why it ended.",
        frame[[*columns, "wall_seconds", "reason", "error", "data", "run"]],
        formats=dict.fromkeys(measures, ".4f") | dict.fromkeys(columns[-5:], ",.4g") | {"wall_seconds": ".3g"},
        titles={"log10_regret": "log10 regret", "igd_plus": "IGD+", "r2": "R2", "reason": "ended by", "run": "folder"},
    )
    return Section("All runs", (table,))


def provenance_section(report: Report) -> Section:
    """Contract, data, machines, versions, seeds, and the commands that make everything again."""
    runs = report.runs
    seeds = list(runs.seeds)
    compact = (
        f"{seeds[0]} to {seeds[-1]}" if seeds == list(range(seeds[0], seeds[-1] + 1)) else ", ".join(map(str, seeds))
    )
    made = f"Made by mobench {__version__}" + (f", commit {found}" if (found := commit()) else "") + "."
    problems = Table(
        "problems",
        "What was searched, and the checksum of the data that answered.",
        problem_table(runs),
        formats={"architectures": ",.0f", "true_front": ",.0f"},
        titles={"true_front": "on the true front", "data": "checksum of data"},
    )
    ran = Table(
        "setups",
        "Where the runs that ended were carried out, and by which versions.",
        setups(report.ends),
        formats={"wall_hours": ".3g", "cpu_hours": ".3g"},
        titles={"setup": "host and versions", "first_started": "first started", "last_started": "last started"},
    )
    names = [f"results/{Path(source).resolve().name}" for source in runs.sources]
    commands = [command_to_run(source) for source in runs.sources]
    again = f"mobench report {' '.join(names)} --axis {report.axis}"
    text = (
        f"Contract {runs.contract}: {CONTRACTS[runs.contract]}.",
        f"Seeds {compact}. Equal seeds give equal logs, and every number here is derived from the logs. {made}",
    )
    return Section(
        "Provenance",
        (
            Text(text),
            problems,
            ran,
            Text(("To make the runs, and this report of them, again:",)),
            Code("\n".join([*commands, again])),
        ),
    )
