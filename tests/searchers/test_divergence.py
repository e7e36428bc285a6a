"""A training that diverges ends with an error that names it, in every torch searcher; nothing is delivered from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from _learners import learners

import mobench
from mobench.searchers._one_shot.controller import Controller
from mobench.searchers._relaxed.divergence import check_alpha, check_weights
from mobench.searchers._relaxed.epo import epo_weights
from mobench.searchers._relaxed.min_norm import aggregate

torch.set_num_threads(1)
CASES: list[tuple[str, dict[str, Any]]] = [
    ("spos", {}),
    ("random_weight_sharing", {}),
    *((name, {}) for name in ("enas", "smash", "ghn")),
    ("lemonade", {"first": 0.02}),
    ("pareto_hypernetwork", {"warm_up": 0.0}),
    ("modnas", {"aggregator": "UPGrad", "warm_up": 0.0}),
    ("mgda", {"aggregator": "UPGrad", "warm_up": 0.0}),
    ("epo", {"warm_up": 0.0}),
    ("pareto_mtl", {"warm_up": 0.0}),
    ("scalarization", {"warm_up": 0.0}),
    *((name, {}) for name in ("darts", "unrolled", "implicit", "milenas", "auxiliary", "f2sa", "bome")),
    ("hls", {"warm_up": 0.0, "rows": 2, "inner_steps": 1}),
    *((name, {"warm_up": 0.0}) for name in ("snas", "setn", "fbnet", "proxyless_nas", "fair_darts", "p_darts")),
]


@pytest.mark.parametrize(("name", "options"), CASES, ids=[name for name, _ in CASES])
def test_every_torch_searcher_names_it(name: str, options: dict[str, Any]) -> None:
    """At this rate NAS-Bench-201's network says nan, or nonsense in finite numbers."""
    if options.get("aggregator") == "UPGrad":
        pytest.importorskip("torchjd")
    with pytest.raises(FloatingPointError, match=r"lower (alpha_rate or )?learning_rate|lower the learning rates"):
        mobench.run(name, "motif", budget={"trainings": 0.1}, finalists=0, learning_rate=1e8, **options)


def test_no_torch_searcher_is_left_out() -> None:
    assert {name for name, _ in CASES} >= set(learners(mobench.make_problem("motif")))


def test_a_controller_that_diverges_is_named() -> None:
    """Its probabilities would all be nan, of which every draw is the first operation."""
    controller = Controller(torch.ones(2, 3, dtype=torch.bool), torch.Generator().manual_seed(0))
    with torch.no_grad():
        controller.first.fill_(torch.inf)
    with pytest.raises(FloatingPointError, match="lower controller_rate"):
        controller(4, np.random.default_rng(0))


def test_weights_may_grow_a_millionfold_and_no_more() -> None:
    weights = {"w": torch.full((4,), 1e6)}
    check_weights(weights, 1.0, steps=3)
    for factor in (2.0, float("nan"), float("inf")):
        with pytest.raises(FloatingPointError, match=r"weights: their norm is .* after 3 steps and was 1\.0e\+00"):
            check_weights({"w": factor * weights["w"]}, 1.0, steps=3)


def test_logits_that_do_not_exist_may_be_anything() -> None:
    alpha, mask = torch.tensor([[0.0, float("nan")]]), torch.tensor([[True, False]])
    check_alpha(alpha, mask, steps=1)
    with pytest.raises(FloatingPointError, match="alpha is not finite after 1 steps"):
        check_alpha(alpha, None, steps=1)


@pytest.mark.parametrize("name", ["min_norm", "frank_wolfe", "UPGrad"])
def test_aggregators_refuse_gradients_that_are_not_finite(name: str) -> None:
    if name == "UPGrad":
        pytest.importorskip("torchjd")
    with pytest.raises(FloatingPointError, match="gradients: row 1 is not finite"):
        aggregate(torch.tensor([[1.0, 0.0], [float("nan"), 1.0]]), name)


def test_epo_tells_divergence_from_losses_that_are_not_positive() -> None:
    half, G = torch.tensor([0.5, 0.5]), torch.eye(2)
    with pytest.raises(FloatingPointError, match="the search diverged"):
        epo_weights(G, torch.tensor([float("nan"), 1.0]), half)
    with pytest.raises(ValueError, match="EPO needs positive ones"):
        epo_weights(G, torch.tensor([0.0, 1.0]), half)
