"""The script behind `docs/sampling.md`: what it reads on the way is what a shorter run delivers; verdicts are right."""

import inspect
import sys

import pandas as pd
import pytest
from _scripts import scripts

import mobench
from mobench.plugins.catalogue import find

sampling, draw, verdicts, _ = scripts("sampling", "sampling", "draw", "verdicts", "published")
CAMPAIGNS = {
    name: mobench.read_campaign(sampling.DOCS / "campaigns" / f"{name}.toml")
    for name in (*sampling.CAMPAIGNS, "halving")
}


def test_who_looks_at_its_budget_has_runs_at_each_amount_and_nobody_else():
    searchers = {name for campaign in CAMPAIGNS.values() for name, _ in campaign.searchers}
    sources = {name: inspect.getsource(sys.modules[find("searcher", name).call.__module__]) for name in searchers}
    looking = {name for name, source in sources.items() if "run.limit" in source or "run.spent" in source}
    assert looking - {"random_search"} == set(sampling.SCHEDULED)  # which does with `fidelity` alone


def test_every_line_of_the_record_is_of_a_campaign_and_has_random_search_beside_it():
    record = pd.read_csv(sampling.RECORD)
    for (name, _, amount), rows in record.groupby(["campaign", "problem", "amount"]):
        assert sampling.FLOOR in set(rows["searcher"])
        assert amount in sampling.AMOUNTS
        assert rows["seeds"].max() <= len(CAMPAIGNS[name].seeds)
        assert set(rows["verdict"].dropna()) <= set(draw.MARKS)
        assert (rows["verdict"].isna() == (rows["searcher"] == sampling.FLOOR)).all()


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A campaign of three searchers, one of which is told to look at its budget; its record."""
    entries = {
        "problems": ["catsum"],
        "searchers": ["random_search", "local_search", "nsga2"],
        "seeds": 8,
        "budget": 80,
    }
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sampling, "AMOUNTS", (40, 80))
    monkeypatch.setattr(sampling, "CAMPAIGNS", ("small",))
    monkeypatch.setattr(sampling, "SCHEDULED", ("nsga2",))
    monkeypatch.setattr(sampling, "RECORD", tmp_path / "record.csv")
    campaign = mobench.make_campaign(entries | {"name": "small"})
    monkeypatch.setattr(mobench, "read_campaign", lambda path: campaign)
    sampling.run(["small"], 1)
    sampling.collect(["small"])
    sampling.collect(["small"])  # again: rows are replaced
    return pd.read_csv(tmp_path / "record.csv")


def test_a_run_read_on_its_way_is_worth_what_a_shorter_one_is(small):
    rows = small.set_index(["amount", "searcher"])
    assert len(rows) == 6
    for searcher in ("random_search", "local_search", "nsga2"):
        shares = [mobench.run(searcher, "catsum", budget=40, seed=seed).hypervolume() for seed in range(8)]
        assert rows.loc[(40, searcher), "median"] == pytest.approx(pd.Series(shares).median(), rel=1e-3)
        assert rows.loc[(40, searcher), "seeds"] == 8


def test_verdicts_are_those_of_the_tests(small):
    rows = small.set_index(["amount", "searcher"])
    assert rows.loc[(80, "local_search"), "verdict"] == "better"
    assert rows.loc[(80, "local_search"), "ahead"] >= 0.8
    said = {"verdict": "better", "improvement": 0.9, "difference": 0.02, "noise_floor": 0.03}
    assert verdicts.verdict(said) == "within noise"
    assert verdicts.verdict(said | {"noise_floor": float("nan")}) == "better"
    assert verdicts.verdict(said | {"improvement": 0.1, "difference": -0.2}) == "worse"
    assert verdicts.verdict(said | {"verdict": "undecided"}) == "undecided"


def test_a_table_has_medians_marks_and_seconds():
    part = pd.DataFrame(
        {
            "searcher": ["random_search", "nsga2"],
            "short": "motif",
            "median": [0.5, 0.25],
            "verdict": [None, "worse"],
            "cpu_seconds": [0.002, 0.01],
        }
    )
    assert list(draw.table(part))[2:] == ["| `random_search` | 0.500 | 0.002 |", "| `nsga2` | 0.250 - | 0.01 |"]


def test_the_tables_of_the_page_are_those_of_the_record():
    page = set((sampling.DOCS / "sampling.md").read_text(encoding="utf-8").splitlines())
    record = pd.read_csv(sampling.RECORD)
    record = record[(record["campaign"] != draw.GRAPHS) & (record["axis"] == "evaluations")]
    record["short"] = record["problem"].map(draw.short)
    record = record.drop_duplicates(["amount", "problem", "searcher"])
    for amount in sampling.AMOUNTS:
        lines = list(draw.table(record[record["amount"] == amount]))
        assert len(lines) > 16
        assert set(lines) <= page, amount
