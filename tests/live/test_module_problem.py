"""A module and data as a problem: trainings by address that go on, exact prices, a supernet that is charged."""

import functools
import importlib.util
import linecache
import pickle
import sys

import numpy as np
import pytest
import torch
from _learners import CHOOSING
from _modules import Digits, stripes
from torch import nn

import mobench
from mobench import ElasticNetwork, ElasticSupernet, Resumable
from mobench.harness.door import Run
from mobench.live import Gene, ModuleSpace, Recipe, crops_and_flips, peak_memory, problem
from mobench.live.layers import ElasticConv2d, ElasticLinear
from mobench.live.module_network import fitted
from mobench.live.module_problem import MEASURED, MEASURED_CALLS
from mobench.live.training import Training, error_of
from mobench.live.trainings import ModuleTrainings, Where, code_of
from mobench.plugins.catalogue import find
from mobench.plugins.plugin import missing
from mobench.testing import assert_passes, check_problem

RECIPE = Recipe(epochs=3, batch=32)


@pytest.fixture(autouse=True)
def own_data(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBENCH_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def make(**options):
    return problem(Digits, **({"data": stripes(), "recipe": RECIPE} | options))


def rows(p, n, seed=0):
    return p.space.sample(np.random.default_rng(seed), n)


def same(a, b):
    np.testing.assert_array_equal(a.valid, b.valid)
    assert a.test == b.test or np.isnan([a.test, b.test]).all()


def test_an_answer_is_a_training_and_its_price_is_what_it_computes():
    p, X = make(objectives=("error", "flops", "params<=10")), rows(make(), 4)
    values = p.evaluate(X)
    costs = p.modules.costs(X)
    np.testing.assert_array_equal(values.F[:, 1:], costs / [1e6, 1e3])
    np.testing.assert_array_equal(values.flops, 3 * 3 * 240 * costs[:, 0])
    assert (values.F[:, 0] < 75).all()
    np.testing.assert_array_equal(p.known_costs(X), np.column_stack([np.full(4, np.nan), values.F[:, 1:]]))
    assert [o.limit for o in p.objectives] == [None, None, 10.0]
    assert p.training.flops == pytest.approx(np.mean(p.evaluate(p.space.all()[::7]).flops), rel=0.1)
    low, high = p.bounds("mobench-2")
    F = p._columns(p.space.all(), np.zeros(p.space.size))
    np.testing.assert_array_equal(low[1:], F.min(axis=0)[1:])
    np.testing.assert_array_equal(high[1:], F.max(axis=0)[1:])


def test_a_training_goes_on_to_the_same_end_wherever_it_stopped(monkeypatch, tmp_path):
    recipe = Recipe(epochs=4, batch=32, optimizer="adamw", rate=3e-3, warm_up=0.1, augment=crops_and_flips(1))
    whole, parts = make(recipe=recipe), make(recipe=recipe)
    x = rows(whole, 1)[0]
    expected = whole.trainings.own(x, 4)
    weights = whole.network(x).state_dict()
    for where in ("files", "memory"):
        monkeypatch.setenv("MOBENCH_DATA", str(tmp_path / where))
        if where == "memory":
            monkeypatch.setattr("mobench.live.trainings.code_of", lambda *_: None)
        for epochs in (1, 3, 4):
            parts = make(recipe=recipe)
            trained = parts.trainings.own(x, epochs)
            np.testing.assert_array_equal(trained.valid, expected.valid[:epochs])
        same(trained, expected)
        for name, tensor in parts.network(x).state_dict().items():
            assert torch.equal(tensor, weights[name]), name
        assert any((tmp_path / where).rglob("*.npz")) == (where == "files")


def test_what_was_trained_is_not_trained_again_but_under_other_conditions(monkeypatch):
    p = make()
    x = rows(p, 1)[0]
    first = p.trainings.own(x, 3)
    monkeypatch.setattr("mobench.live.training.Training._epoch", lambda *_: pytest.fail("trained again"))
    same(make().trainings.own(x, 3), first)
    for other in ({"recipe": Recipe(epochs=3, batch=32, rate=0.05)}, {"images": 200}):
        with pytest.raises(pytest.fail.Exception, match="trained again"):
            make(**other).trainings.own(x, 3)


def test_two_workers_that_measure_one_network_agree(monkeypatch):
    first, second = (make(objectives=("error", "latency:cpu_b1")) for _ in range(2))
    x, where = rows(first, 1)[0], Where(batch=1)
    timed = ModuleTrainings._timed

    def meanwhile(self, network, where):
        if self is first.trainings:
            second.trainings.latency(x, where)
        return timed(self, network, where)

    monkeypatch.setattr(ModuleTrainings, "_timed", meanwhile)
    assert first.trainings.latency(x, where) == second.trainings.latency(x, where)
    assert make().trainings.latency(x, where) == second.trainings.latency(x, where)


def test_latencies_are_kept_by_gpu(monkeypatch):
    def found(gpu, milliseconds):
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: gpu)
        monkeypatch.setattr(ModuleTrainings, "_timed", lambda *_: milliseconds)
        return make().trainings.latency(x, Where("cuda", 32))

    x = rows(make(), 1)[0]
    assert [found("NVIDIA H200", 1.0), found("NVIDIA L4", 2.0), found("NVIDIA H200", 3.0)] == [1.0, 2.0, 1.0]


