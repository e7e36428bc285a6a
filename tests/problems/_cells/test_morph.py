"""Network morphisms of cells: a child computes what its parent does, and learns from there on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mobench import CategoricalNetwork
from mobench.problems._cells.mixture import draw_weights
from mobench.problems._cells.space import CONV1, CONV3, NONE, POOL, SKIP, Skeleton
from mobench.problems._cells.supernet import CellSupernet, Options

SKELETON = Skeleton(inputs=2, size=8, classes=5, channels=3, cells=2, stages=2)
PARENT = np.array([CONV3, SKIP, CONV1, NONE, POOL, CONV1])


def supernet() -> CellSupernet:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn((24, 2, 8, 8), generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 5, (24,), generator=generator)
    data = {"train": (images, labels), "valid": (images, labels)}
    return CellSupernet(SKELETON, **data, charge=lambda flops: None, seed=0, options=Options(batch=8))


def trained(network: CellSupernet) -> dict[str, torch.Tensor]:
    """Weights of the parent that are not those of the beginning."""
    generator = torch.Generator().manual_seed(1)
    weights = {name: w.detach().clone() for name, w in network.initial_weights().items()}
    return {name: w + 0.1 * torch.randn(w.shape, generator=generator, dtype=w.dtype) for name, w in weights.items()}


def loss(network: CategoricalNetwork, weights: dict[str, torch.Tensor], x: np.ndarray) -> torch.Tensor:
    p = torch.nn.functional.one_hot(torch.as_tensor(x), 5).double()
    batch = network.train_batch()
    network.drawn["train"] = 0
    return network.train_loss(weights, p, batch)


@pytest.mark.parametrize(("edge", "operation"), [(3, CONV1), (3, CONV3), (2, CONV3), (5, CONV3)])
def test_a_morphism_changes_nothing_that_is_computed(edge: int, operation: int) -> None:
    network = supernet()
    weights, child = trained(network), PARENT.copy()
    child[edge] = operation
    morphed = network.morph(weights, PARENT, child)
    before = float(loss(network, weights, PARENT))
    assert float(loss(network, morphed, child)) == pytest.approx(before, abs=1e-9)
    assert abs(float(loss(network, weights, child)) - before) > 1e-4, "without it the child computes something else"


def test_it_is_a_copy_and_the_child_learns() -> None:
    network = supernet()
    weights, child = trained(network), PARENT.copy()
    child[3] = CONV3
    kept = {name: w.clone() for name, w in weights.items()}
    morphed = {name: w.requires_grad_() for name, w in network.morph(weights, PARENT, child).items()}
    sgd, losses = torch.optim.SGD(morphed.values(), lr=0.05), []
    for _ in range(20):
        sgd.zero_grad()
        value = loss(network, morphed, child)
        value.backward()
        sgd.step()
        losses.append(float(value.detach()))
    assert losses[-1] < losses[0] - 0.1
    assert any(bool(morphed[f"cell{cell}.3.nor_conv_3x3.scale"].detach().abs().max() > 0) for cell in range(4))
    assert all(bool((weights[name] == kept[name]).all()) for name in kept)


def test_from_a_large_kernel_its_middle_stays_and_other_weights_are_as_they_were() -> None:
    network = supernet()
    weights, child = trained(network), PARENT.copy()
    child[0] = CONV1
    morphed = network.morph(weights, PARENT, child)
    old, new = weights["cell1.0.nor_conv_3x3.kernel"], morphed["cell1.0.nor_conv_1x1.kernel"]
    assert (new[:, :, 0, 0] == old[:, :, 1, 1]).all()
    changed = {name for name in weights if not torch.equal(weights[name], morphed[name])}
    assert changed == {f"cell{c}.0.nor_conv_1x1.{kind}" for c in range(4) for kind in ("kernel", "scale", "shift")}
    child[0] = POOL
    assert all(torch.equal(weights[name], w) for name, w in network.morph(weights, PARENT, child).items())
    assert set(morphed) == set(draw_weights(SKELETON, seed=0))
