"""Which searcher is better than which, as far as the runs tell: tests of every pair, and a sentence on it.

Two questions, two families of tests. On one problem the runs of two searchers are compared (Mann-Whitney). Over the
problems, which are the sample now, their medians are (Friedman, then Wilcoxon signed-rank; Demsar 2006, Benavoli et
al. 2016). Each family keeps its error rate by Holm's correction. Matrices are those of `mobench.analysis.statistics`.
"""

from __future__ import annotations

import itertools
from typing import Any, Literal

import numpy as np
import pandas as pd

from mobench.analysis.rank_tests import friedman, holm, mann_whitney, nemenyi, signed_rank, vargha_delaney, wins_kernel
from mobench.analysis.statistics import Matrices, comparable, rank_table, strata
from mobench.core.space import Array

__all__ = ["on_each_problem", "pairwise"]


def on_each_problem(found: Matrices, *, alpha: float = 0.05) -> pd.DataFrame:
    """Every pair of searchers on every problem: Mann-Whitney, two-sided, Holm over the whole table.

    Returns
    -------
    pandas.DataFrame
        Columns problem, a, b, runs_a, runs_b, median_a, median_b, a12 (probability that a is better), cliffs_delta,
        p_value, p_holm, better (a, b, or empty where `alpha` does not tell them apart). Pairs without two ended runs
        each have no test: their p-values are 1.
    """
    runs = {searcher: strata(matrix) for searcher, matrix in found.items()}
    rows = []
    for a, b in itertools.combinations(found, 2):
        for problem in (p for p in runs[a] if p in runs[b]):
            x, y = runs[a][problem], runs[b][problem]
            a12 = vargha_delaney(x, y)
            row = {"problem": problem, "a": a, "b": b, "runs_a": len(x), "runs_b": len(y)}
            row |= {"median_a": float(np.median(x)), "median_b": float(np.median(y))}
            rows.append(row | {"a12": a12, "cliffs_delta": 2 * a12 - 1, "p_value": mann_whitney(x, y)})
    names = "problem a b runs_a runs_b median_a median_b a12 cliffs_delta p_value".split()
    table = pd.DataFrame(rows, columns=names)
    table["p_holm"] = holm(table["p_value"].to_numpy(dtype=np.float64))
    winner = np.where(table["a12"].to_numpy(dtype=np.float64) > 0.5, table["a"], table["b"])
    return table.assign(better=np.where(table["p_holm"] < alpha, winner, ""))


