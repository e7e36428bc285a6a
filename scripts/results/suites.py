"""The suite campaign: leaderboards, what other measures would have said, and CPU seconds beside every quality.

python scripts/results/published.py suites run --workers 2   # the runs: resumable
python scripts/results/suites.py collect                     # runs.csv.gz, from the logs
python scripts/results/suites.py tables                      # leaderboard.csv, sensitivity.csv, from runs.csv.gz
python scripts/results/twins.py                              # false_claims.csv, from runs of its own
python scripts/results/suites_figures.py                     # the figures and the tables of the page
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import published
from scipy.stats import kendalltau

import mobench
from mobench.analysis.families import cliques
from mobench.analysis.measures import MEASURES
from mobench.analysis.provenance import ends, streams_alike
from mobench.analysis.significance import pairwise
from mobench.analysis.statistics import Matrices, comparable, interquartile_means, matrices, medians, rank_table
from mobench.campaigns.study import OVER, read_study, run_state
from mobench.campaigns.suites import find_suite
from mobench.plugins.references import describe

NAME = "suites"
AMOUNTS = (50, 200, 500)
FLOOR = "random_search"
MODELS = "models"
TWICE = (FLOOR, "nsga2")
"""They are in the models' campaign too; tables take them from the one with more seeds."""
LEAST = 5
"""Seeds from which a searcher is in tables: as many as a claim of equality takes."""
OTHERS = ("igd_plus", "epsilon")
SUITES = ("tiny", "cells", "llm", "imagenet", "mlp", "many", "transfer")
MOTIFS = ("motif", "motif_chain", "motif_transformer")
ALL = "all"


@functools.cache
def groups() -> dict[str, list[str]]:
    """The problems of each suite, of the three Motif spaces, and all."""
    found = {name: [describe(*given) for given in mobench.read_campaign(find_suite(name)).problems] for name in SUITES}
    found["motifs"] = list(MOTIFS)
    every = dict.fromkeys(problem for problems in found.values() for problem in problems)
    return found | {ALL: list(every)}


@functools.cache
def searchers() -> list[str]:
    """All searchers in the campaigns' order."""
    plans = published.campaigns(NAME).values()
    return list(dict.fromkeys(describe(*given) for campaign in plans for given in campaign.searchers))


@functools.cache
def budgets() -> dict[str, float]:
    """Campaign to the evaluations of a whole run."""
    return {stem: campaign.budget["evaluations"] for stem, campaign in published.campaigns(NAME).items()}


def scores(record: pd.DataFrame, amount: int, problems: Sequence[str]) -> pd.DataFrame:
    """The runs that tables are made of at an amount, those of `TWICE` once; searchers in the campaigns' order."""
    again = (record["campaign"] == MODELS) & record["searcher"].isin(TWICE)
    part = record[(record["amount"] == amount) & record["problem"].isin(list(problems)) & ~again]
    place = part["searcher"].map(searchers().index)
    return part.assign(place=place).sort_values(["place", "problem", "seed"], kind="stable", ignore_index=True)


def balanced(record: pd.DataFrame) -> pd.DataFrame:
    """The record without seeds that a searcher has not yet carried out on all problems of its campaign.

    A searcher with fewer than `LEAST` such seeds is left out at all: ranks of few runs would move those of others.
    """
    problems = {stem: len(campaign.problems) for stem, campaign in published.campaigns(NAME).items()}
    done = record.groupby(["campaign", "searcher", "seed"])["problem"].transform("nunique")
    whole = record[done == record["campaign"].map(problems)]
    return whole[whole.groupby(["campaign", "searcher"])["seed"].transform("nunique") >= LEAST]


def collect() -> None:
    """Write the record of all runs; ValueError where their streams would make runs of a seed alike."""
    record = published.collect(NAME, AMOUNTS)
    for stem in published.campaigns(NAME):
        if not published.folder(NAME, stem).exists():
            continue
        study = read_study([published.folder(NAME, stem)])
        over = [(spec, at) for spec, at in study.runs if run_state(at) in OVER]
        if over and streams_alike(ends(over)):
            raise ValueError(
                f"{stem}: runs of a seed may be alike on different problems; tests take them as independent"
            )
        failed = sum(run_state(at) == "failed" for _, at in over)
        print(f"{stem}: {len(over):,} of {len(study.runs):,} runs are over, {failed} failed")
    print(f"{len(record):,} rows")


def leaders(record: pd.DataFrame, suite: str, amount: int) -> pd.DataFrame:
    """A row a searcher of a suite at an amount, best mean rank first.

    Returns
    -------
    pandas.DataFrame
        Suite, amount, searcher, problems, seeds, mean_rank; iqm (interquartile mean) with low and high; median (mean
        over problems of median shares); difference (mean share less random search's, with its 99 % interval) and
        verdict on the two; standing (``best`` of mean ranks, ``equal`` to it within 0.01, ``open``: not shown to be
        worse, ``worse``, or ``ahead``: better by the tests, though not by ranks); cliques (numbers of the bars that
        join those not told apart); cpu_ms (CPU milliseconds an evaluation: the mean of whole runs of its campaign).
    """
    runs = scores(record, amount, groups()[suite])
    found, _ = comparable(matrices(runs))
    ranks = rank_table(found).mean().sort_values(kind="stable")
    pairs = pairwise(found, alike=False)
    apart = pairs[pairs["verdict"] == "better"]
    distinct = {frozenset(pair) for pair in zip(apart["better"], apart["worse"], strict=True)}
    bars = cliques(list(ranks.index), distinct)
    iqm = interquartile_means(found).set_index("searcher")
    middle = medians(found).groupby("searcher", sort=False)["median"].mean()
    shown = {(row.better, row.worse): row for row in pairs.itertuples()}
    rows = []
    for searcher, rank in ranks.items():
        mine = runs[runs["searcher"] == searcher]
        row: dict[str, Any] = {"suite": suite, "amount": amount, "searcher": searcher}
        row |= {"problems": len(next(iter(found.values())).columns), "seeds": mine["seed"].nunique(), "mean_rank": rank}
        row |= {key: iqm.loc[searcher, key] for key in ("iqm", "low", "high")} | {"median": middle[searcher]}
        row |= _beside(shown, str(searcher), FLOOR)
        row["standing"] = _standing(shown, str(ranks.index[0]), str(searcher))
        row["cliques"] = " ".join(str(i) for i, bar in enumerate(bars, 1) if searcher in bar)
        row["cpu_ms"] = 1000 * (mine["cpu_seconds"] / mine["campaign"].map(budgets())).mean()
        rows.append(row)
    return pd.DataFrame(rows)


