"""Padded alphas: what does not exist has no share and no gradient, and each gene is relaxed as it would be alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from _toy_runs import toy
from torch import Tensor

from mobench import operation_mask
from mobench.searchers._relaxed import descent as _descent
from mobench.searchers._relaxed import relaxations, selection
from mobench.searchers._relaxed.portrait import entropy, portrait
from mobench.searchers._relaxed.relaxations import draw, one_hot, relax
from mobench.searchers._relaxed.search import Search, Settings, initial
from mobench.searchers._relaxed.stopping import check, curvature

torch.set_num_threads(1)
KINDS = ("softmax", "gumbel", "concrete", "reinmax", "dirichlet", "score")
COUNTS = [(3, 4, 2), (1, 5), (2, 2, 1, 3)]
IGNORED = [0.0, 1e6, -1e6, float("inf"), float("-inf"), float("nan")]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def padded(counts: tuple[int, ...], seed: int = 0, absent: float = 0.0) -> tuple[Tensor, Tensor]:
    """Random logits, with `absent` where there is no operation, and the mask."""
    mask = torch.from_numpy(operation_mask(tuple(tuple("abcdef"[:count]) for count in counts)))
    alpha = torch.randn(mask.shape, generator=generator(seed), dtype=torch.float64)
    return alpha.masked_fill(~mask, absent).requires_grad_(), mask


def opened(**settings: object) -> Search:
    """A search on the ragged RidgeNet whose absent logits are the largest."""
    network = toy("ragged").supernet(charge=lambda flops: None, seed=0)
    search = initial(network, Settings(**settings), np.array([0.5, 0.5]), 0)  # type: ignore[arg-type]
    with torch.no_grad():
        search.alpha.add_(torch.randn(3, 4, generator=generator(1), dtype=torch.float64))
        search.alpha.masked_fill_(~search.mask, 7.0)
        search.weights["w"].add_(torch.randn(25, generator=generator(2), dtype=torch.float64))
    return search


@pytest.mark.parametrize("absent", IGNORED)
@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_absent_has_no_share_and_no_gradient_whatever_its_logit(
    kind: str, counts: tuple[int, ...], absent: float
) -> None:
    for seed in range(10):
        alpha, mask = padded(counts, seed, absent)
        g = torch.randn(alpha.shape, generator=generator(seed + 50), dtype=torch.float64)
        p = relax(alpha, kind, mask=mask, generator=generator(seed))  # type: ignore[arg-type]
        assert torch.equal(p[~mask], torch.zeros_like(p[~mask]))
        assert torch.allclose(p.sum(dim=-1), torch.ones(len(p), dtype=torch.float64))
        if kind == "score":
            assert not p.requires_grad
            continue
        (slope,) = torch.autograd.grad((p * g).sum(), alpha)
        assert torch.equal(slope[~mask], torch.zeros_like(slope[~mask]))
        assert torch.isfinite(slope).all()


@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize("kind", KINDS)
def test_given_its_noise_each_gene_is_relaxed_as_it_would_be_alone(
    kind: str, counts: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    alpha, mask = padded(counts)
    g = torch.randn(alpha.shape, generator=generator(9), dtype=torch.float64)
    p = relax(alpha, kind, mask=mask, generator=generator(3))  # type: ignore[arg-type]
    noise = relaxations._gumbel(alpha, generator(3))
    for gene, count in enumerate(counts):
        own = slice(gene, gene + 1), slice(None, count)
        monkeypatch.setattr(relaxations, "_gumbel", lambda alpha, generator, own=own: noise[own])
        monkeypatch.setattr(torch, "_sample_dirichlet", lambda beta, generator, own=own: p.detach()[own].clone())
        alone = alpha.detach()[own].clone().requires_grad_()
        q = relax(alone, kind, generator=generator())  # type: ignore[arg-type]
        assert torch.allclose(p[own], q, atol=1e-15)
        if kind != "score":
            mine, its = (
                torch.autograd.grad((p * g)[own].sum(), alpha, retain_graph=True),
                torch.autograd.grad((q * g[own]).sum(), alone),
            )
            assert torch.allclose(mine[0][own], its[0], atol=1e-12)


def test_a_padded_dirichlet_draw_follows_the_distribution_of_what_exists() -> None:
    n = 40_000
    one, mask = torch.tensor([0.4, 9.0, -0.9, 9.0], dtype=torch.float64), torch.tensor([True, False, True, False])
    p = relax(one.expand(n, 4), "dirichlet", mask=mask.expand(n, 4), generator=generator(4))[:, [0, 2]]
    b = torch.nn.functional.elu(one[[0, 2]]) + 1
    mean, total = b / b.sum(), b.sum()
    variance = mean * (1 - mean) / (total + 1)
    assert ((p.mean(dim=0) - mean).abs() < 4 * (variance / n).sqrt()).all()
    assert torch.allclose(p.var(dim=0), variance, rtol=0.03)


@pytest.mark.parametrize("kind", ["gumbel", "reinmax", "score"])
def test_samples_follow_the_softmax_of_what_exists(kind: str) -> None:
    n = 20_000
    one, mask = torch.tensor([0.5, 8.0, -1.0], dtype=torch.float64), torch.tensor([True, False, True])
    p = relax(one.expand(n, 3), kind, mask=mask.expand(n, 3), generator=generator(1))  # type: ignore[arg-type]
    pi = torch.softmax(one[[0, 2]], 0)
    assert ((p[:, [0, 2]].mean(dim=0) - pi).abs() < 4 * (pi * (1 - pi) / n).sqrt()).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_mask_under_which_all_exist_changes_nothing(kind: str) -> None:
    alpha = torch.randn(3, 4, generator=generator(2), dtype=torch.float64)
    whole = torch.ones(3, 4, dtype=torch.bool)
    found = [draw(alpha, kind, mask=mask, generator=generator(5))(alpha) for mask in (None, whole)]  # type: ignore[arg-type]
    assert torch.equal(*found)


def test_equal_genes_have_no_mask_and_a_plain_vector_is_its_own_relaxation() -> None:
    for name, masked in (("ridgenet", False), ("ragged", True), ("quadratic", False)):
        problem = toy(name)
        network = problem.supernet(charge=lambda flops: None, seed=0)
        search = initial(network, Settings(relaxation="score"), np.full(len(problem.objectives), 0.5), 0)
        assert (search.mask is not None) == masked
        assert (search.operations is None) == (name == "quadratic")
        if search.operations is None:
            assert search.relax()(search.alpha) is search.alpha
            assert _descent.uniform(search)(search.alpha) is search.alpha


@pytest.mark.parametrize("relaxation", KINDS)
def test_objectives_have_no_gradient_where_nothing_is(relaxation: str) -> None:
    search = opened(relaxation=relaxation)
    values, slopes = _descent.objectives(search, search.relax())
    assert torch.isfinite(values).all()
    assert torch.isfinite(slopes).all()
    assert not slopes.reshape(2, 3, 4)[:, ~search.mask].any()
    paths = torch.stack([_descent.uniform(search)(search.alpha) for _ in range(300)])
    expected = search.mask / search.mask.sum(dim=1, keepdim=True)
    assert torch.allclose(paths.mean(dim=0), expected.double(), atol=0.12)
    assert not paths[:, ~search.mask].any()


def test_diagnostics_are_those_of_what_exists() -> None:
    alpha = torch.tensor([[0.0, np.log(3.0), 9.0], [np.log(3.0), 0.0, 0.0], [5.0, 9.0, 9.0]], dtype=torch.float64)
    names = (("none", "skip_connect"), ("skip", "conv", "pool"), ("none",))
    mask = torch.from_numpy(operation_mask(names))
    two, three = (-sum(p * np.log(p) for p in shares) for shares in ((0.25, 0.75), (0.6, 0.2, 0.2)))
    assert entropy(alpha, mask) == pytest.approx((two + three + 0.0) / 3)
    found = portrait(alpha, names, mask)
    assert found["margin"] == pytest.approx((0.5 + 0.4 + 1.0) / 3)
    assert found["skips"] == pytest.approx(2 / 3)
    assert portrait(torch.zeros(2, 1), (("none",), ("none",)))["margin"] == 1.0
    check("skips", names)
    with pytest.raises(ValueError, match="none, linear"):
        check("convolutions", (("none", "linear"), ("none",)))


def test_selection_compares_the_operations_that_a_gene_has() -> None:
    search = opened()
    p = search.draw("softmax")(search.alpha.detach())
    assert [len(selection.losses_without(search, gene, p)) for gene in range(3)] == [3, 4, 2]
    selection.decide(search, 3)
    x = search.network.discretise(search.alpha)
    assert x[0].tolist() == search.extra["decided"].tolist()
    toy("ragged").space.check(x)


def test_the_curvature_is_that_of_what_exists() -> None:
    search = opened()
    rows = search.mask.flatten()

    def loss(alpha: Tensor) -> Tensor:
        p = search.draw("softmax")(alpha)
        value: Tensor = search.network.valid_loss(search.weights, p, None)
        return value

    H = torch.autograd.functional.hessian(loss, search.alpha.detach()).reshape(12, 12)
    assert not H[~rows].any()
    expected = float(torch.linalg.eigvalsh(H[rows][:, rows]).abs().max())
    assert curvature(search, iterations=100) == pytest.approx(expected, rel=0.02)


def test_architectures_as_paths_of_one_and_of_many() -> None:
    like = torch.zeros(3, 4, dtype=torch.float64, requires_grad=True)
    X = toy("ragged").space.all()
    paths = one_hot(X, like)
    assert paths.shape == (24, 3, 4)
    assert paths.dtype == torch.float64
    assert not paths.requires_grad
    assert paths.argmax(dim=-1).tolist() == X.tolist()
    assert paths.sum(dim=-1).unique().tolist() == [1.0]
    assert torch.equal(one_hot(X[5], like), paths[5])
    assert not paths[:, ~torch.from_numpy(operation_mask(toy("ragged").operations))].any()