def pairwise(
    found: Matrices,
    *,
    alpha: float = 0.05,
    correction: Literal["holm", "nemenyi"] = "holm",
    resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Every pair of searchers over all comparable problems, and what may be said of it.

    Parameters
    ----------
    found : Matrices
        See `mobench.analysis.statistics.matrices`.
    alpha : float
        Error rate of each family of tests.
    correction : str
        ``holm``: Wilcoxon signed-rank tests of the medians, corrected by Holm; ``nemenyi``: of the mean ranks.
    resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        Columns better, worse (by probability of improvement, whether or not it is significant), problems, wins, losses
        (problems on which ``better`` is so, or is worse, significantly), p_value, p_adjusted (over problems),
        improvement (probability that a run of ``better`` beats one of ``worse``, the mean over problems; Agarwal et
        al. 2021) with low and high (95 %), cliffs_delta, significant (over problems: Friedman's test and p_adjusted
        below `alpha`) and verdict, a sentence.
    """
    part, _ = comparable(found)
    each = on_each_problem(part, alpha=alpha)
    runs = {searcher: strata(matrix) for searcher, matrix in part.items()}
    overall, over_problems = _over_problems(part, correction)
    rows = []
    for (a, b), (direction, p_value, p_adjusted) in over_problems.items():
        value, low, high = _improvement(runs[a], runs[b], resamples, seed)
        decided = each.loc[(each["a"] == a) & (each["b"] == b), "better"]
        if value < 0.5:
            a, b, value, low, high, direction = b, a, 1 - value, 1 - high, 1 - low, -direction
        row: dict[str, Any] = {"better": a, "worse": b, "problems": len(runs[a])}
        row |= {"wins": int((decided == a).sum()), "losses": int((decided == b).sum())}
        row |= {"p_value": p_value, "p_adjusted": p_adjusted, "improvement": value, "low": low, "high": high}
        row |= {"cliffs_delta": 2 * value - 1, "significant": max(overall, p_adjusted) < alpha and direction > 0}
        rows.append(row | {"verdict": _verdict(row, alpha)})
    names = "better worse problems wins losses p_value p_adjusted improvement low high cliffs_delta significant verdict"
    return pd.DataFrame(rows, columns=names.split())


def _over_problems(
    part: Matrices, correction: Literal["holm", "nemenyi"]
) -> tuple[float, dict[tuple[str, str], tuple[float, float, float]]]:
    """Friedman's p-value (0 for two searchers, which need none), and of each pair: direction, p-value, corrected."""
    pairs = list(itertools.combinations(part, 2))
    if not pairs:
        return 1.0, {}
    ranks = rank_table(part)
    if correction == "nemenyi":
        means, table = ranks.mean(), nemenyi(ranks).to_dict()
        tests = [(float(means[b] - means[a]), float(table[a][b])) for a, b in pairs]
        adjusted = np.array([p for _, p in tests])
    else:
        middle = {searcher: matrix.median().to_numpy() for searcher, matrix in part.items()}
        tests = [signed_rank(middle[a] - middle[b]) for a, b in pairs]
        adjusted = holm([p for _, p in tests])
    overall = friedman(ranks).p_value if len(part) > 2 else 0.0
    return overall, {pair: (*test, p) for pair, test, p in zip(pairs, tests, adjusted.tolist(), strict=True)}


def _improvement(a: dict[str, Array], b: dict[str, Array], resamples: int, seed: int) -> tuple[float, float, float]:
    """Mean over problems of A12, with its 95 % interval by the stratified bootstrap."""
    rng = np.random.default_rng(seed)
    values, draws = [], np.zeros(resamples)
    for problem, x in a.items():
        y = b[problem]
        kernel = wins_kernel(x, y)
        values.append(kernel.mean())
        # resampling with replacement is drawing how often each run counts
        often = [rng.multinomial(len(z), np.full(len(z), 1 / len(z)), resamples) / len(z) for z in (x, y)]
        draws += ((often[0] @ kernel) * often[1]).sum(axis=1) / len(a)
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(np.mean(values)), float(low), float(high)


def _verdict(row: dict[str, Any], alpha: float) -> str:
    """What the numbers of a pair support, and nothing more."""
    a, b, n, wins, losses = (row[key] for key in ("better", "worse", "problems", "wins", "losses"))
    effect = f"a run of {a} beats one of {b} with probability {row['improvement']:.2f} ({row['low']:.2f} to "
    effect += f"{row['high']:.2f})"
    if row["significant"]:
        verdict = f"{a} is better than {b} over these {n} problems (p = {row['p_adjusted']:.2g}), "
        return verdict + f"on {wins} of them taken alone" + (f", worse on {losses}" if losses else "") + f"; {effect}"
    few = 2.0 ** (1 - n) >= alpha
    beyond = f"{n} problems are too few for more" if few else f"over all of them p = {row['p_adjusted']:.2g}"
    if wins and losses:
        return f"{a} is better than {b} on {wins} of {n} problems and worse on {losses}; {beyond}"
    if wins or losses:
        winner, loser, count = (a, b, wins) if wins else (b, a, losses)
        return f"{winner} is better than {loser} on {count} of {n} problems; {beyond}; {effect}"
    return f"{a} and {b} are not distinguishable with these runs; {effect}"
