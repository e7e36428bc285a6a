"""The meter: what is charged is what is computed, in first and second order, and nothing is free."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mobench import BudgetExhausted
from mobench.live.meter import BACKWARD, FORWARD, SECOND, metered
from mobench.problems._cells.space import Skeleton
from mobench.problems._cells.supernet import CellSupernet, Options

torch.set_num_threads(1)
SKELETON = Skeleton(inputs=3, size=8, classes=10, channels=8, cells=1, stages=2)
PATH = torch.nn.functional.one_hot(torch.tensor([3, 1, 2, 4, 3, 2]), 5).double()
MIXTURE = torch.softmax(torch.linspace(-1, 1, 30, dtype=torch.float64).reshape(6, 5), dim=1)


class Ledger(list):
    """Charges of flops; `units` are in forward passes."""

    def __call__(self, flops):
        self.append(flops)

    def units(self):
        return round(sum(self) / self[0], 9)


@pytest.fixture
def net():
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(32, 3, 8, 8, generator=generator, dtype=torch.float64)
    half = (images, torch.arange(32) % 10)
    ledger = Ledger()
    network = CellSupernet(
        SKELETON, train=half, valid=half, charge=ledger, seed=0, options=Options(batch=16, images_last=False)
    )
    return network, ledger


def grads(outputs, inputs, **options):
    return torch.autograd.grad(outputs, inputs, allow_unused=True, materialize_grads=True, **options)


def counted(compute):
    """Multiply-adds, and the result."""
    with FlopCounterMode(display=False) as counter:
        result = compute()
    return counter.get_total_flops() / 2, result


def dot(a, b):
    return sum((x * y).sum() for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("p", [PATH, MIXTURE], ids=["path", "mixture"])
def test_passes_are_charged_what_the_flop_counter_counts(net, p):
    network, ledger = net
    weights, p = network.initial_weights(), p.clone().requires_grad_()
    inputs = list(weights.values())
    forward, loss = counted(lambda: network.train_loss(weights, p, network.train_batch()))
    assert ledger == [pytest.approx(forward, rel=1e-3)]  # the counter leaves out the classifier's bias
    backward, gradient = counted(lambda: grads(loss, inputs, create_graph=True))
    assert ledger[1:] == [BACKWARD * ledger[0]]
    assert backward / forward == pytest.approx(BACKWARD, rel=0.05)  # no gradient by the images
    product = dot(gradient, [torch.ones_like(g) for g in gradient])
    second, _ = counted(lambda: grads(product, inputs, retain_graph=True))
    assert ledger[2:] == [SECOND * ledger[0]]
    assert second / forward == pytest.approx(SECOND, rel=0.05)
    mixed, _ = counted(lambda: grads(product, p, retain_graph=True))
    assert ledger[3:] == [SECOND * ledger[0]]
    assert 4.5 < mixed / forward < SECOND  # the mixed product does less, and is charged the same


def test_a_batch_is_free_and_five_passes_cost_five(net):
    network, ledger = net
    weights, batch = network.initial_weights(), network.train_batch()
    network.valid_batch(), network.costs(PATH), network.discretise(PATH), network.initial_alpha()
    assert ledger == []
    loss = network.train_loss(weights, PATH, batch)
    for _ in range(5):
        grads(loss, list(weights.values()), retain_graph=True)
    assert ledger.units() == FORWARD + 5 * BACKWARD
    loss.backward()
    assert ledger.units() == FORWARD + 6 * BACKWARD
    ledger.clear()
    for _ in range(5):
        network.train_loss(weights, PATH, batch).backward()
    assert ledger.units() == 5 * (FORWARD + BACKWARD)


def test_a_sum_of_losses_pays_for_each_and_no_gradient_pays_for_none(net):
    network, ledger = net
    weights, batch = network.initial_weights(), network.train_batch()
    (network.train_loss(weights, PATH, batch) + 3 * network.valid_loss(weights, PATH, batch)).backward()
    assert ledger.units() == 2 * (FORWARD + BACKWARD)
    ledger.clear()
    with torch.no_grad():
        network.valid_loss(weights, MIXTURE, batch)
    assert ledger.units() == FORWARD


def test_second_order_by_finite_differences_costs_its_five_steps(net):
    network, ledger = net
    weights, alpha = network.initial_weights(), network.initial_alpha()
    names, batch = list(weights), network.train_batch()

    def slope(loss, w, by):
        return grads(loss(dict(zip(names, w, strict=True)), torch.softmax(alpha, dim=1), batch), by)

    w = list(weights.values())
    moved = [(x - 0.1 * g).detach().requires_grad_() for x, g in zip(w, slope(network.train_loss, w, w), strict=True)]
    *u, _ = slope(network.valid_loss, moved, [*moved, alpha])
    eps = 0.01 / torch.sqrt(dot(u, u))
    for sign in (1, -1):
        slope(network.train_loss, [x + sign * eps * v for x, v in zip(w, u, strict=True)], [alpha])
    assert ledger.units() == 4 * (FORWARD + BACKWARD)


@pytest.mark.parametrize("p", [PATH, MIXTURE], ids=["path", "mixture"])
@pytest.mark.parametrize("terms", [1, 4])
def test_conjugate_gradients_and_neumann_pay_for_every_product(net, p, terms):
    network, ledger = net
    weights, p = network.initial_weights(), p.clone().requires_grad_()
    w, batch = list(weights.values()), network.train_batch()
    gradient = grads(network.train_loss(weights, p, batch), w, create_graph=True)
    u = grads(network.valid_loss(weights, p, batch), w)

    def product(v):
        return [h + x for h, x in zip(grads(gradient, w, grad_outputs=v, retain_graph=True), v, strict=True)]

    x, r = [torch.zeros_like(a) for a in u], list(u)
    q = list(u)
    for _ in range(terms):  # (H + I) x = u
        Hq = product(q)
        a = dot(r, r) / dot(q, Hq)
        x = [i + a * j for i, j in zip(x, q, strict=True)]
        s = [i - a * j for i, j in zip(r, Hq, strict=True)]
        q = [i + dot(s, s) / dot(r, r) * j for i, j in zip(s, q, strict=True)]
        r = s
    for _ in range(terms):
        x = [i - 0.01 * j for i, j in zip(u, product(x), strict=True)]
    grads(gradient, p, grad_outputs=x)
    assert ledger.units() == 2 * (FORWARD + BACKWARD) + (2 * terms + 1) * SECOND


def test_a_gradient_through_unrolled_steps_pays_for_each_of_them(net):
    network, ledger = net
    weights, alpha = network.initial_weights(), network.initial_alpha()
    p, batch = torch.softmax(alpha, dim=1), network.train_batch()
    for _ in range(3):
        slopes = grads(network.train_loss(weights, p, batch), list(weights.values()), create_graph=True)
        weights = {name: w - 0.1 * g for (name, w), g in zip(weights.items(), slopes, strict=True)}
    assert ledger.units() == 3 * (FORWARD + BACKWARD)
    grads(network.valid_loss(weights, p, batch), alpha)
    assert ledger.units() == 4 * (FORWARD + BACKWARD) + 3 * SECOND


def small(w, p):
    return ((w * p).sin() ** 2).sum() * (w @ w)


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(3, generator=generator, dtype=torch.float64, requires_grad=True) for _ in range(2)]


def test_derivatives_are_those_of_the_bare_loss(pair):
    def loss(w, p):
        return metered(lambda: small(w, p), flops=1.0, charge=lambda flops: None)

    assert torch.autograd.gradcheck(loss, pair)
    assert torch.autograd.gradgradcheck(loss, pair)
    assert loss(*pair).item() == small(*pair).item()
    w, p = (x.detach() for x in pair)
    torch.testing.assert_close(torch.func.grad(loss)(w, p), torch.func.grad(small)(w, p))


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")  # torch's own, in jvp
def test_batched_products_are_charged_each_and_what_cannot_be_counted_is_refused(pair):
    ledger = Ledger()
    w, p = pair

    def loss(w):
        return metered(lambda: small(w, p), flops=1.0, charge=ledger)

    (gradient,) = torch.autograd.grad(loss(w), w, create_graph=True)
    eye = torch.eye(3, dtype=torch.float64)
    H = torch.func.vmap(lambda v: torch.autograd.grad(gradient, w, v, retain_graph=True)[0])(eye)
    assert ledger.units() == FORWARD + BACKWARD + 3 * SECOND
    torch.testing.assert_close(H, torch.autograd.functional.hessian(lambda w: small(w, p), w))
    with pytest.raises(RuntimeError, match="is_grads_batched"):
        torch.autograd.grad(gradient, w, eye, is_grads_batched=True)
    with pytest.raises(RuntimeError, match="vmap"):
        torch.func.vmap(loss)(eye)
    with pytest.raises(NotImplementedError, match="jvp"):
        torch.func.jvp(loss, (w.detach(),), (eye[0],))


def test_a_spent_budget_stops_every_pass_before_it_runs(pair):
    """Also a product with a graph that was kept: what a backward pass raises comes out of it as it is."""
    spent = []

    def charge(flops):
        if spent:
            raise BudgetExhausted("spent")

    loss = metered(lambda: small(*pair), flops=1.0, charge=charge)
    (gradient,) = torch.autograd.grad(loss, pair[0], create_graph=True)
    spent.append(True)
    with pytest.raises(BudgetExhausted, match="spent"):
        torch.autograd.grad(loss, pair[0], retain_graph=True)
    with pytest.raises(BudgetExhausted, match="spent"):
        torch.autograd.grad(gradient.sum(), pair[0], retain_graph=True)
    with pytest.raises(BudgetExhausted, match="spent"):
        loss.backward()
    assert pair[0].grad is None
    with pytest.raises(BudgetExhausted):
        metered(lambda: pytest.fail("computed"), flops=1.0, charge=charge)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_a_recorded_pass_is_refused_and_so_is_a_recorded_backward_pass(pair, monkeypatch):
    from torch.fx.experimental.proxy_tensor import make_fx

    def loss(w, p):
        return metered(lambda: small(w, p), flops=1.0, charge=ledger)

    ledger = Ledger()
    w, p = (x.detach() for x in pair)
    for record in (make_fx(loss), make_fx(torch.func.grad(loss))):
        with pytest.raises(RuntimeError, match="recorded pass"):
            record(w, p)
    with pytest.raises(RuntimeError, match="recorded pass"):
        torch.jit.trace(loss, (w, p))
    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="recorded pass"):
        patch.setattr(torch.compiler, "is_compiling", lambda: True)
        loss(w, p)
    assert ledger == []
    kept = loss(*pair)
    with pytest.raises(RuntimeError, match="recorded pass"):
        make_fx(lambda w: torch.autograd.grad(kept, pair[0], retain_graph=True)[0] + w)(w)
    assert ledger == [1.0]
