"""Motif's table: whole, small and quick; equal networks get equal answers, and the front is the true one."""

import itertools
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from _far import far_device
from scipy.stats import kendalltau

from mobench import Column, Decodable, Enumerable, MultiFidelity, Problem, Table, load_table, nondominated
from mobench.core.capabilities import Replicated
from mobench.problems._cells import space as cell
from mobench.problems._cells.noise import seed_noise
from mobench.problems._motif import table as motif_table
from mobench.problems.tables import motif

ALL = ("error", "flops", "params")


@pytest.fixture(scope="module")
def table():
    return load_table(motif_table.TABLE)


@pytest.fixture(scope="module")
def exact():
    return motif.problem(objectives=ALL)


@pytest.fixture(scope="module")
def noisy():
    return motif.problem(objectives=ALL, noise=True)


@pytest.fixture(scope="module")
def X(exact):
    return exact.space.all()


def test_the_table_holds_every_class_of_the_space_and_says_how_it_was_made(table):
    np.testing.assert_array_equal(table["row"], np.unique(cell.functional_classes()))
    assert motif_table.TABLE.stat().st_size < 5e6
    coverage = table.about["coverage"]
    assert coverage["seed 0"] == "5,260 of 5,260 classes x 12 epochs"
    for seed in (name.removeprefix("seed ") for name in coverage):
        for split, images, shape in (("valid", 2048, (5260, 12)), ("test", 8192, (5260,))):
            counts = table[f"{split}_correct:{seed}"]
            assert counts.shape == shape
            trained = counts != motif_table.MISSING
            assert (counts[trained] <= images).all()
            assert f"{trained.reshape(5260, -1)[:, 0].sum():,} of" in coverage[f"seed {seed}"]
    assert {"trainer.c", "_motif_data.py"} == set(table.about["sha256"])


def test_it_has_the_capabilities_of_a_table_with_a_known_front(exact):
    for capability in (Problem, Enumerable, MultiFidelity, Decodable):
        assert isinstance(exact, capability)
    assert exact.fidelities == tuple(range(1, 13))
    assert [f"{o.name} {o.unit}" for o in exact.objectives] == ["error %", "flops M", "params k"]
    assert exact.deterministic


def test_genotypes_of_one_network_share_key_answer_and_price(exact, X):
    of = cell.functional_classes()
    np.testing.assert_array_equal(exact.space.key(X), of)
    for values in (exact.score(X), exact.evaluate(X).F, exact.evaluate(X, fidelity=3).F, exact.evaluate(X).flops):
        np.testing.assert_array_equal(values, values[of])


def test_costs_are_those_of_the_live_network(exact, X):
    F = exact.score(X)
    np.testing.assert_allclose(F[:, 1] * 1e6, cell.flops(cell.live(X), skeleton=motif.SKELETON))
    np.testing.assert_allclose(F[:, 2] * 1e3, cell.params(cell.live(X), skeleton=motif.SKELETON))


def test_an_answer_costs_epochs_times_images_times_three_forward_passes(exact, X):
    macs = cell.flops(cell.live(X), skeleton=motif.SKELETON)
    for epochs in (1, 5, 12):
        np.testing.assert_allclose(exact.evaluate(X, fidelity=epochs).flops, 3.0 * 6144 * epochs * macs)
    np.testing.assert_array_equal(exact.evaluate(X).flops, exact.evaluate(X, fidelity=12).flops)
    assert exact.training.flops == pytest.approx(exact.evaluate(X).flops.mean())


def test_the_searcher_sees_validation_and_is_scored_by_test(exact, X, table):
    row = 1234
    first = X[[table["row"][row]]]
    valid = [table[f"valid_correct:{seed}"][row] for seed in (0, 1)]
    test = [table[f"test_correct:{seed}"][row] for seed in motif_table.seeds_of(table)[2:]]
    test = [count for count in test if count != motif_table.MISSING]
    seen = [exact.evaluate(first, fidelity=e).F[0, 0] for e in exact.fidelities]
    np.testing.assert_allclose(seen, 100 - 100 * np.mean(valid, axis=0) / 2048)
    np.testing.assert_allclose(exact.score(first)[0, 0], 100 - 100 * np.mean(test) / 8192)


