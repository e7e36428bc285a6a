"""Hypernetworks that make weights: they begin as weight sharing, and learn as it does where codes rest."""

import itertools

import networkx as nx
import numpy as np
import pytest
import torch
from _toy_runs import check_killed
from scipy.stats import kendalltau
from torch import nn

from mobench import Run, make_problem
from mobench.core.budget import parse_budget
from mobench.harness.spec import RunSpec
from mobench.problems._toys import ridgenet_data as ridgenet
from mobench.searchers._one_shot.making import Made
from mobench.searchers._one_shot.supernet import Scores
from mobench.searchers._relaxed.relaxations import one_hot
from mobench.searchers.hypernetworks import ghn, smash

torch.set_num_threads(1)


def opened(name="bilevel_toys", flops=1e9, **options):
    problem = make_problem(name, {"name": "ridgenet"} if name == "bilevel_toys" else options)
    return Run(problem, limit=parse_budget({"flops": flops}, problem.training))


class Resting(nn.Module):
    """One code whatever the architecture is."""

    def forward(self, p):
        return torch.tensor([[1.0, 2.0, -0.5]], dtype=p.dtype)


def encoders(run):
    like, generator = run.supernet.initial_alpha(), torch.Generator().manual_seed(0)
    yield smash.Encoder(like.numel(), smash.Options(), generator), {}, (1, 16)
    wires = run.supernet.wires
    graph = ghn.GatedGraph(ghn.distances(len(like), wires, 50), like.shape[1], ghn.Options(), generator)
    yield graph, {name: 1 + gene for name, gene in run.supernet.owners.items()}, (1 + len(like), 32)


@pytest.mark.parametrize("problem", ["bilevel_toys", "motif"])
def test_at_first_every_architecture_has_the_shared_weights(problem):
    run = opened(problem)
    first = run.supernet.initial_weights()
    for encoder, rows, shape in encoders(run):
        made = Made(run, encoder, rows, shape).weights(run.space.sample(run.rng, 1)[0])
        assert list(made) == [name for name in made if torch.equal(made[name], first[name])]
        assert set(made) == set(first)


def test_while_its_code_rests_a_hypernetwork_learns_as_ordinary_weights_do():
    """A step of rate t changes what it makes by t (1 + ||c||^2) times the gradient: here 1 + 1 + 4 + .25."""
    run = opened()
    network, x = run.supernet, np.array([2, 3, 1])
    made, weights = Made(run, Resting(), {}, (1, 3)), network.initial_weights()
    rate, p = 0.1, one_hot(x, network.initial_alpha())
    for _ in range(5):
        network.train_loss(made.weights(x), p, None).backward()
        network.train_loss(weights, p, None).backward()
        with torch.no_grad():
            for value in made.learned.values():
                value -= rate * value.grad
                value.grad = None
            weights["w"] -= rate * 6.25 * weights["w"].grad
            weights["w"].grad = None
        assert torch.allclose(made.weights(x)["w"], weights["w"], atol=1e-12)


def test_scores_of_exact_weights_rank_perfectly():
    """The upper bound of a hypernetwork on RidgeNet: one that makes the closed-form solution has tau = 1."""
    run, problem = opened(), make_problem("bilevel_toys", {"name": "ridgenet"})
    P, y = ridgenet.data(ridgenet.TRAIN_OFFSET)

    def solution(x):
        kept = np.concatenate([[True], x[ridgenet.OWNERS[:, 0]] == ridgenet.OWNERS[:, 1]])
        H = P[:, kept].T @ P[:, kept] / len(y) + ridgenet.RIDGE * np.eye(kept.sum())
        w = np.zeros(len(kept))
        w[kept] = np.linalg.solve(H, P[:, kept].T @ y / len(y))
        return {"w": torch.from_numpy(w)}

    X = problem.space.all()
    told = Scores(run, run.supernet, solution, batches=1)(X)[:, 0]
    np.testing.assert_allclose(told, problem.score(X)[:, 0], rtol=1e-9)
    assert kendalltau(told, problem.score(X)[:, 0]).statistic == pytest.approx(1.0)


def test_lengths_are_those_of_networkx():
    rng = np.random.default_rng(0)
    for _ in range(20):
        wires = tuple((i, j) for i, j in itertools.combinations(range(7), 2) if rng.random() < 0.3)
        graph = nx.DiGraph(wires)
        graph.add_nodes_from(range(7))
        for reach in (1, 2, 50):
            expected = np.zeros((7, 7), dtype=int)
            for i, lengths in nx.all_pairs_shortest_path_length(graph, cutoff=reach):
                expected[i, list(lengths)] = list(lengths.values())
            np.testing.assert_array_equal(ghn.distances(7, wires, reach), expected)


def test_a_node_hears_of_those_it_is_wired_to_and_of_no_others():
    """Genes 0 -> 1, and 2 alone: another operation of 0 changes what 1 is, and leaves 2 as it is."""
    graph = ghn.GatedGraph(ghn.distances(3, ((0, 1),), 50), 4, ghn.Options(hidden=8), torch.Generator().manual_seed(0))
    a, b = (graph(torch.eye(4)[list(x)]) for x in ((0, 1, 2), (3, 1, 2)))
    assert not torch.allclose(a[2], b[2])
    assert torch.equal(a[3], b[3])
    assert not torch.allclose(a[0], b[0])


def test_the_cells_wires_join_edges_that_meet():
    network = opened("motif").supernet
    names = [tuple(map(int, name.split("<-"))) for name in make_problem("motif").space.names]
    assert set(network.wires) == {
        (i, j) for i, (target, _) in enumerate(names) for j, (_, source) in enumerate(names) if target == source
    }
    weights = network.initial_weights()
    assert {name for name in weights if name.startswith("cell")} == set(network.owners)
    assert network.owners["cell3.4.nor_conv_3x3.kernel"] == 4


def test_a_network_that_tells_of_no_wires_has_none():
    network = opened().supernet
    assert (network.wires, dict(network.owners)) == ((), {})


@pytest.mark.long
@pytest.mark.parametrize("name", ["smash", "ghn"])
def test_a_killed_run_goes_on_to_the_same_log(name, tmp_path, monkeypatch):
    spec = RunSpec("bilevel_toys", name, 0, {"flops": 2000.0}, {"name": "ridgenet"}, {})
    check_killed(spec, 6, tmp_path, monkeypatch)
