"""Accel-NASBench: the authors' numbers within the stated rounding, on the networks that have them."""

import numpy as np
import pytest

from mobench import Enumerable, Replicated
from mobench.problems._embedded import accel_networks
from mobench.problems._embedded.tables import embedded
from mobench.problems._embedded.values import values
from mobench.problems.tables import accel

ROWS = {
    ("error", "throughput:a100"): 5125,
    ("error", "throughput:rtx3090"): 5122,
    ("error", "latency:zcu102"): 5123,
    ("error", "throughput:tpuv2"): 5088,
    ("error", "throughput:tpuv3"): 5081,
}


@pytest.fixture(scope="module")
def problem():
    return accel.problem()


@pytest.fixture(scope="module")
def source(shared_data):
    with np.load(shared_data / "accel_nasbench" / "accel_nasbench.npz") as file:
        return dict(file)


@pytest.mark.parametrize(("objectives", "rows"), ROWS.items())
def test_networks_count_where_they_have_all_the_objectives(objectives, rows):
    problem = accel.problem(objectives=objectives)
    assert problem.space.size == len(problem.scored) == rows
    assert np.isfinite(problem.scored).all()
    assert float(np.prod([float(c) for c in problem.space.cardinalities])) > 1e10


def test_every_network_has_the_means_of_its_rows_in_the_source(source):
    table = embedded("accel")
    genes = np.column_stack([np.array(v)[table["genes"][:, j]] for j, v in enumerate(accel_networks.CHOICES.values())])
    key = {tuple(row): i for i, row in enumerate(genes.tolist())}
    rows = np.array([key[tuple(row)] for row in source["genes"].tolist()])
    assert (len(key), len(rows)) == (5125, 5138)
    names = {"train_seconds": "train_time", "macs": "macs", "error": "val_top1"}
    names |= {f"latency:{f}": f"latency_{f}" for f in accel_networks.FPGAS}
    names |= {f"throughput:{d}": f"throughput_{d.removeprefix('rtx')}" for d in accel_networks.DEVICES}
    for ours, theirs in names.items():
        expected = np.bincount(rows, source[theirs].astype(float)) / np.bincount(rows)
        expected = 100 - expected if ours == "error" else expected
        rounding = table.columns[ours].about.get("relative rounding error", 1e-6)
        assert rounding < 6e-4
        np.testing.assert_allclose(values(table, ours), expected, rtol=rounding * 1.001)


def test_the_best_error_and_the_front_are_the_known_ones(problem):
    assert problem.score(problem.space.all())[:, 0].min() == pytest.approx(100 - 67.052, abs=1e-3)
    assert isinstance(problem, Enumerable)
    assert len(problem.front()[0]) == 35
    assert [o.maximise for o in problem.objectives] == [False, True]


def test_any_network_of_the_space_stands_for_the_nearest_that_exists(problem):
    rng = np.random.default_rng(0)
    X = (rng.random((20, 28)) * np.array(problem.space.cardinalities)).astype(int)
    agree = (X[:, None, :] == problem.space.pool[None]).sum(axis=2)
    np.testing.assert_array_equal(agree[np.arange(20), problem.space.key(X)], agree.max(axis=1))
    np.testing.assert_array_equal(problem.evaluate(X).F, problem.scored[problem.space.key(X)])


def test_scores_are_as_sure_as_repeats_say(problem):
    assert isinstance(problem, Replicated)
    noise = problem.standard_errors(problem.space.all())
    assert noise[0, 0] == pytest.approx(0.27, abs=0.005)
    assert np.median(noise[:, 1] / problem.scored[:, 1]) == pytest.approx(3.9e-4, rel=0.05)


def test_an_answer_costs_its_training_time(problem):
    X = problem.space.all()[:100]
    np.testing.assert_array_equal(problem.evaluate(X).seconds, values(embedded("accel"), "train_seconds")[:100])
    assert problem.training.seconds == pytest.approx(2148, abs=2)


def test_networks_are_written_by_block(problem):
    (text,) = problem.decode(problem.space.all()[:1])
    assert text.startswith("block0_e=1 block0_k=3 block0_l=1 block0_se=")


def test_an_unknown_device_is_named():
    with pytest.raises(ValueError, match="did you mean 'throughput:a100'"):
        accel.problem(objectives=("error", "throughput:a10"))
