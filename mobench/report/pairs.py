"""How pairs of searchers are shown: the verdict first, then what it rests on; its sentence is folded behind them."""

from __future__ import annotations

import pandas as pd

from mobench.report.page import Block, Folded, Text
from mobench.report.tables import Table

__all__ = ["pairs_blocks"]

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


def pairs_blocks(name: str, caption: str, pairs: pd.DataFrame) -> tuple[Block, ...]:
    """The rows of `mobench.analysis.significance` as a table of numbers, what readers look for first in front, and the
    sentences on them, which a table would make tall.
    """
    first = ["better", "worse", "verdict", "p_adjusted", "improvement", "low", "high", "difference"]
    first += ["difference_low", "difference_high", "more_seeds"]
    frame = pairs[[*first, *(column for column in pairs if column not in (*first, "problem"))]]
    table = Table(
        name,
        caption,
        frame.reset_index(drop=True),
        formats=PAIR_FORMATS,
        titles=PAIR_TITLES,
        printed=PAIR_PRINTED,
        filed=("sentence",),
    )
    said = Text((), "", tuple(f"{sentence}." for sentence in pairs["sentence"]))
    return table, *([Folded("The same in sentences", (said,))] if len(pairs) else [])
