"""Modules as careless users write them: what is harmless runs, all else is refused with its cause and its cure."""

import copy
import functools
import itertools
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils._python_dispatch import _get_current_dispatch_mode

from mobench.live import (
    Choice,
    ElasticBatchNorm,
    ElasticConv2d,
    ElasticLinear,
    Gene,
    ModuleSpace,
    Recipe,
    Repeat,
    load_data,
    problem,
)
from mobench.live.module_checks import check_beginnings
from mobench.live.training import initialised

DATA = np.random.default_rng(0).random((60, 5)).astype(np.float32), np.arange(60) % 3


@pytest.fixture(autouse=True)
def own_data(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBENCH_DATA", str(tmp_path / "data"))


def make(network, **options):
    return problem(network, **({"data": DATA, "recipe": Recipe(epochs=1)} | options))


def between(*parts, width=None):
    """A perceptron of elastic width with these parts before its last layer."""
    width = width or Gene("width", 4, 8)
    return nn.Sequential(ElasticLinear(5, width), *parts, ElasticLinear(width, 3))


class Applied(nn.Module):
    """A perceptron, and `after` of the module and its output."""

    def __init__(self, after):
        super().__init__()
        self.inner, self.after = between(nn.ReLU()), after
        self.register_buffer("seen", torch.zeros(3))

    def forward(self, x):
        return self.after(self, self.inner(x))


class Attends(nn.Module):
    def __init__(self, dropout=0.3):
        super().__init__()
        self.first, self.last = nn.Linear(1, 8), between(nn.ReLU())
        self.encoder = nn.TransformerEncoderLayer(8, 2, 16, dropout=dropout, batch_first=True)
        self.narrow = nn.Linear(8, 1)

    def forward(self, x):
        return self.last(self.narrow(self.encoder(self.first(x[..., None])))[..., 0])


def dropped(module, y):
    return functional.dropout(y, 0.5, module.training)


@pytest.mark.parametrize("network", [functools.partial(Applied, dropped), Attends], ids=["functional", "attention"])
def test_dropout_is_off_in_the_supernet_and_on_in_trainings(network):
    p = make(network)
    space, x = p.modules, torch.rand(4, 5)
    weights, shares = space.weights(), space.one_hot([1])
    assert torch.equal(space(weights, shares, x), space(weights, shares, x))
    trained = space.extract([1], weights)
    assert trained.training
    assert not torch.allclose(trained(x), trained(x))
    torch.testing.assert_close(trained.eval()(x), space(weights, shares, x), rtol=1e-4, atol=1e-5)
    p.evaluate(p.space.all())


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_torchs_own_attention_is_priced_by_its_products(dropout):
    """8 x 8 maps q, k, v and out, 8 x 16 twice, and two products of (5, 5) and (5, 4) matrices a head, on 5 tokens."""
    space = ModuleSpace(Attends(dropout), torch.rand(2, 5))
    encoder = 5 * (4 * 64 + 2 * 128) + 2 * 2 * 5 * 5 * 4
    assert space.costs(np.array([[0]]))[0, 0] == encoder + 5 * 8 + 5 * 8 + 5 * 4 + 4 * 3


@pytest.mark.parametrize("part", [nn.ReLU(), nn.Dropout(0.2), nn.Sequential(nn.ReLU(), nn.Tanh())])
def test_modules_without_weights_may_be_in_two_places(part):
    def network():
        width = Gene("width", 4, 8)
        either = Choice("second", yes=nn.Sequential(ElasticLinear(width, width), part), no=part)
        return nn.Sequential(ElasticLinear(5, width), part, either, ElasticLinear(width, 3))

    p = make(network)
    p.modules.check(torch.rand(4, 5))
    p.evaluate(p.space.all()[:2])


def test_ties_within_a_part_without_choices_hold():
    def network():
        first, second = nn.Linear(5, 5), nn.Linear(5, 5)
        second.weight = first.weight
        width = Gene("width", 4, 8)
        return nn.Sequential(nn.Sequential(first, nn.ReLU(), second), ElasticLinear(5, width), ElasticLinear(width, 3))

    p = make(network)
    costs, weights = p.modules.costs(p.space.all()), p.modules.weights()
    assert costs[0].tolist() == [2 * 25 + 20 + 12, 25 + 10 + 24 + 15]
    assert "0.2.weight" not in weights
    network = p.modules.extract([0], weights)
    assert network[0][0].weight is network[0][2].weight
    p.supernet(charge=lambda flops: None, seed=0).initial_weights()


def tied():
    module = between(nn.ReLU(), ElasticLinear(8, 8), nn.ReLU(), ElasticLinear(8, 8), width=8)
    module[4].weight = module[2].weight
    return nn.Sequential(Choice("one", a=nn.Identity(), b=nn.Tanh()), module)


def once_more_inside():
    layer, width = nn.Linear(5, 5), Gene("width", 4, 8)
    return nn.Sequential(layer, nn.Sequential(layer), ElasticLinear(5, width), ElasticLinear(width, 3))


def frozen():
    module = between(nn.ReLU())
    module[0].weight.requires_grad_(False)
    return module


def normed():
    return nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(5, 5)), between(nn.ReLU()))


