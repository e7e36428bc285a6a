"""Scripts of the live comparison on Motif: equal tuning, the observatory and the campaign beside blind sets."""

import importlib.util
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mobench

pytest.importorskip("torch")

HERE = Path(__file__).parents[2] / "scripts" / "motif"


def script(name):
    spec = importlib.util.spec_from_file_location(f"motif_{name}", HERE / f"{name}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tuning, observatory, live = script("tuning"), script("observatory"), script("live")
GRID = {"seeds": [1, 2, 3], "searchers": {"a": "g", "b": "g"}, "grids": {"g": ["old", "new", "other"]}}


def runs(**means):
    noise = np.random.default_rng(0)
    rows = [(s, o, k, m + 0.01 * noise.normal()) for s in "ab" for k in (1, 2, 3) for o, m in means.items()]
    return pd.DataFrame(rows, columns=["searcher", "options", "seed", "hypervolume"])


def test_every_configuration_is_one_that_its_searchers_know_and_each_grid_has_as_many():
    grid = tuning.read_grid()
    for searcher, name in grid["searchers"].items():
        asked = [f"{searcher}:{options}" for options in grid["grids"][name]]
        mobench.make_campaign({"problems": [grid["problem"]], "searchers": asked, "seeds": 1, "budget": 5})
    assert len(list(tuning.jobs(grid))) == len(set(tuning.jobs(grid)))


def test_the_budget_is_the_same_for_every_searcher():
    jobs = pd.DataFrame(tuning.jobs(tuning.read_grid()))
    assert jobs.groupby(0).size().nunique() == 1
    assert jobs.groupby(0)[3].sum().nunique() == 1


def test_the_rule_takes_what_is_better_by_two_standard_errors():
    assert tuning.choice(runs(old=0.5, new=0.6, other=0.4), GRID) == {"g": "new"}
    assert tuning.choice(runs(old=0.5, new=0.501, other=0.4), GRID) == {"g": "old"}


def test_the_rule_changes_nothing_for_few_pairs_or_for_a_configuration_that_has_not_run():
    found = runs(old=0.5, new=0.9, other=0.4)
    assert tuning.choice(found[found["searcher"] == "a"], GRID) == {"g": "old"}
    assert tuning.choice(found[found["options"] != "other"], GRID) == {"g": "old"}


def test_runs_that_are_there_are_not_made_again(tmp_path, capsys):
    jobs = [("random_search", "batch=2", "motif", 2, seed) for seed in (0, 1)]
    tuning.carry_out(iter(jobs[:1]), tmp_path / "record.csv")
    before = (tmp_path / "record.csv").read_text()
    tuning.carry_out(iter(jobs), tmp_path / "record.csv")
    assert (tmp_path / "record.csv").read_text().startswith(before)
    assert pd.read_csv(tmp_path / "record.csv")["seed"].tolist() == [0, 1]


def test_merits_are_those_of_the_table_and_sum_to_nothing_on_an_edge():
    merits = observatory.merits()
    np.testing.assert_allclose(merits.sum(axis=1), 0.0, atol=1e-9)
    assert (merits.argmin(axis=1) == 0).all()  # none is the worst everywhere
    X = observatory.motif().space.all()
    error = observatory.motif().score(X)[:, 0]
    assert merits[2, 3] == pytest.approx(error.mean() - error[X[:, 2] == 3].mean())


def test_a_gradient_against_the_merits_correlates_fully_and_one_along_them_the_other_way():
    merits = observatory.merits()
    np.testing.assert_allclose(observatory.correlations(-merits, merits), 1.0)
    np.testing.assert_allclose(observatory.correlations(merits, merits), -1.0)


@pytest.mark.parametrize("name", observatory.METHODS)
def test_a_look_spends_on_the_meter_and_leaves_the_search_as_it_is(name, monkeypatch):
    small = mobench.make_problem("motif", {"objectives": ("error",), "batch": 16})
    monkeypatch.setattr(observatory, "motif", lambda: small)
    monkeypatch.setattr(observatory, "LOOK", 0.0)
    method = observatory.METHODS[name]
    search, spent = observatory.begin(0, method)
    kept = {key: value.detach().clone() for key, value in search.weights.items()}
    alpha = search.alpha.detach().clone()
    h, batches = observatory.look(search, spent, method)
    assert batches == 1
    assert spent[0] > 0
    assert np.isfinite(h).all()
    assert (alpha == search.alpha).all()
    assert all((kept[key] == value).all() for key, value in search.weights.items())


def test_a_blind_set_of_more_networks_is_better(monkeypatch):
    monkeypatch.setattr(sys.modules["blind"], "SETS", 20)
    one, many = (live.blind_quartiles("motif", size) for size in (1, 20))
    assert all(few < more for few, more in zip(one, many, strict=True))
    assert live.blind_quartiles("motif", 0) == (0.0, 0.0, 0.0)


def test_a_table_compares_each_run_with_the_blind_set_of_its_own_size():
    rows = {"trainings": 5, "searcher": "s", "seed": [0, 1], "hypervolume": [0.5, 0.3], "trained": [2, 4]}
    frame = pd.DataFrame(rows).assign(
        delivered=1, least_error=3.0, one_shot_tau=np.nan, **dict.fromkeys(live.OPERATIONS[1:], 0)
    )
    (found,) = live.table(frame, pd.Series({2: 0.4, 4: 0.6}))
    assert found.loc["s", "above"] == 0.5
    assert found.loc["s", "blind set"] == 0.5


def test_the_campaign_names_searchers_that_there_are():
    assert len(mobench.read_campaign(HERE / "live.toml").searchers) > 20


def test_a_campaign_goes_on_from_its_record_without_the_folders_of_old_runs(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "live.toml").write_text(
        'problems = ["motif"]\nsearchers = ["random_search", "asha"]\nseeds = 1\nbudget = { trainings = 5 }'
    )
    for name, value in {"HERE": tmp_path, "RECORD": tmp_path / "live.csv", "BLIND": tmp_path / "blind.csv"}.items():
        monkeypatch.setattr(live, name, value)
    monkeypatch.setattr(sys.modules["blind"], "SETS", 3)
    live.run(1, 1, (2, 3))
    live.collect()
    before = live.RECORD.read_text().splitlines()
    for folder in (tmp_path / "results").iterdir():
        shutil.rmtree(folder)
    live.run(2, 1, (2, 3))
    assert {folder.name for folder in (tmp_path / "results").iterdir()} == {
        "motif-live-2-seed-1",
        "motif-live-3-seed-1",
    }
    live.collect()
    after = live.RECORD.read_text().splitlines()
    assert set(before) < set(after)
    assert len(after) == 1 + 2 * 2 * 2
