"""NAS-Bench-MR: the authors' numbers, and tasks that want different networks."""

import numpy as np
import pytest

from mobench import Enumerable
from mobench.problems._embedded.tables import embedded
from mobench.problems._embedded.values import values
from mobench.problems.tables import nas_bench_mr

EXAMPLE = [96, 128, 1, 1, 48, 1, 1, 1, 128, 8, 1, 1, 1, 1, 128, 128, 120, 4, 4, 4, 4, 4, 128, 128, 128, 128, 64]
"""The code that the authors' README spells out."""


@pytest.fixture(scope="module")
def problem():
    return nas_bench_mr.problem()


def test_every_network_has_the_numbers_of_the_source(shared_data):
    with np.load(shared_data / "nas_bench_mr" / "nas_bench_mr.npz") as file:
        source = dict(file)
    table = embedded("nas_bench_mr")
    row = {tuple(genes): i for i, genes in enumerate(table["genes"].tolist())}
    rows = [row[tuple(genes)] for genes in source["genes"].tolist()]
    assert len(row) == len(rows) == 2507
    for task in nas_bench_mr.TASKS:
        metric = "mIoU" if task.startswith("seg") else "top1"
        np.testing.assert_allclose(values(table, task)[rows], source[f"{task}_{metric}"], atol=1e-5)
    np.testing.assert_array_equal(table["flops"][rows], source["flops_g"])
    np.testing.assert_allclose(table["params"][rows] / 1e6, source["params_m"], rtol=1e-6)


def test_genes_are_the_numbers_of_the_authors_codes():
    assert len(nas_bench_mr.GENES) == len(EXAMPLE) == 27
    code = dict(zip(nas_bench_mr.GENES, EXAMPLE, strict=True))
    assert [code[f"stage3_channels{branch}"] for branch in (1, 2, 3)] == [128, 128, 120]
    assert [code[f"stage4_units{branch}"] for branch in (1, 2, 3, 4)] == [4, 4, 4, 4]
    assert (code["input1"], code["last"], code["stage2_channels2"]) == (96, 64, 8)


def test_the_space_is_as_large_as_known_and_its_rows_are_those_that_exist(problem):
    assert problem.space.size == 2507
    assert float(np.prod(np.array(problem.space.cardinalities, dtype=float))) == pytest.approx(1.9e22, rel=0.01)
    (text,) = problem.decode(problem.space.pool[:1])
    values_of = dict(part.split("=") for part in text.split())
    assert list(values_of.values()) == [str(v) for v in embedded("nas_bench_mr")["genes"][0]]


def test_best_errors_and_fronts_are_the_known_ones(problem):
    assert isinstance(problem, Enumerable)
    assert problem.scored.min(axis=0) == pytest.approx([100 - 79.1, 100 - 28.292], abs=1e-3)
    assert len(problem.front()[0]) == 9
    assert len(nas_bench_mr.problem(objectives=("error:seg", "error:video", "flops")).front()[0]) == 93


def test_what_is_good_for_segmentation_is_not_for_video():
    tasks = ("error:seg", "error:video", "error:cls_50_1000")
    F = nas_bench_mr.problem(objectives=tasks).scored
    together = np.corrcoef(F.T)
    assert together[0, 1:] == pytest.approx([-0.04, 0.88], abs=0.01)


def test_how_sure_errors_are_is_not_known(problem):
    noise = nas_bench_mr.problem(objectives=("error:seg", "params")).standard_errors(problem.space.pool[:3])
    assert np.isnan(noise[:, 0]).all()
    assert (noise[:, 1] == 0).all()


def test_an_unknown_task_is_named():
    with pytest.raises(ValueError, match="did you mean 'error:video'"):
        nas_bench_mr.problem(objectives=("error:vide", "flops"))
