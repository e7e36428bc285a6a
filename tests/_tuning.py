"""How tests look at tuning problems: hypergradients by autograd and by differences, and searches in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from mobench import Array, Run
from mobench.core.budget import parse_budget
from mobench.harness.execute import search_problem
from mobench.plugins.catalogue import find
from mobench.plugins.options import check_options
from mobench.searchers._relaxed.hypergradients import implicit_gradient
from mobench.searchers._relaxed.linear import Vector, conjugate_gradients


def opened(problem: Any, seed: int = 0) -> Any:
    return problem.supernet(charge=lambda flops: None, seed=seed)


def implicit(problem: Any, weights: Vector, alpha: Array) -> Array:
    """The hypergradient that searchers take, by autograd through the losses at exact weights, with a long solve."""
    network, p = opened(problem), torch.tensor(alpha, requires_grad=True)
    found, _ = implicit_gradient(
        lambda weights, p: network.valid_loss(weights, p, None),
        lambda weights, p: network.train_loss(weights, p, None),
        weights,
        p,
        solve=lambda multiply, u: conjugate_gradients(multiply, u, iterations=2000, tolerance=1e-14),
    )
    return found.detach().numpy()


def by_differences(problem: Any, alpha: Array, step: float = 1e-5) -> Array:
    """Slope of the validation error at exact weights, by central differences."""
    model = problem.model

    def error(alpha: Array) -> float:
        return float(model.error(model.solve(alpha[None]), model.data.valid)[0])

    return np.array([(error(alpha + step * e) - error(alpha - step * e)) / (2 * step) for e in np.eye(len(alpha))])


def leaf(values: Array) -> torch.Tensor:
    return torch.tensor(values, requires_grad=True)


def searched(name: str, problem: Any, budget: Any, **options: Any) -> Run:
    """Search in memory; return the run."""
    plugin = find("searcher", name)
    run = Run(problem, limit=parse_budget(budget, problem.training), seed=0)
    search_problem(plugin, run, check_options(plugin, options))
    return run
