"""NSCA's crossovers and pruning: theorems, and values known by heart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobench import Space
from mobench.searchers._population import ranking as _ranking
from mobench.searchers.evolution import nsca

seeds = st.integers(0, 2**32 - 1)
cardinalities = st.lists(st.integers(1, 4), min_size=1, max_size=8)


@given(seeds, cardinalities, st.integers(1, 9), st.floats(0, 1))
def test_horizontal_children_have_a_parents_gene_everywhere(
    seed: int, genes: list[int], n: int, probability: float
) -> None:
    rng = np.random.default_rng(seed)
    X = Space(tuple(genes)).sample(rng, n)
    children = nsca.mix(rng, X, probability=probability)
    assert len(children) <= n
    assert all(any(((child == a) | (child == b)).all() for a in X for b in X) for child in children)
    assert len(nsca.mix(rng, X, probability=1.0)) == n - n % 2
    assert not len(nsca.mix(rng, X, probability=0.0))


def test_a_horizontal_child_takes_each_number_of_genes_as_often() -> None:
    """The share of one parent is uniform, so the number of its genes is: each of 0 .. d has probability 1/(d + 1)."""
    rng = np.random.default_rng(0)
    X = np.array([[0] * 5, [1] * 5])
    taken = np.concatenate([nsca.mix(rng, X, probability=1.0).sum(axis=1) for _ in range(6000)])
    assert np.bincount(taken, minlength=6) / len(taken) == pytest.approx([1 / 6] * 6, abs=0.015)


@given(seeds, cardinalities, st.integers(1, 9))
def test_vertical_children_copy_one_gene_over_another_of_its_kind(seed: int, genes: list[int], n: int) -> None:
    rng, space = np.random.default_rng(seed), Space(tuple(genes))
    X, kinds = space.sample(rng, n), nsca.kinds_of_genes(space)
    before = X.copy()
    children = nsca.copy(rng, X, kinds, probability=1.0)
    assert (X == before).all()
    if len(set(genes)) == len(genes):
        assert not len(children)
        return
    space.check(children)
    assert len(children) == n
    for child, parent in zip(children, X, strict=True):
        changed = np.flatnonzero(child != parent)
        assert len(changed) <= 1
        for j in changed:
            assert child[j] in parent[(kinds == kinds[j]) & (np.arange(len(kinds)) != j)]


def test_genes_of_other_meanings_do_not_mix() -> None:
    space = Space((2, 2, 2, 3), values=(("a", "b"), (1, 2), ("a", "b"), (1, 2, 3)))
    kinds = nsca.kinds_of_genes(space)
    assert kinds.tolist() == [0, 1, 0, 3]
    children = nsca.copy(np.random.default_rng(0), np.tile([0, 1, 1, 2], (200, 1)), kinds, probability=1.0)
    assert sorted(map(tuple, np.unique(children, axis=0).tolist())) == [(0, 1, 0, 2), (1, 1, 1, 2)]


def test_what_is_abnormal_behind_the_front_is_pruned_and_the_front_is_not() -> None:
    F = np.array([[0.0, 900], [1, 4], [2, 3], [3, 2], [4, 1], [2.5, 3.5], [3.5, 2.5], [4.5, 950]])
    rng = np.random.default_rng(0)
    assert set(nsca.select(rng, F, 7, None, 3.0).tolist()) == {0, 1, 2, 3, 4, 5, 6}
    plain = _ranking.best(np.random.default_rng(0), F[:-1], 7)
    assert set(plain.tolist()) == {0, 1, 2, 3, 4, 5, 6}
    crowd = np.concatenate([F, F[-1:] - [0.1, 0]])
    assert 7 not in nsca.select(rng, crowd, 7, None, 3.0)
    assert set(nsca.select(rng, crowd, 9, None, 3.0).tolist()) == set(range(9)), "nobody leaves where all fit"
    assert len(nsca.select(rng, crowd, 8, None, 3.0)) == 8, "the abnormal stay where there are too few others"


@given(seeds, st.integers(1, 20), st.integers(1, 20), st.booleans())
def test_pruned_or_not_as_many_survive_as_should(seed: int, k: int, n: int, limited: bool) -> None:
    rng = np.random.default_rng(seed)
    F = rng.integers(0, 9, (k, 2)) ** 3.0
    beyond = rng.integers(0, 2, k) / 2.0 if limited else None
    found = nsca.select(rng, F, n, beyond, 3.0)
    assert len(set(found.tolist())) == min(k, n)
    assert (
        nsca.select(np.random.default_rng(1), F, n, beyond, None)
        == _ranking.best(np.random.default_rng(1), F, n, beyond)
    ).all()
