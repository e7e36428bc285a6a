"""The report of campaigns or of a single run, finished or not: one HTML page, tables and figures, from their logs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from mobench.analysis.analysis import Analysis
from mobench.analysis.constants import write_contract
from mobench.analysis.measures import HYPERVOLUME, MARGIN, Measure
from mobench.analysis.reading import NO_LABELS, read_analysis
from mobench.campaigns.study import OVER, STATES
from mobench.files.documents import FORMAT, read_document, write_document
from mobench.files.writing import is_ours, written_whole
from mobench.report.answer import answer_section
from mobench.report.drawings import draw_course, draw_overall, draw_problem, draw_states
from mobench.report.grid import Grid, save_grid
from mobench.report.lead import lead_section
from mobench.report.overall import FAILED_COUNT, overall_section, provenance_section, state_note, state_section
from mobench.report.page import Drawing, Section, leaves
from mobench.report.problems import problem_section
from mobench.report.searchers import runs_section, searchers_section
from mobench.report.tables import ABSENT, Table, save_table, shown
from mobench.report.versions import versions_section
from mobench.report.writing import render
from mobench.scoring.contracts import CONTRACTS

__all__ = ["format_report", "write_report"]


def write_report(
    folders: str | Path | Sequence[str | Path],
    *,
    labels: Mapping[str, str] = NO_LABELS,
    axis: str = "",
    contract: str = "",
    indicator: str = HYPERVOLUME.name,
    margin: float = MARGIN,
    to: str | Path | None = None,
    progress: bool = False,
) -> tuple[Path, str]:
    """Write the report of one or several results folders.

    Parameters
    ----------
    folders : path or sequence of path
        Campaigns' folders, or runs' folders; they may be running still. Several are merged: see
        `mobench.campaigns.study.read_study`.
    labels : mapping of str to str
        Label of a searcher or problem to what readers see of it, beside what the campaigns say.
    axis : str, optional
        Currency of budgets and of anytime figures (``evaluations``, ``flops``, ``trainings``, ...); the budget's when
        left out.
    contract : str, optional
        How runs are scored: a key of `mobench.scoring.contracts.CONTRACTS`; as their campaigns say when left out.
    indicator : str
        What tables and tests are about: one of `mobench.analysis.measures.MEASURES`. Figures are about the hypervolume.
    margin : float
        Means of the indicator that differ by less count as equal.
    to : path, optional
        Folder to write to; ``report`` in the first of `folders` when left out.
    progress : bool
        Whether to show progress on standard error.

    Returns
    -------
    page, text
        The path of ``report.html``, and the main tables as text.

    Raises
    ------
    FileNotFoundError, ValueError
        There are no runs in a folder, they cannot be read here, or they may not be compared.
    """
    sources = [folders] if isinstance(folders, str | Path) else list(folders)
    chosen = {"axis": axis, "contract": contract, "indicator": indicator}
    analysis = read_analysis(sources, labels=labels, **chosen, margin=margin, progress=progress)
    below = Path(to) if to else Path(sources[0])  # what the user named: through links below it nothing is written
    out = below if to else below / "report"
    sections = _sections(analysis, out / "figures", below)
    blocks = list(leaves(sections))
    files = [out / file for block in blocks if isinstance(block, Drawing) for file in block.files]
    for table in (block for block in blocks if isinstance(block, Table)):
        files += save_table(table, out / "tables", below=below)
    for grid in (block for block in blocks if isinstance(block, Grid)):
        files += save_grid(grid, out / "tables", below=below)
    curves = Table("curves", "The share over the course of every run.", analysis.curves)
    files += save_table(curves, out / "tables", latex=False, below=below)
    files.append(write_contract(analysis.contracts, out / "tables", below=below))
    page = out / "report.html"
    with written_whole(page, below=below) as file:
        file.write(render(f"Report of {analysis.study.name}", _outline(analysis), sections).encode())
    _clear(out, [page, *files], below)
    return page, format_report(analysis)


def _clear(out: Path, written: Sequence[Path], below: Path) -> None:
    """Delete what an earlier report wrote here, is as it wrote it, and is not among this one's; list what this one did.

    The list may come from anyone: no file is deleted that is not below the folder, or that holds other bytes.
    """
    listing = out / "files.json"
    try:
        earlier = read_document(listing, {"files": dict})["files"]
    except (ValueError, OSError):
        earlier = {}
    files = {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in written}
    for name, digest in earlier.items():
        if name not in files and is_ours(out / name, out, digest):
            (out / name).unlink()
    write_document(listing, {"format": FORMAT, "files": files}, below=below)


def _sections(analysis: Analysis, figures: Path, below: Path) -> list[Section]:
    course = draw_course(analysis, figures, below)
    problems = [
        problem_section(analysis, p, draw_problem(analysis, p, figures, below)) for p in analysis.study.problems
    ]
    overall = [overall_section(analysis, draw_overall(analysis, figures, below))] if analysis.over else []
    ended = (analysis.scores["state"] == "ended").all()
    return [
        lead_section(analysis, state_note(analysis), course),
        answer_section(analysis),
        *versions_section(analysis),
        *overall,
        Section("Problems", (), tuple(problems)),
        searchers_section(analysis),
        state_section(analysis, () if ended else (draw_states(analysis, figures, below),)),
        runs_section(analysis),
        provenance_section(analysis),
    ]


def _outline(analysis: Analysis) -> str:
    study = analysis.study
    counts = [(len(study.runs), "run"), (len(study.searchers), "searcher"), (len(study.problems), "problem")]
    counts.append((len(study.seeds), "seed"))
    numbers = ", ".join(f"{n} {noun}{'s' * (n != 1)}" for n, noun in counts)
    budget = ", ".join(f"{amount:g} {currency}" for currency, amount in study.budget.items())
    return f"{numbers}; budget {budget}; contract {study.contract}"


def format_report(analysis: Analysis) -> str:
    """The report as text: failures first, then a table a problem, mean ranks, and the verdict on every pair."""
    study = analysis.study
    parts = [f"{study.name}: {_outline(analysis)}\ncontract {study.contract}: {CONTRACTS[study.contract]}"]
    parts += [f"NOT APPLICABLE  {p.searcher} on {p.problem}: {p.reason}" for p in study.not_applicable]
    incomplete = analysis.scores[analysis.scores["state"] != "ended"]
    if len(incomplete):
        counts = incomplete["state"].value_counts()
        parts.append("INCOMPLETE  " + ", ".join(f"{n} {state}" for state, n in counts.items()) + ":")
        parts[-1] += f"\n  {FAILED_COUNT}" * ("failed" in counts)
        failed = incomplete[incomplete["state"] == "failed"].drop_duplicates(["problem", "searcher", "error"])
        parts[-1] += "".join(f"\n  {r.searcher} on {r.problem}: {r.error}" for r in failed.itertuples())
        damaged = incomplete[incomplete["state"] == "damaged"]
        parts[-1] += "".join(f"\n  damaged: {error}" for error in damaged["error"])
    parts += [f"{source}: {stamp}" for source, stamp in analysis.stamps]
    parts += [f"SHARED  {note}" for note in analysis.shared]
    tables = analysis.summary.groupby("problem", sort=False)
    parts += [f"{problem}\n{_problem_text(rows, analysis.measure)}" for problem, rows in tables]
    ranks = analysis.ranks[["searcher", "mean_rank", "problems", *STATES]]
    ranks = ranks.assign(mean_rank=ranks["mean_rank"].map(lambda v: shown(v, ".2f")))
    parts.append(f"mean rank over problems\n{ranks.to_string(index=False)}")
    if len(analysis.pairs):
        parts.append("verdicts\n" + "\n".join(f"{sentence}." for sentence in analysis.pairs["sentence"]))
    return "\n\n".join(parts)


def _problem_text(rows: pd.DataFrame, measure: Measure) -> str:
    table = rows.sort_values("rank", kind="stable")
    bounds = zip(table["low"], table["high"], table["confidence"], strict=True)
    interval = [f"{shown(a, '.4f')}..{shown(b, '.4f')} ({c:.0%})" if c > 0 else ABSENT for a, b, c in bounds]
    columns = {
        "searcher": table["searcher"],
        measure.name: table["median"].map(lambda v: shown(v, ".4f")),
        "interval": interval,
        "log10 regret": table["log10_regret"].map(lambda v: shown(v, ".2f")),
        "rank": table["rank"].map(shown),
        "runs": table[list(OVER)].sum(axis=1).astype(str),
        "not ended": [", ".join(f"{r[s]} {s}" for s in STATES[1:] if r[s]) or ABSENT for _, r in table.iterrows()],
    }
    return pd.DataFrame(columns).to_string(index=False)
