"""Coverage of every interval of a report, by simulation, at the numbers of seeds that people use."""

import argparse
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import trim_mean

from mobench.analysis.intervals import Interval, jackknife, mean_improvement, median_interval
from mobench.analysis.statistics import interquartile_means, profiles, runs_of
from mobench.analysis.verdicts import EQUAL_AT, equal, weigh

SEEDS = (3, 5, 7, 10, 20, 31)
PROBLEMS = 5
SPREADS = np.array([0.02, 0.04, 0.04, 0.08, 0.12])[:, None]
LEVELS = np.linspace(0.5, 0.9, PROBLEMS)[:, None]
AT_LEAST_FIVE = (5, 10, 20)
"""Seeds from which equality may be claimed."""
MANY = 400_000
QUICK = 4000
"""Campaigns a number, at least, where one takes little: of medians, of differences and of claims of equality."""


def noise(rng: np.random.Generator, n: int, kind: str, *, alike: bool) -> np.ndarray:
    """Noise of n seeds on each problem, (problems, n): one stream for all of them, or one each."""
    rows = 1 if alike else PROBLEMS
    drawn = rng.normal(size=(rows, n)) if kind == "normal" else 2.0 - rng.gamma(2.0, size=(rows, n))
    if kind == "ties":  # runs that find one of a few sets, one of them half of the time
        drawn = np.round(np.minimum(drawn, 0.5))
    return np.broadcast_to(drawn, (PROBLEMS, n))


def shares(rng: np.random.Generator, n: int, kind: str, *, alike: bool, shift: float = 0.0) -> pd.DataFrame:
    """One searcher's scores, seeds x problems, better by `shift` spreads than another one."""
    return pd.DataFrame((LEVELS + SPREADS * (noise(rng, n, kind, alike=alike) + shift)).T)


def inside(interval: Interval, truth: float) -> bool:
    """Whether an interval covers the truth, up to rounding."""
    return bool(interval.low - 1e-9 <= truth <= interval.high + 1e-9)


def median(rng: np.random.Generator, n: int, kind: str, alike: bool, trials: int) -> list[bool]:
    """Of one problem's median, in each trial."""
    truth = float(np.median(noise(rng, MANY, kind, alike=True)[0]))
    return [inside(median_interval(noise(rng, n, kind, alike=True)[0]), truth) for _ in range(trials)]


