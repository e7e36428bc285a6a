"""All evaluations of campaigns for other tools: one Parquet or CSV table, or files that IOHprofiler reads.

Runs are read one after the other, so that memory does not grow with their number.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from mobench.analysis.collect import collect
from mobench.analysis.constants import contracts_of, write_contract
from mobench.analysis.convergence import with_areas
from mobench.analysis.frames import evaluation_columns, evaluation_rows, front_rows, keys_of, wide
from mobench.analysis.ioh import write_ioh
from mobench.campaigns.study import Study, run_spent, run_state
from mobench.core.budget import CURRENCIES
from mobench.core.progress import Progress
from mobench.files.csvs import write_csv
from mobench.files.writing import written_whole
from mobench.harness.sealed import DamagedRunError
from mobench.harness.spec import RunSpec
from mobench.plugins.catalogue import make_problem
from mobench.scoring.load import load
from mobench.scoring.result import Result

__all__ = ["FORMATS", "export"]

FORMATS = ("csv", "parquet", "ioh")

ROWS_AT_A_TIME = 100_000

Format = Literal["csv", "parquet", "ioh"]


def export(
    study: Study,
    to: str | Path,
    *,
    format: Format = "csv",
    axis: str = "evaluations",
    scored: bool = False,
    progress: bool = False,
) -> list[Path]:
    """Write the evaluations of all runs, as far as their logs go, into a folder.

    ``csv`` and ``parquet`` write ``evaluations``, a row an answer: problem, searcher, seed, evaluation (from 1),
    fidelity (epochs; 0 is the full one), the ledger after it (evaluations, asked, flops, seconds), genes, architecture
    (its written form) and a column for every objective of any problem, with its unit, as the searcher saw it.
    One that is called as another column has ``objective`` before its name. With `scored` they write, too, the other
    frames of `mobench.analysis.results.Results`: ``scores`` (a row a run), ``curves``, ``fronts``, and ``wide``, shares
    of hypervolume with a row a problem and seed, and a column a searcher.

    ``ioh`` writes a folder a searcher in the format of IOHprofiler (Doerr et al. 2018): the best share of hypervolume
    still missing so far (1: nothing found, less is better) over `axis`, a line wherever it falls, of runs that ended or
    failed.

    Parameters
    ----------
    study : Study
        See `mobench.campaigns.study.read_study`.
    to : path
        The folder; it is made, and files of the same names are replaced.
    format : str
        One of `FORMATS`.
    axis : str
        What ``ioh`` counts, rounded up to whole numbers, and curves: a currency of the ledger, or ``trainings``.
    scored : bool
        Whether to write scores, curves and fronts.
    progress : bool
        Whether to show progress on standard error.

    Returns
    -------
    list of Path
        The files, the first of them ``runs.csv``: a row a run, none left out, with its state and what it spent; the
        last ``contract.json``: ideal, nadir, reference and volume of each problem.

    Raises
    ------
    ValueError
        Unknown format or axis, or `scored` with ``ioh``, which has its own.
    ImportError
        ``parquet`` without pyarrow.
    """
    if format not in FORMATS:
        raise ValueError(f"format: unknown {format!r}; choose from {', '.join(FORMATS)}")
    if scored and format == "ioh":
        raise ValueError("scored: ioh has curves of its own; choose csv or parquet")
    to = Path(to)
    states: list[dict[str, Any]] = []
    with Progress(len(study.runs), unit="run", show=progress) as bar:
        if format == "ioh":
            files = write_ioh(study, to, axis, _read(_by_pair(study), states, bar))
        else:
            files = [to / f"evaluations.{format}"]
            _write_table(study, files[0], _read(study.runs, states, bar))
    if scored:
        files += _write_scored(study, to, format, axis, progress)
    listing = to / "runs.csv"
    with written_whole(listing, below=to) as file:
        write_csv(pd.DataFrame(states), file)
    return [listing, *files, write_contract(contracts_of(study.problems, study.contract), to)]


def _write_scored(study: Study, to: Path, format: str, axis: str, progress: bool) -> list[Path]:
    """Scores, curves, fronts and the wide table of a study."""
    scores, curves, outcomes = collect(study, axis=axis, progress=progress)
    scores = with_areas(scores, curves, axis=axis, budget=study.budget)
    problems = {label: make_problem(*reference) for label, reference in study.problems.items()}
    frames = {
        "scores": scores,
        "curves": curves,
        "fronts": front_rows(problems, outcomes),
        "wide": wide(scores).reset_index(),
    }
    files = []
    for name, frame in frames.items():
        files.append(to / f"{name}.{format}")
        with written_whole(files[-1], below=to) as file:
            write_csv(frame, file) if format == "csv" else frame.to_parquet(file, index=False)
    return files


def _by_pair(study: Study) -> list[tuple[RunSpec, Path]]:
    """All runs, those of a (problem, searcher) pair one after the other."""
    pairs: dict[tuple[str, str], list[tuple[RunSpec, Path]]] = {}
    for spec, folder in study.runs:
        pairs.setdefault((spec.problem_label, spec.searcher_label), []).append((spec, folder))
    return list(itertools.chain.from_iterable(pairs.values()))


def _read(
    members: Iterable[tuple[RunSpec, Path]], states: list[dict[str, Any]], bar: Progress
) -> Iterator[tuple[RunSpec, Result | None]]:
    """Each run with its result, None where it is missing; its row of ``runs.csv`` is added to `states`."""
    for spec, folder in members:
        state = run_state(folder)
        result, error = None, ""
        if state != "missing":
            try:
                result = load(folder, expected=spec)
                error = result.error
            except DamagedRunError as damage:
                state, error = "damaged", str(damage)
        total = result.history.total | run_spent(folder) if result else dict.fromkeys(CURRENCIES, np.nan)
        states.append(keys_of(spec) | {"state": state, "error": error} | total)
        yield spec, result
        bar.advance()


def _write_table(study: Study, path: Path, each: Iterable[tuple[RunSpec, Result | None]]) -> None:
    problems = [make_problem(name, options) for name, options in study.problems.values()]
    columns = evaluation_columns(problems)
    waiting: list[pd.DataFrame] = []
    with _table(path, columns) as write:
        for spec, result in each:
            if result and len(result.history.X):
                waiting.append(evaluation_rows(keys_of(spec), result).reindex(columns=columns))
            if sum(map(len, waiting)) >= ROWS_AT_A_TIME:
                write(pd.concat(waiting, ignore_index=True))
                waiting.clear()
        if waiting:
            write(pd.concat(waiting, ignore_index=True))


@contextlib.contextmanager
def _table(path: Path, columns: list[str]) -> Iterator[Callable[[pd.DataFrame], None]]:
    """A function that appends frames to a table, which appears whole."""
    with written_whole(path, below=path.parent) as file:
        if path.suffix == ".csv":
            write_csv(pd.DataFrame(columns=columns), file)
            yield lambda frame: write_csv(frame, file, header=False)
            return
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError:
            raise ImportError("parquet: needs pyarrow; pip install 'mobench[parquet]', or choose csv") from None
        kinds = dict.fromkeys(("problem", "searcher", "genes", "architecture"), pa.string())
        kinds |= dict.fromkeys(("seed", "evaluation", "fidelity"), pa.int64())
        schema = pa.schema([(column, kinds.get(column, pa.float64())) for column in columns])
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            yield lambda frame: writer.write_table(pa.Table.from_pandas(frame, schema, preserve_index=False))
