"""What a run asks, logs and delivers exists: rows of a pool, and inactive genes at 0, whatever its searcher writes."""

import numpy as np
import pytest

import mobench
from mobench import make_problem
from mobench.plugins.sources import using
from mobench.scoring.load import load


def careless(run):
    """A searcher that knows nothing of pools: whole numbers within the bounds of each gene."""
    while True:
        X = np.column_stack([run.rng.integers(0, c, 8) for c in run.space.cardinalities])
        run.record(population=X)
        run.evaluate(X)
        run.recommend(X)


@pytest.mark.parametrize("name", ["accel", "nas_bench_mr", "hw_gpt:kind=measured", "hw_gpt", "ofa_mbv3"])
def test_a_careless_searcher_delivers_rows_that_exist(name):
    result = mobench.run(careless, name, budget=60)
    space = result.problem.space
    notes = [note.content for note in result.history.recommended]
    for X in (result.history.X, result.delivered(), *notes):
        assert len(X)
        assert (space.canonical(X) == X).all()
        if space.pool is not None:
            rows = {tuple(row) for row in space.pool.tolist()}
            assert all(tuple(x) in rows for x in X.tolist())
    assert len(np.unique(space.key(result.history.X))) == 60


def test_a_row_that_stands_for_an_answered_one_is_the_same_question():
    asked = []

    def search(run):
        X = run.space.sample(run.rng, 1)
        asked.append(run.evaluate(X)[0])
        for gene in range(5):
            Y = X.copy()
            Y[0, gene] = (Y[0, gene] + 1) % run.space.cardinalities[gene]
            if run.space.key(Y) == run.space.key(X):
                asked.append(run.evaluate(Y)[0])

    result = mobench.run(search, "accel", budget=10)
    assert len(asked) > 1
    assert (np.array(asked) == asked[0]).all()
    assert len(result.history.X) == 1
    assert result.reason == "finished"


def test_runs_of_careless_searchers_come_back_from_their_folders(tmp_path):
    plugin = tmp_path / "careless.py"
    plugin.write_text(
        "import numpy as np\n\n\ndef search(run):\n    while True:\n"
        "        run.evaluate(np.column_stack([run.rng.integers(0, c, 8) for c in run.space.cardinalities]))\n"
    )
    with using([plugin]):
        result = mobench.run("careless", "accel", budget=30, folder=tmp_path / "run")
        again = load(tmp_path / "run")
    assert (again.history.X == result.history.X).all()
    assert (again.problem.space.canonical(again.history.X) == again.history.X).all()
    assert make_problem("accel", {}).score(again.delivered()).shape == again.front()[["error", "throughput:a100"]].shape
