"""Zero-cost proxies: scores of an untrained network from one batch; of all of them, more promises better accuracy.

Abdelfattah et al. 2021, *Zero-cost proxies for lightweight NAS*, ICLR, who compare grad_norm, snip (Lee et al. 2019),
grasp (Wang et al. 2020), fisher (Theis et al. 2018), synflow (Tanaka et al. 2020) and jacob_cov (Mellor et al. 2020);
naswot is Mellor et al. 2021. Weights are those of convolutions and linear layers, without biases and norms.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["NAMES", "proxies"]

NAMES = ("grad_norm", "snip", "grasp", "fisher", "synflow", "jacob_cov", "naswot")
K = 1e-5
"""What jacob_cov adds to eigenvalues; those of naswot are this at least."""
TINY = 1e-300


def proxies(
    network: nn.Module, images: Tensor, labels: Tensor, names: Sequence[str] = NAMES, *, spoil: bool = False
) -> dict[str, float]:
    """Score a network as it is initialised.

    Parameters
    ----------
    network : nn.Module
        Images to logits.
    images, labels : Tensor
        A batch: (n, c, h, w), and (n,) classes. Batch norms take its statistics.
    names : sequence of str
        Which scores.
    spoil : bool
        Whether the network may be changed; it is left as it was, at the price of a copy, if left out.

    Returns
    -------
    dict
        grad_norm: the sum over layers of the gradient's norms. snip: sum |w g|. grasp: -sum w (H g), of the
        cross-entropy. fisher: half the mean over images of the squared sum over places of activation times its
        gradient, over all channels behind layers. synflow: the logarithm of sum |w dR/dw|, R the sum of the outputs
        of the network of absolute weights without norms, of an image of ones, in double precision. jacob_cov: -sum of
        log(v + k) + 1/(v + k) over the eigenvalues v of the correlation of the gradients of the summed logits, an
        image each; k = 1e-5. naswot: the log-determinant of how many ReLUs agree between images, eigenvalues at least
        1e-5.

    Raises
    ------
    ValueError
        An unknown name.
    """
    if unknown := [name for name in names if name not in NAMES]:
        raise ValueError(f"names: unknown {unknown[0]!r}; choose from {', '.join(NAMES)}")
    found: dict[str, float] = {}
    fresh = (network if spoil else copy.deepcopy(network)).train()
    with torch.enable_grad():
        for take, offers in _SCORES.items():
            if set(names) & set(offers):
                found |= dict(zip(offers, take(fresh, images, labels), strict=True))
    return {name: found[name] for name in names}


def _layers(network: nn.Module) -> list[nn.Module]:
    return [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]


def _weights(network: nn.Module) -> list[Tensor]:
    return [layer.weight for layer in _layers(network) if isinstance(layer.weight, Tensor)]


@contextmanager
def _watched(modules: Sequence[nn.Module], outputs: list[Tensor]) -> Iterator[None]:
    """Append what these modules give, in the order in which they do."""
    hooks = [module.register_forward_hook(lambda _module, _given, output: outputs.append(output)) for module in modules]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _gradients(of: Tensor, tensors: Sequence[Tensor], *, graph: bool = False) -> list[Tensor]:
    """Gradients of a scalar, zero for what it does not depend on."""
    found = torch.autograd.grad(of, tensors, create_graph=graph, allow_unused=True)
    return [torch.zeros_like(at) if g is None else g for at, g in zip(tensors, found, strict=True)]


def _of_gradient(network: nn.Module, images: Tensor, labels: Tensor) -> tuple[float, float, float]:
    """grad_norm, snip and fisher, of one pass."""
    behind: list[Tensor] = []
    with _watched(_layers(network), behind):
        loss = functional.cross_entropy(network(images), labels)
    weights = _weights(network)
    every = _gradients(loss, [*weights, *behind])
    gradients, others = every[: len(weights)], every[len(weights) :]
    norm = sum(float(g.norm()) for g in gradients)
    snip = sum(float((w.detach() * g).abs().sum()) for w, g in zip(weights, gradients, strict=True))
    fisher = 0.0
    for activation, gradient in zip(behind, others, strict=True):
        activation = activation.detach()
        channels = (activation * gradient).flatten(2).sum(2) if activation.dim() > 2 else activation * gradient
        fisher += float(0.5 * channels.pow(2).mean(0).sum())
    return norm, snip, fisher


def _grasp(network: nn.Module, images: Tensor, labels: Tensor) -> tuple[float]:
    weights = _weights(network)
    gradients = _gradients(functional.cross_entropy(network(images), labels), weights, graph=True)
    product = sum((g * g.detach()).sum() for g in gradients)
    if not isinstance(product, Tensor) or not product.requires_grad:
        return (0.0,)
    curved = _gradients(product, weights)
    return (-sum(float((w.detach() * h).sum()) for w, h in zip(weights, curved, strict=True)),)


def _synflow(network: nn.Module, images: Tensor, labels: Tensor) -> tuple[float]:
    network = _without_norms(network).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    ones = torch.ones_like(images[:1], dtype=torch.float64)
    weights = _weights(network)
    flows = _gradients(network(ones).sum(), weights)
    total = sum((w.detach() * g).abs().sum() for w, g in zip(weights, flows, strict=True))
    return (float(torch.as_tensor(total).clamp_min(TINY).log()),)


def _without_norms(network: nn.Module) -> nn.Module:
    """The network with its batch norms left out; changed in place."""
    for name, child in network.named_children():
        if isinstance(child, nn.modules.batchnorm._BatchNorm):
            setattr(network, name, nn.Identity())
        else:
            _without_norms(child)
    return network


def _jacob_cov(network: nn.Module, images: Tensor, labels: Tensor) -> tuple[float]:
    images = images.detach().clone().requires_grad_()
    (jacobian,) = _gradients(network(images).sum(), [images])
    rows = jacobian.flatten(1).double()
    rows = rows - rows.mean(1, keepdim=True)
    rows = rows / rows.norm(dim=1, keepdim=True).clamp_min(TINY)  # rows of zeros correlate with nothing
    v = torch.linalg.eigvalsh(rows @ rows.T).clamp_min(0.0)
    return (-float((torch.log(v + K) + 1.0 / (v + K)).sum()),)


def _naswot(network: nn.Module, images: Tensor, labels: Tensor) -> tuple[float]:
    outputs: list[Tensor] = []
    with _watched([module for module in network.modules() if isinstance(module, nn.ReLU)], outputs), torch.no_grad():
        network(images)
    codes = [(output > 0).flatten(1) for output in outputs]
    code = torch.cat(codes, dim=1).double() if codes else images.new_ones((len(images), 1), dtype=torch.float64)
    agree = code @ code.T + (1.0 - code) @ (1.0 - code).T
    return (float(torch.linalg.eigvalsh(agree).clamp_min(K).log().sum()),)


_Take = Callable[[nn.Module, Tensor, Tensor], tuple[float, ...]]
_SCORES: dict[_Take, tuple[str, ...]] = {
    _of_gradient: ("grad_norm", "snip", "fisher"),
    _grasp: ("grasp",),
    _jacob_cov: ("jacob_cov",),
    _naswot: ("naswot",),
    _synflow: ("synflow",),
}
"""What computes them, and which scores it gives; the last one changes the network."""
