"""Figures for papers: each a function of tidy data that returns the figure and the numbers drawn."""

from __future__ import annotations

from mobench.figures.architecture import plot_architecture
from mobench.figures.attainment import plot_attainment, plot_attainment_difference
from mobench.figures.audit import plot_agreement, plot_cost, plot_spending, plot_states
from mobench.figures.comparison import plot_critical_difference, plot_intervals, plot_profiles, plot_rank_heatmap
from mobench.figures.course import plot_anytime, plot_diagnostics, plot_ecdf, plot_ranks_over_time
from mobench.figures.fronts import plot_fronts, plot_parallel
from mobench.figures.radar import plot_radar
from mobench.figures.style import FORMATS, WIDTHS, palette, save_figure

__all__ = [
    "FORMATS",
    "WIDTHS",
    "palette",
    "plot_agreement",
    "plot_anytime",
    "plot_architecture",
    "plot_attainment",
    "plot_attainment_difference",
    "plot_cost",
    "plot_critical_difference",
    "plot_diagnostics",
    "plot_ecdf",
    "plot_fronts",
    "plot_intervals",
    "plot_parallel",
    "plot_profiles",
    "plot_radar",
    "plot_rank_heatmap",
    "plot_ranks_over_time",
    "plot_spending",
    "plot_states",
    "save_figure",
]
