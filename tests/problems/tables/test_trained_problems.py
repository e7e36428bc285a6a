"""Tables whose networks are all trained: equal networks get equal answers, the front is the true one, makers resume."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from _trained import SCRIPTS, needs_compiler, script, start_maker
from torch.nn.functional import one_hot

import mobench
from mobench import (
    Costed,
    Decodable,
    ElasticSupernet,
    Enumerable,
    MultiFidelity,
    Problem,
    Resumable,
    load_table,
    nondominated,
)
from mobench.core.capabilities import Replicated
from mobench.problems._trained.table import MISSING, seeds_of, spread, trained, whole_seeds
from mobench.problems.tables import motif_chain, motif_transformer

MODULES = {"motif_chain": motif_chain, "motif_transformer": motif_transformer}
KINDS = script("kinds").KINDS


@pytest.fixture(params=MODULES)
def name(request):
    return request.param


@pytest.fixture
def known(name):
    return MODULES[name].problem(objectives=("error", "flops", "params"))


@pytest.fixture
def table(name):
    return load_table(KINDS[name].table)


def test_the_table_says_what_it_holds(name, table, known):
    kind, (_, valid_images, test_images) = KINDS[name], known.made.images
    networks = len(kind.rows)
    np.testing.assert_array_equal(table["row"], kind.rows)
    np.testing.assert_array_equal(kind.rows, known.made.key(known.made.networks))
    assert kind.table.stat().st_size < 2e6
    assert table.about["training"] == kind.training
    for seed in seeds_of(table):
        valid, test, made = table[f"valid_correct:{seed}"], table[f"test_correct:{seed}"], trained(table, seed)
        assert valid.shape == (networks, known.made.looks)
        assert test.shape == (networks,)
        assert (valid[made] <= valid_images).all()
        assert (test[made] <= test_images).all()
        assert (valid[~made] == MISSING).all()
        said = f"{made.sum():,} of {networks:,} networks x {known.made.epochs} epochs"
        assert table.about["coverage"][f"seed {seed}"] == said


def test_all_networks_are_trained_with_the_first_seed(known, table):
    assert trained(table, whole_seeds(table)[0]).all()
    assert len(known.networks) == len(known.made.networks)


def test_it_has_the_capabilities_of_a_table_with_a_known_front(known):
    for capability in (
        Problem,
        Enumerable,
        MultiFidelity,
        Resumable,
        Costed,
        Decodable,
        Replicated,
        ElasticSupernet,
    ):
        assert isinstance(known, capability)
    assert [f"{o.name} {o.unit}" for o in known.objectives] == ["error %", "flops M", "params k"]


def test_the_searcher_sees_validation_and_is_scored_by_test(name, known, table):
    seen, *later = whole_seeds(table)
    _, valid_images, test_images = known.made.images
    rows = np.flatnonzero(trained(table, seen))[[0, 40, -1]]
    X = known.made.networks[rows]
    for look in known.fidelities:
        expected = 100 - 100 * (table[f"valid_correct:{seen}"][rows, look - 1] / valid_images)
        np.testing.assert_allclose(known.evaluate(X, fidelity=look).F[:, 0], expected)
    tests = np.mean([table[f"test_correct:{seed}"][rows] for seed in later or [seen]], axis=0)
    costs = [cost.of(X) for cost in (known.sums["flops"], known.sums["params"])]
    np.testing.assert_allclose(known.score(X), np.c_[100 - 100 * tests / test_images, *costs])


def test_flops_and_params_are_known_before_a_training(known):
    costs = known.known_costs(known.networks[:5])
    np.testing.assert_array_equal(np.isnan(costs), [[True, False, False]] * 5)
    np.testing.assert_array_equal(costs[:, 1:], known.score(known.networks[:5])[:, 1:])


def test_answers_and_prices_are_those_of_the_network(known):
    X, made = known.space.all(), known.made
    same = made.networks[np.searchsorted(made.key(made.networks), made.key(X))]
    np.testing.assert_array_equal(known.space.key(X), known.space.key(same))
    np.testing.assert_array_equal(known.score(X), known.score(same))
    images = made.images[0] * made.epochs
    np.testing.assert_allclose(known.evaluate(X).flops, 3 * images * made.flops(X))
    np.testing.assert_allclose(known.evaluate(X, fidelity=2).flops, 2 / made.looks * 3 * images * made.flops(X))
    assert known.training.flops == pytest.approx(known.evaluate(X).flops.mean())


def test_the_front_is_the_nondominated_set(known):
    X, front = known.front()
    np.testing.assert_array_equal(known.score(X), front)
    everything = np.unique(known.score(known.space.all()), axis=0)
    np.testing.assert_array_equal(np.unique(front, axis=0), np.unique(everything[nondominated(everything)], axis=0))


def test_a_latency_says_how_far_it_misses(name, table):
    names = ("latency:cpu_b1", "latency:cpu_b64")
    assert set(table.about["latency"]) == set(names)
    known = MODULES[name].problem(objectives=("error", *names))
    F, noise = known.score(known.networks), known.standard_errors(known.networks)
    assert [objective.unit for objective in known.objectives] == ["%", "ms", "ms"]
    assert (F[:, 1:] > 0).all()
    for column, latency in enumerate(names, start=1):
        missed = table.about["latency"][latency]["median_relative_miss"]
        assert 0 < missed < 0.1
        np.testing.assert_allclose(noise[:, column] / F[:, column], missed / 0.67449, rtol=1e-5)


def test_the_noise_of_a_score_is_that_of_its_trainings(known):
    noise = known.standard_errors(known.networks)
    assert np.isfinite(noise).all()
    assert (noise[:, 0] > 0).all()
    assert (noise[:, 1:] == 0).all()


def test_networks_trained_once_borrow_the_noise_of_others_as_accurate():
    rng, mean = np.random.default_rng(0), np.linspace(5, 50, 1000)
    tests = mean + rng.standard_normal((2, 1000)) * np.where(mean < 25, 0.5, 4)
    tests[1, rng.random(1000) < 0.7] = np.nan
    noise = spread(tests)
    assert noise[mean < 10].mean() == pytest.approx(0.5, rel=0.2)
    assert noise[mean > 40].mean() == pytest.approx(4, rel=0.2)


@pytest.mark.parametrize(
    ("objectives", "said"),
    [(("error", "flop"), "did you mean 'flops'"), ((), "one or more different names"), (("error",) * 2, "different")],
)
def test_impossible_objectives_are_refused(name, objectives, said):
    with pytest.raises(ValueError, match=said):
        MODULES[name].problem(objectives=objectives)


@pytest.mark.parametrize("fidelity", [0, 9])
def test_a_fidelity_that_is_not_on_offer_is_refused(known, fidelity):
    with pytest.raises(ValueError, match=f"1 to {known.made.looks} {known.made.look}, found {fidelity}"):
        known.evaluate(known.networks[:1], fidelity=fidelity)


def test_a_supernet_needs_the_error_first_and_has_no_partial_channels(name):
    with pytest.raises(ValueError, match="a supernet needs error first"):
        MODULES[name].problem(objectives=("flops", "error")).supernet(charge=lambda flops: None, seed=0)
    network = MODULES[name].problem().supernet(charge=lambda flops: None, seed=0)
    with pytest.raises(ValueError, match="no partial connections"):
        network.initial_weights(partial_channels=2)


def test_the_supernet_has_the_costs_of_the_table_and_is_paid_by_the_pass(name):
    known = MODULES[name].problem(objectives=("error", "flops", "params", "latency:cpu_b64"))
    charged = []
    network = known.supernet(charge=charged.append, seed=0)
    assert network.operations == known.operations
    assert network.descending == known.descending
    weights, widest = network.initial_weights(), max(map(len, known.operations))
    for x in known.space.sample(np.random.default_rng(0), 5):
        p = one_hot(torch.as_tensor(x), widest).float().requires_grad_()
        F = known.score(x[None])[0]
        np.testing.assert_allclose(network.costs(p).detach(), F[1:], rtol=1e-5)
        charged.clear()
        network.train_loss(weights, p, network.train_batch()).backward()
        assert charged == [pytest.approx(64 * F[1] * 1e6 * passes) for passes in (1, 2)]


def test_its_costs_under_shares_are_means_over_what_is_drawn(name):
    known = MODULES[name].problem(objectives=("error", "flops", "latency:cpu_b1"))
    network, X = known.supernet(charge=lambda flops: None, seed=0), known.space.all()
    p = torch.zeros(len(known.operations), max(map(len, known.operations)), dtype=torch.float64)
    weights = np.ones(len(X))
    for gene, options in enumerate(known.operations):
        shares = np.random.default_rng(gene).dirichlet(np.ones(len(options)))
        p[gene, : len(options)], weights = torch.tensor(shares), weights * shares[X[:, gene]]
    np.testing.assert_allclose(network.costs(p), weights @ known.score(X)[:, 1:], rtol=1e-9)


def test_one_shot_and_gradient_searches_run_on_it(name):
    for searcher in ("spos", "scalarization", "once_for_all"):
        result = mobench.run(searcher, name, budget={"trainings": 0.05}, finalists=0)
        assert len(result.history.recommended)
        assert 0 <= result.hypervolume(contract="mobench-1") <= 1


@pytest.mark.long
@needs_compiler
def test_a_maker_that_was_killed_goes_on_and_its_journal_is_the_same(name, tmp_path):
    nothing = ("--continue", tmp_path / "none.npz")
    assert start_maker(name, tmp_path / "whole", "--limit", 4, *nothing).wait() == 0
    killed = start_maker(name, tmp_path / "killed", "--limit", 4, *nothing)
    while not (tmp_path / "killed").exists() or not (tmp_path / "killed").stat().st_size:
        time.sleep(0.02)
        assert killed.poll() is None
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    with (tmp_path / "killed").open("ab") as torn:
        torn.write(b"torn")
    done = (tmp_path / "killed").stat().st_size // KINDS[name].record.itemsize
    assert start_maker(name, tmp_path / "killed", "--limit", 4 - done, *nothing).wait() == 0
    assert (tmp_path / "killed").read_bytes() == (tmp_path / "whole").read_bytes()


@pytest.mark.long
@needs_compiler
def test_another_machine_goes_on_from_the_table(name, tmp_path):
    """It trains what the table lacks, and packing both gives what one journal of all would have given."""

    def pack(table, journal):
        command = [sys.executable, SCRIPTS / "pack.py", name, "--to", table, "--journal", journal]
        subprocess.run(command, check=True, capture_output=True)
        return load_table(table)

    nothing = ("--continue", tmp_path / "none.npz")
    assert start_maker(name, tmp_path / "first", "--limit", 2, *nothing).wait() == 0
    pack(tmp_path / "a.npz", tmp_path / "first")
    assert start_maker(name, tmp_path / "rest", "--limit", 1, "--continue", tmp_path / "a.npz").wait() == 0
    a = pack(tmp_path / "a.npz", tmp_path / "rest")
    (tmp_path / "both").write_bytes((tmp_path / "first").read_bytes() + (tmp_path / "rest").read_bytes())
    b = pack(tmp_path / "b.npz", tmp_path / "both")
    assert (a["test_correct:0"] != MISSING).sum() == 3
    for column in b.columns:
        np.testing.assert_array_equal(a[column], b[column])


@pytest.mark.long
@needs_compiler
def test_rows_trained_again_are_those_of_the_table(name, table, known, tmp_path):
    """Exactly where compiler and processor are those of the table, elsewhere closely: sums have other orders."""
    assert start_maker(name, tmp_path / "again", "--limit", 2, "--continue", tmp_path / "none.npz").wait() == 0
    for again in KINDS[name].read_journal(tmp_path / "again"):
        at = np.searchsorted(table["row"], again["row"])
        assert abs(int(again["test"]) - int(table["test_correct:0"][at])) < 0.1 * known.made.images[2]
