"""Importances of genes: the truth where it is known, and nothing where there is nothing."""

import numpy as np
import pytest

import mobench
from mobench.analysis.importance import importances
from mobench.analysis.pooled import answers_of
from mobench.figures.importance import plot_importances

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'mobench[insight]'")


def truth(space, y):
    """Main and total effects of every gene over a whole space (Sobol' 1993), (2, d)."""
    table = y.reshape(space.cardinalities)
    axes = set(range(table.ndim))
    alone = [table.mean(axis=tuple(axes - {j})).var() for j in axes]
    total = [table.var(axis=j).mean() for j in axes]
    return np.array([alone, total]) / y.var()


def test_on_motif_they_are_near_the_truth_of_the_whole_table():
    problem = mobench.make_problem("motif", {})
    X = problem.space.all()
    latency = problem.score(X)[:, 1]
    rows = np.random.default_rng(0).choice(len(X), 600, replace=False)
    found = importances(X[rows], latency[rows], problem.space)
    exact = truth(problem.space, latency)
    assert np.abs(found[["alone", "total"]].to_numpy().T - exact).max() < 0.09
    assert found["fit"].iloc[0] > 0.85
    assert (found["alone_low"] <= found["alone"]).all()
    assert (found["total"] <= found["total_high"]).all()


def test_a_gene_without_effect_has_none_and_a_single_one_has_all():
    space = mobench.Space((4, 4, 4))
    X = space.all()
    found = importances(X, np.array([0.0, 3.0, 1.0, 7.0])[X[:, 1]], space).set_index("gene")
    assert found.loc["x1", "alone"] > 0.97
    assert found.loc[["x0", "x2"], "total"].max() < 0.01


def test_where_genes_only_act_together_none_acts_alone():
    space = mobench.Space((2, 2, 5, 5))
    X = space.all()
    found = importances(X, (X[:, 0] ^ X[:, 1]).astype(float), space).set_index("gene")
    assert found.loc[["x0", "x1"], "alone"].max() < 0.05
    assert found.loc[["x0", "x1"], "total"].min() > 0.8


def test_a_constant_has_no_importances():
    space = mobench.Space((3, 3, 3))
    found = importances(space.all(), np.ones(27), space)
    assert not found[["alone", "total", "fit"]].to_numpy().any()


def test_equal_answers_give_equal_tables():
    space = mobench.Space((3, 3, 3))
    y = np.arange(27.0)
    assert importances(space.all(), y, space).equals(importances(space.all(), y, space))


def test_the_figure_is_of_the_tables_numbers():
    table = mobench.gene_importances(mobench.run("random_search", "lotz:bits=5", budget=32))
    figure, data = plot_importances(table)
    assert len(figure.axes) == 2
    assert data.equals(table)


def test_several_answers_of_an_architecture_count_as_their_mean():
    run = mobench.run("random_search", "motif:noise=true", budget=60)
    X, F = answers_of([run, run])
    first = run.history.X == X[0]
    assert F[0] == pytest.approx(run.history.F[first.all(axis=1)].mean(axis=0))
    assert len(np.unique(run.problem.space.key(X))) == len(X)


def test_too_few_architectures_and_mixed_problems_are_refused():
    few = mobench.run("random_search", "catsum", budget=19)
    with pytest.raises(ValueError, match="at least 20 different architectures, found 19"):
        mobench.gene_importances(few)
    with pytest.raises(ValueError, match="runs on one problem"):
        mobench.gene_importances([few, mobench.run("random_search", "lotz", budget=30)])


@pytest.mark.parametrize("unit", [1e300, 1e-300])
def test_they_do_not_depend_on_the_unit_however_large_or_small(unit):
    space = mobench.Space((4, 4))
    X = space.all()
    tables = [importances(X, (X[:, 0] + 0.25 * X[:, 1]) * scale, space) for scale in (1.0, unit)]
    assert tables[1][["alone", "total", "fit"]].to_numpy() == pytest.approx(
        tables[0][["alone", "total", "fit"]].to_numpy(), abs=0.05
    )
    assert tables[1]["total"].min() > 0
