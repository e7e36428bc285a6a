"""NAS-Bench-201: published numbers; what imports alone show, score, cost and lack; keys, bounds, options."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mobench import Column, Enumerable, MultiFidelity, Published, Table, minimised, nondominated, save_table
from mobench.core.capabilities import Decodable
from mobench.core.problem import Problem
from mobench.plugins.catalogue import find
from mobench.plugins.options import check_options
from mobench.problems._cells import space as _cell
from mobench.problems._nasbench201 import official as official
from mobench.problems._nasbench201 import readers as readers
from mobench.problems.tables import nasbench201
from mobench.scoring.contract import contract_for

DATASETS = ("cifar10", "cifar100", "ImageNet16-120")
CELLS = _cell.all_cells()
SKIPS = np.ones((1, 6), dtype=np.int64)
SEEDS = np.arange(5, dtype=np.uint64)
imported = functools.partial(nasbench201.problem, data="imported")


@pytest.fixture
def data(own_data: Path) -> Path:
    """Data folder of this test."""
    return own_data


def save_official(folder: Path, numbers, rows) -> None:
    """A table as the import of official files makes it, from (k, fields) numbers of k rows."""
    reading = readers.Reading({}, None, [], {})
    readers.add_official(Path("generated"), _cell.to_strings(CELLS[rows]), numbers, reading)
    save_table(folder / "nasbench201.npz", Table(reading.columns, {"sources": reading.sources}))


@pytest.fixture
def official_data(data: Path):
    """Generated official data of all cells; half of the trials with seed 999 do not exist."""
    rng = np.random.default_rng(0)
    numbers = rng.uniform(10, 90, size=(len(CELLS), len(official.FIELDS)))
    trials = {seed: official.FIELDS.index(f"cifar10/200/valid/{seed}") for seed in official.SEEDS[200]}
    numbers[::2, trials[999]] = np.nan
    numbers[:, official.FIELDS.index("cifar10/200/valid")] = np.nanmean(numbers[:, list(trials.values())], axis=1)
    save_official(data, numbers, np.arange(len(CELLS)))
    return numbers


def field(numbers, name: str):
    return numbers[:, official.FIELDS.index(name)]


# --- published numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dataset", "best", "skips"),
    [("cifar10", 94.37, 54.30), ("cifar100", 73.51, 15.61), ("ImageNet16-120", 47.31, 16.32)],
)
def test_best_accuracies_and_the_all_skip_cell_are_the_published_ones(dataset, best, skips):
    problem = nasbench201.problem(dataset=dataset)
    accuracy = 100 - problem.score(CELLS)[:, 0]
    assert accuracy.max() == pytest.approx(best, abs=0.005)
    assert 100 - problem.score(SKIPS)[0, 0] == pytest.approx(skips, abs=0.005)


def test_flops_and_params_span_the_published_ranges_without_any_data():
    F = nasbench201.problem(objectives=("flops", "params")).score(CELLS)
    assert F[:, 0].min() == 7.78305
    assert F[:, 0].max() == 220.11969
    assert F[:, 1].min() == 0.073306
    assert F[:, 1].max() == 1.531546
    for dataset, flops, params in (("cifar100", 7.7889, 0.079156), ("ImageNet16-120", 1.95342, 0.080456)):
        low = nasbench201.problem(dataset=dataset, objectives=("flops", "params")).score(CELLS).min(axis=0)
        np.testing.assert_allclose(low, (flops, params), atol=5e-5)


def test_the_cifar10_front_of_test_error_and_flops_has_14_points_of_17_cells():
    problem = nasbench201.problem()
    X, F = problem.front()
    everything = problem.score(CELLS)
    assert len(X) == 17
    assert len(np.unique(F, axis=0)) == 14
    np.testing.assert_array_equal(problem.score(X), F)
    np.testing.assert_array_equal(F, everything[nondominated(everything)])
    np.testing.assert_allclose(F.min(axis=0), (5.626667, 7.78305), atol=1e-6)
    np.testing.assert_allclose(F.max(axis=0), (13.203333, 153.27297), atol=1e-6)


def test_evoxbench_bounds_hold_the_ideal_and_nadir_of_the_true_front():
    problem = nasbench201.problem(objectives=("error", "params", "flops"))
    F = problem.front()[1]
    ideal, nadir = problem.bounds("evoxbench")
    np.testing.assert_allclose(F.min(axis=0), ideal, atol=1e-6)
    np.testing.assert_allclose(F.max(axis=0)[1:], nadir[1:], atol=1e-6)
    assert nadir[0] == 90.0
    _, nadir = nasbench201.problem(objectives=("error", "latency:eyeriss")).bounds("evoxbench")
    np.testing.assert_array_equal(nadir, (50.98, 10.5269))


def test_eyeriss_latency_spans_the_range_that_evoxbench_publishes():
    F = nasbench201.problem(objectives=("error", "latency:eyeriss")).score(CELLS)
    assert F[:, 1].min() == pytest.approx(1.67954)
    assert F[:, 1].max() == pytest.approx(10.5269)


def test_modnas_bounds_are_the_extremes_of_cells_with_error_below_90():
    problem = nasbench201.problem(objectives=("latency:pixel3", "error"))
    ideal, nadir = problem.bounds("modnas")
    F = problem.score(CELLS)
    F = F[F[:, 1] < 90]
    np.testing.assert_array_equal(ideal, F.min(axis=0))
    np.testing.assert_array_equal(nadir, F.max(axis=0))
    assert nadir[1] < 90


@pytest.mark.parametrize(
    ("contract", "options"),
    [
        ("modnas", {}),
        ("modnas", {"dataset": "cifar100", "objectives": ("error", "latency:pixel3")}),
        ("modnas", {"objectives": ("error", "latency:pixel3", "latency:fpga")}),
        ("evoxbench", {"dataset": "cifar100"}),
        ("evoxbench", {"objectives": ("error", "latency:fpga")}),
        ("nonsense", {}),
    ],
)
def test_contracts_without_published_bounds_are_refused(contract, options):
    with pytest.raises(ValueError, match=f"contract '{contract}': no bounds for"):
        nasbench201.problem(**options).bounds(contract)


# --- seen and scored -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("nasbench201_data")
def test_with_the_csvs_12_epoch_validation_is_seen_and_200_epoch_test_is_scored():
    problem = imported()
    assert problem.about == {"dataset": "cifar10", "seen": 12, "scored": 200}
    first = _cell.from_strings(
        ["|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"]
    )
    assert 100 - problem.evaluate(first).F[0, 0] == pytest.approx(63.364, abs=1e-3)
    assert 100 - problem.score(first)[0, 0] == pytest.approx(85.863333, abs=1e-6)
    assert not isinstance(problem, MultiFidelity)
    assert isinstance(problem, Problem)
    assert isinstance(problem, Enumerable)
    assert isinstance(problem, Published)
    assert isinstance(problem, Decodable)


@pytest.mark.usefixtures("nasbench201_data")
def test_200_epochs_are_refused_with_the_csvs_and_the_cure_is_named():
    with pytest.raises(ValueError, match=r"no 200-epoch validation error of cifar10.*epochs=12.*mobench data add"):
        imported(epochs=200)


@pytest.mark.usefixtures("nasbench201_data")
def test_the_searcher_cannot_see_the_test_error():
    problem = imported()
    seen, scored = problem.evaluate(CELLS).F, problem.score(CELLS)
    assert not np.isclose(seen[:, 0], scored[:, 0], atol=1e-9).any()
    np.testing.assert_array_equal(seen[:, 1], scored[:, 1])


def test_test_errors_alone_are_no_problem(data):
    rows = {f"csv/{dataset}/200/test": Column(np.full(15625, 90.0)) for dataset in DATASETS}
    save_table(data / "nasbench201.npz", Table(rows, {"sources": {}}))
    with pytest.raises(ValueError, match=r"test errors alone .* would show the searcher its score"):
        imported()


def test_without_data_the_error_names_the_command_and_what_each_source_brings():
    with pytest.raises(ValueError, match=r"accuracy_12_epochs\.csv.*`mobench data add nasbench201 --from PATH`") as got:
        imported()
    assert "\n" not in str(got.value)
    with pytest.raises(ValueError, match=r"'latency:eyeriss'.*there are error, params, flops;.*HELP.*mobench data add"):
        imported(objectives=("latency:eyeriss",))


def test_official_data_offer_12_and_200_epochs_and_show_200(official_data):
    problem = imported()
    assert isinstance(problem, MultiFidelity)
    assert problem.fidelities == (12, 200)
    assert problem.about == {"dataset": "cifar10", "seen": 200, "scored": 200}
    for fidelity, name in ((None, "200"), (200, "200"), (12, "12")):
        values = problem.evaluate(CELLS, fidelity=fidelity)
        np.testing.assert_array_equal(values.F[:, 0], 100 - field(official_data, f"cifar10/{name}/valid"))
        np.testing.assert_array_equal(values.seconds, field(official_data, f"cifar10/{name}/seconds"))
    np.testing.assert_array_equal(problem.score(CELLS)[:, 0], 100 - field(official_data, "cifar10/200/test"))
    with pytest.raises(ValueError, match="fidelity: 50 is not on offer; this problem has 12, 200"):
        problem.evaluate(CELLS[:1], fidelity=50)


@pytest.mark.usefixtures("official_data")
def test_a_pinned_length_has_one_fidelity():
    problem = imported(epochs=12)
    assert not isinstance(problem, MultiFidelity)
    assert problem.about["seen"] == 12


def test_stored_costs_are_read_from_the_official_file(official_data):
    problem = nasbench201.problem(objectives=("params", "flops"), costs="stored")
    np.testing.assert_array_equal(problem.score(CELLS)[:, 0], field(official_data, "cifar10/params"))
    np.testing.assert_array_equal(problem.score(CELLS)[:, 1], field(official_data, "cifar10/flops"))


@pytest.mark.usefixtures("nasbench201_data")
def test_stored_costs_need_official_data():
    with pytest.raises(ValueError, match=r"costs='stored': stored flops come with official data only"):
        nasbench201.problem(costs="stored")


def test_a_cell_without_values_is_named_with_the_cure(data):
    numbers = np.full((2, len(official.FIELDS)), 50.0)
    save_official(data, numbers, [7, 8])
    problem = imported()
    np.testing.assert_array_equal(problem.evaluate(CELLS[7:9]).F[:, 0], 50.0)
    assert problem.training.seconds == 50.0
    with pytest.raises(ValueError, match=r"\|none~0\|.*: no error imported \(2 of 15,625 cells have it\)"):
        problem.evaluate(CELLS[:9])
    with pytest.raises(ValueError, match="mobench data add nasbench201"):
        problem.score(CELLS[:1])
    with pytest.raises(ValueError, match="2 of 15,625"):
        problem.front()


# --- prices ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dataset", "images"), [("cifar10", 25_000), ("cifar100", 50_000), ("ImageNet16-120", 151_700)]
)
@pytest.mark.usefixtures("official_data")
def test_a_training_costs_epochs_times_images_times_three_forward_passes(dataset, images):
    problem = imported(dataset=dataset, objectives=("error", "flops"))
    for epochs in (12, 200):
        values = problem.evaluate(CELLS[:50], fidelity=epochs)
        np.testing.assert_allclose(values.flops, epochs * images * 3 * values.F[:, 1] * 1e6, rtol=1e-12)
    everything = problem.evaluate(CELLS)
    assert problem.training.flops == pytest.approx(everything.flops.mean())
    assert problem.training.seconds == pytest.approx(everything.seconds.mean())
    assert problem.training.evaluations == 1


def test_stored_costs_do_not_change_the_price(official_data):
    exact, stored = imported(), imported(costs="stored")
    np.testing.assert_array_equal(exact.evaluate(CELLS).flops, stored.evaluate(CELLS).flops)


@pytest.mark.usefixtures("nasbench201_data")
def test_the_csvs_know_no_seconds():
    problem = imported()
    assert problem.training.seconds == 0
    assert problem.evaluate(CELLS[:2]).seconds == 0


def test_objectives_without_training_cost_evaluations_only():
    problem = nasbench201.problem(objectives=("params", "flops"))
    values = problem.evaluate(CELLS[:3])
    assert problem.training.flops == 0
    assert values.flops == 0
    np.testing.assert_array_equal(values.F, problem.score(CELLS[:3]))


# --- noise -----------------------------------------------------------------------------------------------------------


def test_noise_draws_one_recorded_trial_by_seed(official_data):
    problem = imported(noise=True)
    assert not problem.deterministic
    trials = 100 - np.column_stack([field(official_data, f"cifar10/200/valid/{s}") for s in (777, 888, 999)])
    for row, exist in ((0, 2), (1, 3)):
        seeds = np.arange(300, dtype=np.uint64)
        drawn = problem.evaluate(np.repeat(CELLS[[row]], 300, axis=0), seeds=seeds).F[:, 0]
        assert set(drawn) == set(trials[row][~np.isnan(trials[row])])
        assert len(set(drawn)) == exist
        assert min(np.unique(drawn, return_counts=True)[1]) >= 90
    np.testing.assert_array_equal(problem.score(CELLS), imported().score(CELLS))


@pytest.mark.usefixtures("official_data")
def test_noise_depends_on_the_seed_of_the_row_alone():
    problem = imported(noise=True)
    X, seeds = CELLS[100:200], np.random.default_rng(1).integers(0, 2**64, 100, dtype=np.uint64)
    together = problem.evaluate(X, seeds=seeds).F
    alone = np.vstack([problem.evaluate(X[[i]], seeds=seeds[[i]]).F for i in range(100)])
    np.testing.assert_array_equal(together, alone)


@pytest.mark.usefixtures("nasbench201_data")
def test_noise_needs_official_data():
    with pytest.raises(ValueError, match="of imports only official files hold single trainings; leave out data='imp"):
        imported(noise=True)
    with pytest.raises(ValueError, match="only the objective 'error' is noisy"):
        imported(noise=True, objectives=("flops",))


# --- keys, space, options --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("keys", "classes"), [("genotype", 15625), ("isomorphic", 6466), ("functional", 5260)])
def test_cells_of_one_class_share_key_answer_price_and_score(keys, classes):
    problem = nasbench201.problem(keys=keys, objectives=("error", "flops", "latency:pixel3"))
    key = problem.space.key(CELLS)
    assert len(np.unique(key)) == classes
    first = CELLS[key]
    np.testing.assert_array_equal(problem.space.key(first), key)
    seen, same = problem.evaluate(CELLS), problem.evaluate(first)
    np.testing.assert_array_equal(seen.F, same.F)
    np.testing.assert_array_equal(seen.flops, same.flops)
    np.testing.assert_array_equal(problem.score(CELLS), problem.score(first))
    X, _ = problem.front()
    assert len(np.unique(problem.space.key(X))) == len(X)


def test_rows_of_the_space_are_rows_of_the_table():
    problem = nasbench201.problem()
    np.testing.assert_array_equal(problem.space.all(), CELLS)
    assert problem.decode(SKIPS)[0].count("skip_connect") == 6
    np.testing.assert_array_equal(_cell.from_strings(problem.decode(CELLS[::97])), CELLS[::97])


@pytest.mark.usefixtures("nasbench201_data")
def test_an_unknown_device_offers_the_nearest():
    with pytest.raises(ValueError, match="unknown 'latency:eyerris', did you mean 'latency:eyeriss'"):
        imported(objectives=("error", "latency:eyerris"))
    with pytest.raises(ValueError, match=r"unknown 'watts', there are error, params, flops, latency:1080ti_1"):
        imported(objectives=("error", "watts"))


@pytest.mark.usefixtures("nasbench201_data")
def test_helps_latencies_of_32x32_images_are_not_offered_for_imagenet16():
    imported(dataset="cifar100", objectives=("error", "latency:pixel3"))
    with pytest.raises(ValueError, match="HELP measured 32x32 images, so not for ImageNet16-120"):
        imported(dataset="ImageNet16-120", objectives=("error", "latency:pixel3"))


@pytest.mark.parametrize("objectives", [(), ("flops", "flops")])
def test_objectives_are_one_or_more_different_names(objectives):
    with pytest.raises(ValueError, match="one or more different names"):
        nasbench201.problem(objectives=objectives)


@pytest.mark.parametrize(
    "options",
    [{"dataset": "cifar"}, {"epochs": 90}, {"keys": "x"}, {"noise": 1}, {"costs": 0}, {"objectives": "flops"}],
)
def test_impossible_options_are_refused_before_anything_is_read(options):
    with pytest.raises(ValueError, match=f"option '{next(iter(options))}'"):
        check_options(find("problem", "nasbench201"), options)


def test_options_of_a_campaign_file_are_understood():
    options = {"dataset": "cifar100", "objectives": ["params", "flops"], "epochs": 12}
    assert check_options(find("problem", "nasbench201"), options)["objectives"] == ("params", "flops")


def test_all_objectives_are_minimised_and_have_units():
    problem = nasbench201.problem(objectives=("error", "params", "flops", "latency:fpga"))
    assert [objective.unit for objective in problem.objectives] == ["%", "M", "M", "ms"]
    F = problem.score(CELLS[:5])
    np.testing.assert_array_equal(minimised(F, problem.objectives), F)


def test_the_problem_loads_without_torch_pandas_or_the_importer():
    code = (
        "import sys; from mobench.problems.tables import nasbench201; nasbench201.problem(); "
        "print([m for m in ('torch', 'pandas', 'multiprocessing', 'nats_bench', 'tqdm') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert out.stdout == "[]\n"


def test_error_against_params_with_latency_below_ten_milliseconds():
    problem = nasbench201.problem(objectives=("error", "params", "latency:pixel3<=10"))
    assert [objective.bound for objective in problem.objectives] == ["", "", "latency:pixel3 <= 10 ms"]
    free = nasbench201.problem(objectives=("error", "params", "latency:pixel3"))
    assert problem.fingerprint == free.fingerprint
    F = free.front()[1]
    assert 0 < len(contract_for(problem).front) == (F[:, 2] <= 10).sum() < len(F)
