"""The table of motif_chain: equal networks get equal answers, the front is the true one, its maker resumes."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import one_hot

import mobench
from mobench import (
    CategoricalSupernet,
    Costed,
    Decodable,
    Enumerable,
    MultiFidelity,
    Problem,
    Resumable,
    load_table,
    nondominated,
)
from mobench.core.capabilities import Replicated
from mobench.live import ModuleSpace
from mobench.problems._chain import space
from mobench.problems._chain import table as chain_table
from mobench.problems._chain.network import chain as chain_of
from mobench.problems._chain.network import chains
from mobench.problems.tables import motif_chain

SCRIPTS = Path(__file__).parents[3] / "scripts" / "motif_chain"
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler (cc) to build the trainer with")


@pytest.fixture(scope="module")
def table():
    return load_table(chain_table.TABLE)


@pytest.fixture(scope="module")
def chain():
    return motif_chain.problem(objectives=("error", "flops", "params"))


def test_skips_move_within_a_stage_and_leave_5329_networks():
    X = space.all_chains()
    assert X.shape == (6561, 4)
    np.testing.assert_array_equal(space.index(X), np.arange(6561))
    networks = space.canonical(X)
    assert len(np.unique(networks, axis=0)) == len(space.all_networks()) == (1 + 8 + 8**2) ** 2
    np.testing.assert_array_equal(space.canonical(networks), networks)
    for X1, X2 in zip(X[::97], networks[::97], strict=True):
        blocks = [[gene for gene in stage if gene] for x in (X1, X2) for stage in space.stages_of(x)]
        assert blocks[:2] == blocks[2:]


def test_costs_are_those_of_the_torch_module():
    rng = np.random.default_rng(0)
    for x in rng.integers(0, 9, size=(12, 4)):
        network, macs = chain_of(x), []

        def count(module, inputs, output, macs=macs):
            pixels = output.shape[2] * output.shape[3] if output.ndim == 4 else 1
            macs.append(pixels * module.weight.numel())

        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
                module.register_forward_hook(count)
        with torch.no_grad():
            assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 40)
        assert sum(macs) == space.flops(x[None])[0]
        assert sum(p.numel() for p in network.parameters()) == space.params(x[None])[0]


def test_the_table_says_what_it_holds(table):
    networks = space.all_networks()
    np.testing.assert_array_equal(table["row"], space.index(networks))
    assert chain_table.TABLE.stat().st_size < 2e6
    for seed in chain_table.seeds_of(table):
        valid, test = table[f"valid_correct:{seed}"], table[f"test_correct:{seed}"]
        made = chain_table.trained(table, seed)
        assert valid.shape == (5329, 8)
        assert test.shape == (5329,)
        assert (valid[made] <= 2048).all()
        assert (test[made] <= 8192).all()
        assert (valid[~made] == chain_table.MISSING).all()
        assert table.about["coverage"][f"seed {seed}"] == f"{made.sum():,} of 5,329 networks x 8 epochs"


def test_trainings_that_were_made_stay_as_they_are(table):
    """The first of the order in which networks are trained, by their golden counts."""
    valid = {5983: [408, 908, 1188, 1741, 1845, 1878, 1905, 1910], 4559: [275, 667, 1175, 1395, 1648, 1754, 1842, 1840]}
    for row, counts in valid.items():
        np.testing.assert_array_equal(table["valid_correct:0"][table["row"] == row][0], counts)
    first = np.random.default_rng(0).permutation(table["row"])[:150]
    at = np.searchsorted(table["row"], np.sort(first))
    counts = np.column_stack([table["valid_correct:0"][at], table["test_correct:0"][at]]).astype("<u2")
    assert hashlib.sha256(counts.tobytes()).hexdigest()[:16] == "a3c80e7ce60ed549"


def test_it_has_the_capabilities_of_a_table_with_a_known_front(chain):
    for capability in (
        Problem,
        Enumerable,
        MultiFidelity,
        Resumable,
        Costed,
        Decodable,
        Replicated,
        CategoricalSupernet,
    ):
        assert isinstance(chain, capability)
    assert chain.fidelities == tuple(range(1, 9))
    assert [f"{o.name} {o.unit}" for o in chain.objectives] == ["error %", "flops M", "params k"]


def test_the_searcher_sees_validation_and_is_scored_by_test(chain, table):
    seen, *later = chain_table.whole_seeds(table)
    rows = np.flatnonzero(chain_table.trained(table, seen))[[0, 40, -1]]
    X = space.all_networks()[rows]
    for epoch in chain.fidelities:
        expected = 100 - table[f"valid_correct:{seen}"][rows, epoch - 1] / 20.48
        np.testing.assert_allclose(chain.evaluate(X, fidelity=epoch).F[:, 0], expected)
    tests = np.mean([table[f"test_correct:{seed}"][rows] for seed in later or [seen]], axis=0)
    np.testing.assert_allclose(
        chain.score(X), np.c_[100 - 100 * tests / 8192, space.flops(X) / 1e6, space.params(X) / 1e3]
    )


def test_flops_and_params_are_known_before_a_training(chain):
    known = chain.known_costs(chain.networks[:5])
    np.testing.assert_array_equal(np.isnan(known), [[True, False, False]] * 5)
    np.testing.assert_array_equal(known[:, 1:], chain.score(chain.networks[:5])[:, 1:])


def test_answers_and_prices_are_those_of_the_network(chain):
    X = chain.space.all()
    same = space.canonical(X)
    np.testing.assert_array_equal(chain.space.key(X), chain.space.key(same))
    np.testing.assert_array_equal(chain.score(X), chain.score(same))
    np.testing.assert_allclose(chain.evaluate(X, fidelity=3).flops, 3 * 3 * 8192 * space.flops(X))
    assert chain.training.flops == pytest.approx(chain.evaluate(X).flops.mean())


def test_the_front_is_the_nondominated_set(chain):
    X, front = chain.front()
    np.testing.assert_array_equal(chain.score(X), front)
    everything = np.unique(chain.score(chain.space.all()), axis=0)
    np.testing.assert_array_equal(np.unique(front, axis=0), np.unique(everything[nondominated(everything)], axis=0))


def test_latency_is_a_sum_over_blocks_that_says_how_far_it_misses(table):
    names = ("latency:cpu_b1", "latency:cpu_b64")
    assert set(table.about["latency"]) == set(names)
    chain = motif_chain.problem(objectives=("error", *names))
    F, noise = chain.score(chain.networks), chain.standard_errors(chain.networks)
    assert [objective.unit for objective in chain.objectives] == ["%", "ms", "ms"]
    for column, name in enumerate(names, start=1):
        about = table.about["latency"][name]
        first, second = about["stages"]
        for x, latency in zip(chain.networks[::50], F[::50, column], strict=True):
            expected = about["fixed"] + sum(first[gene] for gene in x[:2]) + sum(second[gene] for gene in x[2:])
            assert latency == pytest.approx(expected)
        assert 0 < about["median_relative_miss"] < 0.1
        np.testing.assert_allclose(noise[:, column] / F[:, column], about["median_relative_miss"] / 0.67449, rtol=1e-5)
        network = chain.supernet(charge=lambda flops: None, seed=0)
        p = torch.full((4, 9), 1 / 9)
        mean = about["fixed"] + 2 * np.mean(first) + 2 * np.mean(second)
        assert network.costs(p)[column - 1] == pytest.approx(mean)


def test_the_noise_of_a_score_is_that_of_its_trainings(chain):
    noise = chain.standard_errors(chain.networks)
    assert np.isfinite(noise).all()
    assert (noise[:, 0] > 0).all()
    assert (noise[:, 1:] == 0).all()


def test_networks_trained_once_borrow_the_noise_of_others_as_accurate():
    rng, mean = np.random.default_rng(0), np.linspace(5, 50, 1000)
    tests = mean + rng.standard_normal((2, 1000)) * np.where(mean < 25, 0.5, 4)
    tests[1, rng.random(1000) < 0.7] = np.nan
    noise = chain_table.spread(tests)
    assert noise[mean < 10].mean() == pytest.approx(0.5, rel=0.2)
    assert noise[mean > 40].mean() == pytest.approx(4, rel=0.2)


@pytest.mark.parametrize(
    ("objectives", "said"),
    [(("error", "flop"), "did you mean 'flops'"), ((), "one or more different names"), (("error",) * 2, "different")],
)
def test_impossible_objectives_are_refused(objectives, said):
    with pytest.raises(ValueError, match=said):
        motif_chain.problem(objectives=objectives)


@pytest.mark.parametrize("fidelity", [0, 9])
def test_a_fidelity_that_is_not_on_offer_is_refused(chain, fidelity):
    with pytest.raises(ValueError, match=f"1 to 8 epochs, found {fidelity}"):
        chain.evaluate(chain.networks[:1], fidelity=fidelity)


def test_a_supernet_needs_the_error_first_and_has_no_partial_channels():
    with pytest.raises(ValueError, match="a supernet needs error first"):
        motif_chain.problem(objectives=("flops", "error")).supernet(charge=lambda flops: None, seed=0)
    network = motif_chain.problem().supernet(charge=lambda flops: None, seed=0)
    with pytest.raises(ValueError, match="no partial connections"):
        network.initial_weights(partial_channels=2)


def test_a_path_of_the_supernet_is_the_stand_alone_network():
    """With its weights copied: the same logits."""
    module = chains().double()
    modules = ModuleSpace(module, torch.zeros(2, 1, 8, 8, dtype=torch.float64))
    images = torch.randn(16, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert tuple(gene.name for gene in modules.genes) == space.BLOCK_NAMES
    for x in np.random.default_rng(1).integers(0, 9, size=(6, 4)):
        left_out = {
            f"{1 + b // 2 * 2}.{b % 2}.{name}."
            for b, g in enumerate(x)
            for name in space.OPERATIONS
            if name != space.OPERATIONS[g]
        }
        weights = dict(module.named_parameters())
        mine = [w for name, w in weights.items() if not any(name.startswith(part) for part in left_out)]
        alone = chain_of(x).double().train()
        torch.nn.utils.vector_to_parameters(torch.cat([w.flatten() for w in mine]), alone.parameters())
        with torch.no_grad():
            path = modules(weights, one_hot(torch.as_tensor(x), 9).double(), images)
            torch.testing.assert_close(path, alone(images), rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(modules.costs(x[None])[0], [space.flops(x[None])[0], space.params(x[None])[0]])


def test_the_supernet_has_the_costs_of_the_table_and_is_paid_by_the_pass(chain):
    charged = []
    network = chain.supernet(charge=charged.append, seed=0)
    weights = network.initial_weights()
    for x in chain.space.sample(np.random.default_rng(0), 5):
        p = one_hot(torch.as_tensor(x), 9).float().requires_grad_()
        F = chain.score(x[None])[0]
        np.testing.assert_allclose(network.costs(p).detach(), F[1:], rtol=1e-5)
        charged.clear()
        network.train_loss(weights, p, network.train_batch()).backward()
        assert charged == [pytest.approx(64 * F[1] * 1e6 * passes) for passes in (1, 2)]


def test_one_shot_and_gradient_searches_run_on_it():
    for searcher in ("spos", "scalarization"):
        result = mobench.run(searcher, "motif_chain", budget={"trainings": 0.05}, finalists=0)
        assert len(result.history.recommended)
        assert 0 <= result.hypervolume(contract="mobench-1") <= 1


def start_maker(journal, *options):
    command = [sys.executable, SCRIPTS / "make.py", "--journal", journal, *options]
    return subprocess.Popen([str(word) for word in command], stderr=subprocess.DEVNULL, start_new_session=True)


@pytest.mark.long
@needs_compiler
def test_a_maker_that_was_killed_goes_on_and_its_journal_is_the_same(tmp_path):
    nothing = ("--continue", tmp_path / "none.npz")
    assert start_maker(tmp_path / "whole", "--limit", 4, *nothing).wait() == 0
    killed = start_maker(tmp_path / "killed", "--limit", 4, *nothing)
    while not (tmp_path / "killed").exists() or not (tmp_path / "killed").stat().st_size:
        time.sleep(0.02)
        assert killed.poll() is None
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    with (tmp_path / "killed").open("ab") as torn:
        torn.write(b"torn")
    done = (tmp_path / "killed").stat().st_size // 22
    assert start_maker(tmp_path / "killed", "--limit", 4 - done, *nothing).wait() == 0
    assert (tmp_path / "killed").read_bytes() == (tmp_path / "whole").read_bytes()


@pytest.mark.long
@needs_compiler
def test_another_machine_goes_on_from_the_table(tmp_path):
    """It trains what the table lacks, and packing both gives what one journal of all would have given."""
    nothing = ("--continue", tmp_path / "none.npz")
    assert start_maker(tmp_path / "first", "--limit", 2, *nothing).wait() == 0
    pack = [sys.executable, SCRIPTS / "pack.py", "--to"]
    subprocess.run([*pack, tmp_path / "a.npz", "--journal", tmp_path / "first"], check=True, capture_output=True)
    assert start_maker(tmp_path / "rest", "--limit", 1, "--continue", tmp_path / "a.npz").wait() == 0
    subprocess.run([*pack, tmp_path / "a.npz", "--journal", tmp_path / "rest"], check=True, capture_output=True)
    both = (tmp_path / "first").read_bytes() + (tmp_path / "rest").read_bytes()
    (tmp_path / "both").write_bytes(both)
    subprocess.run([*pack, tmp_path / "b.npz", "--journal", tmp_path / "both"], check=True, capture_output=True)
    a, b = load_table(tmp_path / "a.npz"), load_table(tmp_path / "b.npz")
    assert (a["test_correct:0"] != chain_table.MISSING).sum() == 3
    for name in b.columns:
        np.testing.assert_array_equal(a[name], b[name])


@pytest.mark.long
@needs_compiler
def test_rows_trained_again_are_those_of_the_table(table, tmp_path):
    """Exactly where compiler and processor are those of the table, elsewhere closely: sums have other orders."""
    assert start_maker(tmp_path / "again", "--limit", 2, "--continue", tmp_path / "none.npz").wait() == 0
    record = np.dtype([("seed", "<u2"), ("row", "<u2"), ("valid", "<u2", (8,)), ("test", "<u2")])
    for again in np.fromfile(tmp_path / "again", dtype=record):
        at = np.searchsorted(table["row"], again["row"])
        assert abs(int(again["test"]) - int(table["test_correct:0"][at])) < 0.1 * 8192
