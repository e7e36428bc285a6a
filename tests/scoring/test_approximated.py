"""Where a hypervolume is not exact, measures and reports say so."""

import numpy as np
import pandas as pd
import pytest

import mobench
from mobench.core.capabilities import Published
from mobench.report.report import write_report
from mobench.scoring.contract import contract_for


class Wide:
    """Six objectives, whose front holds many."""

    objectives = tuple(mobench.Objective(f"f{j}") for j in range(6))

    def bounds(self, contract):
        return np.zeros(6), np.ones(6)


def sphere(n):
    x = np.abs(np.random.default_rng(0).normal(size=(n, 6)))
    return 1.0 - 0.9 * x / np.linalg.norm(x, axis=1, keepdims=True)


def test_measures_say_whether_the_hypervolume_is_exact():
    assert isinstance(Wide(), Published)
    contract = contract_for(Wide())
    assert contract.measures(sphere(600))["approximated"] == 0
    assert contract.measures(sphere(601))["approximated"] == 1
    crowded = np.concatenate([sphere(500), sphere(500) + 0.01])
    assert contract.measures(crowded)["approximated"] == 0  # dominated points cost nothing
    assert mobench.run("random_search", "motif", budget=30).measures()["approximated"] == 0


@pytest.mark.long
@pytest.mark.parametrize("most", [600, 3])
def test_a_report_marks_what_is_approximated(tmp_path, monkeypatch, most):
    monkeypatch.setattr("mobench.report.drawings.OVERALL", ())
    monkeypatch.setattr("mobench.scoring.contract.is_exact", lambda n, m: n <= most)
    mobench.run("random_search", "lotz:bits=6", budget=30, folder=tmp_path / "run")
    page, _ = write_report(tmp_path / "run")
    runs, said = pd.read_csv(page.parent / "tables" / "runs.csv"), page.read_text("utf-8")
    assert ("approximated" in runs) == ("Hypervolumes of 1 of 1 runs are approximated" in said) == (most == 3)
    assert most == 600 or runs["approximated"].tolist() == ["yes"]