def test_the_front_is_the_nondominated_set_of_all_genotypes(exact, X):
    front_X, front = exact.front()
    np.testing.assert_array_equal(exact.score(front_X), front)
    F = exact.score(X)
    best = np.unique(exact.space.key(X[nondominated(F)]))
    np.testing.assert_array_equal(np.sort(exact.space.key(front_X)), best)


def test_noise_draws_trained_seeds_and_nothing_else(noisy, X):
    assert not noisy.deterministic
    rows = X[::50]
    seeds = np.random.default_rng(0).integers(0, 2**63, size=len(rows)).astype(np.uint64)
    errors = noisy.evaluate(rows, fidelity=7, seeds=seeds).F[:, 0]
    trials = noisy.valid[:, 6, noisy.member[noisy.space.index(rows)]]
    assert (np.abs(trials - errors) < 1e-9).any(axis=0).all()
    again = noisy.evaluate(rows[::-1], fidelity=7, seeds=seeds[::-1]).F[::-1, 0]
    np.testing.assert_array_equal(errors, again)
    with pytest.raises(ValueError, match="seeds: needed"):
        noisy.evaluate(rows)


def test_a_training_that_was_not_made_is_neither_averaged_nor_drawn():
    counts = {"a": [1024, motif_table.MISSING, 0], "b": [2048, 512, motif_table.MISSING]}
    table = Table({f"test_correct:{seed}": Column(np.array(c, dtype=np.uint16)) for seed, c in counts.items()})
    errors = motif_table.errors(table, "test", 2048, ["a", "b"])
    np.testing.assert_array_equal(errors, [[50, 75, 100], [0, np.nan, np.nan]])


def test_no_training_is_both_seen_and_scored(exact, X, table):
    """A searcher that knew all that is seen would still have to be right about other trainings."""
    seeds = motif_table.seeds_of(table)
    scored = motif_table.errors(table, "test", 8192, seeds[motif_table.SEEN :])
    np.testing.assert_array_equal(exact.costs[:, 0], np.nanmean(scored, axis=0))
    seen = motif_table.errors(table, "valid", 2048, seeds[: motif_table.SEEN])
    np.testing.assert_array_equal(exact.valid, seen)
    for shown in np.unique(exact.evaluate(X, fidelity=12).F[:, 0]):
        assert shown in seen.mean(axis=0)[-1]


COSTS = ("flops", "params", "latency:cpu_b1", "latency:cpu_b64")


@pytest.mark.parametrize("costs", [c for k in (1, 2, 4) for c in itertools.combinations(COSTS, k)])
def test_all_networks_within_reach_of_a_front_have_ten_seeds(costs, table):
    """Within reach: no network that costs no more is better by two standard errors of the difference."""
    errors = motif_table.errors(table, "test", 8192, motif_table.seeds_of(table))
    trained = (~np.isnan(errors)).sum(axis=0)
    assert trained.min() >= 3
    chosen = motif.problem(objectives=("error", *costs))
    mean, variance = np.nanmean(errors, axis=0), seed_noise(errors) ** 2 / trained
    for i in np.flatnonzero(trained < 10):
        as_cheap = (chosen.costs[:, 1:] <= chosen.costs[i, 1:]).all(axis=1)
        ahead = (mean[i] - mean) / np.sqrt(variance[i] + variance)
        assert ahead[as_cheap].max() > 2
    scored = np.flatnonzero(np.isin(chosen.costs, chosen.front()[1]).all(axis=1))
    assert (trained[scored] >= 10).all()