def test_two_workers_that_train_one_network_agree(monkeypatch):
    first, second = make(), make()
    x, epoch = rows(first, 1)[0], Training._epoch
    theirs = []

    def meanwhile(self, number):
        if not theirs:
            theirs.append(None)
            theirs[0] = second.trainings.own(x, 3)
        epoch(self, number)

    monkeypatch.setattr(Training, "_epoch", meanwhile)
    ours = first.trainings.own(x, 3)
    same(ours, theirs[0])
    np.testing.assert_array_equal(ours.seconds, theirs[0].seconds)
    np.testing.assert_array_equal(make().trainings.own(x, 3).seconds, ours.seconds)


def test_damaged_files_are_made_again(own_data):
    p = make()
    x = rows(p, 1)[0]
    first = p.trainings.own(x, 3)
    for path in own_data.rglob("*.npz"):
        path.write_bytes(path.read_bytes()[:-20])
    same(make().trainings.own(x, 3), first)


def test_a_trained_network_is_the_one_that_was_scored():
    p = make()
    x = rows(p, 1)[0]
    network = p.network(x)
    assert error_of(network, p.trainings.data, p.trainings.data.test) == p.score(x[None])[0, 0]
    again = pickle.loads(pickle.dumps(network))  # noqa: S301 - our own
    images = p.trainings.data.normalise(p.trainings.data.test.images[:9])
    torch.testing.assert_close(again(images), network(images))


def test_noise_draws_each_training_at_the_address_of_its_question():
    p = make(noise=True)
    X = np.repeat(rows(p, 1), 3, axis=0)
    errors = p.evaluate(X, seeds=np.array([1, 2, 1], dtype=np.uint64)).F[:, 0]
    assert errors[0] == errors[2] != errors[1]
    assert not p.resumable
    with pytest.raises(ValueError, match="seeds: needed"):
        p.evaluate(X)


def test_later_epochs_cost_what_is_left():
    p = make()
    assert isinstance(p, Resumable)
    run, X = Run(p, limit=mobench.Cost(1e9, 1e9, 1e15, 1e9)), rows(p, 3)
    epoch = 3 * 240 * p.modules.costs(X)[:, 0].sum()
    for fidelity, epochs in ((1, 1), (2, 2), (None, 3), (1, 3)):
        run.evaluate(X, fidelity=fidelity)
        assert run.spent.flops == epochs * epoch


def test_memory_is_what_is_alive_at_the_worst_moment():
    net = nn.Sequential(nn.Linear(10, 100, bias=False), nn.ReLU(), nn.Linear(100, 7, bias=False))
    # weights, input, and both sides of the activation
    assert peak_memory(net, torch.zeros(3, 10)) == 4 * (1000 + 700 + 30 + 300 + 300)
    p = make(objectives=("error", "memory"))
    x = rows(p, 1)[0]
    assert p.evaluate(x[None]).F[0, 1] == peak_memory(p.network(x), torch.zeros(1, 1, 8, 8)) / 1e3


