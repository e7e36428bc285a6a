"""Importances of genes: a panel an objective, alone and with all interactions, with intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mobench.figures.style import palette, panels, styled, wrapped

__all__ = ["MOST", "plot_importances"]

MOST = 24
"""Genes that a panel shows: those with the largest totals."""


def plot_importances(table: pd.DataFrame, *, title: str = "", width: str = "double") -> tuple[Figure, pd.DataFrame]:
    """Draw what `mobench.analysis.importance.gene_importances` found.

    Parameters
    ----------
    table : pandas.DataFrame
        As that function gives it.
    title, width : str
        As of `mobench.figures.fronts.plot_fronts`.

    Returns
    -------
    figure, data
        The data are the rows drawn.

    Raises
    ------
    ValueError
        The table is empty.
    """
    if table.empty:
        raise ValueError("importances: nothing to draw")
    objectives = list(dict.fromkeys(table["objective"]))
    largest = table.groupby("gene", sort=False)["total"].max().nlargest(MOST).index
    shown = table[table["gene"].isin(largest)].reset_index(drop=True)
    genes = list(dict.fromkeys(shown["gene"]))
    colour, other = (palette(["alone", "total"])[name] for name in ("alone", "total"))
    places = np.arange(len(genes))
    with styled():
        height = 0.95 + 0.17 * len(genes)
        figure, axes = panels(width, len(objectives), across=3 if width == "double" else 1, height=height, sharey=True)
        for ax, objective in zip(axes, objectives, strict=True):
            rows = shown[shown["objective"] == objective].set_index("gene").loc[genes]
            for kind, shift, shade, marker in (("alone", -0.17, colour, "o"), ("total", 0.17, other, "s")):
                middle = rows[kind].to_numpy()
                reach = np.abs(rows[[f"{kind}_low", f"{kind}_high"]].to_numpy().T - middle)
                label = {"alone": "alone", "total": "with interactions"}[kind]
                style = {"markersize": 3.2, "elinewidth": 0.9, "linestyle": "", "label": label}
                ax.errorbar(middle, places + shift, xerr=reach, color=shade, marker=marker, **style)
            ax.set(yticks=places, yticklabels=genes, xlim=(0, None), xlabel="share of variance")
            ax.set_title(f"{objective} (fit {max(rows['fit'].iloc[0], 0):.0%})")
            ax.grid(axis="y", linewidth=0.3, color="0.9")
            ax.set_axisbelow(True)
        axes[0].set_ylim(len(genes) - 0.4, -0.6)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2, fontsize=6)
        figure.suptitle(title)
        count = int(shown["architectures"].iloc[0])
        left_out = f"; the {MOST} largest of {table['gene'].nunique()} genes" * (table["gene"].nunique() > MOST)
        figure.supxlabel(
            wrapped(
                f"Functional ANOVA of a random forest on {count:,} architectures; bars: 90 % over resampled ones; "
                f"fit: variance foretold of others{left_out}",
                width,
            ),
            fontsize=6,
        )
    return figure, shown
