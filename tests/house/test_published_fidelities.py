"""The published result on several fidelities: its tables come out of its record, and its record out of its runs."""

from pathlib import Path

import pandas as pd
import pytest
from _scripts import scripts

HERE = Path(__file__).parents[2] / "scripts" / "results"

published, verdicts, fidelities = scripts("results", "published", "verdicts", "fidelities")
GROUP = {"group": str}


@pytest.fixture(scope="module")
def record():
    return published.recorded("fidelities")


@pytest.mark.parametrize("name", ["shares", "busy"])
def test_its_tables_come_out_of_its_record(record, made, name):
    pd.testing.assert_frame_equal(
        made[name].reset_index(drop=True), pd.read_csv(fidelities.HERE / f"{name}.csv", dtype=GROUP)
    )


@pytest.fixture(scope="module")
def made(record):
    """All tables, without what has no verdict or mark as files have it."""
    return {name: table.replace("", float("nan")) for name, table in fidelities.tables(record).items()}


def test_recorded_runs_have_the_same_logs_when_they_are_carried_out_again(record):
    first = record[(record["seed"] == 0) & (record["problem"] == "motif")].drop_duplicates(["campaign", "searcher"])
    asked = {("trainings", "curve_stopping"), ("clock_8", "hyperband"), ("clock_64", "successive_halving")}
    wanted = first[[pair in asked for pair in zip(first["campaign"], first["searcher"], strict=True)]]
    assert len(wanted) == 3
    assert all(same for _, same in published.again("fidelities", wanted))


def test_every_planned_run_is_in_the_record(record):
    planned = {
        (name, spec.problem_label, spec.searcher_label, spec.seed)
        for name, campaign in published.campaigns("fidelities").items()
        for spec in campaign.specs
    }
    assert planned == set(record[["campaign", "problem", "searcher", "seed"]].itertuples(index=False, name=None))


def test_who_needs_fidelities_does_not_apply_where_there_is_one():
    left = published.campaigns("fidelities")["trainings"].not_applicable
    assert {pair.problem for pair in left} == {"fcnet"}
    names = {pair.searcher.partition(":")[0] for pair in left}
    assert names == {"successive_halving", "hyperband", "bohb", "asha", "curve_stopping"}


def test_who_looks_at_its_budget_is_read_at_its_end_only(record):
    kept = fidelities.readable(record)
    own = kept[kept["searcher"].str.startswith(fidelities.SCHEDULED)]
    assert set(own[own["axis"] == "clock"]["amount"]) == {200, 28_000}
    assert len(own[own["axis"] == "trainings"]) == 3 * 20 * (3 * 3 + 2)


def test_the_page_has_the_numbers_of_the_tables():
    page = (HERE.parents[1] / "docs" / "results" / "fidelities.md").read_text()
    shares, busy, said = (
        pd.read_csv(fidelities.HERE / f"{name}.csv", dtype=GROUP) for name in ("shares", "busy", "verdicts")
    )
    lines = [*fidelities.training_lines(shares), *fidelities.asynchrony_lines(said)]
    lines += [line for problem in fidelities.PROBLEMS for line in fidelities.clock_lines(shares, busy, problem)]
    assert [line for line in lines if line.strip() not in page] == []
