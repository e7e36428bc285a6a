"""Relaxations: values are right exactly, gradients are right on average (by enumeration and by sampling)."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from mobench.searchers._relaxed import relaxations as relaxations
from mobench.searchers._relaxed.relaxations import draw, relax

torch.set_num_threads(1)
SHAPE = (3, 4)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def logits(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64).requires_grad_()


def quadratic(k: int, seed: int = 1) -> tuple[Tensor, Tensor]:
    return logits(k, k, seed=seed).detach(), logits(k, seed=seed + 1).detach()


def expected_gradient(alpha: Tensor, loss) -> Tensor:
    """Exact gradient of the expected loss of a one-hot choice: ``pi_j (f_j - sum pi f)``, one gene."""
    pi = torch.softmax(alpha.detach(), 0)
    f = torch.stack([loss(torch.eye(len(pi), dtype=torch.float64)[j]) for j in range(len(pi))])
    return pi * (f - pi @ f)


def mean_estimate(alpha: Tensor, loss, surrogate) -> Tensor:
    """Expectation of a straight-through estimator over its one-hot draws, by enumeration."""
    total = torch.zeros_like(alpha)
    pi = torch.softmax(alpha.detach(), 0)
    for j in range(len(pi)):
        hard = torch.eye(len(pi), dtype=torch.float64)[j]
        p = relaxations._straight_through(hard, surrogate(alpha, hard))
        total = total + pi[j] * torch.autograd.grad(loss(p), alpha)[0]
    return total


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("seed", range(5))
def test_reinmax_is_unbiased_for_quadratic_losses_and_straight_through_is_not(k: int, seed: int) -> None:
    alpha = logits(k, seed=seed)
    M, c = quadratic(k, seed + 10)

    def loss(p: Tensor) -> Tensor:
        return p @ M @ p / 2 + c @ p

    exact = expected_gradient(alpha, loss)
    reinmax = mean_estimate(alpha, loss, lambda a, hard: relaxations._reinmax(a, hard, 1.0))
    plain = mean_estimate(alpha, loss, lambda a, hard: torch.softmax(a, 0))
    assert torch.allclose(reinmax, exact, atol=1e-12)
    assert not torch.allclose(plain, exact, atol=1e-3)


def test_reinmax_is_only_approximate_for_cubic_losses() -> None:
    alpha, c = logits(4, seed=3), logits(4, seed=4).detach()

    def loss(p: Tensor) -> Tensor:
        return (p @ c) ** 3

    reinmax = mean_estimate(alpha, loss, lambda a, hard: relaxations._reinmax(a, hard, 1.0))
    exact = expected_gradient(alpha, loss)
    assert not torch.allclose(reinmax, exact, atol=1e-4)


def test_reinmaxs_gradient_is_the_formula_of_the_paper() -> None:
    alpha, g = logits(3, seed=5), logits(3, seed=6).detach()
    hard = torch.eye(3, dtype=torch.float64)[1]
    pi = torch.softmax(alpha.detach(), 0)
    pi1 = (torch.softmax(alpha.detach() / 2.0, 0) + hard) / 2
    J = [torch.diag(p) - p.outer(p) for p in (pi1, pi)]
    p = relaxations._straight_through(hard, relaxations._reinmax(alpha, hard, 2.0))
    assert torch.allclose(torch.autograd.grad(p @ g, alpha)[0], 2 * J[0] @ g - J[1] @ g / 2)


@pytest.mark.parametrize("kind", ["gumbel", "reinmax"])
@pytest.mark.parametrize("temperature", [1.0, 5.0])
def test_samples_follow_the_softmax_at_any_temperature(kind: str, temperature: float) -> None:
    one = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
    n = 20_000
    p = relax(one.expand(n, 3), kind, temperature=temperature, generator=generator(1))
    assert ((p == 0) | (p == 1)).all()
    assert (p.sum(dim=1) == 1).all()
    pi = torch.softmax(one, 0)
    assert ((p.mean(dim=0) - pi).abs() < 4 * (pi * (1 - pi) / n).sqrt()).all()


@pytest.mark.parametrize(
    ("kind", "temperature", "unbiased", "shrink"),
    [("reinmax", 1.0, True, 1.0), ("gumbel", 10.0, False, 0.13), ("gumbel", 1.0, False, None)],
)
def test_monte_carlo_gradients(kind: str, temperature: float, unbiased: bool, shrink: float | None) -> None:
    one, n = logits(3, seed=8), 40_000
    M, c = quadratic(3, 20)
    alpha = one.detach().expand(n, 3).clone().requires_grad_()
    p = relax(alpha, kind, temperature=temperature, generator=generator(2))
    loss = torch.einsum("ni,ij,nj->n", p, M, p) / 2 + p @ c
    (g,) = torch.autograd.grad(loss.sum(), alpha)
    exact = expected_gradient(one, lambda x: x @ M @ x / 2 + c @ x)
    error = g.std(dim=0) / n**0.5
    assert bool(((g.mean(dim=0) - exact).abs() < 4 * error).all()) == unbiased
    if shrink is not None:
        assert float(g.mean(dim=0).norm() / exact.norm()) == pytest.approx(shrink, rel=0.5)


def test_gumbels_gradient_is_that_of_the_soft_sample() -> None:
    alpha, g = logits(*SHAPE), logits(*SHAPE, seed=1).detach()
    relaxed = draw(alpha, "gumbel", temperature=0.7, generator=generator(3))
    noise = relaxations._gumbel(alpha, generator(3))
    soft = torch.softmax((torch.log_softmax(alpha, -1) + noise) / 0.7, -1)
    p = relaxed(alpha)
    assert torch.equal(p.argmax(-1), soft.argmax(-1))
    assert torch.allclose(*(torch.autograd.grad((x * g).sum(), alpha)[0] for x in (p, soft)))


def test_a_dirichlet_draw_and_its_gradient_are_those_of_torchs_distribution() -> None:
    alpha, g = logits(*SHAPE), logits(*SHAPE, seed=1).detach()
    p = relax(alpha, "dirichlet", generator=generator(5))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        theirs = torch.distributions.Dirichlet(torch.nn.functional.elu(alpha) + 1).rsample()
    assert torch.equal(p, theirs)
    assert torch.allclose(*(torch.autograd.grad((x * g).sum(), alpha)[0] for x in (p, theirs)))


def test_dirichlet_gradients_are_unbiased() -> None:
    """``E[p_i p_j] = b_i (b_j + delta_ij) / (b_0 (b_0 + 1))`` gives the exact gradient of an expected quadratic."""
    one, n = logits(3, seed=8), 20_000
    M, c = quadratic(3, 20)
    alpha = one.detach().expand(n, 3).clone().requires_grad_()
    p = relax(alpha, "dirichlet", generator=generator(2))
    assert ((p >= 0) & (p <= 1)).all()
    assert torch.allclose(p.sum(dim=1), torch.ones(n, dtype=torch.float64))
    loss = torch.einsum("ni,ij,nj->n", p, M, p) / 2 + p @ c
    (g,) = torch.autograd.grad(loss.sum(), alpha)
    b = torch.nn.functional.elu(one) + 1
    second = (torch.outer(b, b) + torch.diag(b)) / (b.sum() * (b.sum() + 1))
    (exact,) = torch.autograd.grad((M * second).sum() / 2 + c @ b / b.sum(), one)
    assert ((g.mean(dim=0) - exact).abs() < 4 * g.std(dim=0) / n**0.5).all()
    assert ((p.mean(dim=0) - b / b.sum()).abs() < 4 * p.std(dim=0) / n**0.5).all()


def test_a_dirichlet_draw_follows_alpha_along_its_derivative() -> None:
    alpha, move = logits(*SHAPE), logits(*SHAPE, seed=1).detach()
    relaxed = draw(alpha, "dirichlet", generator=generator(3))
    _, slope = torch.autograd.functional.jvp(relaxed, alpha.detach(), move)
    e = 1e-6
    assert torch.allclose((relaxed(alpha + e * move) - relaxed(alpha)) / e, slope, atol=1e-4)
    assert torch.allclose(relaxed(alpha + 0.1 * move).sum(dim=-1), torch.ones(3, dtype=torch.float64))


@pytest.mark.parametrize("kind", ["softmax", "gumbel", "concrete", "reinmax", "dirichlet"])
def test_one_draw_serves_many_passes(kind: str) -> None:
    alpha = logits(*SHAPE)
    relaxed = draw(alpha, kind, generator=generator(1))
    assert torch.equal(relaxed(alpha), relaxed(alpha))
    assert relaxed(alpha).shape == SHAPE
    again, other = (draw(alpha, kind, generator=generator(seed))(alpha) for seed in (1, 2))
    assert torch.equal(relaxed(alpha), again)
    assert torch.equal(other, again) == (kind == "softmax")
    if kind == "softmax":
        assert torch.allclose(relaxed(alpha), torch.softmax(alpha, -1))
        assert torch.allclose(relax(alpha, kind, temperature=2.0), torch.softmax(alpha / 2, -1))


@pytest.mark.parametrize("kind", ["gumbel", "concrete", "reinmax", "dirichlet"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_extreme_logits_give_finite_gradients(kind: str, dtype: torch.dtype) -> None:
    alpha = torch.tensor([[300.0, -300.0, 0.0], [0.0, 0.0, 0.0]], dtype=dtype, requires_grad=True)
    for seed in range(20):
        p = relax(alpha, kind, generator=generator(seed))
        (g,) = torch.autograd.grad((p * torch.arange(3)).sum(), alpha)
        assert torch.isfinite(g).all()
        assert torch.isfinite(p).all()


def test_the_global_stream_is_untouched() -> None:
    before = torch.random.get_rng_state()
    relax(logits(*SHAPE), "gumbel", generator=generator())
    assert torch.equal(torch.random.get_rng_state(), before)


def test_bad_input_is_named() -> None:
    alpha = logits(*SHAPE)
    with pytest.raises(
        ValueError,
        match="expected one of softmax, gumbel, gdas, concrete, reinmax, reinmax_sampled, dirichlet, score, found",
    ):
        relax(alpha, "soft")
    for kind in ("gumbel", "gdas", "concrete", "reinmax", "reinmax_sampled", "dirichlet"):
        with pytest.raises(ValueError, match=rf"{kind} samples; pass a torch\.Generator"):
            relax(alpha, kind)
    for kind, temperature in itertools.product(("softmax", "gumbel", "reinmax"), (0.0, -1.0)):
        with pytest.raises(ValueError, match="temperature: expected"):
            relax(alpha, kind, temperature=temperature, generator=generator())
    with pytest.raises(ValueError, match="at least 1 for reinmax"):
        relax(alpha, "reinmax", temperature=0.5, generator=generator())
