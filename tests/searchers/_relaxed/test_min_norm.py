"""Common descent: golden weights, the theorem of the min-norm point, oracles, EPO."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mobench import Array
from mobench.searchers._relaxed import epo as epo
from mobench.searchers._relaxed import min_norm as min_norm

torch.set_num_threads(1)


def double(values: object) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize(
    ("gradients", "weights"),
    [
        ([[1, 0], [0, 1]], [1 / 2, 1 / 2]),
        ([[1, 0], [2, 0]], [1, 0]),
        ([[1, 0], [-1, 0]], [1 / 2, 1 / 2]),
        ([[1, 0, 0], [0, 2, 0], [0, 0, 3]], [36 / 49, 9 / 49, 4 / 49]),
        ([[0, 0], [0, 0]], [1 / 2, 1 / 2]),
        ([[3, 4]], [1]),
        ([[1, 1], [1, 1]], [1 / 2, 1 / 2]),
        ([[1, 0], [0, 0], [0, 1]], [0, 1, 0]),
    ],
)
def test_golden_weights(gradients: list[list[float]], weights: list[float]) -> None:
    assert min_norm.min_norm_weights(double(gradients)).tolist() == pytest.approx(weights, abs=1e-12)


def family(seed: int) -> Array:
    """Random, collinear, opposed, repeated, rank-deficient and badly scaled gradients, (m, n)."""
    rng = np.random.default_rng(seed)
    m, n = int(rng.integers(2, 7)), int(rng.integers(1, 9))
    G = rng.normal(size=(m, n))
    kind = seed % 5
    if kind == 1:
        G = rng.normal(size=(m, 1)) * G[:1]  # collinear, some opposed
    elif kind == 2:
        G[-1] = G[0]
    elif kind == 3:
        G = rng.normal(size=(m, 1)) @ G[:1] + rng.normal(size=(m, 1)) @ G[-1:]
    elif kind == 4:
        G = G * 10.0 ** rng.integers(-6, 6, size=(m, 1))
    return G


@given(st.integers(0, 10**7))
def test_the_min_norm_point_satisfies_its_theorem(seed: int) -> None:
    """``g_i . d >= ||d||^2`` for every gradient: it characterises the shortest vector of a convex hull."""
    G = family(seed)
    weights = min_norm.min_norm_weights(torch.from_numpy(G)).numpy()
    d = weights @ G
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    scale = (np.linalg.norm(G, axis=1).max()) ** 2
    assert (G @ d - d @ d).min() >= -1e-12 * scale


@pytest.mark.parametrize("seed", range(20))
def test_quadratic_programming_finds_nothing_shorter(seed: int) -> None:
    from scipy.optimize import minimize

    G = family(5 * seed) if seed % 2 else family(5 * seed + 3)
    m = len(G)
    best = minimize(
        lambda x: (x @ G) @ (x @ G),
        np.full(m, 1 / m),
        jac=lambda x: 2 * G @ (x @ G),
        bounds=[(0, 1)] * m,
        constraints={"type": "eq", "fun": lambda x: x.sum() - 1, "jac": lambda x: np.ones(m)},
        options={"ftol": 1e-15, "maxiter": 1000},
    )
    ours = min_norm.min_norm_weights(torch.from_numpy(G)).numpy() @ G
    assert ours @ ours <= best.fun + 1e-9
    assert ours == pytest.approx(best.x @ G, abs=1e-4)


@pytest.mark.parametrize("seed", range(8))
def test_torchjds_frank_wolfe_comes_close_and_is_never_shorter(seed: int) -> None:
    aggregation = pytest.importorskip("torchjd.aggregation")
    G = torch.from_numpy(family(5 * seed + seed % 4))
    exact = min_norm.aggregate(G, "min_norm")
    theirs = aggregation.MGDA(epsilon=1e-9, max_iters=2_000)(G)
    assert float(exact.norm()) <= float(theirs.norm()) + 1e-9
    assert torch.allclose(exact, theirs, atol=0.02 * float(G.norm(dim=1).max()))
    ours = min_norm.frank_wolfe_weights(G, iterations=2_000, tolerance=0.0) @ G
    assert float(exact.norm()) <= float(ours.norm()) + 1e-9
    assert torch.allclose(exact, ours, atol=0.02 * float(G.norm(dim=1).max()))


def test_frank_wolfe_ends_whatever_it_meets() -> None:
    """Defect of the published solver: its counter stands still, and it returns nothing when exhausted."""
    for G in ([[0.0, 0.0], [0.0, 0.0]], [[1.0, 0.0], [-1.0, 0.0]], [[1.0, 1.0]], [[1e-9, 0.0], [1e9, 1.0]]):
        weights = min_norm.frank_wolfe_weights(double(G))
        assert float(weights.sum()) == pytest.approx(1)


def test_normalisations() -> None:
    G, losses = double([[3, 4], [0, 2]]), double([2, 4])
    assert min_norm.normalise(G, losses, "none").tolist() == G.tolist()
    assert min_norm.normalise(G, losses, "l2").tolist() == [[0.6, 0.8], [0, 1]]
    assert min_norm.normalise(G, losses, "loss").tolist() == [[1.5, 2], [0, 0.5]]
    assert min_norm.normalise(G, losses, "loss+").tolist() == [[0.3, 0.4], [0, 0.25]]
    assert min_norm.normalise(0 * G, losses, "l2").tolist() == [[0, 0], [0, 0]]
    with pytest.raises(ValueError, match="expected one of none, l2, loss, loss"):
        min_norm.normalise(G, losses, "max")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="divides by them"):
        min_norm.normalise(G, -losses, "loss")


def test_bad_gradients_are_named() -> None:
    with pytest.raises(ValueError, match=r"expected \(m, n\)"):
        min_norm.min_norm_weights(double([1, 2]))
    with pytest.raises(FloatingPointError, match="row 1 is not finite"):
        min_norm.min_norm_weights(double([[1, 2], [float("nan"), 1]]))


@pytest.mark.parametrize("name", ["UPGrad", "AlignedMTL", "IMTLG", "PCGrad", "DualProj", "Mean", "GradDrop", "Random"])
def test_torchjds_aggregators_go_by_name(name: str) -> None:
    pytest.importorskip("torchjd")
    if name in ("UPGrad", "DualProj"):
        pytest.importorskip("qpsolvers")
    G = torch.from_numpy(family(10))
    before = torch.random.get_rng_state()
    first, again, other = (
        min_norm.aggregate(G, name, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(torch.random.get_rng_state(), before)  # the global stream is untouched
    assert torch.equal(first, again)
    assert other.shape == (G.shape[1],)
    if name in ("UPGrad", "DualProj"):
        assert (G @ first >= -1e-3).all()  # they never oppose a gradient


def test_unknown_or_missing_aggregators_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torchjd")
    G = double([[1, 0], [0, 1]])
    with pytest.raises(ValueError, match="did you mean 'UPGrad'"):
        min_norm.aggregate(G, "UpGrad")
    with pytest.raises(ValueError, match="cannot be used by name"):
        min_norm.aggregate(G, "TrimmedMean")
    with pytest.raises(ValueError, match="has no 'Aggregator'"):
        min_norm.aggregate(G, "Aggregator")
    monkeypatch.setitem(sys.modules, "torchjd", None)
    with pytest.raises(ModuleNotFoundError, match="pip install torchjd"):
        min_norm.aggregate(G, "UPGrad")
    assert min_norm.aggregate(G, "min_norm").tolist() == [0.5, 0.5]


# EPO ------------------------------------------------------------------------------------------------------------------

A = np.array([[0.0, 0.0], [2.0, 1.0]])  # the minima of two quadratics


def follow(preference: Array, *, restricted: bool) -> tuple[Array, Array]:
    x = np.array([-1.0, 2.0])
    for k in range(300):
        G, f = x - A, ((x - A) ** 2).sum(axis=1) / 2
        weights = epo.epo_weights(*(torch.from_numpy(v) for v in (G, f, preference)), restricted=restricted).numpy()
        x = x - 0.15 / (1 + k / 20) * weights @ G
    return x, ((x - A) ** 2).sum(axis=1) / 2


@pytest.mark.parametrize("first", [0.2, 0.6])
@pytest.mark.parametrize("restricted", [True, False])
def test_epo_ends_on_the_segment_where_the_preference_points(first: float, restricted: bool) -> None:
    r = np.array([first, 1 - first])
    x, f = follow(r, restricted=restricted)
    share = r[0] ** -0.5 / (r[0] ** -0.5 + r[1] ** -0.5)
    assert x == pytest.approx(A[0] + share * (A[1] - A[0]), abs=0.03)
    assert r[0] * f[0] == pytest.approx(r[1] * f[1], rel=0.08)


def test_the_non_uniformity_is_zero_on_the_ray_only() -> None:
    r = np.array([0.25, 0.75])
    mu, adjustment = epo.non_uniformity(np.array([3.0, 1.0]), r)
    assert (mu, adjustment) == (pytest.approx(0), pytest.approx([0, 0]))
    assert epo.non_uniformity(np.array([1.0, 1.0]), r)[0] == pytest.approx(0.25 * np.log(0.5) + 0.75 * np.log(1.5))


@given(st.integers(0, 10**6))
def test_a_balance_step_never_raises_the_largest_weighted_loss(seed: int) -> None:
    rng = np.random.default_rng(seed)
    m = int(rng.integers(2, 5))
    G, f, r = rng.normal(size=(m, 6)), rng.uniform(0.1, 2, size=m), rng.dirichlet(np.ones(m)) + 0.01
    weights = epo.epo_weights(*(torch.from_numpy(v) for v in (G, f, r))).numpy()
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    if epo.non_uniformity(f, r)[0] > epo.BALANCED:
        worst = (r * f).argmax()
        assert (G @ G.T @ weights)[worst] >= -1e-6 * np.abs(G @ G.T).max()


def test_epo_says_what_it_needs() -> None:
    G, r = torch.eye(2, dtype=torch.float64), double([0.5, 0.5])
    with pytest.raises(ValueError, match="losses: EPO needs positive"):
        epo.epo_weights(G, double([1.0, 0.0]), r)
    with pytest.raises(ValueError, match="preference: EPO needs positive"):
        epo.epo_weights(G, double([1.0, 1.0]), double([1.0, 0.0]))
    with pytest.raises(ValueError, match=r"expected \(m, n\)"):
        epo.epo_weights(G, double([1.0, 1.0, 1.0]), r)
    assert epo.epo_weights(0 * G, r, r).tolist() == [0.5, 0.5]
