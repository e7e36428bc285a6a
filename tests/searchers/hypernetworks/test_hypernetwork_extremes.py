"""Supernet searchers under extreme options: refused in words of their own, or ended where nothing is left to learn."""

import itertools

import numpy as np
import pytest
import torch

import mobench
from mobench import Run, Space
from mobench.core.budget import parse_budget
from mobench.problems._toys.ridgenet import RidgeNet
from mobench.searchers._one_shot.evolution import evolved
from mobench.searchers._one_shot.supernet import Scores
from mobench.searchers.hypernetworks import ghn

torch.set_num_threads(1)
RIDGENET = "bilevel_toys:name=ridgenet"


@pytest.mark.parametrize(
    ("searcher", "option"),
    [
        ("pareto_hypernetwork", "alpha_rate"),
        ("pareto_hypernetwork", "learning_rate"),
        ("modnas", "alpha_rate"),
        ("modnas", "learning_rate"),
        ("darts", "learning_rate"),
        ("smash", "learning_rate"),
        ("ghn", "learning_rate"),
        ("spos", "learning_rate"),
    ],
)
@pytest.mark.parametrize("rate", [1e38, 1e200])
def test_rates_beyond_float32_are_refused_before_anything_is_computed(searcher, option, rate):
    with pytest.raises(ValueError, match=f"{option}: expected at most 3.4e\\+35, as float32 holds no step of it"):
        mobench.run(searcher, "motif", budget={"trainings": 0.5}, **{option: rate})


@pytest.mark.parametrize(("searcher", "option"), [("ghn", "learning_rate"), ("pareto_hypernetwork", "alpha_rate")])
def test_the_largest_rate_that_is_taken_diverges_by_its_name(searcher, option):
    with pytest.raises(FloatingPointError, match="lower"):
        mobench.run(searcher, "motif", budget={"trainings": 0.5}, **{option: 3.4e35})


@pytest.mark.parametrize(
    ("searcher", "options", "words"),
    [
        ("modnas", {"width": 1e-300}, "option 'width': input should be greater than or equal to 0.000001"),
        ("modnas", {"width": 1e300}, "option 'width': input should be less than or equal to 1000000"),
        ("modnas", {"rays": 10**9}, "option 'rays'"),
        ("pareto_hypernetwork", {"rays": 10**9}, "option 'rays'"),
        ("pareto_hypernetwork", {"hidden": 10**7}, "option 'hidden'"),
        ("smash", {"hidden": 10**7}, "option 'hidden'"),
        ("smash", {"code": 10**11}, "option 'code'"),
        ("ghn", {"hidden": 10**7}, "option 'hidden'"),
        ("ghn", {"rounds": 10**9}, "option 'rounds'"),
    ],
)
def test_what_no_machine_holds_is_refused(searcher, options, words):
    with pytest.raises(ValueError, match=words):
        mobench.run(searcher, RIDGENET, budget={"flops": 1500}, **options)


@pytest.mark.parametrize("width", [1e-6, 1e6])
def test_the_least_and_the_greatest_width_give_finite_rows(width):
    result = mobench.run("modnas", RIDGENET, budget={"flops": 600}, width=width)
    assert len(result.front()) > 0


def test_a_walk_ends_where_every_architecture_is_known():
    """A billion architectures would take days; there are 64, and the log of the default counts is no other."""
    default, endless = (
        mobench.run("smash", RIDGENET, budget={"flops": 5000}, finalists=0, training_share=0.2, **counts)
        for counts in ({}, {"random": 10**9, "perturbed": 10**9, "chain": 10**9})
    )
    first, second = ([note.content.tolist() for note in r.history.recommended] for r in (default, endless))
    assert first == second
    assert len(endless.history.records[-1].content["one_shot"]) == 64


class Same(RidgeNet):
    """Architectures are the same where their first two edges are: 16 of 64."""

    @property
    def space(self):
        whole = RidgeNet().space
        return Space(whole.cardinalities, whole.names, values=whole.values, classes=lambda X: X[:, 0] * 4 + X[:, 1])


def test_evolution_ends_where_every_different_architecture_is_known():
    problem = Same()
    run = Run(problem, limit=parse_budget({"flops": 1e6}, problem.training))
    weights = run.supernet.initial_weights()
    scores = Scores(run, run.supernet, lambda x: weights, batches=1)
    evolved(run, 4)(scores)
    assert len(scores.X) == 16
    assert scores.are_all


def test_nodes_hear_of_their_predecessors_however_short_the_reach():
    """Genes 0 -> 1 -> 2, and 3, 4 -> 1: more wires end in 1 than in 2, and still 2 hears what 1 has become."""
    wires = ((0, 1), (1, 2), (3, 1), (4, 1))
    graph = ghn.GatedGraph(ghn.distances(5, wires, 1), 4, ghn.Options(hidden=8), torch.Generator().manual_seed(0))
    a, b = (graph(torch.eye(4)[list(x)]) for x in ((0, 1, 2, 3, 0), (3, 1, 2, 3, 0)))
    assert not torch.allclose(a[3], b[3])
    place = {node: at for at, node in enumerate(graph.order)}
    assert all(place[before] < place[after] for before, after in wires)


def test_orders_are_topological_at_every_reach():
    rng = np.random.default_rng(0)
    for _ in range(20):
        wires = tuple((i, j) for i, j in itertools.combinations(range(7), 2) if rng.random() < 0.4)
        for reach in (1, 2, 50):
            graph = ghn.GatedGraph(ghn.distances(7, wires, reach), 2, ghn.Options(hidden=2), torch.Generator())
            place = {node: at for at, node in enumerate(graph.order)}
            assert all(place[before] < place[after] for before, after in wires)
