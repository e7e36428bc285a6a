"""What bilevel solvers see on Motif's supernet: its spectrum, slopes, differences, estimators, penalties.

Each line is a measurement that a page of docs/methods quotes; ``python benchmarks/hypergradients.py [--steps 100]``,
where the weights first take so many steps on a mixture, then on uniform paths.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from torch import Tensor

from mobench.core.networks import Network
from mobench.problems._cells.plans import plan, support_of
from mobench.problems.tables.motif import problem
from mobench.searchers._relaxed import descent, joint, krylov
from mobench.searchers._relaxed import linear as _linear
from mobench.searchers._relaxed.linear import Operator, Solution, Vector
from mobench.searchers._relaxed.relaxations import Sampling
from mobench.searchers._relaxed.search import Search, clipped, descend, initial
from mobench.searchers._relaxed.settings import Settings
from mobench.searchers.bilevel import f2sa

Prepare = Callable[[Operator, Vector], joint.Solve]


def trained(steps: int, *, uniform: bool, relaxation: Sampling = "softmax") -> Search:
    """A search of the error alone after some steps of its weights, on mixtures or on uniform paths."""
    network: Network = problem().supernet(charge=lambda flops: None, seed=0)
    search = initial(network, Settings(relaxation=relaxation), np.array([1.0, 0.0]), 0)
    for _ in range(steps):
        if uniform:
            descent.train(search)
        else:
            search.train(search.lower(search.draw("softmax")))
    return search


def here(search: Search) -> joint.Point:
    """Both levels on the next batches."""
    relaxed = search.relax()
    valid, costs, lower = search.valid(relaxed), search.costs(relaxed), search.lower(relaxed)
    return joint.Point(valid, costs, lower, search.weights, search.alpha)


def one_polynomial(damping: float) -> Prepare:
    """As `auxiliary` does."""

    def prepare(multiply: Operator, like: Vector) -> joint.Solve:
        ends = krylov.spectrum(multiply, like, generator=torch.Generator().manual_seed(0))
        polynomial = krylov.Polynomial.fitting(ends, damping=damping, products=10)
        return lambda name, b: polynomial.solve(multiply, b)

    return prepare


def two_polynomials(products: int) -> Prepare:
    """As it did: conjugate gradients for each system, hardly damped."""

    def prepare(multiply: Operator, like: Vector) -> joint.Solve:
        def solve(name: str, b: Vector) -> Solution:
            return _linear.conjugate_gradients(
                lambda v: _linear.plus(multiply(v), v, 1e-5), b, iterations=products, tolerance=1e-6
            )

        return solve

    return prepare


def slopes(search: Search, prepare: Prepare, *, repeats: int = 5) -> list[joint.Joint]:
    """Joint directions of the error on some pairs of batches."""
    return [
        joint.direction(here(search), mixture=lambda f, H: search.preference, prepare=prepare) for _ in range(repeats)
    ]


def row(name: str, values: object) -> None:
    """Print a line of the table."""
    print(f"{name:58s} {values}")


def spread(values: list[float], digits: int = 4) -> str:
    """Median, least and largest."""
    return f"{median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def spectra(search: Search) -> None:
    """Both ends on five batches, and what each solver's slopes are worth."""
    ends = []
    for _ in range(5):
        lower = search.lower(search.relax())
        slope = _linear.gradient(lower(search.weights, search.alpha), search.weights, graph=True)
        multiply = _linear.product(slope, search.weights)
        ends.append(krylov.spectrum(multiply, search.weights, generator=search.generator))
    row("lambda_min", spread([e.least for e in ends], 2))
    row("lambda_max", spread([e.largest for e in ends], 2))
    solvers = {
        "two conjugate gradients, 10 products, damping 1e-5": two_polynomials(10),
        "one polynomial, damping 1.5": one_polynomial(1.5),
        "one polynomial, damping 2": one_polynomial(2.0),
    }
    for name, prepare in solvers.items():
        found = slopes(search, prepare)
        row(f"true / promised slope: {name}", spread([j.true_slope / j.slope for j in found]))
        row("  residuals of the two systems, worst", f"{max(max(j.adjoint, j.response) for j in found):.4f}")
        row(
            "  products, and solves that met negative curvature",
            f"{found[0].products}, {sum(j.indefinite for j in found)}/5",
        )


def implicit(search: Search) -> None:
    """The solve of `implicit`, and of conjugate gradients with next to no damping."""
    ours, theirs = [], []
    for _ in range(5):
        point = here(search)
        u, _ = _linear.by_both(point.valid(point.weights, point.alpha), point.weights, point.alpha)
        slope = _linear.gradient(point.lower(point.weights, point.alpha), point.weights, graph=True)
        multiply = _linear.product(slope, point.weights)
        ours.append(krylov.solve(multiply, u, damping=1.5, iterations=20)[0])
        theirs.append(two_polynomials(10)(multiply, u)("adjoint", u))
    for name, found in (("implicit", ours), ("conjugate gradients, damping 1e-5", theirs)):
        row(
            f"{name}: products, residual",
            f"{spread([s.products for s in found], 0)}, {spread([s.residual for s in found])}",
        )


