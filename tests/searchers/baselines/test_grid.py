"""Grid search: what it asks, in which order, and when it ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mobench
from mobench import make_problem
from mobench.searchers.baselines import grid
from mobench.searchers.baselines.grid import spaced


def test_levels_are_spaced_evenly_between_the_ends() -> None:
    assert [spaced(6, k).tolist() for k in (1, 2, 3, 6, 9)] == [[2], [0, 5], [0, 2, 5], [*range(6)], [*range(6)]]
    assert spaced(1, 4).tolist() == [0]


def test_the_grid_of_perceptrons_is_all_pairs_of_widths() -> None:
    problem = make_problem("fcnet", {})
    result = mobench.run("grid:genes=[units1,units2]", "fcnet", budget=100)
    assert (result.reason, len(result.history.X)) == ("finished", 36)
    units = [problem.space.names.index(gene) for gene in ("units1", "units2")]
    assert len(np.unique(result.history.X[:, units], axis=0)) == 36
    rest = np.delete(result.history.X, units, axis=1)
    middle = (np.delete(np.array(problem.space.cardinalities), units) - 1) // 2
    assert (rest == middle).all()
    corners = {tuple(row) for row in result.history.X[:4, units].tolist()}
    assert corners == {(0, 0), (0, 5), (5, 0), (5, 5)}, "coarse grids come first"


def test_a_grid_of_few_levels_is_asked_whole_and_no_more() -> None:
    result = mobench.run("grid:levels=3", "catsum", budget=1000)
    assert (result.reason, len(result.history.X)) == ("finished", 3**6)
    assert set(np.unique(result.history.X)) == {0, 2, 4}


def test_without_levels_every_architecture_is_asked_once() -> None:
    result = mobench.run("grid", "lotz:bits=7", budget=1000)
    assert (result.reason, len(np.unique(result.history.X, axis=0))) == ("finished", 128)


def test_other_genes_are_those_of_the_start(tmp_path: Path) -> None:
    start = tmp_path / "start.csv"
    start.write_text("x0,x1,x2,x3,x4,x5\n4,3,2,1,0,4\n")
    result = mobench.run("grid:genes=[x5]", "catsum", budget=100, start=str(start))
    assert np.unique(result.history.X, axis=0).tolist() == [[4, 3, 2, 1, 0, last] for last in range(5)]


def test_a_grid_too_large_to_list_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "LISTED", 10)
    result = mobench.run("grid:levels=2", "catsum", budget=1000)
    assert (result.reason, len(result.history.X)) == ("finished", 64)


def test_an_unknown_gene_is_named() -> None:
    with pytest.raises(ValueError, match=r"names 'unit1' \(option genes\), .* did you mean 'units1'\?"):
        mobench.run("grid:genes=[unit1]", "fcnet", budget=10)
