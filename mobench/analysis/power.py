"""What so many runs can show: seeds needed for an effect, and the least effect that seeds detect (Noether 1987)."""

from __future__ import annotations

import functools
import math

from scipy.stats import norm

from mobench.analysis.permutation import least_p_value

__all__ = ["POWER", "least_effect", "seeds_needed"]

POWER = 0.8
"""In so many campaigns like this one an effect would be found."""

ENOUGH = 200
"""So many seeds reach any level: counting their permutations would take long."""


def seeds_needed(effect: float, *, level: float, problems: int = 1, alike: bool = False) -> float:
    """Runs of each searcher, on each problem, at which a test finds an effect in four of five campaigns.

    Noether's ``n = (z_(1-level/2) + z_power)^2 / (6 (effect - 1/2)^2)``, and as many at least as p needs to come down
    to `level`; infinite for an effect of 1/2.

    Parameters
    ----------
    effect : float
        Probability that a run of the better one beats one of the other.
    level : float
        Of the test, two-sided, corrected for its family.
    problems : int
        Over how many independent ones the effect is a mean.
    alike : bool
        Whether the test flips the signs of seeds.

    Examples
    --------
    >>> seeds_needed(0.75, level=0.05)
    21.0
    """
    gap = abs(effect - 0.5)
    if gap < 1e-9:
        return math.inf
    found = _factor(level) / (gap * gap * problems)
    needed = 2 if found < 2 else math.ceil(found)
    while needed < ENOUGH and least_p_value([(needed, needed)] * problems, alike=alike) > level:
        needed += 1
    return float(needed)


def least_effect(runs: int, *, level: float, problems: int = 1, alike: bool = False) -> float:
    """The least effect that so many runs find in four of five campaigns: the inverse of `seeds_needed`, 1 at most."""
    if not runs or least_p_value([(runs, runs)] * problems, alike=alike) > level:
        return 1.0
    return min(1.0, 0.5 + math.sqrt(_factor(level) / (runs * problems)))


@functools.lru_cache(maxsize=256)  # a family has one level
def _factor(level: float) -> float:
    return float(norm.ppf(1.0 - level / 2.0) + norm.ppf(POWER)) ** 2 / 6.0
