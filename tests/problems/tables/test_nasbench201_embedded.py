"""The table of NAS-Bench-201 that ships: it is what its sources say, exactly, and no import changes what it answers."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import mobench
from mobench import Column, MultiFidelity, Table, load_table, save_table
from mobench.campaigns.reading import read_campaign
from mobench.problems._cells.space import all_cells, from_strings, index, live, to_strings
from mobench.problems._embedded.tables import embedded
from mobench.problems._nasbench201.columns import IMAGES
from mobench.problems._nasbench201.embedded import MISSING, embedded_columns
from mobench.problems.tables import nasbench201
from mobench.scoring.contract import contract_for

ROOT = Path(__file__).parents[3]
CELLS = all_cells()
VALID = {"cifar10": 25_000, "cifar100": 5_000, "ImageNet16-120": 3_000}
GPUS = [f"{gpu}_{batch}" for gpu in ("1080ti", "2080ti", "titanx", "titanxp", "titan_rtx") for batch in (1, 32, 256)]
MODNAS = {
    "1080ti_1": 0.9458, "1080ti_32": 0.9697, "1080ti_256": 0.9425, "silver_4114": 0.9736, "silver_4210r": 0.9690,
    "samsung_a50": 0.9925, "pixel3": 0.9840, "essential_ph_1": 0.9813, "samsung_s7": 0.9833, "titanx_1": 0.9568,
    "titanx_32": 0.9504, "titanx_256": 0.9488, "gold_6240": 0.9727, "titan_rtx_256": 0.9663, "gold_6226": 0.9618,
    "fpga": 0.9742, "pixel2": 0.9832, "raspi4": 0.9829, "eyeriss": 0.9811,
}  # fmt: skip
"""Hypervolume of the true front on each device, between minimum and maximum, reference 1; the page has them."""


def shared_arrays(shared_data: Path) -> dict[str, np.ndarray]:
    """The gathered arrays in the order of `all_cells`."""
    with np.load(shared_data / "nasbench201" / "nasbench201_full.npz", allow_pickle=False) as file:
        arrays = dict(file)
    order = np.argsort(index(arrays["arch"]))
    return {name: values[order] for name, values in arrays.items()}


def staircase(error: np.ndarray, cost: np.ndarray) -> float:
    """Hypervolume of two minimised objectives with reference 1, by the rectangles under their staircase."""
    volume, lowest = 0.0, 1.0
    for i in np.lexsort((cost, error)):
        if cost[i] < lowest:
            volume += (1 - error[i]) * (lowest - cost[i])
            lowest = cost[i]
    return volume


# --- what ships is what the sources say ------------------------------------------------------------------------------


def test_7456_cells_were_trained_twice_and_8169_three_times():
    for dataset in VALID:
        made = (embedded("nasbench201")[f"{dataset}/200/valid"] != MISSING).sum(axis=1)
        assert np.bincount(made).tolist() == [0, 0, 7456, 8169]


@pytest.mark.parametrize(("dataset", "name"), [("cifar10",) * 2, ("cifar100",) * 2, ("ImageNet16-120", "imagenet")])
def test_every_accuracy_is_a_whole_number_of_images_and_that_of_the_sources(shared_data, dataset, name):
    source, shipped = shared_arrays(shared_data), embedded_columns()
    for column, key in (
        (f"{dataset}/200/valid/trials", f"val_{name}"),
        (f"{dataset}/12/valid", f"e12_{name}_val"),
        (f"{dataset}/200/test", f"test_{name}"),
    ):  # equal to what single precision keeps, so that no image is lost
        np.testing.assert_allclose(shipped[f"embedded/{column}"].values, source[key], rtol=2e-7, atol=2e-6)
    counts = source[f"val_{name}"].astype(float) * VALID[dataset] / 100
    assert np.nanmax(np.abs(counts - np.round(counts))) < 0.002


def test_the_answers_of_three_cells_are_those_of_the_official_files(shared_data):
    nats_bench = pytest.importorskip("nats_bench")
    sample = shared_data / "nats_bench_sample" / "NATS-tss-v1_0-3ffb9-simple"
    api = nats_bench.create(str(sample), "tss", fast_mode=True, verbose=False)
    for dataset in VALID:
        split = "cifar10-valid" if dataset == "cifar10" else dataset
        problem, noisy = nasbench201.problem(dataset=dataset), nasbench201.problem(dataset=dataset, noise=True)
        for i in (0, 11, 284):
            X = from_strings([api.arch(i)])
            for hp in (12, 200):
                official = api.get_more_info(i, split, hp=str(hp), is_random=False)
                values = problem.evaluate(X, fidelity=hp)
                assert 100 - values.F[0, 0] == pytest.approx(official["valid-accuracy"], abs=1e-6)
                assert values.seconds[0] == pytest.approx(official["train-all-time"])
            test = api.get_more_info(i, dataset, hp="200", is_random=False)["test-accuracy"]
            assert 100 - problem.score(X)[0, 0] == pytest.approx(test, abs=1e-6)
            each = [api.get_more_info(i, split, hp="200", is_random=s)["valid-accuracy"] for s in (777, 888, 999)]
            drawn = noisy.evaluate(np.repeat(X, 3, axis=0), seeds=np.arange(3, dtype=np.uint64)).F[:, 0]
            np.testing.assert_allclose(np.sort(100 - drawn), np.sort(each), atol=1e-6)


def test_latencies_are_helps_to_five_in_ten_thousand(shared_data):
    numbers = torch.load(shared_data / "nasbench201" / "str_arch2idx.pt", weights_only=True)
    rows = [numbers[string] for string in to_strings(CELLS)]
    files = sorted((shared_data / "nasbench201" / "latency").glob("*.pt"))
    names = tuple(f"latency:{file.stem}" for file in files)
    assert len(names) == 27
    F = nasbench201.problem(objectives=names).score(CELLS)
    for column, file in enumerate(files):
        measured = np.array(torch.load(file, weights_only=True))[rows]
        np.testing.assert_allclose(F[:, column], measured, rtol=5e-4)


def test_the_script_makes_the_table_that_ships(shared_data, tmp_path, monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location("make", ROOT / "scripts" / "embedded" / "nasbench201.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(sys, "argv", ["make", "--shared", str(shared_data), "--to", str(tmp_path / "made.npz")])
    script.main()
    assert "37 columns" in capsys.readouterr().out
    made, shipped = load_table(tmp_path / "made.npz"), embedded("nasbench201")
    assert made.about == shipped.about
    assert list(made.columns) == list(shipped.columns)
    for name, column in made.columns.items():
        assert (column.unit, column.about) == (shipped.columns[name].unit, shipped.columns[name].about)
        np.testing.assert_array_equal(column.values, shipped[name])
    with pytest.raises(SystemExit, match=r"half: an accuracy is 0\.500 images from a whole number of 3"):
        script.counts(np.array([50.0]), 3, "half")


# --- the problem -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dataset", VALID)
def test_without_an_import_200_epochs_are_seen_and_12_are_cheaper(dataset):
    problem = nasbench201.problem(dataset=dataset)
    assert isinstance(problem, MultiFidelity)
    assert problem.fidelities == (12, 200)
    assert problem.about == {"dataset": dataset, "seen": 200, "scored": 200}
    short, full = (problem.evaluate(CELLS, fidelity=epochs) for epochs in (12, 200))
    np.testing.assert_allclose(short.seconds / full.seconds, 0.06)
    np.testing.assert_allclose(short.flops / full.flops, 0.06)
    np.testing.assert_array_equal(problem.evaluate(CELLS).F, full.F)
    assert (short.F[:, 0] > full.F[:, 0]).mean() > 0.97
    seen, scored = full.F[:, 0], problem.score(CELLS)[:, 0]
    assert np.isclose(seen, scored, atol=1e-9).mean() < 0.05  # cells at chance level
    assert np.corrcoef(seen, scored)[0, 1] > 0.99


def test_seconds_are_the_authors_clock_which_counts_images():
    seconds = {d: nasbench201.problem(dataset=d).evaluate(CELLS).seconds for d in IMAGES}
    for dataset, images in IMAGES.items():
        np.testing.assert_allclose(seconds[dataset], seconds["cifar10"] * images / 25_000)


def test_noise_draws_a_whole_number_of_images_and_12_epochs_have_one_number():
    problem = nasbench201.problem(noise=True)
    X, seeds = np.repeat(CELLS[[7777]], 300, axis=0), np.arange(300, dtype=np.uint64)
    drawn = 100 - problem.evaluate(X, seeds=seeds).F[:, 0]
    counts = embedded("nasbench201")["cifar10/200/valid"][7777]
    assert set(np.round(drawn * 250).astype(int)) == set(counts[counts != MISSING].tolist())
    short = problem.evaluate(X, fidelity=12, seeds=seeds).F[:, 0]
    assert set(short) == {nasbench201.problem(epochs=12).evaluate(X[:1]).F[0, 0]}


def test_raspi4_and_pixel3_optimise_disconnected_cells_away():
    F = nasbench201.problem(objectives=("error", "latency:raspi4", "latency:pixel3")).score(CELLS)
    disconnected = (live(CELLS) == 0).all(axis=1)
    assert disconnected.sum() == 341
    for column, cells in ((1, 276), (2, 283)):
        away = F[:, column] < 1
        assert away.sum() == cells
        assert disconnected[away].all()
    np.testing.assert_array_equal(F[disconnected, 0], 90.0)


def test_27_devices_are_offered_and_15_of_them_are_gpus():
    devices = [name.removeprefix("embedded/latency:") for name in embedded_columns() if "/latency:" in name]
    assert len(devices) == 27
    assert set(GPUS) <= set(devices)
    with pytest.raises(ValueError, match="HELP measured 32x32 images, so not for ImageNet16-120"):
        nasbench201.problem(dataset="ImageNet16-120", objectives=("error", "latency:1080ti_1"))


def test_imports_add_what_is_lacking_and_change_no_answer(own_data):
    rng = np.random.default_rng(0)
    names = [f"official/cifar10/{e}/{k}" for e in (12, 200) for k in ("valid", "test", "seconds", "valid/trials")]
    names += ["csv/cifar10/200/test", "help/latency:fpga", "hwnas/cifar10/latency:fpga", "hwnas/cifar10/energy:fpga"]
    names += ["official/cifar10/flops"]
    made = {name: Column(rng.uniform(10, 90, (15625, 3) if "trials" in name else 15625)) for name in names}
    choices = [{"objectives": ("error", "flops", "latency:fpga"), "noise": noise} for noise in (False, True)]
    before = [nasbench201.problem(**choice).fingerprint for choice in choices]
    save_table(own_data / "nasbench201.npz", Table(made, {"sources": {}}))
    assert [nasbench201.problem(**choice).fingerprint for choice in choices] == before
    assert nasbench201.problem(**choices[0], data="imported").fingerprint != before[0]
    added = nasbench201.problem(objectives=("flops", "energy:fpga"), costs="stored").score(CELLS)
    for column, name in enumerate(("official/cifar10/flops", "hwnas/cifar10/energy:fpga")):
        np.testing.assert_array_equal(added[:, column], made[name].values)


def test_the_table_is_read_when_it_is_used_and_not_before():
    code = (
        "import mobench; from mobench.problems._embedded.tables import embedded; "
        "from mobench.problems.tables import nasbench201; print(embedded.cache_info().currsize, end=' '); "
        "nasbench201.problem(); nasbench201.problem(dataset='cifar100'); print(embedded.cache_info().misses)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert out.stdout == "0 1\n"


# --- how it compares -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", MODNAS)
def test_the_true_hypervolume_of_modnas_is_what_the_page_says(device):
    problem = nasbench201.problem(objectives=("error", f"latency:{device}"))
    assert contract_for(problem, "modnas").volume == pytest.approx(MODNAS[device], abs=1e-4)


def test_the_true_hypervolumes_of_modnas_are_those_of_the_sources(shared_data):
    source = shared_arrays(shared_data)
    kept = source["test_cifar10"] > 10.0001
    for device, volume in MODNAS.items():
        error, cost = (
            (values - values.min()) / (values.max() - values.min())
            for values in ((100 - source["test_cifar10"])[kept].astype(float), source[f"device_{device}"][kept])
        )
        assert staircase(error, cost.astype(float)) == pytest.approx(volume, abs=6e-5)


def test_the_campaign_of_modnas_is_19_devices_and_its_own_method_is_listed_as_not_applicable():
    campaign = read_campaign(ROOT / "docs" / "campaigns" / "modnas.toml")
    assert campaign.contract == "modnas"
    assert [options["objectives"] for _, options in campaign.problems] == [["error", f"latency:{d}"] for d in MODNAS]
    assert {pair.searcher.partition(":")[0] for pair in campaign.not_applicable} == {"modnas"}
    assert all(pair.reason.startswith("needs Supernet") for pair in campaign.not_applicable)
    assert len(campaign.not_applicable) == 19
    assert len(campaign.specs) == 19 * 4 * len(campaign.seeds)


def test_random_search_reaches_the_shares_that_the_page_says():
    runs = [mobench.run("random_search:batch=50", "nasbench201", budget=200, seed=seed) for seed in range(10)]
    curves = [run.curve() for run in runs]
    for evaluations, share in ((50, 0.86), (200, 0.92)):
        shares = [c["hypervolume"][c["evaluations"] <= evaluations].iloc[-1] for c in curves]
        assert np.mean(shares) == pytest.approx(share, abs=0.03)
