"""The supernet of cells: the discrete networks are in it, its costs are exact, its derivatives right."""

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from mobench import BudgetExhausted, CategoricalNetwork
from mobench.live.batch import Batch
from mobench.live.layouts import IMAGES_FIRST, IMAGES_LAST, average
from mobench.problems._cells import mixture as _mixture
from mobench.problems._cells import plans as _plans
from mobench.problems._cells import space as cell
from mobench.problems._cells.network import Network as Discrete
from mobench.problems._cells.supernet import CellSupernet, Options

torch.set_num_threads(1)
SKELETON = cell.Skeleton(inputs=2, size=8, classes=5, channels=3, cells=2, stages=2)
CELLS = cell.all_cells()


def halves(n=48, dtype=torch.float64, skeleton=SKELETON):
    generator = torch.Generator().manual_seed(0)
    shape = (n, skeleton.inputs, skeleton.size, skeleton.size)
    images = torch.randn(shape, generator=generator, dtype=dtype)
    labels = torch.randint(0, skeleton.classes, (n,), generator=generator)
    return {"train": (images[: n // 2], labels[: n // 2]), "valid": (images[n // 2 :], labels[n // 2 :])}


def supernet(*, seed=0, charge=lambda flops: None, dtype=torch.float64, **options):
    settings = Options(**({"batch": 8} | options))
    return CellSupernet(SKELETON, **halves(dtype=dtype), charge=charge, seed=seed, options=settings)


def one_hot(genes):
    return torch.nn.functional.one_hot(torch.as_tensor(np.asarray(genes)), 5).double()


def discrete(weights, genes, skeleton=SKELETON):
    """The stand-alone network of a cell with the weights that the supernet holds for it."""
    network = Discrete(genes, skeleton).double().train()
    state = network.state_dict()
    names = {"stem": ("stem.0.weight", "stem.1"), "last": (None, "last.0")}
    block = 0
    for stage in range(skeleton.stages):
        if stage:
            at = f"blocks.{block}"
            names[f"reduction{stage}.a"] = (f"{at}.conv_a.1.weight", f"{at}.conv_a.2")
            names[f"reduction{stage}.b"] = (f"{at}.conv_b.1.weight", f"{at}.conv_b.2")
            state[f"{at}.shortcut.1.weight"] = weights[f"reduction{stage}.shortcut.kernel"]
            block += 1
        for number in range(stage * skeleton.cells, (stage + 1) * skeleton.cells):
            for edge, op in enumerate(genes):
                if op in (cell.CONV1, cell.CONV3):
                    at = f"blocks.{block}.operations.{edge}"
                    names[f"cell{number}.{edge}.{cell.OPERATIONS[op]}"] = (f"{at}.1.weight", f"{at}.2")
            block += 1
    for name, (kernel, norm) in names.items():
        if kernel:
            state[kernel] = weights[f"{name}.kernel"]
        state[f"{norm}.weight"], state[f"{norm}.bias"] = weights[f"{name}.scale"], weights[f"{name}.shift"]
    state["classifier.weight"], state["classifier.bias"] = weights["classifier.weight"], weights["classifier.bias"]
    network.load_state_dict(state)
    return network


def perturbed(network, seed=0):
    """Weights whose scales and shifts are not one and zero."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: (w + 0.3 * torch.randn(w.shape, generator=generator, dtype=w.dtype)).detach().requires_grad_()
        for name, w in network.initial_weights().items()
    }


def test_it_is_a_network_with_an_alpha_of_six_by_five():
    network: CategoricalNetwork = supernet()
    assert network.operations == (cell.OPERATIONS,) * 6
    alpha = network.initial_alpha()
    assert alpha.shape == (6, 5)
    assert alpha.requires_grad
    assert 0 < alpha.abs().max() < 0.01
    assert network.discretise(one_hot([3, 1, 0, 4, 2, 2])).tolist() == [[3, 1, 0, 4, 2, 2]]


@pytest.mark.parametrize("row", [0, 3000, 7812, 15624, 9417, 12001, 5])
def test_a_path_is_the_discrete_network_with_the_same_weights(row):
    network = supernet()
    weights, genes = perturbed(network), CELLS[row]
    batch = network.train_batch()
    loss = network.train_loss(weights, one_hot(genes), batch)
    alone = discrete(weights, genes)
    expected = torch.nn.functional.cross_entropy(alone(network._images(batch)[0]), network._images(batch)[1])
    torch.testing.assert_close(loss, expected)
    loss.backward()
    expected.backward()
    torch.testing.assert_close(weights["stem.kernel"].grad, alone.stem[0].weight.grad)


def test_a_mixture_next_to_a_vertex_is_next_to_the_path():
    network = supernet()
    weights, batch = perturbed(network), network.train_batch()
    for genes in ([3, 1, 2, 4, 3, 2], [1, 2, 3, 2, 4, 3]):
        p = one_hot(genes)
        near = (1 - 5e-6) * p + 1e-6
        path, mixture = (network.train_loss(weights, q, batch).item() for q in (p, near))
        assert path != mixture
        assert mixture == pytest.approx(path, abs=1e-3)


def test_a_mixture_is_the_sum_of_its_operations():
    skeleton = cell.Skeleton(inputs=2, size=8, classes=5, channels=3, cells=1, stages=1)
    weights = {n: w.requires_grad_() for n, w in _mixture.draw_weights(skeleton, seed=3).items()}
    images = halves(skeleton=skeleton)["train"][0]
    p = torch.softmax(torch.randn(6, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64), dim=1)
    nodes = [discrete(weights, [0] * 6, skeleton).stem(images), 0, 0, 0]
    for edge, (target, source) in enumerate(cell.EDGES):
        for op in range(1, 5):
            module = discrete(weights, [op if e == edge else 0 for e in range(6)], skeleton).blocks[0].operations[edge]
            nodes[target] = nodes[target] + p[edge, op] * module(nodes[source])
    ending = discrete(weights, [0] * 6, skeleton)
    expected = ending.classifier(ending.last(nodes[3]).mean(dim=(2, 3)))
    support, ones = _plans.support_of(p)
    assert not ones
    for layout in (IMAGES_FIRST, IMAGES_LAST):
        found = _mixture.logits(weights, p, images, skeleton=skeleton, computed=_plans.plan(support), layout=layout)
        torch.testing.assert_close(found, expected)


PARTIAL = cell.Skeleton(inputs=2, size=8, classes=5, channels=4, cells=2, stages=2)


def partial_logits(weights, p, images, partial):
    """PC-DARTS's network written out edge by edge (Xu et al. 2020, section 3.1), without its edge normalisation."""

    def conv(x, name, **options):
        kernel = weights[f"{name}.kernel"]
        return norm(torch.nn.functional.conv2d(x, kernel, padding=kernel.shape[-1] // 2, **options), name)

    def norm(x, name):
        return torch.nn.functional.batch_norm(
            x, None, None, weights[f"{name}.scale"], weights[f"{name}.shift"], training=True
        )

    def edge(x, at, shares):
        taken, rest = x[:, : x.shape[1] // partial], x[:, x.shape[1] // partial :]
        results = (
            torch.zeros_like(taken),
            taken,
            *(conv(taken.relu(), f"{at}.{name}") for name in ("nor_conv_1x1", "nor_conv_3x3")),
            torch.nn.functional.avg_pool2d(taken, 3, 1, 1, count_include_pad=False),
        )
        joined = torch.cat([sum(share * y for share, y in zip(shares, results, strict=True)), rest], dim=1)
        return torch.nn.functional.channel_shuffle(joined, partial)

    x = conv(images, "stem")
    for number in range(4):
        if number == 2:
            y = conv(conv(x.relu(), "reduction1.a", stride=2).relu(), "reduction1.b")
            shortcut = torch.nn.functional.avg_pool2d(x, 2)
            x = y + torch.nn.functional.conv2d(shortcut, weights["reduction1.shortcut.kernel"])
        nodes = [x, 0, 0, 0]
        for e, (target, source) in enumerate(cell.EDGES):
            nodes[target] = nodes[target] + edge(nodes[source], f"cell{number}.{e}", p[e])
        x = nodes[3]
    x = norm(x, "last").relu().mean(dim=(2, 3))
    return torch.nn.functional.linear(x, weights["classifier.weight"], weights["classifier.bias"])


@pytest.mark.parametrize("partial", [1, 2, 4])
@pytest.mark.parametrize("images_last", [True, False])
def test_partial_connections_are_those_of_the_definition_and_charged_as_such(partial, images_last):
    spent = []
    options = Options(batch=8, images_last=images_last)
    halved = halves(skeleton=PARTIAL)
    network = CellSupernet(PARTIAL, **halved, charge=lambda flops: spent.append(flops), seed=0, options=options)
    weights = network.initial_weights(partial_channels=partial)
    p = torch.softmax(torch.randn(6, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64), dim=1)
    batch = network.train_batch()
    images, labels = network._images(batch)
    with FlopCounterMode(display=False) as counter:
        expected = torch.nn.functional.cross_entropy(partial_logits(weights, p, images, partial), labels)
    torch.testing.assert_close(network.train_loss(weights, p, batch), expected)
    assert sum(spent) == counter.get_total_flops() / 2 + len(images) * PARTIAL.classes  # and the classifier's bias
    spent.clear()
    for inherited in (weights, network.initial_weights()):
        network.one_shot(inherited, np.array([[3, 1, 2, 4, 3, 2]]), batches=1)
    assert (spent[0] < spent[1]) == (partial > 1)


@pytest.mark.parametrize("partial", [0, 3, 8])
def test_partial_connections_share_out_whole_channels(partial):
    network = CellSupernet(PARTIAL, **halves(skeleton=PARTIAL), charge=lambda flops: None, seed=0)
    with pytest.raises(ValueError, match=f"divisor of 4 channels, found {partial}"):
        network.initial_weights(partial_channels=partial)


def derivatives(network, p):
    """Loss, gradient by weights and p, and the gradient of that gradient's square, on the first batch."""
    weights, p = perturbed(network), p.clone().requires_grad_()
    inputs = [*weights.values(), p]
    loss = network.train_loss(weights, p, network.train_batch())
    options = {"allow_unused": True, "materialize_grads": True}
    slopes = torch.autograd.grad(loss, inputs, create_graph=True, **options)
    second = torch.autograd.grad(sum((slope**2).sum() for slope in slopes), inputs, **options)
    return [loss, *slopes, *second]


@pytest.mark.parametrize("p", [one_hot([3, 1, 2, 4, 3, 2]), torch.softmax(torch.arange(30.0).view(6, 5) / 20, 1)])
def test_layouts_differ_by_rounding_only_in_value_gradient_and_second_order(p):
    first, last = (derivatives(supernet(images_last=wanted), p.double()) for wanted in (False, True))
    torch.testing.assert_close(last, first, rtol=1e-8, atol=1e-10)


WHOLE = torch.softmax(torch.arange(30.0).view(6, 5) / 20, 1)


@pytest.mark.parametrize("layout", [{"images_last": False}, {"images_last": True}, {"channels_last": True}], ids=str)
def test_a_batched_mixture_differs_by_rounding_only(layout):
    plain, batched = (supernet(batched=wanted, **layout) for wanted in (False, True))
    expected, found = (derivatives(it, WHOLE.double()) for it in (plain, batched))
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-10)


def test_a_batched_mixture_of_deep_stages_makes_a_third_fewer_calls():
    skeleton, calls = cell.Skeleton(2, 8, 5, 2, 5, 3), []
    for wanted in (False, True):
        settings = Options(batch=2, images_last=False, batched=wanted)
        data = halves(n=4, skeleton=skeleton)
        network = CellSupernet(skeleton, **data, charge=lambda flops: None, seed=0, options=settings)
        weights, p = network.initial_weights(), WHOLE.double().requires_grad_()
        with Calls() as seen:
            loss = network.train_loss(weights, p, network.train_batch())
            torch.autograd.grad(loss, [p, *weights.values()])
        calls.append(seen.count)
    assert calls[1] < 0.67 * calls[0]


def test_what_is_not_a_whole_mixture_is_computed_as_ever():
    part = WHOLE.double().clone()
    part[2, 3] = 0.0
    for p in (part, one_hot([3, 1, 2, 4, 3, 2])):
        expected, found = (derivatives(supernet(batched=wanted), p) for wanted in (False, True))
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


class Calls(TorchDispatchMode):
    """Counts what is computed; views are not."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += not func.is_view
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("size", "stride", "kernel"), [(8, 1, 1), (4, 1, 1), (8, 1, 3), (4, 1, 3), (2, 1, 3), (8, 2, 3), (4, 2, 3)]
)
def test_images_last_convolve_and_pool_as_torch_does(size, stride, kernel):
    generator = torch.Generator().manual_seed(size)
    images = torch.randn(5, 3, size, size, generator=generator, dtype=torch.float64)
    weight = torch.randn(7, 3, kernel, kernel, generator=generator, dtype=torch.float64)
    values = IMAGES_LAST.place(images)

    def images_of(values):
        return values[0].permute(3, 0, 1, 2)

    torch.testing.assert_close(
        images_of(IMAGES_LAST.conv(values, weight, stride)), IMAGES_FIRST.conv(images, weight, stride)
    )
    torch.testing.assert_close(images_of(IMAGES_LAST.pool(values)), IMAGES_FIRST.pool(images))
    torch.testing.assert_close(images_of(IMAGES_LAST.halve(values)), IMAGES_FIRST.halve(images))
    torch.testing.assert_close(IMAGES_LAST.mean(values), IMAGES_FIRST.mean(images))


@pytest.mark.parametrize("size", [1, 2, 8, 9, 14, 28])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_means_over_neighbours_are_torchs_and_so_are_their_gradients(size, layout):
    generator = torch.Generator().manual_seed(size)
    x = torch.randn(3, 2, size, size, generator=generator, dtype=torch.float64).to(memory_format=layout)
    x.requires_grad_()
    toward = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    torchs = torch.nn.functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    torch.testing.assert_close(average(x), torchs)
    for found, expected in zip(*(torch.autograd.grad(y, x, toward) for y in (average(x), torchs)), strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("dead", [False, True])
def test_costs_are_the_expectation_over_all_cells(dead):
    network = supernet(costs=("flops", "params"), dead=dead)
    X = CELLS if dead else cell.live(CELLS)
    F = np.column_stack([cell.flops(X, skeleton=SKELETON) / 1e6, cell.params(X, skeleton=SKELETON) / 1e3])
    generator = torch.Generator().manual_seed(0)
    for spread in (0.5, 2.0, 8.0):
        p = torch.softmax(spread * torch.randn(6, 5, generator=generator, dtype=torch.float64), dim=1)
        probability = p.numpy()[np.arange(6), CELLS].prod(axis=1)
        np.testing.assert_allclose(network.costs(p), probability @ F, rtol=1e-12)
    for row in np.random.default_rng(0).integers(0, len(CELLS), 200):
        np.testing.assert_allclose(network.costs(one_hot(CELLS[row])), F[row], rtol=1e-12)
    p.requires_grad_()
    assert torch.autograd.gradcheck(network.costs, p)
    assert supernet(costs=()).costs(p).shape == (0,)


@pytest.mark.parametrize("row", [0, 3000, 7812, 15624, 9417, 12001, 5])
def test_a_path_computes_and_charges_its_live_edges_only(row):
    charged = []
    network = supernet(charge=lambda flops: charged.append(flops), images_last=False)
    weights, batch = network.initial_weights(), network.train_batch()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.train_loss(weights, one_hot(CELLS[row]), batch)
    exact = cell.flops(cell.live(CELLS[[row]]), skeleton=SKELETON)[0]
    assert charged == [8 * exact]
    assert counter.get_total_flops() // 2 + 8 * SKELETON.classes == 8 * exact


def test_the_gradient_by_p_is_that_of_finite_differences():
    network = supernet()
    weights, batch = perturbed(network), network.train_batch()
    p = torch.softmax(torch.randn(6, 5, generator=torch.Generator().manual_seed(4), dtype=torch.float64), dim=1)
    p.requires_grad_()
    (slope,) = torch.autograd.grad(network.valid_loss(weights, p, batch), p)
    for edge, op in ((0, 3), (1, 1), (4, 2), (5, 4), (3, 0)):
        values = []
        for sign in (1, -1):
            moved = p.detach().clone()
            moved[edge, op] += sign * 1e-6
            values.append(network.valid_loss(weights, moved, batch).item())
        assert slope[edge, op].item() == pytest.approx((values[0] - values[1]) / 2e-6, abs=1e-6)


def test_a_straight_through_path_gives_the_gradient_of_its_operations_only():
    charged = []
    network = supernet(charge=lambda flops: charged.append(flops))
    weights, batch, alpha = perturbed(network), network.train_batch(), network.initial_alpha()
    genes, soft = [3, 1, 2, 4, 3, 2], torch.softmax(alpha, dim=1)
    hard = one_hot(genes)
    network.train_loss(weights, (hard - soft.detach()) + soft, batch)
    assert charged == [8 * cell.flops(np.array([genes]), skeleton=SKELETON)[0]]
    p = ((hard - soft.detach()) + soft).detach().requires_grad_()
    (slope,) = torch.autograd.grad(network.train_loss(weights, p, batch), p)
    assert (slope[hard == 0] == 0).all()
    for edge, op in ((0, 3), (1, 1), (3, 4)):
        values = []
        for sign in (1, -1):
            moved = hard.clone()
            moved[edge, op] += sign * 1e-6
            values.append(network.train_loss(weights, moved, batch).item())
        assert slope[edge, op].item() == pytest.approx((values[0] - values[1]) / 2e-6, abs=1e-6)
    assert slope[hard == 1].abs().max() > 0
    (by_alpha,) = torch.autograd.grad(network.train_loss(weights, (hard - soft.detach()) + soft, batch), alpha)
    assert by_alpha.abs().max() > 0


def test_a_cell_without_a_path_has_a_gradient_of_zero_by_p():
    network = supernet()
    p = one_hot([0] * 6).requires_grad_()
    (slope,) = torch.autograd.grad(network.train_loss(network.initial_weights(), p, network.train_batch()), p)
    assert (slope == 0).all()


@pytest.mark.parametrize("kind", ["path", "mixture"])
def test_hessian_vector_products_are_symmetric_and_right(kind):
    network = supernet()
    weights, batch, alpha = perturbed(network), network.train_batch(), network.initial_alpha()
    p = one_hot([3, 1, 2, 4, 3, 2]) if kind == "path" else torch.softmax(alpha, dim=1).detach()
    loss = network.train_loss(weights, p, batch)
    slopes = torch.autograd.grad(loss, list(weights.values()), allow_unused=True, retain_graph=True)
    used = [name for name, slope in zip(weights, slopes, strict=True) if slope is not None]
    w = [weights[name] for name in used]
    slope = torch.autograd.grad(loss, w, create_graph=True)
    generator = torch.Generator().manual_seed(7)
    u, v = ([torch.randn(x.shape, generator=generator, dtype=x.dtype) for x in w] for _ in range(2))
    Hu, Hv = (torch.autograd.grad(slope, w, grad_outputs=x, retain_graph=True) for x in (u, v))
    uHv, vHu = (sum((a * b).sum().item() for a, b in zip(x, y, strict=True)) for x, y in ((u, Hv), (v, Hu)))
    assert uHv == pytest.approx(vHu, rel=1e-9)
    values = []
    for sign in (1, -1):
        moved = weights | {n: x + sign * 1e-6 * d for n, x, d in zip(used, w, v, strict=True)}
        slopes = torch.autograd.grad(network.train_loss(moved, p, batch), [moved[n] for n in used])
        values.append(sum((a * b).sum().item() for a, b in zip(u, slopes, strict=True)))
    assert uHv == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-4)


def test_random_paths_reach_all_weights():
    network = supernet(dtype=torch.float32)
    weights = network.initial_weights()
    rng = np.random.default_rng(0)
    for _ in range(60):
        network.train_loss(weights, one_hot(rng.integers(0, 5, 6)), network.train_batch()).backward()
    assert [name for name, w in weights.items() if w.grad is None or not w.grad.any()] == []


def test_equal_seeds_give_equal_weights_and_batches_whatever_the_global_state():
    def drawn(seed, state):
        torch.manual_seed(state)
        np.random.seed(state)  # noqa: NPY002
        network = supernet(seed=seed)
        batches = [network.train_batch() for _ in range(4)] + [network.valid_batch()]
        return [
            *network.initial_weights().values(),
            network.initial_alpha(),
            *(x for b in batches for x in network._images(b)),
        ]

    one, two, other = drawn(0, 1), drawn(0, 2), drawn(1, 1)
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert not torch.equal(one[0], other[0])
    assert not torch.equal(one[-10], other[-10])
    state = torch.get_rng_state()
    drawn_again = supernet()
    drawn_again.train_loss(drawn_again.initial_weights(), one_hot(CELLS[7000]), drawn_again.train_batch())
    assert torch.equal(state, torch.get_rng_state())


def test_an_epoch_shows_every_image_once_and_goes_on_from_a_given_place():
    network, images = supernet(), halves()["train"][0]
    epochs = [torch.cat([network._images(network.train_batch())[0] for _ in range(3)]) for _ in range(2)]
    for epoch in epochs:
        torch.testing.assert_close(epoch.sum(dim=0), images.sum(dim=0))
    assert not torch.equal(*epochs)
    assert network.drawn == {"train": 6, "valid": 0}
    resumed = supernet()
    resumed.drawn.update(train=6, valid=2)
    assert resumed.train_batch() == network.train_batch()
    assert resumed.valid_batch() != network.valid_batch()


@pytest.mark.parametrize("found", [None, ("train", 0), Batch("test", 0), Batch("train", -1), torch.zeros(8, 2, 8, 8)])
def test_a_batch_is_one_that_the_network_has_named(found):
    network = supernet()
    with pytest.raises(ValueError, match="batch: expected one of train_batch"):
        network.train_loss(network.initial_weights(), network.initial_alpha(), found)


def test_one_shot_errors_are_those_of_the_path_on_fixed_batches():
    charged = []
    network = supernet(charge=lambda flops: charged.append(flops))
    weights, X = perturbed(network), CELLS[[7812, 0, 15000]]
    errors = network.one_shot(weights, X, batches=3)
    live = cell.flops(cell.live(X), skeleton=SKELETON)
    assert charged == [8 * macs for macs in live for _ in range(3)]
    fresh = supernet()
    batches = [fresh._images(fresh.valid_batch()) for _ in range(3)]
    for genes, error in zip(X, errors, strict=True):
        alone = discrete(weights, genes)
        wrong = sum((alone(images).argmax(dim=1) != labels).sum().item() for images, labels in batches)
        assert error == pytest.approx(100 * wrong / 24)
    network.valid_batch()
    np.testing.assert_array_equal(network.one_shot(weights, X, batches=3), errors)
    with pytest.raises(ValueError, match="at least 1"):
        network.one_shot(weights, X, batches=0)


def test_a_spent_budget_ends_a_one_shot_question():
    def charge(flops):
        raise BudgetExhausted("spent")

    network = supernet(charge=charge)
    with pytest.raises(BudgetExhausted):
        network.one_shot(network.initial_weights(), CELLS[:1], batches=1)


def test_memory_format_changes_nothing_and_autocast_little():
    losses = []
    for options in ({}, {"channels_last": True}, {"autocast": True}):
        network = supernet(dtype=torch.float32, **options)
        weights, alpha = network.initial_weights(), network.initial_alpha()
        loss = network.train_loss(weights, torch.softmax(alpha, dim=1), network.train_batch())
        loss.backward()
        assert loss.dtype == weights["stem.kernel"].grad.dtype == torch.float32
        losses.append(loss.item())
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    assert losses[2] == pytest.approx(losses[0], rel=2e-2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"train": (torch.zeros(4, 3, 8, 8), torch.zeros(4, dtype=torch.int64))}, r"train: expected images .*2, 8, 8"),
        ({"valid": (torch.zeros(4, 2, 8, 8), torch.zeros(3, dtype=torch.int64))}, "valid: expected 4 int64 labels"),
        ({"valid": (torch.zeros(4, 2, 8, 8), torch.zeros(4))}, "int64"),
        ({"train": (torch.zeros(4, 2, 8, 8), torch.full((4,), 5))}, "labels below 5, found 5"),
        ({"options": Options(costs=("latency",))}, "costs: expected any of flops, params, found 'latency'"),
        ({"options": Options(images_last=True, autocast=True)}, "images_last: goes neither with channels_last"),
    ],
)
def test_data_that_do_not_fit_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        CellSupernet(SKELETON, **(halves() | {"charge": lambda flops: None, "seed": 0} | change))


def test_weights_learn_with_paths_and_with_a_mixture():
    labels = torch.arange(40) % 2
    images = 0.5 * torch.randn(40, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    images[torch.arange(40), labels] += 1.0  # the bright channel is the class
    half = (images, labels)
    for softmax in (False, True):
        network = CellSupernet(
            SKELETON, train=half, valid=half, charge=lambda *_: None, seed=0, options=Options(batch=20)
        )
        weights, rng = network.initial_weights(), np.random.default_rng(0)
        optimizer = torch.optim.SGD(weights.values(), lr=0.05, momentum=0.9)
        losses = []
        for _ in range(40):
            optimizer.zero_grad()
            p = torch.full((6, 5), 0.2) if softmax else one_hot(rng.integers(1, 5, 6)).float()
            losses.append(network.train_loss(weights, p, network.train_batch()))
            losses[-1].backward()
            optimizer.step()
        assert losses[0] > 1 > 10 * sum(losses[-5:]) / 5
