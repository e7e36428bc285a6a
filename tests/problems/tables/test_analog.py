"""AnalogNAS-Bench: the authors' numbers, on NAS-Bench-201's cells and no others."""

import csv

import numpy as np
import pytest
from scipy.stats import kendalltau

from mobench import Drawable, Enumerable
from mobench.problems._cells.space import from_strings, index
from mobench.problems._embedded.tables import embedded
from mobench.problems._embedded.values import values
from mobench.problems.tables import analog

ALL = (*analog.CONDITIONS, *analog.DRIFTS)


@pytest.fixture(scope="module")
def problem():
    return analog.problem()


def test_every_cell_has_the_numbers_of_the_source_within_the_stated_rounding(shared_data):
    with np.load(shared_data / "analog_nasbench" / "analog_nasbench.npz") as file:
        source = dict(file)
    rows = index(source["nb201_arch"])
    assert len(np.unique(rows)) == 15625
    table = embedded("analog")
    expected = {**analog.CONDITIONS, **analog.DRIFTS}
    expected |= {f"{name}/std": f"{theirs}_std" for name, theirs in analog.DRIFTS.items()}
    for name, theirs in expected.items():
        rounding = table.columns[name].about["rounding error"]
        assert rounding <= 0.005
        np.testing.assert_allclose(values(table, name)[rows], source[theirs], atol=rounding + 1e-5)


def test_the_digital_error_ranks_cells_as_nasbench201_does(shared_data):
    """Which would not be so, were edges or operations in another order."""
    with (shared_data / "nasbench201" / "nats_bench.csv").open() as file:
        rows = list(csv.DictReader(file))
    theirs = np.array([float(row["CIFAR10TestAccuracy200Epochs"]) for row in rows])
    X = from_strings([row["ArchitectureString"] for row in rows])
    ours = analog.problem(objectives=("error:baseline",)).score(X)[:, 0]
    assert len(rows) == 15625
    assert kendalltau(100 - ours, theirs).statistic == pytest.approx(0.926, abs=1e-3)


def test_all_thirteen_errors_are_objectives_and_their_counts_are_known(problem):
    everything = analog.problem(objectives=tuple(f"error:{name}" for name in ALL))
    assert everything.scored.shape == (15625, 13)
    assert isinstance(problem, Enumerable)
    assert len(problem.front()[0]) == 27
    assert (everything.scored[:, 0] == 90).sum() >= 341
    assert everything.scored[:, 0].min() == pytest.approx(100 - 94.066, abs=2e-3)


def test_hardware_that_drifts_gets_worse_and_training_for_it_helps():
    names = ("error:baseline", "error:noisy", "error:noisy_1h", "error:noisy_30d", "error:analog", "error:analog_30d")
    median = dict(zip(names, np.median(analog.problem(objectives=names).scored, axis=0), strict=True))
    order = ["error:baseline", "error:analog", "error:analog_30d", "error:noisy", "error:noisy_1h", "error:noisy_30d"]
    assert sorted(median, key=median.get) == order


def test_only_errors_after_drift_say_how_sure_they_are(problem):
    noise = problem.standard_errors(problem.space.all())
    assert np.isnan(noise[:, 0]).all()
    np.testing.assert_array_equal(noise[:, 2], values(embedded("analog"), "analog_30d/std"))


def test_cells_are_written_and_drawn_as_those_of_nasbench201(problem):
    X = problem.space.at(np.array([3 * 5**5]))
    assert problem.decode(X) == ["|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|"]
    assert isinstance(problem, Drawable)
    assert problem.graph(np.array([1, 0, 0, 3, 0, 0])) == [("input", "output", "nor_conv_3x3")]
