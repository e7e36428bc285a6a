"""Implicit differentiation of the trained weights, by conjugate gradients, a Neumann series or iDARTS's setting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor

from mobench import Run, Supernet
from mobench.searchers._relaxed import linear as _linear
from mobench.searchers._relaxed.hypergradients import implicit_gradient as hypergradient
from mobench.searchers._relaxed.linear import Operator, Solution, Vector
from mobench.searchers._relaxed.relaxations import Relaxation
from mobench.searchers._relaxed.search import Search, Selection, Settings, Stop
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (Supernet,)


def search(
    run: Run,
    *,
    solver: Literal["cg", "neumann", "idarts"] = "cg",
    inner_steps: Annotated[int, Ge(1)] = 4,
    products: Annotated[int, Ge(1)] | None = None,
    damping: Annotated[float, Ge(0)] = 1e-3,
    preferences: Annotated[int, Ge(1)] = 5,
    preference: Annotated[float, Interval(ge=0, le=1)] | None = None,
    steps: Annotated[int, Ge(1)] | None = None,
    relaxation: Relaxation = "softmax",
    stop: Stop = "never",
    selection: Selection = "largest",
    partial_channels: Annotated[int, Ge(1)] = 1,
    warm_up: Annotated[float, Interval(ge=0, lt=1)] = 0.0,
    learning_rate: Annotated[float, Gt(0)] = 0.025,
    momentum: Annotated[float, Interval(ge=0, lt=1)] = 0.9,
    weight_decay: Annotated[float, Ge(0)] = 3e-4,
    alpha_rate: Annotated[float, Gt(0)] = 3e-4,
    alpha_decay: Annotated[float, Ge(0)] = 1e-3,
) -> None:
    """Train the weights for some steps, then step alpha along the implicit gradient on one pair of batches.

    Parameters
    ----------
    run : Run
        The problem, with a supernet.
    solver : {"cg", "neumann", "idarts"}
        Conjugate gradients; a Neumann series with the step 1 / lambda_max, by power iteration on the same batch; or
        iDARTS: a Neumann series with the weights' learning rate for a step, the mixed product by finite differences.
    inner_steps : int
        Steps of the weights before each step of alpha; 4 in iDARTS.
    products : int, optional
        Most Hessian-vector products of a solve; 10 for "cg", 5 for "neumann" and 2 (the paper's) for "idarts".
    damping : float
        Added to the Hessian in "cg", relative to its mean eigenvalue.
    preferences, preference, steps, relaxation, stop, selection, partial_channels, warm_up
        See `mobench.searchers._relaxed.search.Settings`.
    learning_rate, momentum, weight_decay, alpha_rate, alpha_decay
        See `mobench.searchers._relaxed.search.Settings`.
    """
    settings = Settings(
        preferences=preferences,
        preference=preference,
        steps=steps,
        relaxation=relaxation,
        stop=stop,
        selection=selection,
        partial_channels=partial_channels,
        warm_up=warm_up,
        learning_rate=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
        alpha_rate=alpha_rate,
        alpha_decay=alpha_decay,
    )
    products = products or {"cg": 10, "neumann": 5, "idarts": 2}[solver]

    def step(search: Search) -> Mapping[str, float]:
        for _ in range(inner_steps):
            search.train(search.lower(search.relax()))
        relaxed = search.relax()
        lower, upper = search.lower(relaxed), search.upper(relaxed)
        spectrum: dict[str, float] = {}

        def solve(multiply: Operator, u: Vector) -> Solution:
            if solver == "idarts":
                return _linear.neumann(multiply, u, step=search.rate, terms=products)
            if solver == "neumann":
                return _scaled_neumann(multiply, u, products, search.generator, spectrum)
            damped = _linear.damped(multiply, u, damping, generator=search.generator)
            return _linear.conjugate_gradients(damped, u, iterations=products, tolerance=1e-3)

        h, solution = hypergradient(
            upper, lower, search.weights, search.alpha, solve=solve, differences=solver == "idarts"
        )
        search.step_alpha(h)
        return _diagnostics(h, solution) | spectrum

    sweep(run, settings, Method(step=step))


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
