"""Paths are stand-alone networks, mixtures are paths at one-hot corners, costs are exact, whatever the module."""

import pickle

import numpy as np
import pytest
import torch
from _modules import Chain, Transformer, noisy, random_module, random_p, touched
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mobench.live.blocks import ElasticHeads
from mobench.live.extraction import elastic
from mobench.live.genes import Gene, Quantity
from mobench.live.layers import Choice, ElasticBatchNorm, ElasticConv2d, ElasticDepth, ElasticLinear, Repeat
from mobench.live.meter import metered
from mobench.live.module_space import ModuleSpace


@pytest.fixture(autouse=True)
def _double():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.fixture(params=[Chain, Transformer], ids=["chain", "transformer"])
def space(request):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return ModuleSpace(request.param(), torch.randn(2, 1, 8, 8))


def rows(space, n, seed=0):
    return space.space.sample(np.random.default_rng(seed), n)


def images(n, channels=1, size=8):
    return torch.randn(n, channels, size, size, generator=torch.Generator().manual_seed(7))


def counted(network, x):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(x)
    return [counter.get_total_flops() / 2, sum(p.numel() for p in network.parameters())]


def test_a_path_is_the_stand_alone_network_outputs_and_gradients(space):
    w, x = noisy(space), images(5)
    for row in rows(space, 20):
        y, network = space(w, space.one_hot(row), x), space.extract(row, w)
        assert not any(elastic(m) or isinstance(m, Choice | ElasticDepth) for m in network.modules())
        torch.testing.assert_close(y, network(x), rtol=1e-9, atol=1e-9)
        grads = torch.autograd.grad(y.square().sum(), list(w.values()), allow_unused=True, materialize_grads=True)
        network(x).square().sum().backward()
        twin = space.extract(row, dict(zip(w, grads, strict=True)))  # the parts of the gradients
        for (name, a), (_, b) in zip(network.named_parameters(), twin.named_parameters(), strict=True):
            torch.testing.assert_close(a.grad, b.detach(), rtol=1e-7, atol=1e-7, msg=name)
        total = sum(float(g.detach().square().sum()) for g in grads)
        assert total == pytest.approx(sum(float(b.detach().square().sum()) for b in twin.parameters()), rel=1e-9)