def test_the_noise_of_a_score_is_that_of_its_trainings_and_measurements():
    problem = motif.problem(objectives=("error", "latency:cpu_b64", "flops"))
    X = problem.space.at(np.unique(cell.functional_classes()))
    noise, seeds = problem.standard_errors(X), (~np.isnan(problem.test)).sum(axis=0)
    assert isinstance(problem, Replicated)
    assert (noise[:, 2] == 0).all()
    np.testing.assert_allclose(noise[:, 1] / problem.costs[:, 1], noise[0, 1] / problem.costs[0, 1])
    assert 0.005 < noise[0, 1] / problem.costs[0, 1] < 0.05
    # halves of the scored seeds of a network lie apart as the noise says
    many = seeds >= 8
    apart = problem.test[:4, many].mean(axis=0) - problem.test[4:8, many].mean(axis=0)
    says = noise[many, 0] * np.sqrt(seeds[many] / 4 * 2)
    assert 0.9 < np.std(apart / says) < 1.1


@pytest.mark.parametrize("fidelity", [0, 13, 200])
def test_a_fidelity_that_is_not_on_offer_is_refused(exact, X, fidelity):
    with pytest.raises(ValueError, match=f"1 to 12 epochs, found {fidelity}"):
        exact.evaluate(X[:1], fidelity=fidelity)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"objectives": ("error", "flop")}, "did you mean 'flops'"),
        ({"objectives": ()}, "one or more different names"),
        ({"objectives": ("error", "error")}, "one or more different names"),
        ({"objectives": ("flops", "params"), "noise": True}, "only the objective 'error' is noisy"),
    ],
)
def test_impossible_options_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        motif.problem(**options)


def test_a_missing_table_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr(motif_table, "TABLE", tmp_path / "none.npz")
    motif_table.load.cache_clear()
    with pytest.raises(ValueError, match="reinstall mobench"):
        motif.problem()
    motif_table.load.cache_clear()


@pytest.fixture
def packer(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[3] / "scripts" / "motif")
    import make
    import pack

    yield make, pack
    for name in ("make", "pack", "trainer"):
        sys.modules.pop(name, None)


def write_shards(make, folder, *, seed, shards):
    rng, rows = np.random.default_rng(seed), np.unique(cell.functional_classes())
    for shard in range(shards):
        mine = rows[shard :: make.SHARDS]
        file = make.shard_file(folder, seed, shard)
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(
            file,
            rows=mine,
            valid=rng.integers(0, 2049, (len(mine), 12)).astype(np.uint16),
            test=mine.astype(np.uint16) % 8193,
        )


def test_packing_needs_one_whole_seed_and_keeps_what_there_is_of_others(packer, monkeypatch, tmp_path, capsys):
    make, pack = packer
    target = tmp_path / "table.npz"
    monkeypatch.setattr(sys, "argv", ["pack.py", "--shards", str(tmp_path / "shards"), "--to", str(target)])
    write_shards(make, tmp_path / "shards", seed=1, shards=2)
    with pytest.raises(SystemExit, match="no seed is complete"):
        pack.main()
    assert not target.exists()
    write_shards(make, tmp_path / "shards", seed=0, shards=make.SHARDS)
    pack.main()
    assert "seed 0: 5,260 of 5,260" in capsys.readouterr().out
    table = load_table(target)
    np.testing.assert_array_equal(table["test_correct:0"], table["row"] % 8193)
    assert (table["test_correct:1"] != motif_table.MISSING).sum() == 120
    assert table.about["coverage"]["seed 1"] == "120 of 5,260 classes x 12 epochs"


def test_the_supernet_has_the_costs_of_the_table_and_is_paid_by_the_pass(exact):
    import torch

    charged = []
    network = exact.supernet(charge=lambda flops: charged.append(flops), seed=0)
    X = exact.space.sample(np.random.default_rng(0), 5)
    for x, F in zip(X, exact.score(X), strict=True):
        p = torch.nn.functional.one_hot(torch.as_tensor(x), 5).float()
        assert network.costs(p).numpy() == pytest.approx(F[1:], rel=1e-5)
        images = network.options.batch
        charged.clear()
        with torch.no_grad():
            network.train_loss(network.initial_weights(), p, network.train_batch())
        assert charged == [pytest.approx(images * F[1] * 1e6, rel=1e-6)]


