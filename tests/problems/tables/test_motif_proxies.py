"""Motif's zero-cost proxies: the table is what the live problem computes, at the price of the passes."""

import numpy as np
import pytest

import mobench
from mobench import Proxied, make_problem
from mobench.live.proxies import NAMES
from mobench.problems._cells.prices import IMAGES, PASSES
from mobench.problems._motif.table import proxies_table


@pytest.fixture(scope="module")
def motif():
    return make_problem("motif", {})


def test_every_network_has_every_proxy(motif):
    assert isinstance(motif, Proxied)
    assert motif.proxy_names == (*NAMES, "flops") == tuple(PASSES)
    X = motif.space.all()
    S = np.asarray(motif.proxies(X, names=motif.proxy_names).F)
    assert S.shape == (15625, 8)
    assert np.isfinite(S).all()
    assert len(proxies_table()["synflow:0"]) == 5260
    same = motif.space.key(X)
    for column in S.T:
        first = column[np.unique(same, return_index=True)[1]]
        np.testing.assert_array_equal(column, first[np.unique(same, return_inverse=True)[1]])


def test_the_table_is_what_the_live_problem_computes(motif):
    live = make_problem("cell_training", {})
    X = motif.space.at(np.random.default_rng(4).integers(0, 15625, 12))
    told, computed = (np.asarray(problem.proxies(X, names=motif.proxy_names).F) for problem in (motif, live))
    for name, one, other in zip(motif.proxy_names, told.T, computed.T, strict=True):
        if name == "jacob_cov":  # 1 / eigenvalue, of single precision
            np.testing.assert_allclose(one, other, rtol=0.05, atol=5.0)
        else:
            np.testing.assert_allclose(one, other, rtol=2e-3, atol=1e-4)


def test_a_proxy_costs_its_passes(motif):
    X = motif.space.at([15624, 7000])
    macs = np.asarray(motif.proxies(X, names=("flops",)).F)[:, 0]
    for name, passes in (("synflow", 3), ("naswot", IMAGES), ("grasp", 9 * IMAGES), ("flops", 0)):
        np.testing.assert_array_equal(motif.proxies(X, names=(name,)).flops, macs * passes)
    training = np.asarray(motif.evaluate(X).flops)
    assert (motif.proxies(X, names=motif.proxy_names).flops < training / 250).all()


def test_jacob_cov_says_more_of_accuracy_than_multiply_adds_and_synflow_hardly(motif):
    """Partial rank correlations given multiply-adds, as on the page; plain ones are all below that of flops."""
    problem = make_problem("motif", {"objectives": ("error", "flops")})
    accuracy, macs = -problem.costs[:, 0], problem.macs

    def ranks(values):
        return np.argsort(np.argsort(values)).astype(float)

    def rest(values):
        return ranks(values) - np.polyval(np.polyfit(ranks(macs), ranks(values), 1), ranks(macs))

    plain = {name: np.corrcoef(ranks(proxies_table()[f"{name}:0"]), ranks(accuracy))[0, 1] for name in NAMES}
    partial = {name: np.corrcoef(rest(proxies_table()[f"{name}:0"]), rest(accuracy))[0, 1] for name in NAMES}
    assert max(plain.values()) < np.corrcoef(ranks(macs), ranks(accuracy))[0, 1]
    assert partial["jacob_cov"] > 0.3
    assert partial["naswot"] > 0.25
    assert partial["synflow"] < 0.25
    assert partial["grad_norm"] < 0


def test_a_search_with_a_proxy_pays_for_it():
    found = mobench.run("nsga2", "motif", budget={"trainings": 5}, proxy="naswot")
    history = found.history
    answered = np.asarray(found.problem.evaluate(history.X).flops).sum()
    assert 0 < history.total["flops"] - answered < 0.2 * answered