def _beside(shown: Mapping[tuple[str, str], Any], searcher: str, other: str) -> dict[str, Any]:
    """The difference from another searcher, with its interval, and the verdict from this one's side."""
    if (pair := shown.get((searcher, other))) is not None:
        ends_ = (pair.difference, pair.difference_low, pair.difference_high)
        word = pair.verdict
    elif (pair := shown.get((other, searcher))) is not None:
        ends_ = (-pair.difference, -pair.difference_high, -pair.difference_low)
        word = "worse" if pair.verdict == "better" else pair.verdict
    else:
        return {"verdict": ""}
    return dict(zip(("difference", "difference_low", "difference_high"), ends_, strict=True)) | {"verdict": word}


def _standing(shown: Mapping[tuple[str, str], Any], best: str, searcher: str) -> str:
    """How a searcher stands to the one of best mean rank."""
    if searcher == best:
        return "best"
    word = _beside(shown, best, searcher)["verdict"]
    return {"better": "worse", "equal": "equal", "worse": "ahead"}.get(word, "open")


def leaderboard(record: pd.DataFrame) -> pd.DataFrame:
    """`leaders` of every suite at every amount; of all problems with the mean of the suites' mean ranks, too."""
    tables = {(suite, amount): leaders(record, suite, amount) for suite in groups() for amount in AMOUNTS}
    for amount in AMOUNTS:
        each = pd.concat([tables[suite, amount] for suite in groups() if suite != ALL])
        means = each.groupby("searcher")["mean_rank"].mean()
        tables[ALL, amount]["suite_rank"] = tables[ALL, amount]["searcher"].map(means)
    return rounded(pd.concat(tables.values()))


def sensitivity(record: pd.DataFrame) -> pd.DataFrame:
    """What IGD+ and epsilon would have said instead of the hypervolume, a row a suite, amount and measure.

    Returns
    -------
    pandas.DataFrame
        Suite, amount, measure; problems (whose true front is known); tau (Kendall's, of mean ranks, with those by the
        hypervolume on the same problems); best by either and the searchers not shown to be worse than it; of all pairs
        told apart by the hypervolume how many are so by the measure (kept), how many not (lost) and how many the other
        way round (reversed), and how many are told apart by the measure alone (gained).
    """
    rows = []
    for (suite, problems), amount in ((group, amount) for group in groups().items() for amount in AMOUNTS):
        runs = scores(record, amount, problems)
        known = [problem for problem, group in runs.groupby("problem") if group[OTHERS[0]].notna().all()]
        if known:
            runs = runs[runs["problem"].isin(known)]
            rows += list(_beside_hypervolume(runs, {"suite": suite, "amount": amount, "problems": len(known)}))
    return rounded(pd.DataFrame(rows))


def _beside_hypervolume(runs: pd.DataFrame, head: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    ranks, apart, top = _order(matrices(runs))
    for name in OTHERS:
        other, theirs, others_top = _order(matrices(runs, MEASURES[name]))
        tau = kendalltau(ranks, other.reindex(ranks.index)).statistic
        row = {**head, "measure": name, "tau": tau, "best_hypervolume": top[0], "best": others_top[0]}
        row |= {"peers_hypervolume": ", ".join(top[1:]), "peers": ", ".join(others_top[1:])}
        turned = {(worse, better) for better, worse in theirs}
        row |= {"kept": len(apart & theirs), "lost": len(apart - theirs - turned)}
        yield row | {"reversed": len(apart & turned), "gained": len(theirs - apart - {(w, b) for b, w in apart})}


def _order(found: Matrices) -> tuple[pd.Series[float], set[tuple[str, str]], list[str]]:
    """Mean ranks, the pairs that are told apart, and the best with those not shown to be worse."""
    ranks = rank_table(found).mean().sort_values(kind="stable")
    pairs = pairwise(found, alike=False)
    better = pairs[pairs["verdict"] == "better"]
    apart = set(zip(better["better"], better["worse"], strict=True))
    top = [str(name) for name in ranks.index if (ranks.index[0], name) not in apart]
    return ranks, apart, top


def rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers to five digits: what tables are compared by."""
    floats = table.select_dtypes("float").columns
    return table.assign(**{name: table[name].map(lambda value: float(f"{value:.5g}")) for name in floats})


def tables() -> None:
    """Write the tables that the record says."""
    record = balanced(published.recorded(NAME))
    home = published.HOME / NAME
    leaderboard(record).to_csv(home / "leaderboard.csv", index=False)
    sensitivity(record).to_csv(home / "sensitivity.csv", index=False)


if __name__ == "__main__":
    published.do(__doc__, collect=collect, tables=tables)