def test_one_shot_search_is_scored_by_the_trained_truth():
    import mobench

    result = mobench.run("spos", "motif", budget={"trainings": 0.15}, batches=1, population=4, finalists=0)
    assert len(result.history.X) == 0
    assert 0.14 < result.history.recommended[-1].spent["flops"] / result.problem.training.flops < 0.16
    assert 0 <= result.hypervolume(contract="mobench-1") <= 1
    assert result.curve(axis="trainings").empty  # the budget does not pay for training what it recommends
    assert result.curve(axis="trainings", contract="mobench-1")["hypervolume"].between(0, 1).all()


@pytest.mark.parametrize("batch", [1, 64])
def test_latency_is_measured_and_says_how(table, batch):
    column, spread = table.columns[f"latency:cpu_b{batch}"], table[f"spread:cpu_b{batch}"]
    assert column.values.shape == spread.shape == (5260,)
    assert (column.values > 0).all()
    assert (spread >= 0).all()
    assert {"host", "torch", "threads", "repeats", "passes", "rank_correlation", "reference"} <= set(column.about)
    assert (column.unit, column.about["batch"]) == ("ms", batch)


def test_latency_is_an_objective_that_ranks_otherwise_than_flops():
    three = motif.problem(objectives=("error", "latency:cpu_b64", "flops"))
    assert [objective.unit for objective in three.objectives] == ["%", "ms", "M"]
    F = three.score(three.space.all())
    poolings, convolutions = (three.score(three.space.sample(np.random.default_rng(0), 1) * 0 + op)[0] for op in (4, 3))
    assert poolings[2] < 0.2 * convolutions[2]
    assert poolings[1] > 0.2 * convolutions[1]  # a pooling multiplies nothing and takes time
    assert 0.3 < kendalltau(F[:, 1], F[:, 2]).statistic < 0.95


def test_a_supernet_descends_on_a_latency_that_is_fitted_to_the_measured_one():
    import torch

    problem = motif.problem(objectives=("error", "latency:cpu_b64"), batch=32)
    network = problem.supernet(charge=lambda flops: None, seed=0)
    assert network.options.batch == 32
    X = problem.space.all()[::40]
    shares = torch.nn.functional.one_hot(torch.as_tensor(X), 5).float()
    expected = np.array([float(network.costs(p)[0]) for p in shares])
    assert kendalltau(expected, problem.score(X)[:, 1]).statistic > 0.7


def test_a_supernet_needs_the_error_first():
    with pytest.raises(ValueError, match="a supernet needs error first"):
        motif.problem(objectives=("flops", "error")).supernet(charge=lambda flops: None, seed=0)


@pytest.mark.skipif(shutil.which("cc") is None, reason="packing names the C compiler, and there is none")
def test_a_table_unpacked_and_packed_again_is_the_same(tmp_path, table):
    scripts = Path(__file__).parents[3] / "scripts" / "motif"
    for script, *arguments in (
        ("unpack.py", "--table", motif_table.TABLE, "--out", tmp_path),
        ("pack.py", "--shards", tmp_path, "--to", tmp_path / "again.npz"),
    ):
        subprocess.run([sys.executable, scripts / script, *map(str, arguments)], check=True, capture_output=True)
    again = load_table(tmp_path / "again.npz")
    trained = [name for name in table.columns if name.partition(":")[2].isdigit()]
    assert len(trained) == 2 * len(motif_table.seeds_of(table)) >= 6
    for name in ["row", *trained]:
        np.testing.assert_array_equal(again[name], table[name])
    for name in ("what", "coverage", "training", "data", "seen", "missing"):
        assert again.about[name] == table.about[name]


def test_its_supernet_lies_on_the_device_that_is_asked_for():
    with pytest.raises(ValueError, match="device: 'toaster' cannot be used here"):
        motif.problem(device="toaster")
    with far_device():
        network = motif.problem(device="cuda", batch=16).supernet(charge=lambda flops: None, seed=0)
        loss = network.train_loss(network.initial_weights(), network.initial_alpha().softmax(1), network.train_batch())
    assert loss.is_cuda
