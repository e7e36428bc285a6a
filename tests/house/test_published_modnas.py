"""The published result on MODNAS's protocol: its tables come out of its record, and its record out of its runs."""

from pathlib import Path

import pandas as pd
import pytest
from _scripts import scripts

HERE = Path(__file__).parents[2] / "scripts" / "results"

published, verdicts, modnas = scripts("results", "published", "verdicts", "modnas")


@pytest.fixture(scope="module")
def record():
    return published.recorded("modnas")


def same(made, name):
    """Whether a table is the one in the files, in which what is empty is NaN."""
    file = pd.read_csv(modnas.HERE / f"{name}.csv")
    pd.testing.assert_frame_equal(made.replace("", float("nan")).reset_index(drop=True), file, check_dtype=False)
    return True


def test_its_tables_come_out_of_its_record(record):
    runs, floor = modnas.grouped(record), pd.read_csv(modnas.HERE / "floors.csv")
    devices = runs[runs["group"] == "devices"]
    assert same(modnas.over_devices(devices, verdicts.compare_over(devices, modnas.families(), floor)), "over_devices")
    assert same(modnas.unseen(runs[runs["amount"] == max(modnas.AMOUNTS)]), "unseen")


def test_recorded_runs_have_the_same_logs_when_they_are_carried_out_again(record):
    cheap = record[record["campaign"].isin(["devices", "unseen"]) & (record["seed"] == 0)]
    wanted = cheap.groupby("searcher").head(1)[lambda rows: rows["searcher"].isin(["random_search", "nsga2", "asha"])]
    assert len(wanted) == 3
    assert all(same for _, same in published.again("modnas", wanted))


def test_every_recorded_run_was_planned_and_those_without_a_model_are_all_there(record):
    recorded = set(record[["campaign", "problem", "searcher", "seed"]].itertuples(index=False, name=None))
    planned = {
        name: {(name, spec.problem_label, spec.searcher_label, spec.seed) for spec in campaign.specs}
        for name, campaign in published.campaigns("modnas").items()
    }
    assert recorded <= set().union(*planned.values())
    assert planned["devices"] | planned["unseen"] <= recorded


def test_its_devices_are_the_nineteen_and_its_own_method_is_listed_as_not_applicable():
    devices = published.campaigns("modnas")["devices"]
    assert len(modnas.devices()) == 19
    assert {pair.searcher.partition(":")[0] for pair in devices.not_applicable} == {"modnas"}


def test_the_page_has_the_numbers_of_the_tables():
    page = (HERE.parents[1] / "docs" / "results" / "modnas.md").read_text()
    made = {
        name: pd.read_csv(modnas.HERE / f"{name}.csv") for name in ("over_devices", "by_device", "unseen", "supernet")
    }
    lines = [*modnas.over_lines(made["over_devices"]), *modnas.device_lines(made["by_device"])]
    lines += [*modnas.unseen_lines(made["unseen"]), *modnas.supernet_lines(made["supernet"])]
    assert [line for line in lines if line not in page] == []
