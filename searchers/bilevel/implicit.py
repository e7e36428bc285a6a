"""Implicit differentiation of the trained weights, by conjugate gradients, a Neumann series or iDARTS's setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from mobench import Run, Supernet
from mobench.searchers._relaxed import krylov as _krylov
from mobench.searchers._relaxed import linear as _linear
from mobench.searchers._relaxed.hypergradients import implicit_gradient as hypergradient
from mobench.searchers._relaxed.linear import Operator, Solution, Vector
from mobench.searchers._relaxed.search import Search
from mobench.searchers._relaxed.settings import RADIUS, Count, NotNegative, Positive, Stabilised
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (Supernet,)


@dataclass(frozen=True, kw_only=True)
class Options(Stabilised):
    """Options of implicit differentiation.

    Attributes
    ----------
    solver : {"cg", "neumann", "idarts"}
        The Krylov space of conjugate gradients (Pedregosa 2016, Rajeswaran et al. 2019), which shows the spectrum that
        the damping fits at no price; a Neumann series with the step 1 / lambda_max, by power iteration on the same
        batch; or iDARTS: a Neumann series with the weights' learning rate for a step, the mixed product by finite
        differences.
    inner_steps : int
        Steps of the weights before each step of alpha; as in iDARTS.
    products : int or None
        Most Hessian-vector products of a solve; none: 20 for cg, 5 for neumann and 2 (the paper's) for idarts.
    damping : float
        Added to the Hessian in cg, in units of the magnitude of its least eigenvalue, where that is negative: above
        one, or the system is not positive definite; ours.
    radius : float
        How far apart idarts's finite differences are taken, as the length of the weights' change; ours: 0.01 in the
        paper's code, where kinks of ReLU decide on small networks.
    """

    solver: Literal["cg", "neumann", "idarts"] = "cg"
    inner_steps: Count = 4
    products: Count | None = None
    damping: NotNegative = 1.5
    radius: Positive = RADIUS


def search(run: Run, options: Options) -> None:
    """Train the weights for some steps, then step alpha along the implicit gradient on one pair of batches."""
    products = options.products or {"cg": 20, "neumann": 5, "idarts": 2}[options.solver]

    def step(search: Search) -> Mapping[str, float]:
        for _ in range(options.inner_steps):
            search.train(search.lower(search.relax()))
        search.check_precision()
        relaxed = search.relax()
        lower, upper = search.lower(relaxed), search.upper(relaxed)
        spectrum: dict[str, float] = {}

        def solve(multiply: Operator, u: Vector) -> Solution:
            if options.solver == "idarts":
                return _linear.neumann(multiply, u, step=search.rate, terms=products)
            if options.solver == "neumann":
                return _scaled_neumann(multiply, u, products, search.generator, spectrum)
            solution, ends = _krylov.solve(multiply, u, damping=options.damping, iterations=products)
            shift = ends.damping(options.damping)
            spectrum.update(lambda_min=ends.least, lambda_max=ends.largest, damping=shift)
            return solution

        radius = options.radius if options.solver == "idarts" else None
        h, solution = hypergradient(upper, lower, search.weights, search.alpha, solve=solve, radius=radius)
        search.step_alpha(h)
        return _diagnostics(h, solution) | spectrum

    sweep(run, options, Method(step=step))


def _scaled_neumann(
    multiply: Operator, u: Vector, terms: int, generator: torch.Generator, spectrum: dict[str, float]
) -> Solution:
    """A Neumann series with the step 1 / |lambda_max| (three products of power iteration); notes the spectral norm."""
    largest = _linear.largest_eigenvalue(multiply, u, generator=generator, iterations=3)
    spectrum["spectral_norm"] = abs(largest)
    return _linear.neumann(multiply, u, step=1.0 / max(abs(largest), 1e-12), terms=terms)


def _diagnostics(h: Tensor, solution: Solution) -> dict[str, float]:
    found = {
        "gradient": float(h.norm()),
        "products": float(solution.products),
        "indefinite": float(solution.indefinite),
    }
    return found if solution.residual != solution.residual else found | {"residual": solution.residual}
