"""Zero-cost proxies: their formulas by hand, and what theory says of them."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from mobench.live.proxies import NAMES, proxies


def batch(n=6, shape=(2, 5, 5), classes=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn((n, *shape), generator=generator, dtype=torch.float64)
    return images, torch.arange(n) % classes


def small():
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1, bias=False),
        nn.BatchNorm2d(3),
        nn.ReLU(),
        nn.Conv2d(3, 4, 3, bias=False),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(36, 3),
    ).double()


def weights_of(network):
    return [module.weight for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]


def loss_of(network, images, labels):
    return functional.cross_entropy(network(images), labels)


def test_a_network_is_left_as_it_was():
    network, (images, labels) = small(), batch()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = proxies(network, images, labels)
    assert tuple(found) == NAMES
    assert all(math.isfinite(value) for value in found.values())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert proxies(network, images, labels) == found
    assert proxies(network, images, labels, ("naswot", "snip")) == {k: found[k] for k in ("naswot", "snip")}
    with pytest.raises(ValueError, match="unknown 'zen'"):
        proxies(network, images, labels, ("zen",))


def test_snip_and_grad_norm_of_a_linear_model_are_those_of_its_gradient():
    images, labels = batch()
    network = nn.Sequential(nn.Flatten(), nn.Linear(50, 3, bias=False)).double()
    X, W = images.flatten(1).numpy(), network[1].weight.detach().numpy()
    logits = X @ W.T
    P = np.exp(logits - logits.max(1, keepdims=True))
    P /= P.sum(1, keepdims=True)
    G = (P - np.eye(3)[labels]).T @ X / len(X)
    found = proxies(network, images, labels, ("snip", "grad_norm"))
    assert found["snip"] == pytest.approx(np.abs(W * G).sum(), rel=1e-12)
    assert found["grad_norm"] == pytest.approx(np.linalg.norm(G), rel=1e-12)


def test_the_gradient_is_zero_at_the_optimum():
    images = torch.eye(3, dtype=torch.float64)[:, None, None].repeat(2, 1, 1, 1)
    labels = torch.tensor([0, 1, 2, 1, 2, 0])  # each image once with each of two classes
    network = nn.Sequential(nn.Flatten(), nn.Linear(3, 3, bias=False)).double()
    with torch.no_grad():
        for i, (one, other) in enumerate(((0, 1), (1, 2), (2, 0))):
            network[1].weight[:, i] = -50.0
            network[1].weight[one, i] = network[1].weight[other, i] = 50.0
    assert proxies(network, images, labels, ("grad_norm", "snip")) == pytest.approx(
        {"grad_norm": 0, "snip": 0}, abs=1e-12
    )


def test_grasp_is_minus_the_weights_times_the_curvature_of_the_gradient():
    network, (images, labels) = small().train(), batch()
    weights = weights_of(network)
    g = torch.autograd.grad(loss_of(network, images, labels), weights)
    step, ends = 1e-5, []
    for sign in (1, -1):
        with torch.no_grad():
            for w, direction in zip(weights, g, strict=True):
                w += sign * step * direction
        ends.append(torch.autograd.grad(loss_of(network, images, labels), weights))
        with torch.no_grad():
            for w, direction in zip(weights, g, strict=True):
                w -= sign * step * direction
    curved = [(a - b) / (2 * step) for a, b in zip(*ends, strict=True)]
    expected = -sum(float((w.detach() * h).sum()) for w, h in zip(weights, curved, strict=True))
    assert proxies(network, images, labels, ("grasp",))["grasp"] == pytest.approx(expected, rel=1e-5)


def test_fisher_is_half_the_mean_of_squared_sums_over_places():
    network, (images, labels) = small().train(), batch()
    x, behind = images, []
    for module in network:
        x = module(x)
        if isinstance(module, nn.Conv2d | nn.Linear):
            behind.append(x)
    gradients = torch.autograd.grad(functional.cross_entropy(x, labels), behind)
    expected = 0.0
    for a, g in zip(behind, gradients, strict=True):
        product = (a * g).detach().numpy().reshape(len(images), a.shape[1], -1).sum(axis=2)
        expected += 0.5 * (product**2).mean(axis=0).sum()
    assert proxies(network, images, labels, ("fisher",))["fisher"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_synflow_of_linear_layers_is_their_number_times_the_output(layers):
    images, labels = batch(shape=(1, 2, 2), classes=4)
    blocks = [nn.Linear(4, 4, bias=False) for _ in range(layers)]
    network = nn.Sequential(nn.Flatten(), *blocks).double()
    R = np.ones(4)
    for block in blocks:
        R = np.abs(block.weight.detach().numpy()) @ R
    assert math.exp(proxies(network, images, labels, ("synflow",))["synflow"]) == pytest.approx(layers * R.sum())


def test_synflow_of_deep_wide_networks_does_not_overflow():
    network = nn.Sequential(nn.Flatten(), *[nn.Linear(50, 50) for _ in range(60)])
    for module in weights_of(network):
        module.data.fill_(30.0)
    value = proxies(network, *batch(), ("synflow",))["synflow"]
    assert 60 * math.log(1000) < value < 800


def test_jacob_cov_of_rows_that_do_not_correlate_is_minus_their_number_and_of_equal_rows_hugely_negative():
    n = 8
    hadamard = np.array([[1.0]])
    while len(hadamard) < 2 * n:
        hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]])
    rows = torch.tensor(hadamard[1 : n + 1])  # orthogonal, of mean zero

    class Told(nn.Module):
        def __init__(self, rows):
            super().__init__()
            self.rows = rows

        def forward(self, x):
            return (x.flatten(1) * self.rows).sum(1, keepdim=True)

    images, labels = torch.zeros((n, 1, 4, 4), dtype=torch.float64), torch.zeros(n, dtype=torch.int64)
    assert proxies(Told(rows), images, labels, ("jacob_cov",))["jacob_cov"] == pytest.approx(-n, abs=1e-3)
    same = rows[:1].repeat(n, 1)
    assert proxies(Told(same), images, labels, ("jacob_cov",))["jacob_cov"] < -(n - 1) / 1.1e-5


def test_naswot_is_the_log_determinant_of_agreements():
    network, (images, labels) = small().train(), batch()
    x, codes = images, []
    for module in network:
        x = module(x)
        if isinstance(module, nn.ReLU):
            codes.append((x > 0).flatten(1).numpy())
    code = np.concatenate(codes, axis=1)
    agree = (code[:, None] == code[None]).sum(axis=2).astype(float)
    assert proxies(network, images, labels, ("naswot",))["naswot"] == pytest.approx(
        np.linalg.slogdet(agree)[1], rel=1e-9
    )
