"""Once-for-all: the largest network first, smaller options by and by, its word as a teacher's, and a kill survived."""

import numpy as np
import pytest
import torch
from _toy_runs import check_killed
from torch.nn import functional

import mobench
from mobench import make_problem
from mobench.harness.door import Run
from mobench.harness.spec import RunSpec
from mobench.searchers.one_shot import once_for_all

TINY = {"epochs": 2, "images": 256, "batch": 32}


@pytest.fixture(autouse=True)
def own_data(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBENCH_DATA", str(tmp_path / "data"))


def opened():
    problem = make_problem("mlp", TINY)
    run = Run(problem, limit=mobench.Cost(1e9, 1e9, 1e15, 1e9), seed=1)
    return problem, run, run.supernet.initial_weights()


def test_options_open_from_the_largest_on():
    rng, descending = np.random.default_rng(0), ((2, 0, 1), (0,), (3, 2, 1, 0))
    for share, seen in ((0.0, [{2}, {0}, {3}]), (0.5, [{2, 0}, {0}, {3, 2, 1}]), (1.0, [{0, 1, 2}, {0}, {0, 1, 2, 3}])):
        X = once_for_all.sampled(rng, descending, share, 300)
        assert [set(column.tolist()) for column in X.T] == seen


def test_the_largest_network_is_first_and_then_the_teacher_that_it_was():
    problem, run, _ = opened()
    taught = once_for_all.Taught(run, once_for_all.Options())
    x = np.array([row[0] for row in run.supernet.descending])
    first = taught.loss(0.1)
    cost = problem.modules.costs(x[None])[0, 0]
    assert not taught.teacher
    assert run.spent.flops == 32 * cost
    assert cost / 1e6 == pytest.approx(problem.bounds("mobench-2")[1][1])  # there is no larger one
    later = taught.loss(0.5)
    later.backward()
    assert all(torch.equal(taught.teacher[name], weight.detach()) for name, weight in taught.learned.items())
    assert not any(tensor.requires_grad for tensor in taught.teacher.values())
    assert first.item() != later.item()


def test_a_student_learns_labels_and_its_teachers_word():
    problem = make_problem("mlp", TINY)
    network = problem.supernet(charge=lambda flops: None, seed=0)
    weights, batch, modules = network.initial_weights(), network.train_batch(), problem.modules
    images, labels = network._inputs(batch)
    large, small = (modules.one_hot([row[end] for row in network.descending]) for end in (0, -1))
    said = network.distilled_loss(weights, [small], batch, teacher=(weights, large))
    student, teacher = modules(weights, small, images), modules(weights, large, images)
    soft = -(torch.softmax(teacher, 1) * torch.log_softmax(student, 1)).sum(1).mean()
    torch.testing.assert_close(said, functional.cross_entropy(student, labels) + soft)


def test_before_it_shrinks_the_largest_part_says_what_its_teacher_says():
    _, run, weights = opened()
    large = torch.nn.functional.one_hot(
        torch.tensor([row[0] for row in run.supernet.descending]), run.supernet.initial_alpha().shape[1]
    ).float()
    batch = run.supernet.train_batch()
    own = run.supernet.train_loss(weights, large, batch)
    both = run.supernet.distilled_loss(weights, [large], batch, teacher=(weights, large))
    gradient = torch.autograd.grad(both - own, list(weights.values()), allow_unused=True)
    assert max(float(g.abs().max()) for g in gradient if g is not None) < 1e-6  # cross entropy to itself is stationary


@pytest.mark.parametrize("rule", ["shrinking", "sandwich"])
def test_a_killed_search_goes_on_to_the_same_end(rule, tmp_path, monkeypatch):
    """Also behind the largest network's own training, whose weights are the teacher's."""
    spec = RunSpec("mlp", "once_for_all", 0, {"trainings": 30.0}, TINY, {"rule": rule, "finalists": 1})
    check_killed(spec, 11, tmp_path, monkeypatch)


def test_a_budget_that_ends_within_the_training_ends_the_search():
    problem = mobench.make_problem("mlp", {"epochs": 1, "images": 128, "batch": 32})
    assert len(mobench.run("once_for_all", problem, budget={"trainings": 4}, seed=1).front()) == 0


def test_it_needs_an_order_of_size():
    campaign = mobench.make_campaign({"problems": ["motif"], "searchers": ["once_for_all"], "seeds": 1, "budget": 5})
    (pair,) = campaign.not_applicable
    assert pair.reason.startswith("needs ElasticSupernet (a supernet whose options have an order of size")