def test_mixtures_are_paths_at_corners(space):
    w, x = noisy(space), images(5)
    for row in rows(space, 15):
        p = space.one_hot(row)
        sure = space(w, p, x)
        everything = torch.tensor(space.mask)
        torch.testing.assert_close(space(w, touched(space, p), x), sure, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(space(w, p, x, computed=everything), sure, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(space(w, p.clone().requires_grad_(), x), sure, rtol=1e-9, atol=1e-9)


def test_flops_and_params_are_exact_and_expected_at_corners(space):
    X = rows(space, 60)
    costs = space.costs(X)
    for row, priced in zip(X, costs, strict=True):
        assert priced.tolist() == counted(space.extract(row), images(1))
        assert space.computed(space.one_hot(row)) == priced[0]
        assert space.expected_costs(space.one_hot(row)).tolist() == pytest.approx(priced.tolist(), rel=1e-12)


def test_expected_costs_are_means_over_draws_and_their_gradient_is_right(space):
    p, rng = random_p(space), np.random.default_rng(3)
    sizes = space.space.cardinalities
    columns = [rng.choice(k, size=4000, p=row[:k].numpy()) for k, row in zip(sizes, p, strict=True)]
    drawn = space.costs(np.column_stack(columns))
    z = (drawn.mean(0) - space.expected_costs(p).numpy()) / (drawn.std(0) / 4000**0.5)
    assert np.abs(z).max() < 4
    assert torch.autograd.gradcheck(space.expected_costs, p.requires_grad_())


def test_losses_are_twice_differentiable(space):
    for part in space.module.modules():  # finite differences need a smooth loss
        part._modules.update({k: nn.Softplus() for k, m in part._modules.items() if isinstance(m, nn.ReLU6)})
    w, x, p = noisy(space), images(16), random_p(space).requires_grad_()
    names = [*[n for n in w if w[n].numel() < 3000][:3], list(w)[-2]]

    def f(q, *ws):
        return space({**w, **dict(zip(names, ws, strict=True))}, q, x).square().mean()

    args = (p, *(w[n] for n in names))
    g = torch.autograd.grad(f(*args), args, create_graph=True)
    generator = torch.Generator().manual_seed(5)
    v = [torch.randn(a.shape, generator=generator) for a in args]
    v[0] = v[0] * torch.tensor(space.mask)
    hv = torch.autograd.grad(sum((a * b).sum() for a, b in zip(g, v, strict=True)), args)
    h = 1e-5
    ends = [
        torch.autograd.grad(f(*moved), moved)
        for moved in (
            [(a + s * h * b).detach().requires_grad_() for a, b in zip(args, v, strict=True)] for s in (1, -1)
        )
    ]
    for exact, up, down in zip(hv, *ends, strict=True):
        torch.testing.assert_close(exact, (up - down) / (2 * h), rtol=2e-4, atol=2e-6)


def test_inactive_genes_change_nothing_and_active_ones_the_network(space):
    w, x = noisy(space), images(3)
    X = rows(space, 60)
    canonical, networks = space.space.canonical(X), {}
    assert (canonical != X).any(axis=1).sum() > 5
    assert (space.space.canonical(canonical) == canonical).all()
    assert space.decode(X) == space.decode(canonical)
    assert (space.costs(X) == space.costs(canonical)).all()
    for row, same in zip(X[:20], canonical[:20], strict=True):
        torch.testing.assert_close(space(w, space.one_hot(row), x), space(w, space.one_hot(same), x))
    for same in canonical:
        networks.setdefault(repr(space.extract(same)), set()).add(tuple(same))
    assert max(map(len, networks.values())) == 1


def test_expected_options_say_which_options_are_chosen_and_active(space):
    for row in rows(space, 10):
        active = ~space.inactive(row[None])[0]
        chosen = [
            float(on and k == x)
            for x, on, size in zip(row, active, space.space.cardinalities, strict=True)
            for k in range(size)
        ]
        assert space.expected_options(space.one_hot(row)).tolist() == chosen


def test_networks_and_spaces_pickle(space):
    row, x = rows(space, 1)[0], images(2)
    network = space.extract(row)
    data = pickle.dumps(network)
    assert b"genes" not in data
    torch.testing.assert_close(pickle.loads(data)(x), network(x))  # noqa: S301
    again, w, p = pickle.loads(pickle.dumps(space)), space.weights(), random_p(space)  # noqa: S301
    torch.testing.assert_close(again(w, p, x), space(w, p, x))
    assert (again.costs(row[None]) == space.costs(row[None])).all()


def test_networks_are_exported(space):
    row, x = rows(space, 1)[0], images(2)
    network = space.extract(row).eval()
    program = torch.export.export(network, (x,))
    torch.testing.assert_close(program.module()(x), network(x))


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # of the exporter itself
def test_networks_are_exported_to_onnx(space, tmp_path):
    pytest.importorskip("onnxscript", reason="torch exports to ONNX with the packages onnx and onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    torch.set_default_dtype(torch.float32)
    x = images(2).float()
    network = space.extract(rows(space, 1)[0]).float().eval()
    torch.onnx.export(network, (x,), tmp_path / "a.onnx", dynamo=True, verbose=False)
    session = runtime.InferenceSession(tmp_path / "a.onnx")
    (found,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), network(x), rtol=1e-4, atol=1e-5)


def test_passes_are_charged_as_they_are_computed(space):
    w, x, p, bills = space.weights(), images(3), random_p(space).requires_grad_(), []
    unit = len(x) * space.computed(p)
    loss = metered(lambda: space(w, p, x).square().mean(), flops=unit, charge=bills.append)
    g = torch.autograd.grad(loss, [p, *w.values()], create_graph=True)
    torch.autograd.grad(sum(a.square().sum() for a in g), [p, *w.values()])
    assert [round(bill / unit, 6) for bill in bills] == [1, 2, 6]
    with FlopCounterMode(display=False) as counter:
        space(w, p, x)
    assert counter.get_total_flops() / 2 == pytest.approx(unit, rel=0.005)  # the masks themselves are not charged


def test_straight_through_reaches_the_options_that_are_computed(space):
    w, x = space.weights(), images(3)
    p = space.one_hot([1] * len(space.genes)).requires_grad_()
    sampled = torch.autograd.grad(space(w, p, x).square().mean(), p)[0]
    assert (sampled[p == 0] == 0).all()
    assert (sampled[p == 1] != 0).sum() >= 6
    dense = torch.autograd.grad(space(w, p, x, computed=torch.tensor(space.mask)).square().mean(), p)[0]
    assert (dense[p == 0] != 0).sum() >= 6
    torch.testing.assert_close(dense[p == 1], sampled[p == 1])


@pytest.mark.parametrize("seed", range(8))
def test_random_modules(seed):
    check_random_module(seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(8, 40))
def test_more_random_modules(seed):
    check_random_module(seed)


def check_random_module(seed):
    """Equal to 1e-8: path, network, mixture at the corner, costs and the canonical form."""
    rng, x = np.random.default_rng(seed), images(4, 2, 6)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        s = ModuleSpace(random_module(rng), images(3, 2, 6))
    w = noisy(s)
    for row in rows(s, 6, seed):
        p, network = s.one_hot(row), s.extract(row, w)
        y = s(w, p, x)
        torch.testing.assert_close(y, network(x), rtol=1e-8, atol=1e-8)
        torch.testing.assert_close(s(w, touched(s, p), x), y, rtol=1e-8, atol=1e-8)
        truth = counted(network, x[:1])
        assert s.costs(row[None])[0].tolist() == truth
        assert s.expected_costs(p).tolist() == pytest.approx(truth, rel=1e-12)
        assert s.computed(p) == truth[0]
        assert repr(s.extract(s.space.canonical(row[None])[0])) == repr(network)


def test_a_layer_is_the_mean_of_its_sizes():
    """y = sum_k p_k W[:, :w_k] x[:w_k]: linear in p, so its gradient is each option's output."""
    g = Gene("w", 2, 3, 5)
    space = ModuleSpace(nn.Sequential(ElasticLinear(g, 4)), torch.zeros(1, 5))
    w, p = noisy(space), torch.tensor([[0.2, 0.3, 0.5]])
    W, b, x = w["0.weight"], w["0.bias"], images(7, 1, 5)[:, 0, 0]
    expected = sum(q * (x[:, :n] @ W[:, :n].T) for q, n in zip(p[0], g.options, strict=True)) + b
    torch.testing.assert_close(space(w, p, x), expected)


def test_weights_come_back_after_a_failure():
    space = ModuleSpace(nn.Sequential(ElasticLinear(Gene("w", 1, 3), 2)), torch.zeros(1, 3))
    before = space.module[0].weight
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        space(space.weights(), space.one_hot([1]), torch.zeros(1, 7))
    assert space.module[0].weight is before


class Apart(nn.Module):
    """Two genes of equal largest size meet in a sum."""

    def __init__(self):
        super().__init__()
        a, b = Gene("a", 2, 4), Gene("b", 2, 4)
        self.one, self.two, self.head = ElasticLinear(4, a), ElasticLinear(a, b), ElasticLinear(b, 2)

    def forward(self, x):
        x = self.one(x)
        return self.head(x + self.two(x))


class Product(nn.Module):
    """A product that no layer is asked for."""

    def __init__(self):
        super().__init__()
        self.one = ElasticLinear(4, Gene("c", 2, 3))

    def forward(self, x):
        y = self.one(x)
        return y @ y.T


class Between(nn.Module):
    """A product of inputs with elastic units, something that is done to them, and a layer that takes them."""

    def __init__(self, does, *, first=1, last=1):
        super().__init__()
        w = Gene("w", 2, 4)
        self.one, self.does, self.head = ElasticLinear(4, w * first), does, ElasticLinear(w * last, 3)

    def forward(self, x):
        return self.head(self.does(self.one(x)))


ELSEWHERE = "at this corner it answers otherwise"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (Apart, "one gene"),
        (Product, "own_flops"),
        (lambda: ElasticLinear(4, Gene("w", 2, 4)), r"output's size depends on genes, \(2, 2\) here"),
        (lambda: Between(nn.GLU(), first=2), ELSEWHERE),
        (lambda: Between(lambda y: torch.cat([y, 2 * y], 1), last=2), ELSEWHERE),
        (lambda: Between(lambda y: torch.stack([y, -y], 1).flatten(1), last=2), ELSEWHERE),
        (lambda: Between(nn.Softmax(1)), ELSEWHERE),
        (lambda: Between(nn.functional.normalize), ELSEWHERE),
    ],
)
def test_the_check_finds_what_users_get_wrong(make, words):
    x = images(2, 1, 4)[:, 0, 0]
    with pytest.raises(ValueError, match=words):
        ModuleSpace(make(), x).check(x)


