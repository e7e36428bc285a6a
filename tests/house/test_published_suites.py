"""Published suite results: tables come out of the record, runs are the same bytes again, forgeries are seen."""

import shutil
import sys

import pandas as pd
import pytest
from _scripts import scripts
from pandas.testing import assert_frame_equal

import mobench
from mobench.campaigns.suites import find_suite

published, suites, suites_figures, tables, tables_figure, twins = scripts(
    "results", "published", "suites", "suites_figures", "tables", "tables_figure", "twins"
)
HOME = published.HOME / suites.NAME
CHEAP = [
    ("black_boxes", "macro", "nsga2", 3),
    ("black_boxes", "motif", "local_search", 0),
    ("nsga_net_50", "ec_nas", "nsga_net", 7),
    ("models", "motif_chain", "nsga2", 0),
]


@pytest.fixture(scope="module")
def everything():
    return published.recorded(suites.NAME)


@pytest.fixture(scope="module")
def record(everything):
    return suites.balanced(everything)


def same(made, shipped, tmp_path):
    """Compared as files hold them."""
    made.to_csv(tmp_path / "made.csv", index=False)
    assert_frame_equal(pd.read_csv(tmp_path / "made.csv"), shipped.reset_index(drop=True), check_dtype=False)


def test_campaigns_hold_every_problem_of_every_suite():
    problems = set(suites.groups()[suites.ALL])
    for name, campaign in published.campaigns(suites.NAME).items():
        assert {spec.problem_label for spec in campaign.specs} == problems, name
    shipped = mobench.read_campaign(find_suite("all"))
    assert len(problems) == len(shipped.problems) + 2


@pytest.mark.parametrize("amount", suites.AMOUNTS)
def test_the_leaderboard_comes_out_of_the_record(record, amount, tmp_path):
    board = pd.read_csv(HOME / "leaderboard.csv")
    shipped = board[(board["suite"] == "tiny") & (board["amount"] == amount)].drop(columns="suite_rank")
    same(suites.rounded(suites.leaders(record, "tiny", amount)), shipped, tmp_path)


def test_what_other_measures_say_comes_out_of_the_record(record, tmp_path, monkeypatch):
    tiny = {"tiny": suites.groups()["tiny"]}
    monkeypatch.setattr(suites, "groups", lambda: tiny)
    shipped = pd.read_csv(HOME / "sensitivity.csv")
    same(suites.sensitivity(record), shipped[shipped["suite"] == "tiny"], tmp_path)


def test_what_tables_can_tell_comes_out_of_the_record(record, tmp_path):
    shipped = pd.read_csv(tables.HOME / "tables.csv")
    wanted = ["macro", "motif"]
    same(tables.table_of(record, wanted), shipped[shipped["problem"].isin(wanted)], tmp_path)
    read = pd.read_csv(tables.HOME / "tables.csv", keep_default_na=False, na_values=[""])
    same(tables.budgets(read), pd.read_csv(tables.HOME / "budgets.csv"), tmp_path)


def test_pages_have_the_tables(tmp_path, monkeypatch):
    for figures in (suites_figures, tables_figure):
        page = tmp_path / figures.PAGE.name
        shutil.copy(figures.PAGE, page)
        monkeypatch.setattr(figures, "PAGE", page)
        for draw in ("draw", "draw_ranks", "draw_cpu"):
            monkeypatch.setattr(figures, draw, lambda *_: None, raising=False)
        monkeypatch.setattr(sys, "argv", ["figures"])
        before = page.read_text(encoding="utf-8")
        figures.main()
        assert page.read_text(encoding="utf-8") == before


def rows(everything, runs):
    keys = pd.MultiIndex.from_frame(everything[published.KEYS[:-1]])
    return everything[keys.isin(runs)]


def test_recorded_runs_are_the_same_bytes_again(everything):
    found = list(published.again(suites.NAME, rows(everything, CHEAP)))
    assert len(found) == len(CHEAP)
    assert [spec.searcher_label for spec, is_same in found if not is_same] == []


def test_a_changed_row_is_seen(everything):
    forged = rows(everything, CHEAP[:1]).assign(log="0123456789abcdef")
    assert [is_same for _, is_same in published.again(suites.NAME, forged)] == [False]
    with pytest.raises(ValueError, match="no campaign plans"):
        list(published.again(suites.NAME, forged.assign(seed=99)))


def test_the_floor_is_the_same_in_both_campaigns(everything):
    keys = ["problem", "searcher", "seed", "amount"]
    twice = everything[everything["searcher"].isin(suites.TWICE)].set_index(keys)["hypervolume"]
    models = everything.loc[everything["campaign"] == suites.MODELS, keys].merge(twice.reset_index(), on=keys)
    spread = models.groupby(keys)["hypervolume"].agg(["min", "max", "size"])
    again = spread[spread.index.get_level_values("searcher").isin(suites.TWICE)]
    assert (again["size"] == 2).all()
    assert (again["min"] == again["max"]).all()


def test_corrected_claims_of_twins_are_no_more_than_uncorrected_ones():
    pools = {problem: twins.pool(problem, 60) for problem in ("macro", "ec_nas")}
    found = twins.claims(pools, 5, 10)
    assert found["over problems"] <= found["over problems, uncorrected"]
    assert found["on each"] <= found["on each, uncorrected"]


def test_what_the_record_lacks_is_run_and_what_it_has_stays(monkeypatch, tmp_path):
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "one.toml").write_text(
        'problems = ["catsum"]\nsearchers = ["random_search", "nsga2:population=4"]\nseeds = 3\nbudget = 20'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(published, "HOME", tmp_path)
    published.carry_out("small")
    whole = published.collect("small", (10, 20))
    assert len(whole) == 2 * 3 * 2
    gone = (whole["searcher"] == "random_search") & (whole["seed"] > 0)
    shutil.rmtree(tmp_path / "results")
    (tmp_path / "small" / published.RECORD).unlink()
    published.write_record("small", whole[~gone].to_dict("records"))
    (part,) = published.lacking(published.recorded("small"), "one", published.campaigns("small")["one"])
    assert [spec.searcher for spec in part.specs] == ["random_search"] * 2
    assert part.seeds == (1, 2)
    published.carry_out("small", missing=True)
    again = published.collect("small", (10, 20))
    timed = ["cpu_seconds"]
    assert_frame_equal(again.drop(columns=timed), whole.drop(columns=timed), check_dtype=False)
