"""What published results share: campaigns carried out, verified and checked again, and a record of every run in them.

    python scripts/results/published.py suites run --workers 2   # results/suites-black_boxes and so on: resumable
    python scripts/results/published.py suites run --missing     # of the plan only what is not recorded yet
    python scripts/results/published.py suites verify            # each of their answers again, and a sample of runs
    python scripts/results/published.py suites again --sample 20 # recorded runs anew: are their logs the same bytes?
    python scripts/results/published.py suites cost              # how many runs are recorded, and their CPU time

`results/published/NAME/` has the plan, written before the runs, a TOML file a campaign, and what came of it. Its
`runs.csv.gz` has a row a run and amount: what it delivered by then, and the digest of its log.
"""

from __future__ import annotations

import argparse
import functools
import gzip
import random
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import mobench
from mobench.campaigns.study import OVER, Study, read_study, run_state
from mobench.cli.main import main as mobench_command
from mobench.core.budget import parse_budget
from mobench.core.progress import Progress
from mobench.files.documents import read_document
from mobench.harness.execute import execute
from mobench.harness.spec import END, RunSpec
from mobench.plugins.references import describe
from mobench.scoring.contract import Contract
from mobench.scoring.load import load
from mobench.scoring.result import Result

HOME = Path(__file__).parents[2] / "results" / "published"
RECORD = "runs.csv.gz"
KEYS = ["campaign", "problem", "searcher", "seed", "amount"]
MEASURES = ("hypervolume", "igd_plus", "epsilon")
DIGITS = 16
"""Of a log's SHA-256 that are kept: 64 bits."""
SCHEDULED = ("nsga_net",)
"""They look at their budget: what they deliver on the way is not what a shorter run of them delivers."""

ON_FILES = ("fashion_5",)
"""Campaigns on images that are not everywhere: left out where these are missing."""


@functools.cache
def campaigns(name: str) -> dict[str, mobench.Campaign]:
    """The campaigns of a published result, by the names of their files; read once, as problems take seconds."""
    found = {}
    for path in sorted((HOME / name).glob("*.toml")):
        try:
            found[path.stem] = mobench.read_campaign(path)
        except ValueError as error:
            if path.stem not in ON_FILES:
                raise
            sys.stderr.write(f"{path.name}: left out: {error}\n")
    return found


def folder(name: str, campaign: str) -> Path:
    """Where the runs of one of its campaigns lie, below the folder in which the command was given."""
    return Path("results") / f"{name}-{campaign}"


def carry_out(name: str, *, workers: int = 1, missing: bool = False, seeds: int | None = None) -> None:
    """Carry all campaigns of a published result out, or on: of the first seeds alone, or what the record lacks."""
    for stem, planned in campaigns(name).items():
        campaign = replace(planned, seeds=planned.seeds[:seeds])
        for part in lacking(recorded(name), stem, campaign) if missing else [campaign]:
            mobench.run_campaign(part, folder(name, stem), workers=workers)


def lacking(record: pd.DataFrame, stem: str, campaign: mobench.Campaign) -> Iterator[mobench.Campaign]:
    """The parts of a campaign with the runs that a record lacks: searchers, and the seeds that they lack."""
    own_rows = record.loc[record["campaign"] == stem, KEYS[1:4]]
    there = set(own_rows.itertuples(index=False, name=None))
    seeds: dict[str, set[int]] = {}
    for spec in campaign.specs:
        if (spec.problem_label, spec.searcher_label, spec.seed) not in there:
            seeds.setdefault(spec.searcher_label, set()).add(spec.seed)
    for wanted in sorted({tuple(sorted(own)) for own in seeds.values()}):
        own = tuple(one for one in campaign.searchers if tuple(sorted(seeds.get(describe(*one), ()))) == wanted)
        yield replace(campaign, searchers=own, seeds=wanted)


def digest(run: Path) -> str:
    """The first digits of the SHA-256 of an ended run's log."""
    return str(read_document(run / "end.json", END)["log"]["sha256"])[:DIGITS]


def read_runs(
    name: str, campaign: str, amounts: Sequence[float], *, spent: Sequence[str] = ()
) -> Iterator[dict[str, Any]]:
    """Read a campaign's ended runs: a row a run and amount of its budget's currency.

    An amount above the budget is left out, and of `SCHEDULED` searchers one below it. Rows have `KEYS`, the axis,
    `MEASURES` of what is delivered by then (NaN where the contract has none), of the whole run CPU seconds and what it
    `spent` in these currencies, why it ended, and its digest.
    """
    if not folder(name, campaign).exists():
        return
    study = read_study([folder(name, campaign)])
    ((axis, most),) = study.budget.items()
    with Progress(len(study.runs), unit="run") as bar:
        for spec, at, whole in ended(study):
            bar.advance()
            end = read_document(at / "end.json", END)
            for amount in (n for n in amounts if n == most or (n < most and spec.searcher not in SCHEDULED)):
                then = by_then(whole, axis, amount, study.contract, spec.simulated_workers)
                found = then.contract(study.contract).measures(then.scored(contract=study.contract)[1])
                row: dict[str, Any] = {
                    "campaign": campaign,
                    "problem": spec.problem_label,
                    "searcher": spec.searcher_label,
                }
                row |= {"seed": spec.seed, "amount": amount, "axis": axis}
                row |= {measure: float(f"{found.get(measure, float('nan')):.6g}") for measure in MEASURES}
                row |= {currency: float(f"{end['spent'].get(currency, float('nan')):.6g}") for currency in spent}
                yield row | {"cpu_seconds": end["cpu_seconds"], "reason": end["reason"], "log": digest(at)}


