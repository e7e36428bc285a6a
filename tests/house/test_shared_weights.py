"""The ablation on shared weights: everybody begins at the same place, and its table says what its record holds."""

import numpy as np
import pandas as pd
import pytest
from _scripts import SCRIPTS, scripts

from mobench.problems.tables.motif import problem

pytest.importorskip("torch")

observatory, shared = scripts("motif", "observatory", "shared_weights")


@pytest.fixture
def small(monkeypatch):
    one = problem(objectives=("error",), batch=32)
    for module in (observatory, shared):
        monkeypatch.setattr(module, "motif", lambda: one)
    monkeypatch.setattr(shared, "WARM", 0.01)
    monkeypatch.setattr(shared, "SPENT", (0.001, 0.01))
    return one


def test_every_estimator_begins_with_the_same_weights_and_batches_and_none_changes_them(small, monkeypatch):
    starts = []

    def spy(real):
        def wrapped(search, spent, *rest):
            before = {name: weight.detach().clone() for name, weight in search.weights.items()}
            starts.append((dict(search.network.drawn), before, search.alpha.detach().clone()))
            yield from real(search, spent, *rest)
            assert all((before[name] == weight).all() for name, weight in search.weights.items())

        return wrapped

    for name in ("descended", "chosen"):
        monkeypatch.setattr(shared, name, spy(getattr(shared, name)))
    found = list(shared.seen(0))
    assert [row[0] for row in found[::2]] == [*shared.ESTIMATORS, shared.CHOICE]
    assert all(small.operations[gene][op] != "none" for *_, cell in found for gene, op in enumerate(cell))
    assert all(steps > 0 for _, _, steps, _ in found)
    drawn, weights, alpha = starts[0]
    for other_drawn, other_weights, other_alpha in starts[1:]:
        assert other_drawn == drawn
        assert (other_alpha == alpha).all()
        assert all((other_weights[name] == weight).all() for name, weight in weights.items())


def test_the_same_seed_gives_the_same_cells(small, monkeypatch):
    monkeypatch.setattr(shared, "ESTIMATORS", ("first order", "score function"))
    first, again = ([(*row[:3], row[3].tolist()) for row in shared.seen(1)] for _ in range(2))
    assert first == again


def record(seeds=6, **shift):
    rows = [
        (seed, name, spent, 5, "111111", 4.0 + 0.1 * seed + shift.get(name.replace(" ", "_"), 0.0), 0.2)
        for seed in range(seeds)
        for name in (*shared.ESTIMATORS, shared.CHOICE)
        for spent in shared.SPENT
    ]
    return pd.DataFrame(rows, columns=shared.COLUMNS)


def test_differences_are_taken_seed_by_seed():
    found = shared.table(record(unrolled=-0.5, BOME=0.5)).set_index("estimator")
    assert found.loc["unrolled", "difference"] == pytest.approx(-0.5)
    assert found.loc["unrolled", "better"] == 6
    assert found.loc["BOME", "better"] == 0
    assert found.loc["unrolled", "p"] == pytest.approx(9 * 2 / 2**6)  # the least of six pairs, times nine estimators
    assert found.loc["implicit", "p"] == 1.0
    assert np.isnan(found.loc[shared.FIRST, "p"])


def test_one_seed_decides_nothing():
    assert shared.table(record(seeds=1, unrolled=-0.5))["p"].isna().all()


def test_the_record_is_of_cells_of_the_table_and_the_page_has_its_numbers():
    rows = pd.read_csv(shared.RECORD, dtype={"cell": str})
    errors = problem(objectives=("error",)).score(np.array([[int(op) for op in cell] for cell in rows["cell"]]))[:, 0]
    np.testing.assert_allclose(rows["error"], errors, atol=5e-4)
    assert set(rows["estimator"]) == {*shared.ESTIMATORS, shared.CHOICE}
    page = (SCRIPTS.parent / "docs" / "results" / "bilevel.md").read_text()
    assert [line for line in shared.page_lines(shared.table(rows)) if line not in page] == []