def test_the_check_looks_at_every_option():
    class Wrong(nn.Module):
        def forward(self, x):
            return x.mean(1, keepdim=True)  # in a mean of alternatives it would be spread over all units

    right = {f"a{i}": nn.Identity() for i in range(99)}
    x = images(2, 1, 4)[:, 0, 0]
    deep = Repeat(Gene("depth", 0, 1), lambda i: Choice("op", **right, wrong=Wrong()))
    with pytest.raises(ValueError, match=r"op=wrong: .*one gene"):
        ModuleSpace(nn.Sequential(deep, ElasticLinear(4, 3)), x).check(x, n=1)


W = Gene("w", 1, 2)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.Linear(1, 2), "the module holds none"),
        (lambda: nn.Sequential(ElasticLinear(2, Gene("w", 1, 2)), ElasticLinear(Gene("w", 1, 2), 2)), "by its object"),
        (lambda: nn.Sequential(*[ElasticLinear(W, W)] * 2), "one module, two places"),
        (lambda: nn.Sequential(ElasticConv2d(2, W), nn.BatchNorm2d(2)), r"BatchNorm2d: .* use ElasticBatchNorm"),
        (lambda: Choice(Gene("c", "a", "b"), a=nn.Identity()), "expected the alternatives"),
        (lambda: ElasticDepth(Gene("d", 1, 3), nn.Identity()), "expected 3 blocks, found 1"),
        (lambda: ElasticConv2d(1, 1, kernel=Gene("k", 2, 3)), "expected odd sizes"),
        (lambda: ElasticLinear(Gene("w", 0, 2), 1), "sizes: expected at least 1"),
        (lambda: Gene("w", 1, 1), "different options"),
        (lambda: Gene("w"), "at least one"),
        (lambda: Choice("c", keys=nn.ReLU()), "cannot be called 'keys'"),
        (lambda: Choice("c", gene=nn.ReLU()), "cannot be called 'gene'"),
        (lambda: Repeat(Gene("d", 0, 1.5), lambda i: nn.ReLU()), "Gene of whole numbers from 0"),
        (lambda: Repeat(Gene("d", "a"), lambda i: nn.ReLU()), "Gene of whole numbers from 0"),
        (lambda: Repeat(Gene("d", -1, 1), lambda i: nn.ReLU()), "Gene of whole numbers from 0"),
        (lambda: Repeat(2, lambda i: nn.ReLU()), "Gene of whole numbers from 0"),
        (lambda: ElasticLinear(7, Gene("w", 1, 2)), r"inputs of shape \(3, 2\): .*first layer"),
    ],
)
def test_what_is_no_space_is_refused_in_words(make, words):
    with pytest.raises(ValueError, match=words):
        ModuleSpace(make(), torch.zeros(3, 2))


