"""The published result on MODNAS's protocol: its tables come out of its record, and its record out of its runs."""

import importlib
import sys
from pathlib import Path

import pandas as pd
import pytest

HERE = Path(__file__).parents[2] / "scripts" / "results"
NAMES = ("published", "verdicts", "modnas")


def scripts():
    """The scripts, which import each other from their folder; their names are free again afterwards."""
    sys.path.insert(0, str(HERE))
    try:
        return [importlib.import_module(name) for name in NAMES]
    finally:
        sys.path.remove(str(HERE))
        for name in NAMES:
            sys.modules.pop(name)


published, verdicts, modnas = scripts()


@pytest.fixture(scope="module")
def record():
    return published.recorded("modnas")


@pytest.mark.parametrize("name", ["over_devices", "by_device", "unseen", "supernet"])
def test_its_tables_come_out_of_its_record(record, made, name):
    pd.testing.assert_frame_equal(made[name].reset_index(drop=True), pd.read_csv(modnas.HERE / f"{name}.csv"))


@pytest.fixture(scope="module")
def made(record):
    """All tables, without what has no verdict or mark as files have it."""
    return {name: table.replace("", float("nan")) for name, table in modnas.tables(record).items()}


def test_recorded_runs_have_the_same_logs_when_they_are_carried_out_again(record):
    cheap = record[record["campaign"].isin(["devices", "unseen"]) & (record["seed"] == 0)]
    wanted = cheap.groupby("searcher").head(1)[lambda rows: rows["searcher"].isin(["random_search", "nsga2", "asha"])]
    assert len(wanted) == 3
    assert all(same for _, same in published.again("modnas", wanted))


def test_every_planned_run_is_in_the_record(record):
    planned = {
        (name, spec.problem_label, spec.searcher_label, spec.seed)
        for name, campaign in published.campaigns("modnas").items()
        for spec in campaign.specs
    }
    assert planned == set(record[["campaign", "problem", "searcher", "seed"]].itertuples(index=False, name=None))


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
