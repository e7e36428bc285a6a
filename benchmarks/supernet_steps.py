"""What a step of a supernet search costs: CPU time of paths, mixtures, orders and the ledger, as ratios.

A step is one on the weights, and for bilevel methods one on alpha before. Each time is the least of several repeats.
``python benchmarks/supernet_steps.py [--batch 64,256] [--repeats 5] [--calls 5]``
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor

from mobench.core.budget import parse_budget
from mobench.harness.guard import Guard
from mobench.harness.ledger import Ledger
from mobench.live.meter import metered
from mobench.problems._cells.supernet import CellSupernet
from mobench.problems.tables.motif import problem
from mobench.searchers._relaxed.linear import (
    Weights,
    by_alpha,
    by_both,
    conjugate_gradients,
    gradient,
    mixed_difference,
    mixed_product,
    plus,
    product,
)

Step = Callable[[], object]


def steps(network: CellSupernet) -> dict[str, Step]:
    """Steps by name; each computes all its gradients and throws them away."""
    weights, alpha = network.initial_weights(), network.initial_alpha()
    train, valid = network.train_batch(), network.valid_batch()
    path = torch.nn.functional.one_hot(torch.tensor([3, 2, 1, 4, 2, 3]), 5).to(alpha)

    def lower(w: Weights, a: Tensor) -> Tensor:
        return network.train_loss(w, torch.softmax(a, dim=1), train)

    def upper(w: Weights, a: Tensor) -> Tensor:
        return network.valid_loss(w, torch.softmax(a, dim=1), valid)

    def on_weights() -> object:
        return gradient(lower(weights, alpha.detach()), weights)

    def first_order() -> object:
        return by_alpha(upper(weights, alpha), alpha), on_weights()

    def finite_differences() -> object:
        moved = plus(weights, on_weights(), -0.025)
        slope, direct = by_both(upper(moved, alpha), moved, alpha)
        return direct - 0.025 * mixed_difference(lower, weights, alpha, slope), on_weights()

    def implicit() -> object:
        v, direct = by_both(upper(weights, alpha), weights, alpha)
        slope = gradient(lower(weights, alpha), weights, graph=True)
        damped = product(slope, weights, damping=10.0)  # definite, so that all ten products are made
        found = conjugate_gradients(damped, v, iterations=10, tolerance=0.0)
        return direct - mixed_product(slope, alpha, found.x), on_weights()

    return {
        "path": lambda: gradient(network.train_loss(weights, path, train), weights),
        "mixture": on_weights,
        "first order": first_order,
        "second order": finite_differences,
        "CG-10": implicit,
    }


def fastest(step: Step, *, repeats: int, calls: int) -> float:
    """CPU milliseconds a call, the least of the repeats."""
    step()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        for _ in range(calls):
            step()
        times.append(time.process_time() - start)
    return 1e3 * min(times) / calls


def supernet(batch: int) -> CellSupernet:
    """Motif's supernet with a batch size, charged to a ledger without limit."""
    guard, ledger = Guard(), Ledger(parse_budget({"flops": 1e30}, problem().training))  # as behind a run's door
    network = problem(batch=batch).supernet(charge=lambda flops: guard(ledger.learn, flops), seed=0)
    assert isinstance(network, CellSupernet)
    return network


def ledger(network: CellSupernet, *, repeats: int) -> float:
    """CPU milliseconds that charging a forward and a backward pass takes, whatever lies between them."""
    x = torch.ones((), requires_grad=True)

    def charged() -> object:
        return torch.autograd.grad(metered(lambda: 2.0 * x, flops=1.0, charge=network._charge), x)

    bare = fastest(lambda: torch.autograd.grad(2.0 * x, x), repeats=repeats, calls=100)
    return fastest(charged, repeats=repeats, calls=100) - bare


def main(arguments: list[str] | None = None) -> None:
    """Print a table for each batch size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--batch", default="64,256", help="batch sizes with commas (64,256)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--calls", type=int, default=5, help="steps a repeat (5)")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    for batch in map(int, args.batch.split(",")):
        network = supernet(batch)
        found = {name: fastest(s, repeats=args.repeats, calls=args.calls) for name, s in steps(network).items()}
        charging = ledger(network, repeats=args.repeats)
        print(f"batch {batch}; CPU ms a step, least of {args.repeats} repeats")
        for name, milliseconds in found.items():
            base = "path" if name in ("path", "mixture") else "first order"
            print(f"{name:<14} {milliseconds:9.2f}   {milliseconds / found[base]:6.2f} x {base}")
        print(f"{'ledger':<14} {charging:9.3f}   {100 * charging / found['path']:6.2f} % of a path's step")


if __name__ == "__main__":
    main()
