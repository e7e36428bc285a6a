"""Operations without a share that are computed all the same: their shares have a gradient, and are charged."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from mobench.live.batch import Batch
from mobench.problems._cells import space as cell
from mobench.problems._cells.supernet import CellSupernet, Options

torch.set_num_threads(1)
SKELETON = cell.Skeleton(inputs=2, size=8, classes=5, channels=4, cells=1, stages=2)
GENES = [3, 2, 1, 4, 0, 2]
ALL = torch.ones(6, 5, dtype=torch.bool)


def supernet(**options: object) -> tuple[CellSupernet, list[float]]:
    generator, paid = torch.Generator().manual_seed(0), []
    images = torch.randn((32, 2, 8, 8), generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 5, (32,), generator=generator)
    halves = {"train": (images[:16], labels[:16]), "valid": (images[16:], labels[16:])}
    settings = Options(batch=8, **options)
    return CellSupernet(SKELETON, **halves, charge=lambda flops: paid.append(flops), seed=0, options=settings), paid


def path(genes: list[int] = GENES) -> Tensor:
    return torch.nn.functional.one_hot(torch.tensor(genes), 5).double().requires_grad_()


def slope(network: CellSupernet, p: Tensor, computed: Tensor | None) -> Tensor:
    weights, batch = network.initial_weights(), Batch("train", 0)
    return torch.autograd.grad(network.train_loss(weights, p, batch, computed=computed), p)[0]


@pytest.mark.parametrize("partial", [1, 2])
@pytest.mark.parametrize("images_last", [False, True])
def test_the_gradient_of_a_share_of_zero_is_that_of_differences(images_last: bool, partial: int) -> None:
    network, _ = supernet(images_last=images_last)
    weights, batch, e = network.initial_weights(partial_channels=partial), Batch("train", 0), 1e-6
    p = path()
    (found,) = torch.autograd.grad(network.train_loss(weights, p, batch, computed=ALL), p)
    for edge, op in np.ndindex(6, 5):
        ends = []
        for sign in (1.0, -1.0):
            moved = p.detach().clone()
            moved[edge, op] += sign * e
            ends.append(float(network.train_loss(weights, moved, batch, computed=ALL).detach()))
        assert float(found[edge, op]) == pytest.approx((ends[0] - ends[1]) / (2 * e), abs=1e-6)
    assert (found[:, 0] == 0).all()  # nothing comes from `none`
    assert int((found != 0).sum()) == 24


def test_without_it_only_what_was_drawn_has_a_gradient_and_it_is_the_same() -> None:
    network, _ = supernet()
    sampled, dense = (slope(network, path(), computed) for computed in (None, ALL))
    drawn = path().detach().bool()
    live = [0, 1, 2, 3, 5]  # edge 4 is `none`, and all others lie on a way from input to output
    assert (sampled[~drawn] == 0).all()
    torch.testing.assert_close(sampled[live][drawn[live]], dense[live][drawn[live]])


def test_values_and_gradients_of_the_weights_stay() -> None:
    network, _ = supernet()
    weights, batch = network.initial_weights(), Batch("train", 0)
    results = []
    for computed in (None, ALL):
        loss = network.train_loss(weights, path().detach(), batch, computed=computed)
        grads = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
        results.append(
            (
                loss.detach(),
                [torch.zeros_like(w) if g is None else g for w, g in zip(weights.values(), grads, strict=True)],
            )
        )
    torch.testing.assert_close(results[0][0], results[1][0])
    for one, other in zip(results[0][1], results[1][1], strict=True):
        torch.testing.assert_close(one, other)


def test_what_is_computed_is_charged() -> None:
    network, paid = supernet()
    weights, batch = network.initial_weights(), Batch("train", 0)

    def price(p: Tensor, computed: Tensor | None) -> float:
        paid.clear()
        network.train_loss(weights, p, batch, computed=computed)
        return paid[0]

    mixture = price(torch.full((6, 5), 0.2, dtype=torch.float64), None)
    assert price(path(), ALL) == mixture
    two = path().detach().bool()
    two[0, cell.CONV1] = True  # besides a 3x3 convolution
    extra = price(path(), two) - price(path(), None)
    lone = price(path([cell.CONV1] * 6), None) - price(path([*[cell.CONV1] * 5, cell.SKIP]), None)
    assert extra == lone > 0
    assert price(path(), torch.zeros(6, 5, dtype=torch.bool)) == price(path(), None)


def test_a_mask_of_another_shape_is_refused() -> None:
    network, _ = supernet()
    with pytest.raises(ValueError, match=r"computed: expected a mask of shape \(6, 5\), found \(5, 6\)"):
        slope(network, path(), ALL.T)


def test_second_derivatives_in_bfloat16_are_refused_and_first_ones_are_not() -> None:
    network, _ = supernet(autocast=True)
    assert network.coarse
    weights, batch = network.initial_weights(), Batch("train", 0)
    loss = network.train_loss(weights, path(), batch)
    (g,) = torch.autograd.grad(loss, [weights["stem.kernel"]], create_graph=True)
    with pytest.raises(ValueError, match="autocast: second derivatives are far off in bfloat16"):
        torch.autograd.grad(g.square().sum(), [weights["stem.kernel"]])
