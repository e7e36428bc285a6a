"""How long a supernet's step takes on the shipped spaces: a path against the same network on slices cut by hand, and
against it alone; a mixture against the largest network.

Run it with ``python benchmarks/module_paths.py``; it takes two minutes on a quiet core. Forward and backward passes are
timed in turn by the thread's own clock, and the least of the rounds counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mobench.live import ModuleSpace
from mobench.live.module_network import extreme
from mobench.problems.live import chain, mlp, transformer, two_level

SHAPE, CLASSES = (1, 8, 8), 10
MODULES: dict[str, Callable[[], nn.Module]] = {
    "mlp": lambda: mlp.network(3, SHAPE, CLASSES),
    "chain": lambda: chain.network(8, 2, 2, SHAPE, CLASSES),
    "two_level": lambda: two_level.network(8, 2, 3, SHAPE, CLASSES),
    "transformer": lambda: transformer.network(3, SHAPE, CLASSES),
}


def ratios(name: str, batch: int, *, networks: int = 5, rounds: int = 15) -> tuple[float, float, float]:
    """Median over random networks of a path's step over that on slices and that of the network alone; a mixture's."""
    torch.manual_seed(0)
    space = ModuleSpace(MODULES[name](), torch.zeros(2, *SHAPE))
    weights, images, labels = space.weights(), torch.randn(batch, *SHAPE), torch.arange(batch) % CLASSES
    mixture = torch.tensor(space.mask / space.mask.sum(1, keepdims=True), dtype=torch.float32)
    largest = extreme(space, largest=True)

    def step(answer: Callable[[], Tensor], leaves: list[Tensor]) -> Callable[[], object]:
        return lambda: torch.autograd.grad(functional.cross_entropy(answer(), labels), leaves, allow_unused=True)

    def alone(x: np.ndarray) -> Callable[[], object]:
        network = space.extract(x)
        return step(lambda: network(images), list(network.parameters()))

    def shared(p: Tensor) -> Callable[[], object]:
        return step(lambda: space(weights, p, images), list(weights.values()))

    def by_hand(x: np.ndarray) -> Callable[[], object]:
        network = sliced(space, x, weights)
        return step(lambda: network(images), list(weights.values()))

    rows = space.space.sample(np.random.default_rng(0), networks)
    paths = [[quotient(shared(space.one_hot(x)), other(x), rounds) for other in (by_hand, alone)] for x in rows]
    sliced_ratio, alone_ratio = np.median(paths, axis=0)
    return float(sliced_ratio), float(alone_ratio), quotient(shared(mixture), alone(largest), rounds)


def sliced(space: ModuleSpace, x: np.ndarray, weights: dict[str, Tensor]) -> Callable[[Tensor], Tensor]:
    """An architecture in torch's own layers on slices of the shared weights: what one would write by hand for it."""
    names = list(weights)
    numbered = {name: torch.full_like(w, float(i)) for i, (name, w) in enumerate(weights.items())}
    network, told = space.extract(x), space.extract(x, numbered)
    places = []
    for part, source in zip(network.modules(), told.modules(), strict=True):
        for leaf, numbers in source.named_parameters(recurse=False):
            name = names[int(numbers.flatten()[0])]
            starts = [
                (n - k) // 2 * (axis > 1)
                for axis, (n, k) in enumerate(zip(weights[name].shape, numbers.shape, strict=True))
            ]
            cut = tuple(slice(start, start + k) for start, k in zip(starts, numbers.shape, strict=True))
            places.append((part._parameters, leaf, name, cut))

    def answer(images: Tensor) -> Tensor:
        for held, leaf, name, cut in places:
            held[leaf] = weights[name][cut]
        output: Tensor = network(images)
        return output

    return answer


def quotient(first: Callable[[], object], second: Callable[[], object], rounds: int) -> float:
    """Least time of the first over that of the second, called in turn."""
    times = np.array([[seconds(call) for call in (first, second)] for _ in range(rounds)])
    a, b = times[1:].min(axis=0)
    return float(a / b)


def seconds(call: Callable[[], object]) -> float:
    """Of this thread."""
    start = time.thread_time()
    call()
    return time.thread_time() - start


def main() -> None:
    """Print a table."""
    torch.set_num_threads(1)
    print("space        batch   path / on slices   path / network alone   mixture / largest network")
    for name in MODULES:
        for batch in (16, 64, 256):
            on_slices, alone, mixture = ratios(name, batch)
            print(f"{name:12} {batch:5}   {on_slices:16.2f}   {alone:20.2f}   {mixture:25.2f}", flush=True)


if __name__ == "__main__":
    main()