def differences(search: Search) -> None:
    """The mixed product by differences of several radii, against the exact one."""
    for radius in (0.001, 0.01, 0.1, 1.0):
        errors = []
        for _ in range(5):
            point = here(search)
            u, _ = _linear.by_both(point.valid(point.weights, point.alpha), point.weights, point.alpha)
            slope = _linear.gradient(point.lower(point.weights, point.alpha), point.weights, graph=True)
            exact = _linear.mixed_product(slope, point.alpha, u)
            rough = _linear.mixed_difference(point.lower, point.weights, point.alpha, u, radius=radius)
            errors.append(float((rough - exact).norm() / exact.norm()))
        row(f"mixed product by differences, radius {radius}: error", spread(errors, 2))


def real_steps(search: Search, rate: float = 0.025) -> None:
    """The same differences against what a real step of the weights changes in alpha's gradient."""
    for radius in (0.001, 0.01, 0.1, 1.0):
        errors = []
        for _ in range(5):
            point = here(search)
            u, _ = _linear.by_both(point.valid(point.weights, point.alpha), point.weights, point.alpha)
            length = rate * _linear.norm(u)
            met = _linear.mixed_difference(point.lower, point.weights, point.alpha, u, radius=length)
            rough = _linear.mixed_difference(point.lower, point.weights, point.alpha, u, radius=radius)
            errors.append(float((rough - met).norm() / met.norm()))
        row(f"  against a real step of the weights, radius {radius}: error", spread(errors, 2))


def estimators(steps: int, *, draws: int = 100) -> None:
    """Mean gradients of the error over draws on one batch, dense and cheap forms of each estimator.

    Cells without a path from input to output are left out: batch norm divides their zeros by next to nothing.
    """
    means: dict[str, Tensor] = {}
    kinds: tuple[Sampling, ...] = ("gumbel", "gdas", "reinmax", "reinmax_sampled")
    for kind in kinds:
        search = trained(steps, uniform=True, relaxation=kind)
        search.progress = 1.0 - 1.0 / 11.0  # temperature 1
        search.weights = _linear.detached(search.weights, leaf=False)
        batch, total = search.network.valid_batch(), torch.zeros_like(search.alpha)
        for _ in range(draws):
            relaxed = search.relax()
            if not any(plan(support_of(relaxed(search.alpha))[0]).support):
                continue
            more = search.computed(search.alpha)
            loss = search.network.valid_loss(search.weights, relaxed(search.alpha), batch, **more)
            total += _linear.by_alpha(loss, search.alpha)
        means[kind] = total
    for dense, cheap in (("gumbel", "gdas"), ("reinmax", "reinmax_sampled")):
        ratio = float(means[cheap].norm() / means[dense].norm())
        row(f"length of {cheap}'s mean gradient / {dense}'s", f"{ratio:.2f}")


def penalties(steps: int) -> None:
    """F2SA's response of the weights after a preference's 100 steps, against a damped solve's on the same batches."""
    for growth in (1.2, 10.0):
        search = trained(steps, uniform=True)
        y = _linear.detached(search.weights)
        velocity = _linear.times(search.velocity, 0.0)
        theirs, ours = torch.zeros_like(search.alpha), torch.zeros_like(search.alpha)
        for k in range(100):
            search.progress = k / 100
            penalty = growth**search.progress
            relaxed = search.relax()
            lower, upper, alpha = search.lower(relaxed), search.upper(relaxed), search.alpha.detach()
            search.train(lower)
            slope = _linear.plus(_linear.gradient(upper(y, alpha), y), _linear.gradient(lower(y, alpha), y), penalty)
            descend(y, clipped(_linear.times(slope, 1.0 / (1.0 + penalty))), velocity, rate=search.rate, momentum=0.9)
            if k < 90:
                continue
            relaxed = search.relax()
            lower, upper = search.lower(relaxed), search.upper(relaxed)
            u, direct = _linear.by_both(upper(search.weights, search.alpha), search.weights, search.alpha)
            theirs += f2sa.hypergradient(upper, lower, y, search.weights, search.alpha, penalty=penalty) - direct
            slope = _linear.gradient(lower(search.weights, search.alpha), search.weights, graph=True)
            x = krylov.solve(_linear.product(slope, search.weights), u, damping=1.5, iterations=20)[0].x
            ours -= _linear.mixed_product(slope, search.alpha, x)
        cosine = float((theirs * ours).sum() / (theirs.norm() * ours.norm()))
        row(
            f"F2SA, penalty 1 to {growth:g}: cosine with implicit, length",
            f"{cosine:.2f}, {float(theirs.norm() / ours.norm()):.1f}",
        )


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100, help="steps of the weights before")
    steps = parser.parse_args().steps
    torch.set_num_threads(1)
    for uniform in (False, True):
        print(f"\nweights after {steps} steps on {'uniform paths' if uniform else 'a mixture'}")
        search = trained(steps, uniform=uniform)
        spectra(search)
        implicit(search)
        differences(search)
        real_steps(search)
    print("\nestimators and penalties, weights of uniform paths")
    estimators(steps)
    penalties(steps)


if __name__ == "__main__":
    main()
