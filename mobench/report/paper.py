"""The experiment section of a paper: its tables in LaTeX, its figures as PDF, and a file that puts them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from mobench.analysis.analysis import Analysis
from mobench.analysis.matrix import STATISTICS, matrix
from mobench.analysis.measures import HYPERVOLUME, MARGIN
from mobench.analysis.reading import NO_LABELS, read_analysis
from mobench.core.messages import check_known
from mobench.figures.kinds import draw
from mobench.figures.registry import Selection
from mobench.figures.saving import save_figure
from mobench.files.csvs import write_csv
from mobench.files.names import slug
from mobench.files.writing import written_whole
from mobench.report.experiments import Plate, experiments
from mobench.report.latex import latex_matrix, latex_pairs, latex_versions
from mobench.report.versions import compared

__all__ = ["write_paper"]


def write_paper(
    folders: str | Path | Sequence[str | Path],
    to: str | Path | None = None,
    *,
    problems: Sequence[str] = (),
    searchers: Sequence[str] = (),
    labels: Mapping[str, str] = NO_LABELS,
    statistic: str = "median",
    indicator: str = HYPERVOLUME.name,
    margin: float = MARGIN,
    axis: str = "",
    contract: str = "",
    width: str = "single",
    progress: bool = False,
) -> list[Path]:
    """Write the tables and figures of a paper's experiment section.

    Parameters
    ----------
    folders : path or sequence of path
        Campaigns' folders: see `mobench.campaigns.study.read_study`.
    to : path, optional
        Folder to write to, made where it is not there; ``paper`` in the first of `folders` when left out.
    problems, searchers : sequence of str
        Labels of what to show; everything where empty.
    labels : mapping of str to str
        As of `mobench.report.report.write_report`.
    statistic : str
        What cells of the matrix are: one of `mobench.analysis.matrix.STATISTICS`.
    indicator, margin, axis, contract
        As of `mobench.report.report.write_report`.
    width : str
        Of the figures of one problem: ``single`` or ``double`` column.
    progress : bool
        Whether to show progress on standard error.

    Returns
    -------
    list of Path
        The files: ``experiments.tex`` first, which puts the others together.

    Raises
    ------
    FileNotFoundError, ValueError
        There are no runs, none is over, they may not be compared, or an option is unknown.
    """
    check_known("statistic", [statistic], STATISTICS)
    sources = [folders] if isinstance(folders, str | Path) else list(folders)
    analysis = read_analysis(
        sources,
        problems=problems,
        searchers=searchers,
        labels=labels,
        axis=axis,
        contract=contract,
        indicator=indicator,
        margin=margin,
        progress=progress,
    )
    if not analysis.over:
        raise ValueError(f"{sources[0]}: no run has ended yet, so there is nothing to print")
    below = Path(to) if to else Path(sources[0])  # what the user named: through links below it nothing is written
    out = below if to else below / "paper"
    tables = _tables(analysis, out, statistic, below)
    versions = compared(analysis)
    if len(versions):
        text = latex_versions(versions)
        tables += [_written(out / "versions.tex", text, below), _numbers(out / "versions.csv", versions, below)]
    plates, figures = _figures(analysis, out, width, below)
    section = experiments(analysis, statistic, plates, versions=len(versions) > 0)
    return [_written(out / "experiments.tex", section, below), *tables, *figures]


def _tables(analysis: Analysis, out: Path, statistic: str, below: Path) -> list[Path]:
    study, tests = analysis.study, analysis.pairs_on_each
    frame = matrix(analysis.scores, tests, measure=analysis.measure, statistic=statistic)
    table = analysis.ranks if len(study.problems) > 1 else analysis.ranks.head(0)
    ranks = dict(zip(table["searcher"], table["mean_rank"].tolist(), strict=True))
    text = latex_matrix(
        frame, problems=list(study.problems), searchers=study.searchers, statistic=statistic, ranks=ranks
    )
    files = [_written(out / "matrix.tex", text, below), _numbers(out / "matrix.csv", frame, below)]
    for stem, pairs in (("pairs", analysis.pairs), ("pairs-on-each", tests)):
        files += [_written(out / f"{stem}.tex", latex_pairs(pairs), below), _numbers(out / f"{stem}.csv", pairs, below)]
    return files


def _figures(analysis: Analysis, out: Path, width: str, below: Path) -> tuple[list[Plate], list[Path]]:
    """The figures and their files; what there is nothing to draw of is left out."""
    shares = analysis if analysis.measure == HYPERVOLUME else replace(analysis, measure=HYPERVOLUME)
    wanted = [(shares, "ecdf", "", "single"), (shares, "medians", "", "double")]
    wanted.append((analysis, "critical-difference", "", "single"))
    wanted = wanted if len(analysis.study.problems) > 1 else []
    for problem in analysis.study.problems:
        front = "attainment" if len(analysis.problem(problem).objectives) == 2 else "parallel"
        wanted += [(analysis, kind, problem, width) for kind in ("anytime", front)]
    plates, files = [], []
    for found, kind, problem, wide in wanted:
        try:
            figure, data = draw(found, kind, Selection(problem, width=wide))
        except ValueError:
            continue  # the report says why
        plates.append(Plate(f"{kind}-{slug(problem)}" if problem else kind, kind, problem, wide))
        files += save_figure(figure, data, out / plates[-1].stem, formats=("pdf",), below=below)
    return plates, files


def _written(path: Path, text: str, below: Path) -> Path:
    with written_whole(path, below=below, durable=False) as file:
        file.write(text.encode())
    return path


def _numbers(path: Path, frame: pd.DataFrame, below: Path) -> Path:
    with written_whole(path, below=below, durable=False) as file:
        write_csv(frame, file)
    return path