def interquartile_mean(rng: np.random.Generator, n: int, kind: str, alike: bool, trials: int) -> list[bool]:
    """Of the interquartile mean over problems."""
    truth = float(trim_mean(shares(rng, MANY // 8, kind, alike=False).to_numpy().ravel(), 0.25))
    rows = (interquartile_means({"": shares(rng, n, kind, alike=alike)}).iloc[0] for _ in range(trials))
    return [bool(row["low"] - 1e-9 <= truth <= row["high"] + 1e-9) for row in rows]


def improvement(shift: float) -> Callable[..., list[bool]]:
    """Of the probability of improvement over problems, by so many standard deviations."""

    def covered(rng: np.random.Generator, n: int, kind: str, alike: bool, trials: int) -> list[bool]:
        x, y = (noise(rng, MANY, kind, alike=True)[0] + by for by in (shift, 0.0))
        truth = float((x > y).mean() + (x == y).mean() / 2)
        sides = (
            (runs_of(shares(rng, n, kind, alike=alike, shift=shift)), runs_of(shares(rng, n, kind, alike=alike)))
            for _ in range(trials)
        )
        return [inside(mean_improvement(a, b, alike=alike), truth) for a, b in sides]

    return covered


def difference(rng: np.random.Generator, n: int, kind: str, alike: bool, trials: int) -> list[bool]:
    """Of the difference of means over problems."""
    found = []
    for _ in range(trials):
        gaps = (shares(rng, n, kind, alike=alike) - shares(rng, n, kind, alike=alike)).mean(axis=1).to_numpy()
        without = np.array([np.delete(gaps, i).mean() for i in range(n)])
        found.append(inside(jackknife(float(gaps.mean()), without, confidence=EQUAL_AT), 0.0))
    return found


def profile(rng: np.random.Generator, n: int, kind: str, alike: bool, trials: int) -> list[bool]:
    """Of a performance profile at three thresholds."""
    thresholds = np.array([0.5, 0.7, 0.8])
    truth = (shares(rng, MANY // 8, kind, alike=False).to_numpy()[:, :, None] > thresholds).mean(axis=(0, 1))
    found = []
    for _ in range(trials):
        table = profiles({"": shares(rng, n, kind, alike=alike)}, thresholds, alike=alike)
        found += ((table["low"] <= truth + 1e-9) & (truth - 1e-9 <= table["high"])).tolist()
    return found


INTERVALS = {
    "median (its own level)": median,
    "IQM (95 %, median's below 6)": interquartile_mean,
    "A12 without an effect, 95 %": improvement(0.0),
    "A12 of one sd, 95 %": improvement(1.0),
    "A12 of two sd, 95 %": improvement(2.0),
    "difference of means, 99 %": difference,
    "profile, 95 %": profile,
}


APART = 0.01
"""How far apart two means are that are called equal within it: such a claim is wrong."""
LOSSES: dict[str, Callable[[np.random.Generator, float, int], np.ndarray]] = {
    "normal": lambda rng, mean, n: mean + 0.004 * rng.normal(size=n),
    "exponential": lambda rng, mean, n: rng.exponential(mean, n),
    "gamma(2)": lambda rng, mean, n: rng.gamma(2.0, mean / 2.0, n),
    "mirrored exponential": lambda rng, mean, n: -rng.exponential(mean, n),
}
"""What runs lose, or where it is mirrored win, by mean and number, against a share of 0.9."""


def false_equality(rng: np.random.Generator, losses: str, least: float, n: int, trials: int) -> float:
    """Part of the comparisons that call two searchers equal whose mean losses are `least` and `APART` more."""
    wrong = 0
    for _ in range(trials):
        a, b = ({"p": dict(enumerate(0.9 - LOSSES[losses](rng, mean, n)))} for mean in (least, least + APART))
        wrong += equal(weigh(a, b, alike=False), APART)
    return wrong / trials


def main() -> None:
    """Print a line an interval, then one a distribution of losses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=300, help="simulated campaigns a number (default: %(default)s)")
    trials = parser.parse_args().trials
    level = {n: median_interval(np.arange(float(n))).confidence for n in SEEDS}
    print("median's stated level" + " " * 33 + "  ".join(f"{level[n]:5.3f}" for n in SEEDS))
    print(f"{'interval':<28} {'runs':<8} {'streams':<16}" + "  ".join(f"{n:>5}" for n in SEEDS))
    for name, covered in INTERVALS.items():
        for kind in ("normal", "skewed", "ties"):
            for alike in (False, True)[: 1 if covered is median else 2]:
                rng = np.random.default_rng(0)
                many = max(trials, QUICK) if covered in (median, difference) else trials
                rates = [np.mean(covered(rng, n, kind, alike, many)) for n in SEEDS]
                streams = "shared" if alike else "independent"
                print(f"{name:<28} {kind:<8} {streams:<16}" + "  ".join(f"{rate:5.3f}" for rate in rates), flush=True)
    print(f"{'false claims of equality':<28} {'means':<25}" + "  ".join(f"{n:>5}" for n in AT_LEAST_FIVE))
    for losses in LOSSES:
        for least in (0.0001, 0.004):
            rng = np.random.default_rng(0)
            rates = [false_equality(rng, losses, least, n, max(trials, QUICK)) for n in AT_LEAST_FIVE]
            print(f"{losses:<28} {f'{least}, {least + APART}':<25}" + "  ".join(f"{r:5.3f}" for r in rates), flush=True)


if __name__ == "__main__":
    main()