def hooked():
    module = between(nn.ReLU())
    module[0].register_forward_hook(lambda part, inputs, output: 2 * output)
    return module


def scripted():
    part = nn.Linear(5, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch advises against it
        return nn.Sequential(torch.jit.script(part), between(nn.ReLU()))


def summed(module, y):
    module.seen += y.detach().mean(dim=0)
    return y


def remembered(module, y):
    module.seen = 0.9 * module.seen + 0.1 * y.detach().mean(dim=0)
    return y - module.seen


def begun(write):
    """A wide perceptron into whose weights `write` wrote."""

    def network():
        module = between(nn.ReLU(), width=Gene("width", 32, 64))
        write(module)
        return module

    return network


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (lambda: Applied(lambda m, y: functional.dropout(y, 0.5)), r"two passes .* differ: .*self.training"),
        (lambda: Applied(lambda m, y: y + torch.randn_like(y)), "two passes .* differ"),
        (lambda: Applied(summed), "inner|seen: forward changes this buffer"),
        (lambda: Applied(remembered), "seen: forward changes this buffer"),
        (normed, "forward changes this buffer"),
        (tied, "1.2.weight: one module, two places, or tied weights"),
        (once_more_inside, "0.weight: one module, two places"),
        (frozen, "0.weight: frozen, .*buffers"),
        (lambda: between(nn.ReLU()).double(), r"weights of torch.float64, inputs of torch.float32; leave .double\(\)"),
        (lambda: between(nn.ReLU()).half(), r"weights of torch.float16, inputs of torch.float32"),
        (lambda: between(nn.ReLU()).to("meta"), r"on meta, inputs on cpu; leave .to\(\) out"),
        (lambda: nn.Sequential(nn.LazyLinear(5), between(nn.ReLU())), "0.weight: a lazy layer has no size yet"),
        (lambda: nn.utils.parametrizations.weight_norm(between(nn.ReLU())[0]), "parametrised layer has no elastic"),
        (lambda: Applied(lambda m, y: y.detach()), "output has no gradient"),
        (lambda: Applied(lambda m, y: y / 0 * 0), "outputs are not finite"),
        (lambda: between(nn.ReLU(), width=8).append(nn.Softmax(dim=1)), "the module holds none"),
        (lambda: between(nn.ReLU()).append(nn.Softmax(dim=1)), "outputs sum to one, .*leave the softmax out"),
        (
            begun(lambda m: nn.init.zeros_(m[2].weight)),
            "2.weight: .*0 to 0, redrawn .* reset_parameters; write it there",
        ),
        (begun(lambda m: nn.init.ones_(m[0].bias)), "0.bias: the network's own initialisation"),
        (begun(lambda m: m[0].weight.data.normal_(0, 0.01)), r"0.weight: .*\(0.04. times as far apart"),
        (lambda: Applied(lambda m, y: (y, y)), r"expected logits \(n, 3\) .* found tuple"),
        (lambda: Applied(lambda m, y: (y, y) if m.training else y), r"expected logits \(n, 3\) .* found tuple"),
        (hooked, "path and network differ: .*write hooks into forward"),
        (scripted, "0: a scripted part cannot be looked into"),
    ],
)
def test_what_shared_weights_cannot_be_is_refused(network, words):
    with pytest.raises(ValueError, match=words):
        make(network)