@pytest.mark.parametrize(("options", "words"), [((4, 8), "a name and then"), (("w", [4, 8]), "one by one")])
def test_genes_of_other_things_are_refused(options, words):
    with pytest.raises(TypeError, match=words):
        Gene(*options)


def test_calls_outside_a_pass_and_names_as_sizes_are_refused():
    with pytest.raises(RuntimeError, match="many networks"):
        ElasticLinear(Gene("w", 1, 2), 3)(torch.zeros(1, 2))
    with pytest.raises(TypeError, match="expected numbers"):
        ElasticLinear(Gene("w", "small", "large"), 3)


def test_a_gene_that_no_layer_holds_is_refused_in_words():
    class Scaled(nn.Sequential):
        by = Gene("by", 1, 2)

        def forward(self, x):
            return super().forward(x) * int(self.by.value)

    with pytest.raises(ValueError, match="by: no layer of the module holds this gene"):
        ModuleSpace(Scaled(ElasticLinear(2, Gene("w", 1, 2))), torch.zeros(3, 2))


def test_sums_of_genes_are_sizes():
    a, b = Gene("a", 1, 2), Gene("b", 3, 5)
    for size, values in ((a + b, [[4, 6], [5, 7]]), (1 + a, [2, 3]), (a + 1, [2, 3]), (a + b * 2, [[7, 11], [8, 12]])):
        assert size.table.tolist() == values


def test_quantities_align_the_genes_that_factors_share():
    g, h = Gene("g", 1, 2), Gene("h", 3, 5, 7)
    q = g * h * g + Quantity.of(h) * 0.5
    assert q.at(np.array([[1, 2], [0, 0]]), (g, h)).tolist() == [31.5, 4.5]
    p = {g: torch.tensor([0.25, 0.75]), h: torch.tensor([0.2, 0.3, 0.5])}
    mean_h, mean_g2 = 0.6 + 1.5 + 3.5, 0.25 + 3.0
    assert float(q.expected(p)) == pytest.approx(mean_g2 * mean_h + mean_h / 2)


def test_attention_is_torchs_own():
    """With every head: `torch.nn.MultiheadAttention` of the same weights."""
    heads = Gene("heads", 1, 2)
    space = ModuleSpace(nn.Sequential(ElasticHeads(8, heads, size=4)), torch.zeros(1, 3, 8))
    w, x = noisy(space), images(2, 1, 8)[:, 0]
    theirs = nn.MultiheadAttention(8, 2, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([w[f"0.{n}.weight"] for n in "qkv"]))
        theirs.in_proj_bias.copy_(torch.cat([w[f"0.{n}.bias"] for n in "qkv"]))
        theirs.out_proj.weight.copy_(w["0.out.weight"])
        theirs.out_proj.bias.copy_(w["0.out.bias"])
    torch.testing.assert_close(space(w, space.one_hot([1]), x), theirs(x, x, x)[0])


def test_stand_alone_batch_norms_have_running_statistics():
    norm = ModuleSpace(nn.Sequential(ElasticBatchNorm(Gene("w", 2, 3), dims=1)), torch.zeros(4, 3)).extract([0])
    assert isinstance(norm[0], nn.BatchNorm1d)
    assert norm[0].track_running_stats
