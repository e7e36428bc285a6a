"""The report of a campaign's folder: tables and figures remade from the logs, finished campaign or not."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from mobench.campaign import Campaign, load_campaign
from mobench.capabilities import Enumerable
from mobench.compare import STATES, collect, mean_ranks, median_run, resample, summarise
from mobench.contract import CONTRACTS
from mobench.plots import palette, plot_anytime, plot_fronts, save_figure
from mobench.plugins import make_problem

__all__ = ["Report", "format_report", "write_report"]


class Report:
    """What a campaign's logs say, as frames: `scores` (a row a run), `summary` (a row a pair), `ranks`, `curves`."""

    def __init__(self, folder: Path, *, axis: str = "", progress: bool = False) -> None:
        self.folder = folder
        self.campaign: Campaign = load_campaign(folder)
        self.axis = axis or _main_axis(self.campaign)
        self.scores, self.curves = collect(self.campaign, folder / "runs", axis=self.axis, progress=progress)
        self.summary = summarise(self.scores)
        self.ranks = mean_ranks(self.summary)


def _main_axis(campaign: Campaign) -> str:
    return next(iter(campaign.budget))


def format_report(report: Report) -> str:
    """The report as text: failures first, then a table a problem, then mean ranks."""
    campaign = report.campaign
    budget = ", ".join(f"{amount:g} {currency}" for currency, amount in campaign.budget.items())
    parts = [
        f"campaign {campaign.name}: {len(campaign.specs)} runs, {len(campaign.seeds)} seeds, budget {budget}\n"
        f"contract {campaign.contract}: {CONTRACTS[campaign.contract]}"
    ]
    parts += [f"NOT APPLICABLE  {p.searcher} on {p.problem}: {p.reason}" for p in campaign.not_applicable]
    incomplete = report.scores[report.scores["state"] != "ended"]
    if len(incomplete):
        counts = incomplete["state"].value_counts()
        parts.append("INCOMPLETE  " + ", ".join(f"{n} {state}" for state, n in counts.items()) + ":")
        failed = incomplete[incomplete["state"] == "failed"].drop_duplicates(["problem", "searcher", "error"])
        parts[-1] += "".join(f"\n  {r.searcher} on {r.problem}: {r.error}" for r in failed.itertuples())
    for problem, rows in report.summary.groupby("problem", sort=False):
        table = rows.sort_values("rank", kind="stable")
        shown = pd.DataFrame(
            {
                "searcher": table["searcher"],
                "hypervolume": table["median"].map(_share),
                "quartiles": [f"{_share(a)}..{_share(b)}" for a, b in zip(table["q25"], table["q75"], strict=True)],
                "log10 regret": table["log10_regret"].map(lambda v: "-" if np.isnan(v) else f"{v:.2f}"),
                "rank": table["rank"].map(lambda v: "-" if np.isnan(v) else f"{v:g}"),
                "runs": table["ended"].astype(str),
                "not ended": [_states(row) for _, row in table.iterrows()],
            }
        )
        parts.append(f"{problem}\n{shown.to_string(index=False)}")
    ranks = report.ranks.assign(mean_rank=report.ranks["mean_rank"].map("{:.2f}".format))
    parts.append(f"mean rank over problems\n{ranks.to_string(index=False)}")
    return "\n\n".join(parts)


def _share(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.4f}"


def _states(row: pd.Series) -> str:
    return ", ".join(f"{row[state]} {state}" for state in STATES[1:] if row[state]) or "-"


def write_report(folder: str | Path, *, axis: str = "", progress: bool = False) -> tuple[Path, str]:
    """Write tables and figures of a campaign to ``<folder>/report``.

    Parameters
    ----------
    folder : path
        A campaign's results folder; it may be running still.
    axis : str, optional
        Currency of the anytime figures (``evaluations``, ``flops``, ``trainings``, ...); the budget's when left out.
    progress : bool
        Whether to show progress on standard error.

    Returns
    -------
    page, text
        The path of ``report.md``, and the tables as text.

    Raises
    ------
    FileNotFoundError, ValueError
        There is no campaign in the folder, or it cannot be read here.
    """
    report = Report(Path(folder), axis=axis, progress=progress)
    out = report.folder / "report"
    out.mkdir(exist_ok=True)
    for name, frame in (("scores", report.scores), ("summary", report.summary), ("ranks", report.ranks)):
        frame.to_csv(out / f"{name}.csv", index=False)
    report.curves.to_csv(out / "curves.csv", index=False)
    text = format_report(report)
    lines = [f"# Campaign {report.campaign.name}", "", "```text", text, "```", ""]
    for problem in report.summary["problem"].unique():
        lines += [f"## {problem}", ""]
        for kind, path in _figures(report, str(problem), out / "figures"):
            lines += [f"![{kind} of {problem}](figures/{path.name}.png)", ""]
    page = out / "report.md"
    page.write_text("\n".join(lines), encoding="utf-8")
    return page, text


def _figures(report: Report, problem: str, out: Path) -> list[tuple[str, Path]]:
    """Draw one problem's figures; those without ended runs are left out."""
    stem = re.sub(r"[^A-Za-z0-9_.=]+", "-", problem)
    colours = palette(list(dict.fromkeys(report.summary["searcher"])))
    curves = report.curves[report.curves["problem"] == problem]
    drawn = []
    if len(curves):
        end = curves[report.axis].max()
        grid = np.geomspace(max(curves[report.axis].min(), end / 100), end, 200)
        lines = resample(curves, report.axis, grid)
        figure, data = plot_anytime(lines, grid, axis=report.axis, title=problem, colours=colours)
        save_figure(figure, data, out / f"anytime-{stem}")
        drawn.append(("Anytime regret", out / f"anytime-{stem}"))
    name, options = next((s.problem, s.problem_options) for s in report.campaign.specs if s.problem_label == problem)
    built = make_problem(name, options)
    searchers = dict.fromkeys(report.summary["searcher"])
    found = {
        s: run.front()[[o.name for o in built.objectives]].to_numpy()
        for s in searchers
        if (run := median_run(report.campaign, report.folder / "runs", report.scores, (problem, s)))
    }
    if found:
        truth = built.front()[1] if isinstance(built, Enumerable) else None
        figure, data = plot_fronts(found, built.objectives, truth=truth, title=problem, colours=colours)
        save_figure(figure, data, out / f"front-{stem}")
        drawn.append(("Delivered fronts (run of median hypervolume) over the true front", out / f"front-{stem}"))
    return drawn