def test_a_function_that_makes_other_modules_each_time_is_refused():
    count = itertools.count(8)
    with pytest.raises(ValueError, match="two modules, which differ in their genes"):
        make(lambda: between(nn.ReLU(), width=Gene("width", 4, next(count))))
    with pytest.raises(ValueError, match=r"two modules, which differ in 2.weight"):
        make(lambda: nn.Sequential(between(nn.ReLU()), nn.ReLU(), nn.Linear(3, next(count))))

    def drawn():
        module = between(nn.ReLU())
        nn.init.constant_(module[0].bias, np.random.default_rng().random())
        return module

    with pytest.raises(ValueError, match=r"differ in 0.bias; let it depend on nothing else"):
        make(drawn)


def test_networks_that_differ_in_a_closure_alone_share_no_trainings():
    def of(activation):
        return lambda: Applied(lambda module, y: activation(y))

    rectified, squared = (make(of(f)) for f in (torch.relu, torch.square))
    assert rectified.trainings._folder != squared.trainings._folder
    assert rectified.trainings._folder == make(of(torch.relu)).trainings._folder


class Shifted:
    """An augmentation that is an object, whose text says where it lies in memory."""

    def __init__(self, by):
        self.by = by

    def __call__(self, images, rng):
        return images + self.by * float(rng.random())


def test_augmentations_that_differ_in_what_they_hold_alone_share_no_trainings():
    def closure(by):
        return lambda images, rng: images + by * float(rng.random())

    for kind in (closure, Shifted, lambda by: functools.partial(lambda images, rng, by: images + by, by=by)):
        one, same, other = (
            make(functools.partial(between, nn.ReLU()), recipe=Recipe(augment=kind(by))).trainings._folder
            for by in (1.0, 1.0, 5.0)
        )
        assert one is not None
        assert one == same != other


@pytest.mark.parametrize("augment", [lambda images, rng: images[:3], lambda images, rng: None])
def test_an_augmentation_that_gives_other_inputs_is_refused_at_once(augment):
    with pytest.raises(ValueError, match="augment: expected to be given a tensor of shape"):
        make(functools.partial(between, nn.ReLU()), recipe=Recipe(augment=augment))


@pytest.mark.parametrize(("layer", "gates"), [(nn.RNN, 1), (nn.GRU, 3), (nn.LSTM, 4)])
def test_recurrent_layers_are_priced_by_their_products(layer, gates):
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.last = layer(1, 5, batch_first=True), between(nn.ReLU())

        def forward(self, x):
            return self.last(self.inner(x[..., None])[0][:, -1])

    p = make(Recurrent)
    assert p.modules.costs(p.space.all())[0, 0] == 5 * gates * (1 * 5 + 5 * 5) + 20 + 12


def test_a_module_that_does_not_run_leaves_torch_as_it_was():
    with pytest.raises(ValueError, match="does the first layer take these"):
        make(lambda: nn.Sequential(nn.Linear(4, 5), between(nn.ReLU())))
    assert _get_current_dispatch_mode() is None


class Remembers(nn.Module):
    """It keeps what it computed last, as attention maps are, and its sizes in a list."""

    def __init__(self):
        super().__init__()
        self.sizes = [hidden := Gene("hidden", 4, 8)]
        self.first, self.last = ElasticLinear(5, hidden), ElasticLinear(hidden, 3)

    def forward(self, x):
        self.seen = self.first(x)
        return self.last(self.seen.relu())


def test_what_a_pass_leaves_behind_does_not_hinder_the_next_network():
    p = make(Remembers)
    network = p.supernet(charge=lambda flops: None, seed=0)
    network.train_loss(network.initial_weights(), p.modules.one_hot([1]), network.train_batch())
    assert p.modules.extract([0]).sizes == [4]
    p.evaluate(p.space.all())


class Holds(nn.Module):
    """A part, a product with a weight taken from a list, and another part."""

    def __init__(self):
        super().__init__()
        self.inner, self.own = between(nn.ReLU()), nn.Linear(3, 3, bias=False)
        self.taken = [self.own.weight]

    def forward(self, x):
        return self.inner(x) * self.taken[0].sum(dim=0)


class NothingAtFirst(nn.Module):
    """A softmax over elastic units, hidden behind a layer that begins with zeros."""

    def __init__(self):
        super().__init__()
        self.first, self.last = (m := between(nn.Softmax(dim=1)))[:2], m[2]
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x):
        return self.last(self.first(x))


