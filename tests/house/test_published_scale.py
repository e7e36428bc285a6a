"""The page about scale: its table is made of the measurements, and its digests are those of logs, however made."""

import importlib.util
import sys
from pathlib import Path

import mobench
from mobench.campaigns.shard import Shard

ROOT = Path(__file__).parents[2]
HERE = ROOT / "scripts" / "results"


def script(name):
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


projection = script("scale_projection")
scale = script("scale")


def test_the_tables_of_the_page_are_made_of_the_measurements():
    lines = scale.records(scale.RECORD)
    page = (ROOT / "docs" / "results" / "scale.md").read_text(encoding="utf-8")
    assert "\n".join(projection.projection(lines)) in page
    assert "\n".join(projection.carried_out(lines)) in page
    runs, name = projection.limits(lines)[0]
    assert f"**{projection.number(runs)} runs: {name}**" in page


def test_a_line_is_projected_on_and_a_power_as_a_power():
    line = projection.Growth((10.0, 100.0, 1000.0), (7.0, 52.0, 502.0))
    assert line.slope == 0.5
    assert (line.at(10_000), line.meets(5_002)) == (5_002, 10_000)
    square = projection.Growth((10.0, 100.0), (1.0, 100.0))
    assert (square.power, round(square.at(1000)), round(square.meets(40_000))) == (2.0, 10_000, 2_000)


def test_equal_logs_have_one_digest_whoever_made_them_and_it_is_the_recorded_one(tmp_path):
    campaign = mobench.read_campaign(scale.HOME / "many.toml", seeds=50)
    mobench.run_campaign(campaign, tmp_path / "whole", workers=2, progress=False)
    for number in (1, 2):
        mobench.run_campaign(campaign, tmp_path / "shards", workers=1, progress=False, shard=Shard(number, 2))
    digests = {line["sha256"] for line in scale.records(scale.DIGESTS) if line["runs"] == "200"}
    assert digests == {scale.logs_digest(tmp_path / "whole")} == {scale.logs_digest(tmp_path / "shards")}


def test_digests_of_every_size_are_the_same_under_dask_and_in_shards():
    found = scale.records(scale.DIGESTS)
    for size in {line["runs"] for line in found}:
        assert len({line["sha256"] for line in found if line["runs"] == size}) == 1
