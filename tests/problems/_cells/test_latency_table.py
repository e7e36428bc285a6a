"""Latency as a sum over operations: fitted exactly where it is one, differentiable in the supernet's costs."""

import numpy as np
import pytest
import torch

from mobench.problems._cells import space as cell
from mobench.problems._cells.latency_table import LatencyTable, fitted_table, measured_table
from mobench.problems._cells.supernet import CellSupernet, Options

SKELETON = cell.Skeleton(inputs=2, size=8, classes=5, channels=3, cells=2, stages=2)
CELLS = cell.all_cells()
TABLE = LatencyTable(1.5, (0.0, 0.01, 0.2, 0.5, 0.1), {"device": "a stopwatch"})


def supernet(**options):
    half = (torch.zeros(8, 2, 8, 8, dtype=torch.float64), torch.zeros(8, dtype=torch.int64))
    settings = Options(batch=4, **options)
    return CellSupernet(SKELETON, train=half, valid=half, charge=lambda *_: None, seed=0, options=settings)


def test_a_sum_is_found_again_from_its_values():
    rows = np.random.default_rng(0).choice(len(CELLS), 60, replace=False)
    fitted = fitted_table(CELLS[rows], TABLE.predict(CELLS[rows]))
    assert fitted.fixed == pytest.approx(TABLE.fixed)
    assert fitted.operations == pytest.approx(TABLE.operations, abs=1e-12)
    np.testing.assert_allclose(fitted.predict(CELLS), TABLE.predict(CELLS))


def test_dead_edges_take_no_time():
    X = np.array([[3, 0, 0, 1, 0, 0], [0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0]])
    assert TABLE.predict(X).tolist() == [1.51, 1.51, 1.5]
    np.testing.assert_array_equal(TABLE.predict(CELLS), TABLE.predict(cell.live(CELLS)))


def test_the_supernet_expects_it_exactly_and_differentiably():
    network = supernet(costs=("flops", "latency:watch"), latencies={"latency:watch": TABLE}, dead=True)
    F = np.column_stack([cell.flops(CELLS, skeleton=SKELETON) / 1e6, TABLE.predict(CELLS)])
    p = torch.softmax(torch.randn(6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64), dim=1)
    probability = p.numpy()[np.arange(6), CELLS].prod(axis=1)
    np.testing.assert_allclose(network.costs(p), probability @ F, rtol=1e-12)
    assert torch.autograd.gradcheck(network.costs, p.requires_grad_())


def test_measuring_finds_every_operation_and_says_where():
    table = measured_table(SKELETON, batch=2, repeats=5, warm_up=0.0)
    assert table.operations[cell.NONE] == 0.0
    assert min(table.fixed, *table.operations[1:]) > 0.0
    assert table.operations[cell.CONV3] > table.operations[cell.SKIP]
    assert (table.about["made"], table.about["batch"]) == ("measured", 2)


def test_cells_that_tell_nothing_are_refused():
    with pytest.raises(ValueError, match="cannot tell"):
        fitted_table(CELLS[:3], np.ones(3))
    with pytest.raises(ValueError, match="finite numbers"):
        fitted_table(CELLS[:3], np.array([1.0, np.nan, 1.0]))
    with pytest.raises(ValueError, match="costs: expected any of flops, params, found 'latency:phone'"):
        supernet(costs=("latency:phone",))
