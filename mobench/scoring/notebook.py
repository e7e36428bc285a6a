"""A run's result as a notebook shows it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from mobench.core.budget import CURRENCIES, Cost

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["as_html"]

ROWS = 10
"""Architectures that are shown."""


def as_html(reason: str, error: str, spent: Cost, found: tuple[pd.DataFrame, float] | None) -> str:
    """Why a run ended, its error, what it spent; and, of a front and its share of hypervolume, the first rows."""
    amounts = ", ".join(f"{amount:,.4g} {c}" for c in CURRENCIES if (amount := getattr(spent, c)))
    lines = [f"<b>{html.escape(reason)}</b>: {amounts or 'nothing spent'}"]
    if error:
        lines.append(html.escape(error))
    if found is not None:
        front, share = found
        more = f", of which the first {ROWS} are shown" if len(front) > ROWS else ""
        lines.append(f"{len(front):,} architectures delivered, hypervolume {share:.4f}{more}")
        lines.append(front.head(ROWS).to_html(border=0))
    return "<div>" + "<br>".join(lines) + "</div>"