def ended(study: Study) -> Iterator[tuple[RunSpec, Path, Result]]:
    """The runs of a study that are over, problem by problem: specification, folder, result."""
    contracts: dict[str, dict[str, Contract]] = {}
    for spec, at in sorted(study.runs, key=lambda run: run[0].problem_label):
        if run_state(at) in OVER:
            yield spec, at, replace(load(at, expected=spec), _contracts=contracts.setdefault(spec.problem_label, {}))


def by_then(whole: Result, axis: str, amount: float, contract: str, workers: int) -> Result:
    """A run as if its budget had been this amount of an axis; workers of its simulated clock, 0 where it has none."""
    then = replace(whole, limit=parse_budget({axis: amount}, whole.problem.training, workers=workers))
    if whole.contract(contract).delivered == "paid":
        return then
    history = whole.history  # other contracts score all that a log holds, whatever the limit
    n = int(np.count_nonzero(history.spent[axis] <= amount))
    answers = {"X": history.X[:n], "F": history.F[:n], "fidelity": history.fidelity[:n]}
    notes = {
        name: [note for note in getattr(history, name) if note.answers <= n] for name in ("recommended", "records")
    }
    spent = {currency: values[:n] for currency, values in history.spent.items()}
    return replace(then, history=replace(history, **answers, **notes, spent=spent))


def collect(name: str, amounts: Sequence[float]) -> pd.DataFrame:
    """Record the runs that are at hand, and return the record."""
    return write_record(name, (row for campaign in campaigns(name) for row in read_runs(name, campaign, amounts)))


def write_record(name: str, rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Put rows of `read_runs` into the record of a published result, and return it; those of other runs stay."""
    both = [frame for frame in (recorded(name), pd.DataFrame(rows)) if len(frame)]
    record = pd.concat(both).drop_duplicates(KEYS, keep="last")
    record = record.sort_values(KEYS, kind="stable", ignore_index=True)
    with (HOME / name / RECORD).open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write(record.to_csv(index=False).encode())
    return record


def recorded(name: str) -> pd.DataFrame:
    """The record of a published result: what its tables and figures are made of."""
    place = HOME / name / RECORD
    return pd.read_csv(place, keep_default_na=False, na_values=[""]) if place.exists() else pd.DataFrame(columns=KEYS)


def again(name: str, wanted: pd.DataFrame) -> Iterator[tuple[RunSpec, bool]]:
    """Carry recorded runs out anew, in this process: each specification, and whether its log has the same digest.

    Parameters
    ----------
    name : str
        The published result.
    wanted : pandas.DataFrame
        Rows of its record; those of one run at several amounts are one run.

    Raises
    ------
    ValueError
        A row that no campaign of the result has planned.
    """
    plans = {
        (stem, spec.problem_label, spec.searcher_label, spec.seed): spec
        for stem, campaign in campaigns(name).items()
        for spec in campaign.specs
    }
    for row in wanted.drop_duplicates(KEYS[:-1]).itertuples():
        spec = plans.get((row.campaign, row.problem, row.searcher, row.seed))
        if spec is None:
            raise ValueError(f"{name}: no campaign plans {row.searcher} on {row.problem} with seed {row.seed}")
        with tempfile.TemporaryDirectory() as place:
            execute(spec, Path(place) / "run")
            yield spec, digest(Path(place) / "run") == row.log


def verify(name: str, *, sample: int, workers: int) -> int:
    """Verify all campaigns of a published result; 1 where something disagrees."""
    given = ["--sample", str(sample), "--workers", str(workers)]
    return max(mobench_command(["verify", str(folder(name, stem)), *given]) for stem in campaigns(name))


def compare(name: str, *, sample: int) -> int:
    """Carry a sample of recorded runs out anew, and print whose log is another; 1 where one is."""
    record = recorded(name).drop_duplicates(KEYS[:-1])
    rows = random.sample(range(len(record)), min(sample, len(record)))
    differ = 0
    for spec, same in again(name, record.iloc[rows]):
        differ += not same
        said = "same log" if same else "another log"
        print(f"{said}: {spec.searcher_label} on {spec.problem_label}, seed {spec.seed}")
    return 1 if differ else 0


def cost(name: str) -> Iterator[str]:
    """What the recorded runs of each campaign took, a line each and one of all."""
    runs = recorded(name).drop_duplicates(KEYS[:-1])
    parts = {stem: own["cpu_seconds"] for stem, own in runs.groupby("campaign")} | {"all": runs["cpu_seconds"]}
    for stem, seconds in parts.items():
        yield f"{stem}: {len(seconds):,} runs, {seconds.sum() / 60:.1f} CPU-minutes"


def do(description: str, **actions: Callable[[], None]) -> None:
    """The command line of a script of one published result: the name of one of its actions."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=tuple(actions))
    actions[parser.parse_args().what]()


def main() -> int:
    """Do what is asked; 1 where something disagrees."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=sorted({path.parent.name for path in HOME.glob("*/*.toml")}), help="what")
    parser.add_argument("what", choices=("run", "verify", "again", "cost"))
    parser.add_argument("--missing", action="store_true", help="run only what the record lacks")
    parser.add_argument("--seeds", type=int, help="run only the first so many of each campaign")
    parser.add_argument("--workers", type=int, default=1, help="runs at a time (default: 1)")
    parser.add_argument("--sample", type=int, default=20, help="runs that are carried out again (default: 20)")
    given = parser.parse_args()
    if given.what == "verify":
        return verify(given.name, sample=given.sample, workers=given.workers)
    if given.what == "again":
        return compare(given.name, sample=given.sample)
    if given.what == "cost":
        print(*cost(given.name), sep="\n")
        return 0
    carry_out(given.name, workers=given.workers, missing=given.missing, seeds=given.seeds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
