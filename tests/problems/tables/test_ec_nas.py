"""EC-NAS-Bench: the source's records, NAS-Bench-101's counts of cells, and shorter trainings as fidelities."""

from collections import Counter

import numpy as np
import pytest

from mobench import Enumerable, MultiFidelity
from mobench.problems.tables import ec_nas


@pytest.fixture(scope="module")
def problem():
    return ec_nas.problem()


@pytest.fixture(scope="module")
def small():
    return ec_nas.problem(vertices=4)


def records(shared_data, vertices, epochs):
    """Genes, and accuracies, energies, seconds and parameters of all records of one length, as this file reads them."""
    with np.load(shared_data / "ec_nas" / f"ec_{vertices}v.npz") as file:
        source = dict(file)
    at = np.flatnonzero(source["epochs"] == epochs)
    found = {}
    for i in at:
        adjacency, names = source["adjacency"][i], source["ops"][i].split(",")
        n = len(names)
        matrix = np.zeros((vertices, vertices), dtype=int)
        place = [*range(n - 1), vertices - 1]
        matrix[np.ix_(place, place)] = np.array(list(adjacency), dtype=int).reshape(n, n)
        edges = [matrix[source, target] for target in range(1, vertices) for source in range(target)]
        operations = ["conv1x1-bn-relu", "conv3x3-bn-relu", "maxpool3x3"]
        inner = [operations.index(name) for name in names[1:-1]] + [0] * (vertices - n)
        names = ("val_acc", "test_acc", "energy_kwh", "train_seconds", "params")
        found.setdefault((*edges, *inner), []).append([float(source[name][i]) for name in names])
    return np.array(list(found)), np.array(list(found.values()))


@pytest.mark.parametrize(("vertices", "trainings"), [(4, 3), (5, 1)])
def test_every_cell_has_the_records_of_the_source(vertices, trainings, shared_data):
    problem = ec_nas.problem(vertices=vertices)
    X, numbers = records(shared_data, vertices, ec_nas.EPOCHS[vertices][-1])
    assert numbers.shape == (problem.space.size, trainings, 5)
    valid, test, energy, seconds, params = numbers.mean(axis=1).T
    np.testing.assert_array_equal(problem.space.pool[problem.space.key(X)], X)
    seen, scored = problem.evaluate(X), problem.score(X)
    np.testing.assert_allclose(seen.F, np.column_stack([100 - 100 * valid, energy, params / 1e6]), rtol=1e-5)
    np.testing.assert_allclose(scored, np.column_stack([100 - 100 * test, energy, params / 1e6]), rtol=1e-5)
    np.testing.assert_allclose(seen.seconds, seconds, rtol=1e-6)


def test_a_shorter_training_tells_its_error_and_the_energy_at_its_pace(small, shared_data):
    assert isinstance(small, MultiFidelity)
    assert small.fidelities == (4, 12, 36, 108)
    X, numbers = records(shared_data, 4, 12)
    valid, _, energy, seconds, _ = numbers.mean(axis=1).T
    answer = small.evaluate(X, fidelity=12)
    np.testing.assert_allclose(answer.F[:, 0], 100 - 100 * valid, rtol=1e-5)
    np.testing.assert_allclose(answer.F[:, 1], 9 * energy, rtol=1e-5)
    np.testing.assert_allclose(answer.seconds, seconds, rtol=1e-6)
    np.testing.assert_allclose(answer.F[:, 1], small.score(X)[:, 1], rtol=0.25)  # which is nearly that of 108 epochs


def test_there_are_as_many_cells_as_nasbench101_has(problem, small):
    def counts(problem, vertices):
        edges = ec_nas.edges(vertices)
        used = [{v for there, pair in zip(x, edges, strict=False) if there for v in pair} for x in problem.space.pool]
        return Counter(map(len, used))

    assert counts(problem, 5) == {2: 1, 3: 6, 4: 84, 5: 2441}
    assert counts(small, 4) == {2: 1, 3: 6, 4: 84}


def test_the_operation_of_a_vertex_without_edges_decides_nothing(problem):
    x = problem.space.pool[0]
    assert problem.decode(x[None]) == ["output<-0"]
    others = np.tile(x, (3, 1))
    others[:, -1] = (0, 1, 2)
    assert len(set(problem.space.key(others))) == 1


def test_noise_draws_one_training_for_all_objectives(shared_data):
    noisy = ec_nas.problem(vertices=4, noise=True)
    X, numbers = records(shared_data, 4, 108)
    for seed in range(3):
        F = noisy.evaluate(X, seeds=np.full(len(X), seed, dtype=np.uint64)).F
        np.testing.assert_allclose(F[:, 0], 100 - 100 * numbers[:, seed, 0], rtol=1e-5)
        np.testing.assert_allclose(F[:, 1], numbers[:, seed, 2], rtol=1e-5)
    assert not noisy.deterministic


def test_how_sure_scores_are_is_known_where_there_are_trials(problem, small):
    noise = small.standard_errors(small.space.pool)
    assert np.median(noise[:, 0]) == pytest.approx(0.22 / 3**0.5, abs=0.01)
    assert (noise[:, 2] == 0).all()
    assert np.isnan(problem.standard_errors(problem.space.pool)[:, :2]).all()


def test_fronts_have_their_known_sizes(problem, small):
    assert isinstance(problem, Enumerable)
    assert (len(problem.front()[0]), len(small.front()[0])) == (27, 21)


def test_cells_are_written_by_what_each_vertex_reads(small):
    assert small.decode(np.array([[1, 1, 1, 0, 0, 1, 1, 0]])) == ["1 conv3x3<-0 2 conv1x1<-0,1 output<-2"]


@pytest.mark.parametrize(
    "options", [{"noise": True}, {"noise": True, "vertices": 4, "objectives": ("params",)}], ids=["five", "params"]
)
def test_noise_needs_trials(options):
    with pytest.raises(ValueError, match="only error and energy of cells with 4 vertices"):
        ec_nas.problem(**options)