class Reaches(nn.Module):
    """Its `reset_parameters` looks for an alternative by the name that a choice has for it."""

    def __init__(self):
        super().__init__()
        self.either = Choice("either", one=nn.Linear(5, 5), none=nn.Identity())
        self.last = nn.Linear(5, 3)
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.zeros_(self.either.one.weight)

    def forward(self, x):
        return self.last(self.either(x))


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (Holds, "path and network differ: .*not from lists"),
        (NothingAtFirst, "as a mixture at this corner it answers otherwise"),
        (Reaches, "either=.*: reset_parameters: .*in place of a Choice"),
    ],
)
def test_the_check_sees_through_beginnings(network, words):
    with pytest.raises(ValueError, match=words):
        make(network)


def test_tokens_are_embedded_where_nothing_is_normalised():
    class Embeds(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.last = nn.Embedding(9, 5), between(nn.ReLU())

        def forward(self, x):
            return self.last(self.embedding(x.long().clamp(0, 8)).sum(dim=1))

    tokens = np.random.default_rng(0).integers(9, size=(200, 6))
    data = load_data((tokens, (tokens == 3).any(axis=1).astype(int)))
    with pytest.raises(ValueError, match="for tokens give a Dataset"):
        make(lambda: nn.Sequential(nn.Embedding(9, 1), nn.Flatten(), between(nn.ReLU())), data=data)
    p = make(
        Embeds,
        data=replace(data, mean=torch.zeros(()), std=torch.ones(())),
        recipe=Recipe(epochs=20),
        objectives=("error", "latency:cpu_b16", "memory"),
    )
    assert p.evaluate(p.space.all()).F[:, 0].min() < 10


def test_torchs_attention_begins_anew_at_each_address():
    network, first, again, other = (nn.MultiheadAttention(8, 2) for _ in range(4))
    for each, seed in ((first, 1), (again, 1), (other, 2)):
        each.load_state_dict(network.state_dict())
        initialised(each, (seed, 0))
    assert torch.equal(first.in_proj_weight, again.in_proj_weight)
    assert not torch.equal(first.in_proj_weight, other.in_proj_weight)


@pytest.mark.filterwarnings("ignore:Initializing zero-element")
@pytest.mark.parametrize(
    "make_layer",
    [
        lambda: nn.Linear(8, 8),
        lambda: nn.Embedding(8, 40, padding_idx=0),
        lambda: nn.MultiheadAttention(8, 2, kdim=3, vdim=5, add_bias_kv=True),
        lambda: nn.Transformer(8, 2, 1, 1, 8, batch_first=True),
        lambda: nn.LSTM(8, 16, 2, bidirectional=True, proj_size=8),
        lambda: nn.Bilinear(8, 8, 8),
        lambda: nn.AdaptiveLogSoftmaxWithLoss(8, 40, [10, 20], div_value=9.0),  # a weight of no numbers
        lambda: nn.utils.parametrizations.weight_norm(nn.Linear(8, 8)),
    ],
)
def test_torchs_own_layers_begin_as_they_are_made(make_layer):
    for seed in range(50):
        torch.manual_seed(seed)
        check_beginnings(layer := make_layer(), initialised(copy.deepcopy(layer), (0, seed)))


class BeginsAtNothing(nn.Module):
    """A residual layer that is none at first, at any of its sizes: its own `reset_parameters` says so."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(ElasticLinear(5, hidden := Gene("hidden", 4, 8)), ElasticLinear(hidden, 5))
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.zeros_(self.inner[1].weight)

    def forward(self, x):
        return x + self.inner(x)


def test_a_parts_own_beginning_holds_in_supernets_and_in_networks_of_all_sizes():
    p = make(lambda: nn.Sequential(BeginsAtNothing(), nn.Linear(5, 3)))
    assert p.modules.weights()["0.inner.1.weight"].count_nonzero() == 0
    for x in p.space.all():
        begun = initialised(p.modules.extract(x), (7, 0))
        assert begun[0].inner[1].weight.count_nonzero() == 0
        assert begun[0].inner[0].weight.count_nonzero() == begun[0].inner[0].weight.numel() == (20, 40)[x[0]]


def test_batch_norms_and_batches_of_one_are_refused():
    def network():
        return between(ElasticBatchNorm(width := Gene("width", 4, 8), dims=1), width=width)

    odd = DATA[0][:58], DATA[1][:58]  # 34 train in 17 pairs, 35 in 17 pairs and one alone
    make(network, data=odd, recipe=Recipe(epochs=1, batch=2))
    alone = {"data": (DATA[0][:59], DATA[1][:59]), "recipe": Recipe(epochs=1, batch=2)}
    few = {"data": (DATA[0][:6], DATA[1][:6])}  # 3 train, 1 validates
    for options in ({"batch": 1}, {"recipe": Recipe(epochs=1, batch=1)}, alone, few):
        with pytest.raises(ValueError, match="a batch norm needs two inputs at least"):
            make(network, **options)
    make(functools.partial(between, nn.ReLU()), batch=1, recipe=Recipe(epochs=1, batch=1))


@pytest.mark.parametrize(
    ("x", "kind"), [([-1], ValueError), ([2], ValueError), ([0.5], TypeError), ([0, 0], ValueError)]
)
def test_only_architectures_of_the_space_are_extracted(x, kind):
    with pytest.raises(kind, match="X: "):
        make(functools.partial(between, nn.ReLU())).modules.extract(x)


@pytest.mark.parametrize(
    ("made", "kind", "words"),
    [
        (lambda: Gene("", 1), ValueError, "a name without spaces and =, found ''"),
        (lambda: Gene("a=b", 1), ValueError, "found 'a=b'"),
        (lambda: Gene("a\nb", 1), ValueError, "a name without"),
        (lambda: Choice("a b", c=nn.ReLU()), ValueError, "a name without"),
        (lambda: Gene("a", 1, float("inf")), ValueError, "a: expected finite numbers, found inf"),
        (lambda: Gene("a", float("nan")), ValueError, "a: expected finite numbers, found nan"),
        (
            lambda: Repeat(Gene("a", 1, 2), lambda i: None),
            TypeError,
            "a: expected a module for each block, found NoneType",
        ),
        (lambda: ElasticBatchNorm(4, dims=3), ValueError, "dims: expected 2 for images or 1 for rows"),
        (lambda: ElasticConv2d(4, 4, stride=0), ValueError, "stride: expected a whole number from 1, found 0"),
        (lambda: ElasticConv2d(4, 4, stride=1.5), ValueError, "stride: expected a whole number from 1"),
    ],
)
def test_layers_of_nothing_are_refused(made, kind, words):
    with pytest.raises(kind, match=words):
        made()


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"noise": "no"}, TypeError, "noise: expected True or False, found 'no'"),
        ({"recipe": {"epochs": 3}}, TypeError, "recipe: expected a Recipe, found dict"),
        ({"batch": 0}, ValueError, "batch: expected a whole number from 1"),
        ({"batch": 2.5}, TypeError, "batch: expected a whole number from 1"),
        ({"objectives": "error"}, TypeError, r"found the text 'error'; write \['error'\]"),
        ({"objectives": ("error", 3)}, TypeError, "objectives: expected texts, found 3"),
    ],
)
def test_options_of_another_kind_are_refused(options, kind, words):
    with pytest.raises(kind, match=words):
        make(functools.partial(between, nn.ReLU()), **options)


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"epochs": 2.5}, TypeError, "epochs: expected a whole number from 1, found 2.5"),
        ({"batch": "3"}, TypeError, "batch: expected a whole number from 1, found '3'"),
        ({"epochs": True}, TypeError, "epochs: expected a whole number"),
        ({"optimizer": "adam"}, ValueError, "optimizer: expected sgd or adamw, found 'adam'"),
        ({"schedule": "cos"}, ValueError, "schedule: expected cosine or constant"),
        ({"rate": "0.1"}, TypeError, "rate: expected a number, found '0.1'"),
        ({"rate": float("nan")}, ValueError, "rate: expected a number above 0"),
        ({"rate": float("inf")}, ValueError, "rate: expected a number above 0"),
        ({"warm_up": float("nan")}, ValueError, "warm_up: expected a number from 0 and below 1"),
        ({"momentum": 1.5}, ValueError, "momentum: expected a number from 0 and below 1"),
        ({"decay": -1.0}, ValueError, "decay: expected a number from 0"),
        ({"augment": 3}, TypeError, "augment: expected a function"),
        ({"device": "meta"}, ValueError, "device: 'meta' cannot be used here"),
    ],
)
def test_recipes_of_nothing_are_refused(options, kind, words):
    with pytest.raises(kind, match=words):
        Recipe(**options)


def test_a_latency_of_more_than_the_memory_is_said_in_one_line():
    p = make(functools.partial(between, nn.ReLU()), objectives=("error", "latency:cpu_b99999999999"))
    with pytest.raises(MemoryError, match="out of memory; use a smaller batch"):
        p.evaluate(p.space.all()[:1])
