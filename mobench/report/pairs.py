"""How tables of pairs of searchers are shown: the verdict and its sentence first, then what they rest on."""

from __future__ import annotations

import pandas as pd

__all__ = ["PAIR_FORMATS", "PAIR_PRINTED", "PAIR_TITLES", "pairs_frame"]

PAIR_PRINTED = ("better", "worse", "verdict", "p_adjusted", "improvement", "low", "high", "difference")
"""What a paper has room for: everything else is in the CSV."""

PAIR_FORMATS = dict.fromkeys(("improvement", "low", "high", "least_effect"), ".3f") | {
    **dict.fromkeys(("p_value", "p_adjusted", "least_p"), ".2g"),
    **dict.fromkeys(("difference", "difference_low", "difference_high", "noise_floor"), ".4f"),
    "more_seeds": ".0f",
}

PAIR_TITLES = {
    "improvement": "probability of improvement",
    "low": "95 % low",
    "high": "95 % high",
    "least_p": "least attainable p",
    "difference": "difference of means",
    "difference_low": "99 % low",
    "difference_high": "99 % high",
    "noise_floor": "replication noise floor",
    "more_seeds": "more seeds needed",
    "least_effect": "least detectable probability",
}


def pairs_frame(pairs: pd.DataFrame) -> pd.DataFrame:
    """The rows of `mobench.analysis.significance`, with what readers look for first in front."""
    first = ["better", "worse", "verdict", "sentence"]
    return pairs[[*first, *(column for column in pairs if column not in (*first, "problem"))]]
