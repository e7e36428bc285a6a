"""Every searcher that learns with a supernet, on genes of unequal numbers of operations and on plain vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from _learners import LEARNING, learners

import mobench
from mobench import CategoricalSupernet, Supernet, make_problem
from mobench.plugins.catalogue import find
from mobench.plugins.plugin import missing

pytestmark = pytest.mark.long

RAGGED, VECTOR = "bilevel_toys:name=ragged", "bilevel_toys:name=quadratic_front"
CHOOSING = learners(make_problem("bilevel_toys", {"name": "ragged"}))
ANY = [name for name in CHOOSING if find("searcher", name).needs == (Supernet,)]
FAST: dict[str, Any] = {"learning_rate": 0.3, "weight_decay": 0.0}


def test_searchers_of_paths_and_with_relaxations_of_their_own_need_categorical_genes() -> None:
    assert len(LEARNING) >= 20
    relaxing = {"snas", "setn", "fbnet", "proxyless_nas", "fair_darts", "p_darts"}
    assert set(LEARNING) - set(CHOOSING) == {"gbho", "once_for_all"}
    assert set(CHOOSING) - set(ANY) == {"spos", "random_weight_sharing", "enas", "smash", "ghn", "lemonade"} | relaxing
    assert all(CategoricalSupernet in find("searcher", name).needs for name in set(CHOOSING) - set(ANY))


@pytest.mark.parametrize("name", CHOOSING)
def test_unequal_numbers_of_operations_are_searched_within_the_space(name: str) -> None:
    result = mobench.run(name, RAGGED, budget={"flops": 4600}, seed=1, **FAST)  # 3,000 to learn, 1,500 for finalists
    assert result.history.total["flops"] <= 4600
    for note in result.history.recommended:
        result.problem.space.check(np.array(note.content))
    assert 0.2 < result.hypervolume() <= 1.0 + 1e-9


@pytest.mark.parametrize("name", ["scalarization", "mgda", "modnas", "spos", "darts"])
def test_what_is_found_among_unequal_genes_is_near_the_known_front(name: str) -> None:
    rates = {"scalarization": 0.1, "mgda": 0.1, "modnas": 0.03, "darts": 0.1}
    options = FAST | ({"alpha_rate": rates[name]} if name in rates else {})
    shares = [
        mobench.run(name, RAGGED, budget={"flops": 10_000}, seed=seed, **options).hypervolume() for seed in (1, 2, 3)
    ]
    assert np.median(shares) > 0.7


@pytest.mark.parametrize("name", LEARNING)
def test_a_vector_is_searched_or_the_searcher_is_not_applicable(name: str) -> None:
    if missing(find("searcher", name), make_problem("bilevel_toys", {"name": "quadratic_front"})):
        with pytest.raises(ValueError, match="needs "):
            mobench.run(name, VECTOR, budget={"flops": 2000})
        return
    result = mobench.run(name, VECTOR, budget={"flops": 2000}, seed=1)
    for note in result.history.recommended:
        result.problem.space.check(np.array(note.content))


@pytest.mark.parametrize("relaxation", ["gumbel", "concrete", "reinmax", "dirichlet"])
@pytest.mark.parametrize("name", ["darts", "scalarization", "pareto_hypernetwork", "modnas"])
def test_relaxations_of_operations_are_refused_where_there_are_none(name: str, relaxation: str) -> None:
    with pytest.raises(ValueError, match=f"relaxation='{relaxation}' relaxes a choice of operations"):
        mobench.run(name, VECTOR, budget={"flops": 2000}, relaxation=relaxation)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"selection": "perturbation"}, "alpha is a plain vector"),
        ({"stop": "skips"}, "this problem has none among its operations: a plain vector"),
        ({"stop": "convolutions"}, "this problem has none among its operations: a plain vector"),
        ({"partial_channels": 2}, "a toy has no channels"),
    ],
)
def test_options_for_operations_are_refused_before_anything_is_paid(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        mobench.run("darts", VECTOR, budget={"flops": 2000}, **options)


@pytest.mark.parametrize(
    "options",
    [
        *({"relaxation": kind} for kind in ("gumbel", "reinmax", "dirichlet")),
        {"selection": "perturbation"},
        {"stop": "eigenvalue"},
        {"warm_up": 0.3},
        {"order": 2},
    ],
    ids=str,
)
def test_options_of_relaxed_searches_hold_for_unequal_genes(options: dict[str, Any]) -> None:
    result = mobench.run("darts", RAGGED, budget={"flops": 3000}, alpha_rate=0.1, **FAST, **options)
    result.problem.space.check(np.array(result.history.recommended[-1].content))
    assert result.hypervolume() > 0.2