def test_a_fitted_sum_finds_what_is_one():
    space = ModuleSpace(Digits(), torch.zeros(2, 1, 8, 8))
    X = space.space.sample(np.random.default_rng(0), 60)
    truth = 3 + space.costs(X) @ [1e-3, 2e-3] + 5.0 * (X[:, 0] == 2)
    found = fitted(space, X, truth)
    said = [float(found(space, space.one_hot(x))) for x in X]
    assert np.corrcoef(said, truth)[0, 1] > 0.999
    p = torch.tensor(space.mask / space.mask.sum(1, keepdims=True)).requires_grad_()
    assert torch.autograd.gradcheck(lambda q: found(space, q), p)


def test_measurements_behind_the_supernets_latency_are_charged(monkeypatch):
    def timed(self, network, where):
        return where.batch * (0.5 + 1e-3 * sum(w.numel() for w in network.parameters()))

    monkeypatch.setattr(ModuleTrainings, "_timed", timed)
    p, bills = make(objectives=("error", "flops", "latency:cpu_b2")), []
    network = p.supernet(charge=bills.append, seed=0)
    X = p.space.sample(np.random.default_rng(0), MEASURED)
    assert bills == [MEASURED_CALLS * 2 * p.modules.costs(X)[:, 0].sum()]
    costs = network.costs(p.modules.one_hot(X[0]))
    assert float(costs[0]) == pytest.approx(p.modules.costs(X[:1])[0, 0] / 1e6)
    assert float(costs[1]) == pytest.approx(p.evaluate(X[:1]).F[0, 2], rel=0.05)
    p.supernet(charge=bills.append, seed=1)
    assert len(bills) == 2  # whoever measured, everybody pays


def test_a_teachers_pass_and_its_students_are_charged():
    p, bills = make(), []
    network = p.supernet(charge=bills.append, seed=0)
    assert isinstance(network, ElasticNetwork)
    assert isinstance(p, ElasticSupernet)
    assert p.space.names == ("width", "depth", "layer0.ratio", "layer1.ratio")
    assert network.descending == ((2, 1, 0), (2, 1, 0), (1, 0), (1, 0))
    large, small = (p.modules.one_hot([row[place] for row in network.descending]) for place in (0, -1))
    weights = network.initial_weights()
    loss = network.distilled_loss(weights, [small, large], network.train_batch(), teacher=(weights, large))
    loss.backward()
    dear, cheap = 32 * p.modules.computed(large), 32 * p.modules.computed(small)
    assert bills == [dear, dear + cheap, 2 * (dear + cheap)]
    assert all(w.grad is not None for w in weights.values())


def test_batches_are_names_and_weights_are_drawn_by_address():
    networks = [make().supernet(charge=lambda flops: None, seed=seed) for seed in (0, 0, 1)]
    first, again, other = ({k: w.detach() for k, w in n.initial_weights().items()} for n in networks)
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert not all(torch.equal(first[k], other[k]) for k in first)
    with pytest.raises(ValueError, match="batch: expected one of"):
        networks[0].train_loss(first, networks[0].initial_alpha(), (1, 2))
    with pytest.raises(ValueError, match="p: expected shape"):
        networks[0].train_loss(first, torch.ones(2, 2), networks[0].train_batch())
    with pytest.raises(ValueError, match=r"no partial connections"):
        networks[0].initial_weights(partial_channels=2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"objectives": ("flops",)}, "expected error and other names"),
        ({"objectives": ("error", "flop")}, "did you mean 'flops'"),
        ({"objectives": ("error", "latency:gpu")}, "expected latency:cpu_b1"),
        ({"objectives": ("error", "latency:cpu_b1_graph")}, "leave _graph out"),
        ({"objectives": ("error", "params>=3")}, "minimised"),
        ({"recipe": None, "data": 3}, "expected a pair"),
        ({"images": 0}, "expected a whole number from 1"),
    ],
)
def test_wrong_options_are_refused_in_words(options, words):
    with pytest.raises(ValueError, match=words):
        make(**options)


