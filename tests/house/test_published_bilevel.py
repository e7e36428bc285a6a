"""The published result on bilevel theory: its tables come out of its record, and its record out of its runs."""

from pathlib import Path

import pandas as pd
import pytest
from _scripts import scripts

HERE = Path(__file__).parents[2] / "scripts" / "results"

published, verdicts, bilevel = scripts("results", "published", "verdicts", "bilevel")


@pytest.fixture(scope="module")
def record():
    return published.recorded("bilevel")


@pytest.fixture(scope="module")
def made(record):
    return bilevel.tables(record)


@pytest.mark.parametrize("name", ["lines", "claims", "orders"])
def test_its_tables_come_out_of_its_record(made, name):
    file = pd.read_csv(bilevel.HERE / f"{name}.csv")
    pd.testing.assert_frame_equal(made[name].reset_index(drop=True), file, check_dtype=False)


def test_a_better_run_in_the_record_is_seen_in_the_tables(record, made):
    forged = record.assign(hypervolume=record["hypervolume"].where(record["searcher"] != "darts", 0.99))
    lines = bilevel.tables(forged)["lines"]
    assert not lines.equals(made["lines"])
    assert (lines[lines["space"] != "motif"].set_index("searcher").loc[["darts"], "median"] == 0.99).all()


def test_recorded_runs_have_the_same_logs_when_they_are_carried_out_again(record):
    cheap = record["searcher"].isin(["random_search", "nsga2:population=10", "asha"]) & (record["seed"] == 0)
    cheap = record[cheap & ~record["campaign"].isin(published.ON_FILES)]
    assert len(cheap) >= 3
    assert all(same for _, same in published.again("bilevel", cheap))


def test_every_recorded_run_was_planned_and_every_planned_searcher_has_its_kind(record):
    record = record[record["campaign"].isin(published.campaigns("bilevel"))]
    recorded = set(record[["campaign", "problem", "searcher", "seed"]].itertuples(index=False, name=None))
    planned = {
        (name, spec.problem_label, spec.searcher_label, spec.seed)
        for name, campaign in published.campaigns("bilevel").items()
        for spec in campaign.specs
    }
    assert recorded <= planned
    assert {searcher for _, _, searcher, _ in planned} <= set(bilevel.KIND)


def claim(bilevel_scores, floor_scores):
    """The row of the claim where two lines of either kind have these scores, seed by seed."""
    scores = {"darts": bilevel_scores, "bome": bilevel_scores, "asha": floor_scores, "reinforce": floor_scores}
    rows = [
        {"space": "x", "trainings": 5, "searcher": name, "kind": bilevel.KIND[name], "seed": seed, "hypervolume": score}
        for name, own in scores.items()
        for seed, score in enumerate(own)
    ]
    (row,) = bilevel.claims(pd.DataFrame(rows)).to_dict("records")
    return row["claim"]


def test_a_claim_is_decided_where_all_of_one_side_are_better_than_the_others_best():
    low, high = [0.1 + 0.01 * seed for seed in range(10)], [0.8 + 0.01 * seed for seed in range(10)]
    assert claim(high, low) == "holds"
    assert claim(low, high) == "refuted"
    assert claim(low, low) == "open"
    assert claim(high[:2], low[:2]) == "open"  # two seeds decide nothing


def test_the_page_has_the_numbers_of_the_tables():
    page = (HERE.parents[1] / "docs" / "results" / "bilevel.md").read_text()
    lines = [*bilevel.page_lines(pd.read_csv(bilevel.HERE / "lines.csv"))]
    lines += bilevel.claim_lines(pd.read_csv(bilevel.HERE / "claims.csv"))
    assert [line for line in lines if line not in page] == []
