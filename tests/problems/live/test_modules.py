"""The spaces of elastic modules that ship: exact, searched by every searcher, resumed to the byte."""

import contextlib
import math

import numpy as np
import orjson
import pytest
import torch
from _learners import CHOOSING, LEARNING
from _modules import noisy
from torch.utils.flop_counter import FlopCounterMode

import mobench
from mobench import make_problem
from mobench.harness.execute import execute
from mobench.harness.spec import RunSpec
from mobench.live import ModuleSpace
from mobench.plugins.catalogue import find
from mobench.plugins.plugin import missing
from mobench.problems.live import chain, mlp, transformer, two_level

SPACES = ("mlp", "chain", "two_level", "transformer")
SIZES = {"mlp": 4 * 3 * 12**3, "chain": 9**4 * 2**3, "two_level": (3 * 2 * 3 * 3 * 3) ** 2, "transformer": 3 * 3 * 9**3}
TINY = {"epochs": 2, "images": 256, "batch": 32}


@contextlib.contextmanager
def double():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@pytest.fixture(autouse=True)
def own_data(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBENCH_DATA", str(tmp_path / "data"))


@pytest.mark.parametrize("name", SPACES)
def test_flops_and_params_are_exact(name):
    check_costs(name, 10)


@pytest.mark.long
@pytest.mark.parametrize("name", SPACES)
def test_flops_and_params_are_exact_on_200_networks(name):
    check_costs(name, 200)


def check_costs(name, n):
    """Formula, torch's counter, and what a path is charged agree."""
    p = make_problem(name, TINY)
    modules, x = p.modules, torch.zeros((1, *p.trainings.data.shape))
    X = p.space.sample(np.random.default_rng(0), n)
    for row, priced in zip(X, modules.costs(X), strict=True):
        network = modules.extract(row).eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(x)
        assert priced.tolist() == [counter.get_total_flops() / 2, sum(w.numel() for w in network.parameters())]
        assert modules.computed(modules.one_hot(row)) == priced[0]


@pytest.mark.parametrize("name", SPACES)
def test_spaces_are_as_large_as_they_say_and_lead_somewhere(name):
    p = make_problem(name, TINY)
    assert p.space.size == SIZES[name] == math.prod(p.space.cardinalities)
    low, high = p.bounds("mobench-2")
    assert high[1] > 3 * low[1]
    costs = p.modules.costs(p.space.sample(np.random.default_rng(0), 300))[:, 0] / 1e6
    assert low[1] <= costs.min()
    assert costs.max() <= high[1]


MODULES = {
    "mlp": (mlp, (2,)),
    "chain": (chain, (8, 3, 2)),
    "two_level": (two_level, (8, 3, 2)),
    "transformer": (transformer, (2,)),
}


@pytest.mark.parametrize("name", SPACES)
def test_paths_are_stand_alone_networks_and_mixtures_paths_at_corners(name):
    """In double precision, with norms and biases away from 1 and 0."""
    family, sizes = MODULES[name]
    with double():
        modules = ModuleSpace(family.network(*sizes, (1, 8, 8), 10), torch.zeros(2, 1, 8, 8))
        weights, everything, x = noisy(modules), torch.tensor(modules.mask), torch.randn(8, 1, 8, 8)
        for row in modules.space.sample(np.random.default_rng(1), 20):
            path, network = modules(weights, modules.one_hot(row), x), modules.extract(row, weights)
            torch.testing.assert_close(path, network(x), rtol=1e-9, atol=1e-9)
            mixture = modules(weights, modules.one_hot(row), x, computed=everything)
            torch.testing.assert_close(mixture, path, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32)])
@pytest.mark.parametrize("name", SPACES)
def test_modules_take_images_of_any_size(name, shape):
    family, sizes = MODULES[name]
    space = ModuleSpace(family.network(*sizes, shape, 10), torch.zeros(2, *shape))
    space.check(torch.randn(2, *shape, generator=torch.Generator().manual_seed(0)), n=3)


@pytest.mark.long
@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("name", CHOOSING)
def test_every_searcher_that_learns_runs_on_every_space(name, space):
    p = make_problem(space, TINY)
    assert not missing(find("searcher", name), p)
    trainings = 32 if name == "fbnet" else 8  # its step compares every option of every gene as a path
    result = mobench.run(name, p, budget={"trainings": trainings}, seed=1, finalists=2)
    for note in result.history.recommended:
        p.space.check(np.array(note.content))
    assert len(result.front())
    assert result.history.total["flops"] - result.history.last_learned <= trainings * p.training.flops * (1 + 1e-9)


@pytest.mark.parametrize("space", SPACES)
def test_those_for_plain_vectors_say_why_they_do_not(space):
    p = make_problem(space, TINY)
    for name in set(LEARNING) - set(CHOOSING):
        with pytest.raises((TypeError, ValueError), match="a supernet whose architecture is a vector"):
            mobench.run(name, p, budget={"trainings": 1}, seed=1)


@pytest.mark.parametrize("searcher", ["nsga2", "spos"])
def test_a_killed_run_goes_on_to_the_same_bytes(searcher, tmp_path, monkeypatch):
    options = {"population": 4} | ({"finalists": 2} if searcher == "spos" else {})
    spec = RunSpec("mlp", searcher, 0, {"trainings": 6.0}, TINY, options)
    execute(spec, tmp_path / "whole")
    log = (tmp_path / "whole" / "log.jsonl").read_bytes()
    lines = log.splitlines(keepends=True)
    for place in range(1, len(lines), max(1, len(lines) // 3)):
        for left in ("data", f"data{place}"):  # what was trained is still there, or lost
            monkeypatch.setenv("MOBENCH_DATA", str(tmp_path / left))
            torn = tmp_path / f"{left}_torn{place}"
            torn.mkdir()
            (torn / "log.jsonl").write_bytes(b"".join(lines[:place]) + lines[place][:9])
            execute(spec, torn)
            assert _without_seconds(torn / "log.jsonl") == _without_seconds(tmp_path / "whole" / "log.jsonl")
            assert left != "data" or (torn / "log.jsonl").read_bytes() == log


def _without_seconds(path):
    return [{k: v for k, v in orjson.loads(line).items() if k != "seconds"} for line in path.read_bytes().splitlines()]