@pytest.mark.parametrize("options", [{"epochs": 0}, {"rate": -1.0}, {"warm_up": 1.0}, {"device": "nowhere"}])
def test_impossible_recipes_are_refused(options):
    with pytest.raises(ValueError, match=r"expected|device: 'nowhere' cannot be used"):
        Recipe(**options)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_latency_without_its_device_is_refused():
    with pytest.raises(ValueError, match="no CUDA device is at hand"):
        make(objectives=("error", "latency:cuda_b32"))


def test_a_network_that_does_not_answer_the_data_is_refused():
    with pytest.raises(ValueError, match=r"expected logits \(n, 4\)"):
        problem(functools.partial(Digits, 3), data=stripes())
    with pytest.raises(ValueError, match=r"come from one gene\?"):
        problem(
            lambda: nn.Sequential(ElasticConv2d(1, Gene("w", 4, 5)), ElasticConv2d(Gene("v", 3, 4), 1)), data=stripes()
        )


def test_code_is_told_by_the_files_that_define_it():
    there = code_of(Digits(), Digits)
    assert there == code_of(Digits(), functools.partial(Digits, 4))
    assert there != code_of(ElasticLinear(1, Gene("w", 1, 2)), nn.Linear)
    spaces = {"__name__": "nowhere"}
    exec("def make(): pass", spaces)
    assert code_of(nn.Identity(), spaces["make"]) is None


def test_a_file_is_known_by_what_it_says_under_any_name(tmp_path):
    """So that what a plugin trained is found by whoever imports the file."""
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n\n\nclass Net(nn.Module):\n    pass\n\n\ndef make():\n    return Net()\n"
    )
    said = []
    for name in ("mine", "elsewhere_mine"):
        spec = importlib.util.spec_from_file_location(name, tmp_path / "mine.py")
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        said.append(code_of(module.make(), module.make))
        del sys.modules[name]
    assert said[0] == said[1] is not None


def test_code_is_told_by_what_its_file_imports_from_its_folder(tmp_path, monkeypatch):
    """A backward pass, say, which no output shows."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "net_of_two_files.py").write_text(
        "from torch import nn\nfrom passes_of_two_files import back\n\n\ndef make():\n    return nn.Identity()\n"
    )
    said = []
    for factor in (1, 2, 1):
        (tmp_path / "passes_of_two_files.py").write_text(f"def back(gradient):\n    return {factor} * gradient\n")
        importlib.invalidate_caches()
        linecache.clearcache()
        made = importlib.import_module("net_of_two_files").make
        said.append(code_of(made(), made))
        for name in ("net_of_two_files", "passes_of_two_files"):
            del sys.modules[name]
    assert said[0] == said[2] != said[1]
    assert None not in said


def test_the_global_random_state_is_left_alone():
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    p = make()
    p.evaluate(rows(p, 1))
    p.supernet(charge=lambda flops: None, seed=0).initial_weights()
    assert torch.equal(before, torch.random.get_rng_state())


def test_it_passes_the_conformance_kit():
    results = check_problem(make(recipe=Recipe(epochs=2, batch=32)))
    assert_passes(results)
    assert {r.name for r in results if r.status == "skipped"}.isdisjoint(
        {"supernet", "network passes", "network costs"}
    )


@pytest.mark.long
@pytest.mark.parametrize("name", CHOOSING)
def test_every_searcher_that_learns_searches_a_module(name):
    p = make(recipe=Recipe(epochs=2, batch=32))
    assert not missing(find("searcher", name), p)
    result = mobench.run(name, p, budget={"trainings": 12}, seed=1)
    assert result.history.total["flops"] <= 12 * p.training.flops * (1 + 1e-9) + result.history.last_learned
    assert len(result.front())


@pytest.mark.parametrize("make", [nn.Linear(5, 3), lambda: None, 3])
def test_what_makes_no_module_is_refused(make):
    with pytest.raises(TypeError, match="make_network: expected"):
        problem(make, data=(np.zeros((9, 5)), np.arange(9) % 3))


def test_genes_of_equal_maxima_that_meet_are_refused_in_words():
    def network():
        return nn.Sequential(ElasticLinear(5, Gene("a", 4, 8)), nn.ReLU(), ElasticLinear(Gene("b", 6, 8), 3))

    with pytest.raises(ValueError, match="come from one gene"):
        problem(network, data=(np.eye(9, 5), np.arange(9) % 3))
