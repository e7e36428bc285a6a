"""Hypergradients: the golden numbers of each method, oracles of the solved lower level, and who collapses."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mobench.problems.toys import bilevel_toys as toys
from mobench.searchers._relaxed import ball as _ball
from mobench.searchers._relaxed import hypergradients as _hypergradients
from mobench.searchers._relaxed import joint as _joint
from mobench.searchers._relaxed import linear as _linear
from mobench.searchers._relaxed.linear import Loss, Operator, Solution, Vector, Weights
from mobench.searchers.bilevel import auxiliary, bome, darts, f2sa, implicit, milenas, unrolled

torch.set_num_threads(1)

# T1: f = 1/2 w'Aw - w'(B alpha + c), F = 1/2 ||w - t||^2 + rho/2 ||alpha||^2
A, B = (torch.tensor(x, dtype=torch.float64) for x in ([[2, 0.5], [0.5, 1]], [[1.0, 0], [1, 1]]))
c, t = (torch.tensor(x, dtype=torch.float64) for x in ([1.0, 0], [1.0, 2]))
RHO, XI = 0.1, 0.3
EXACT = (-2.072449, -2.784694)


def lower(weights: Weights, alpha: Tensor) -> Tensor:
    w = weights["w"]
    return w @ A @ w / 2 - w @ (B @ alpha + c)


def upper(weights: Weights, alpha: Tensor) -> Tensor:
    return ((weights["w"] - t) ** 2).sum() / 2 + RHO / 2 * (alpha**2).sum()


def start(alpha: tuple[float, float] = (0.5, -0.5)) -> Tensor:
    return torch.tensor(alpha, dtype=torch.float64, requires_grad=True)


def response(alpha: Tensor) -> Vector:
    return {"w": torch.linalg.solve(A, B @ alpha.detach() + c).requires_grad_()}


def zeros() -> Vector:
    return {"w": torch.zeros(2, dtype=torch.float64, requires_grad=True)}


def cg(multiply: Operator, u: Vector) -> Solution:
    return _linear.conjugate_gradients(multiply, u, iterations=50, tolerance=1e-14)


def series(terms: int, step: float = XI) -> Callable[[Operator, Vector], Solution]:
    return lambda multiply, u: _linear.neumann(multiply, u, step=step, terms=terms)


def approx(values: object) -> object:
    return pytest.approx(values, abs=2e-6)


def test_the_instance_has_its_golden_values() -> None:
    alpha = start()
    weights = response(alpha)
    assert weights["w"].tolist() == approx([0.857143, -0.428571])
    assert float(upper(weights, alpha).detach()) == approx(2.984184)


def test_first_order_sees_only_the_direct_term_whatever_the_data() -> None:
    alpha = start()
    for weights in (zeros(), response(alpha)):
        assert darts.hypergradient(upper, weights, alpha).tolist() == approx([0.05, -0.05])


def test_second_order_darts() -> None:
    alpha, weights = start(), zeros()
    h = _hypergradients.one_step(upper, lower, weights, alpha, step=XI)
    assert h.tolist() == pytest.approx([-0.715, -0.65], abs=1e-12)
    assert weights["w"].tolist() == [0, 0]  # the weights stay
    assert weights["w"].grad is None
    assert alpha.grad is None


def test_second_order_darts_has_the_momentum_in_its_step() -> None:
    """``w' = w - xi (grad_w f + inertia)``: equal to one differentiable step of training with momentum."""
    alpha, weights = start(), response(start())
    velocity = {"w": torch.tensor([0.7, -0.3], dtype=torch.float64)}
    h = _hypergradients.one_step(upper, lower, weights, alpha, step=XI, inertia=_linear.times(velocity, 0.9))
    trained, _ = unrolled.train([lower], weights, alpha, step=XI, velocity=velocity, momentum=0.9)
    assert h.tolist() == pytest.approx(unrolled.hypergradient(upper, trained, alpha).tolist(), abs=1e-12)


def test_second_order_darts_at_a_stationary_upper_level() -> None:
    def flat(weights: Weights, alpha: Tensor) -> Tensor:
        return (alpha**2).sum() + 0.0 * weights["w"].sum()

    assert _hypergradients.one_step(flat, lower, zeros(), start(), step=XI).tolist() == [1, -1]


@pytest.mark.parametrize(
    ("K", "golden"),
    [
        (1, (-0.721429, -0.778571)),
        (2, (-1.132857, -1.282143)),
        (5, (-1.685494, -2.128033)),
        (10, (-1.973651, -2.616052)),
        (50, (-2.072447, -2.784691)),
    ],
)
def test_unrolled_gradients(K: int, golden: tuple[float, float]) -> None:
    """At the lower level's minimum K steps and K terms of a Neumann series are the same."""
    alpha = start()
    weights = response(alpha)
    trained, _ = unrolled.train([lower] * K, weights, alpha, step=XI)
    assert unrolled.hypergradient(upper, trained, alpha).tolist() == approx(golden)
    assert trained["w"].tolist() == approx(weights["w"].tolist())
    h, solution = implicit.hypergradient(upper, lower, weights, alpha, solve=series(K - 1))
    assert h.tolist() == approx(golden)
    assert solution.products == K - 1
    largest = 2.207107, 0.792893
    bound = max(abs(1 - XI * e) for e in largest) ** K / largest[1]
    exact = np.array(EXACT)
    assert np.linalg.norm(h.numpy() - exact) <= bound * 2.0 * float(torch.linalg.norm(weights["w"].detach() - t)) + 1e-6


def test_unrolling_ends_where_training_with_momentum_ends() -> None:
    alpha, weights = start(), zeros()
    trained, velocity = unrolled.train([lower] * 7, weights, alpha, step=0.1, momentum=0.9)
    w = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)
    for _ in range(7):
        optimizer.zero_grad()
        lower({"w": w}, alpha.detach()).backward()
        optimizer.step()
    assert trained["w"].tolist() == pytest.approx(w.tolist(), abs=1e-12)
    assert velocity["w"].tolist() == pytest.approx(optimizer.state[w]["momentum_buffer"].tolist(), abs=1e-12)


@pytest.mark.parametrize("radius", [None, 0.01, 0.1])
@pytest.mark.parametrize("solve", [cg, series(200)], ids=["cg", "neumann"])
def test_the_implicit_gradient_is_exact(solve: Callable[[Operator, Vector], Solution], radius: float | None) -> None:
    alpha = start()
    h, _ = implicit.hypergradient(upper, lower, response(alpha), alpha, solve=solve, radius=radius)
    assert h.tolist() == approx(EXACT)


@pytest.mark.parametrize("step", [0.1, 1 / 2.207107])
def test_more_terms_bring_a_neumann_series_closer(step: float) -> None:
    """Monotone for steps up to 1 / lambda_max."""
    alpha = start()
    errors = [
        np.linalg.norm(
            implicit.hypergradient(upper, lower, response(alpha), alpha, solve=series(K, step))[0].numpy()
            - np.array(EXACT)
        )
        for K in range(12)
    ]
    assert all(later < earlier for earlier, later in itertools.pairwise(errors))


@pytest.mark.parametrize(
    ("penalty", "slope"), [(-2.0, -0.138199), (-1.0, -0.089621), (0.0, 0.372781), (1.0, 0.994536), (-0.686526, 0.0)]
)
def test_the_implicit_gradient_of_a_ridge_penalty(penalty: float, slope: float) -> None:
    """T2: the golden values, and the closed form -e^l w'H^-1 grad_w F to 1e-9."""
    X, y, V, v = (torch.from_numpy(a) for a in (toys.INPUTS, toys.TARGETS, toys.VALID_INPUTS, toys.VALID_TARGETS))

    def f(weights: Weights, alpha: Tensor) -> Tensor:
        return ((X @ weights["w"] - y) ** 2).mean() / 2 + alpha[0].exp() * (weights["w"] ** 2).sum() / 2

    def F(weights: Weights, alpha: Tensor) -> Tensor:
        return ((V @ weights["w"] - v) ** 2).mean() / 2

    alpha = torch.tensor([penalty], dtype=torch.float64, requires_grad=True)
    H = X.T @ X / 3 + np.exp(penalty) * torch.eye(2, dtype=torch.float64)
    w = torch.linalg.solve(H, X.T @ y / 3)
    h, _ = implicit.hypergradient(F, f, {"w": w.clone().requires_grad_()}, alpha, solve=cg)
    assert h.tolist() == approx([slope])
    closed = -np.exp(penalty) * w @ torch.linalg.solve(H, V.T @ (V @ w - v) / 2)
    assert h.item() == pytest.approx(closed.item(), abs=1e-9)


def test_the_implicit_gradient_vanishes_at_the_optimum() -> None:
    alpha = start((1.546354, 0.740198))
    weights = response(alpha)
    h, _ = implicit.hypergradient(upper, lower, weights, alpha, solve=cg)
    assert h.tolist() == approx([0, 0])
    assert weights["w"].tolist() == approx([0.801759, 1.885672])
    assert float(upper(weights, alpha).detach()) == approx(0.173140)


def random_instance(seed: int) -> tuple[Loss, Loss, Callable[[Tensor], Vector], Tensor]:
    """A ridge regression whose features' scales and penalty are the architecture, and its solution."""
    generator = torch.Generator().manual_seed(seed)
    X, V = (torch.randn((9, 4), generator=generator, dtype=torch.float64) for _ in range(2))
    y, v = (torch.randn(9, generator=generator, dtype=torch.float64) for _ in range(2))
    alpha = (0.5 * torch.randn(5, generator=generator, dtype=torch.float64)).requires_grad_()

    def f(weights: Weights, alpha: Tensor) -> Tensor:
        residual = (X * alpha[:4].exp()) @ weights["w"] - y
        return (residual**2).mean() / 2 + alpha[4].exp() * (weights["w"] ** 2).sum() / 2

    def F(weights: Weights, alpha: Tensor) -> Tensor:
        return (((V * alpha[:4].exp()) @ weights["w"] - v) ** 2).mean() / 2 + 0.01 * (alpha**2).sum()

    def solved(alpha: Tensor) -> Vector:
        Z = X * alpha.detach()[:4].exp()
        H = Z.T @ Z / 9 + alpha.detach()[4].exp() * torch.eye(4, dtype=torch.float64)
        return {"w": torch.linalg.solve(H, Z.T @ y / 9).requires_grad_()}

    return F, f, solved, alpha


@given(st.integers(0, 10**6))
@settings(max_examples=25)
def test_implicit_unrolled_and_penalty_gradients_are_finite_differences_of_the_solved_problem(seed: int) -> None:
    F, f, solved, alpha = random_instance(seed)

    def total(x: Tensor) -> float:
        return float(F(solved(x), x).detach())

    e = 1e-5 * torch.eye(5, dtype=torch.float64)
    a = alpha.detach()
    difference = [(total(a + e[i]) - total(a - e[i])) / 2e-5 for i in range(5)]
    weights = solved(alpha)
    h, _ = implicit.hypergradient(F, f, weights, alpha, solve=cg)
    scale = 1.0 + max(abs(x) for x in difference)
    assert h.tolist() == pytest.approx(difference, abs=1e-6 * scale)
    slope = _linear.gradient(f(weights, alpha), weights, graph=True)
    multiply = _linear.product(slope, weights)
    step = 1.0 / _linear.largest_eigenvalue(
        multiply, weights, generator=torch.Generator().manual_seed(1), iterations=100, tolerance=1e-9
    )
    trained, _ = unrolled.train([f] * 40, weights, alpha, step=step)
    assert unrolled.hypergradient(F, trained, alpha).tolist() == pytest.approx(
        implicit.hypergradient(F, f, weights, alpha, solve=series(39, step))[0].tolist(), abs=1e-7 * scale
    )
    joint = _joint.direction(point(F, f, weights, alpha), mixture=single)
    assert joint.h.tolist() == pytest.approx(difference, abs=1e-4 * scale)


def test_where_the_lower_level_has_many_minima_the_solver_finds_the_shortest_answer() -> None:
    """T4: f = 1/2 (w_1 + w_2 - alpha)^2; h -> (u_1 + u_2) / 2 as the damping falls, and no nan."""

    def f(weights: Weights, alpha: Tensor) -> Tensor:
        return (weights["w"].sum() - alpha[0]) ** 2 / 2

    def F(weights: Weights, alpha: Tensor) -> Tensor:
        return ((weights["w"] - torch.tensor([1.0, 0.0])) ** 2).sum() / 2

    alpha = torch.tensor([0.6], dtype=torch.float64, requires_grad=True)
    weights = {"w": torch.tensor([0.3, 0.3], dtype=torch.float64, requires_grad=True)}
    u = weights["w"].detach() - torch.tensor([1.0, 0.0])
    for delta in (1.0, 0.1, 1e-6, 0.0):

        def solve(multiply: Operator, b: Vector, delta: float = delta) -> Solution:
            return cg(lambda v: _linear.plus(multiply(v), v, delta), b)

        h, _ = implicit.hypergradient(F, f, weights, alpha, solve=solve)
        if delta:
            assert h.tolist() == pytest.approx([float(u.sum()) / (2 + delta)], abs=1e-6)
        assert torch.isfinite(h).all()  # without damping the system has no solution


@pytest.mark.parametrize(
    ("penalty", "golden"),
    [
        (1, (-1.043168, -1.304658)),
        (10, (-1.877878, -2.491054)),
        (100, (-2.051006, -2.752095)),
        (1000, (-2.070282, -2.781398)),
    ],
)
def test_f2sa(penalty: float, golden: tuple[float, float]) -> None:
    alpha = start()
    y = {"w": torch.linalg.solve(torch.eye(2) + penalty * A, t + penalty * (B @ alpha.detach() + c))}
    h = f2sa.hypergradient(upper, lower, y, response(alpha), alpha, penalty=penalty)
    assert h.tolist() == approx(golden)


@pytest.mark.parametrize("mixing", [0.0, 1.0, 10.0])
def test_milenas_is_linear_in_its_mixing(mixing: float) -> None:
    alpha, weights = start(), response(start())
    h = milenas.hypergradient(upper, lower, weights, alpha, mixing=mixing)
    single = milenas.hypergradient(upper, lower, weights, alpha, mixing=0.0)
    assert single.tolist() == approx((-B.T @ weights["w"].detach()).tolist())
    assert (h - single).tolist() == approx((mixing * darts.hypergradient(upper, weights, alpha)).tolist())


@pytest.mark.parametrize(
    ("mixing", "fixed", "stable"),
    [
        (1000, (0.0028653295, -0.0028653295), True),
        (100, (0.029412, -0.029412), True),
        (10, (0.4, -0.4), False),
        (1, (-1.538462, 1.538462), False),
    ],
)
def test_milenas_has_its_golden_fixed_points_and_leaves_the_unstable_ones(
    mixing: float, fixed: tuple[float, float], stable: bool
) -> None:
    alpha = start(fixed)
    assert milenas.hypergradient(upper, lower, response(alpha), alpha, mixing=mixing).tolist() == pytest.approx(
        [0, 0], abs=1e-5
    )
    alpha = (alpha.detach() + torch.tensor([0.3, 0.1])).requires_grad_()
    weights = response(alpha)
    for _ in range(2000):
        h = milenas.hypergradient(upper, lower, weights, alpha, mixing=mixing) / (1 + mixing)
        slope = _linear.gradient(lower(weights, alpha.detach()), weights)
        with torch.no_grad():
            alpha -= 0.2 * h
            weights["w"] -= 0.3 * slope["w"]
        if float(alpha.detach().norm()) > 1e3:
            break
    if stable:
        assert alpha.tolist() == pytest.approx(fixed, abs=1e-4)
    else:
        assert float(alpha.detach().norm()) > 1e2


def follow_bome(inner_steps: int, steps: int, alpha: Tensor, weights: Vector, barrier: float = 0.5) -> bome.Direction:
    for _ in range(steps):
        found = bome.direction(upper, lower, weights, alpha, inner_steps=inner_steps, inner_rate=0.3, barrier=barrier)
        with torch.no_grad():
            alpha -= 0.01 * found.alpha
            weights["w"] -= 0.01 * found.weights["w"]
    return found


BOMES = [(1, (1.4163, 0.7249)), (5, (1.5444, 0.7329)), (20, (1.5451, 0.7404))]


@pytest.mark.parametrize(("inner_steps", "golden"), BOMES)
def test_bome_stays_at_its_golden_end(inner_steps: int, golden: tuple[float, float]) -> None:
    """A few inner steps are biased: with one, the end is off the optimum (1.5464, 0.7402)."""
    alpha = start(golden)
    weights = response(alpha)
    found = follow_bome(inner_steps, 400, alpha, weights)
    assert alpha.tolist() == pytest.approx(golden, abs=2e-3)
    assert 0 <= found.gap < 1e-4
    assert found.multiplier > 10


@pytest.mark.slow
@pytest.mark.parametrize(("inner_steps", "golden"), BOMES)
def test_bome_reaches_its_golden_end(inner_steps: int, golden: tuple[float, float]) -> None:
    alpha, weights = start(), zeros()
    found = follow_bome(inner_steps, 20_000, alpha, weights, barrier=0.1)
    assert alpha.tolist() == pytest.approx(golden, abs=5e-4)
    assert found.gap < 1e-5


def test_bomes_direction_descends_on_the_lower_level_as_fast_as_its_barrier_says() -> None:
    alpha, weights = start(), zeros()
    for barrier in (0.1, 0.5, 0.9):
        found = bome.direction(upper, lower, weights, alpha, inner_steps=5, inner_rate=0.3, barrier=barrier)
        trained = zeros()
        for _ in range(5):
            slope = _linear.gradient(lower(trained, alpha.detach()), trained)
            trained = _linear.detached(_linear.plus(trained, slope, -0.3))
        q = lower(weights, alpha) - lower({"w": trained["w"].detach()}, alpha)
        dw, da = _linear.by_both(q, weights, alpha)
        progress = float((found.weights["w"] * dw["w"]).sum() + (found.alpha * da).sum())
        length = float((dw["w"] ** 2).sum() + (da**2).sum())
        assert found.gap == pytest.approx(float(q.detach()))
        assert progress >= barrier * length - 1e-6


# the auxiliary program ------------------------------------------------------------------------------------------------


def no_costs(alpha: Tensor) -> Tensor:
    return alpha.new_zeros(0)


def point(F: Loss, f: Loss, weights: Vector, alpha: Tensor) -> _joint.Point:
    return _joint.Point(F, no_costs, f, weights, alpha)


def single(values: Tensor, H: Tensor) -> Tensor:
    return torch.ones(1, dtype=torch.float64)


def golden_joint(ball: _ball.Ball = "2") -> tuple[_joint.Point, _joint.Joint]:
    alpha = start()
    here = point(upper, lower, response(alpha), alpha)
    return here, _joint.direction(here, mixture=single, ball=ball)


def test_the_joint_direction_has_its_golden_values() -> None:
    _, joint = golden_joint()
    assert joint.h.tolist() == approx(EXACT)
    assert joint.alpha.tolist() == approx([0.597033, 0.802217])
    assert joint.weights["w"].tolist() == approx([-0.058624, 1.428562])
    assert joint.slope == approx(-3.471248)
    assert joint.residual == pytest.approx(0, abs=1e-12)
    assert (A @ joint.weights["w"] - B @ joint.alpha).tolist() == approx([0, 0])  # the linear response


def test_the_quadratic_step_has_its_golden_values() -> None:
    here, joint = golden_joint()
    merit = here.merit(joint.mix)
    step = _joint.quadratic_step(merit, here, joint)
    assert step == pytest.approx(1.618882, abs=1e-5)
    weights, alpha = _joint.moved(here, joint, step)
    assert float(merit(weights, alpha).detach()) == approx(0.174412)
    taken, joined = _joint.backtrack(merit, here, joint, first=step, floor=1e-9)
    assert (taken, joined) == (step, True)
    _joint.take(here, joint, taken, joined=True)
    assert float(upper(here.weights, here.alpha).detach()) == approx(0.174412)
    assert here.weights["w"].tolist() == approx(response(here.alpha)["w"].tolist())  # still the lower level's minimum


def test_the_box_program_is_the_linear_programs_solution() -> None:
    from scipy.optimize import linprog

    here, joint = golden_joint("inf")
    assert joint.slope == approx(-4.857143)
    rows = torch.hstack([-B, A]).numpy()  # C' d_alpha + H d_w = 0 with C' = -B
    u = (here.weights["w"].detach() - t).numpy()
    found = linprog(
        np.concatenate([RHO * here.alpha.detach().numpy(), u]),
        A_eq=rows,
        b_eq=np.zeros(2),
        bounds=[(-1, 1)] * 2 + [(None, None)] * 2,
    )
    assert found.fun == pytest.approx(joint.slope, abs=1e-6)
    assert found.x == pytest.approx([*joint.alpha.tolist(), *joint.weights["w"].tolist()], abs=1e-6)


def test_the_one_norm_changes_one_coordinate() -> None:
    _, joint = golden_joint("1")
    assert joint.alpha.tolist() == [0, 1]
    assert joint.slope == approx(EXACT[1])
    assert _ball.steepest(torch.zeros(2, 3), "2").tolist() == torch.zeros(2, 3).tolist()


def test_the_slope_is_the_derivative_of_the_solved_problem() -> None:
    _, joint = golden_joint()
    e = 1e-6
    ends = [(start().detach() + s * e * joint.alpha).requires_grad_() for s in (1, -1)]
    values = [float(upper(response(a), a).detach()) for a in ends]
    assert (values[0] - values[1]) / (2 * e) == pytest.approx(joint.slope, abs=1e-6)


def test_weights_that_move_along_stay_stationary_to_second_order() -> None:
    """Halving the step divides the lower level's gradient by 4 along the joint step, by 2 where the weights stay."""

    def f(weights: Weights, alpha: Tensor) -> Tensor:
        return lower(weights, alpha) + (weights["w"] ** 4).sum() / 4 + (alpha * weights["w"]).sum() ** 2 / 8

    alpha, weights = start(), zeros()
    for _ in range(60):  # Newton
        slope = _linear.gradient(f(weights, alpha.detach()), weights, graph=True)
        move = cg(_linear.product(slope, weights), {"w": slope["w"].detach()}).x
        weights = _linear.detached(_linear.plus(weights, move, -1.0))
    here = point(upper, f, weights, alpha)
    joint = _joint.direction(here, mixture=single)
    assert joint.residual < 1e-12
    ratios = {}
    for joined in (True, False):
        residuals = []
        for size in (0.02, 0.01, 0.005):
            w, a = _joint.moved(here, joint, size, joined=joined)
            residuals.append(_linear.norm(_linear.gradient(f(w, a), w)))
        ratios[joined] = [residuals[0] / residuals[1], residuals[1] / residuals[2]]
    assert ratios[True] == pytest.approx([4, 4], rel=0.05)
    assert ratios[False] == pytest.approx([2, 2], rel=0.05)


def test_a_step_that_nothing_accepts_leaves_the_weights_behind() -> None:
    here, joint = golden_joint()
    rising: Loss = lambda weights, alpha: -upper(weights, alpha)  # noqa: E731
    taken, joined = _joint.backtrack(rising, here, joint, first=0.1)
    assert (taken, joined) == (0.1 / 32, False)
    before = here.weights["w"].tolist()
    _joint.take(here, joint, taken, joined=False)
    assert here.weights["w"].tolist() == before
    guarded, joined = _joint.backtrack(here.merit(joint.mix), here, joint, first=1e5)  # far too long
    assert not joined
    assert guarded == pytest.approx(1e5 / 32)
    assert _joint.quadratic_step(rising, here, joint) is None


def test_several_objectives_descend_together() -> None:
    alpha = start((2.0, 1.5))
    here = _joint.Point(upper, lambda a: (a**2).sum()[None] / 2, lower, response(alpha), alpha)
    joint = _joint.direction(here, mixture=lambda values, H: _joint.common_descent(H))
    rows = [_joint.direction(here, mixture=lambda v, H, r=r: r).h for r in torch.eye(2, dtype=torch.float64)]
    assert all(float(row @ joint.alpha) < 0 for row in rows)
    assert float(joint.mix.sum()) == pytest.approx(1)
    assert rows[1].tolist() == approx([2.0, 1.5])


# T5, the skip-collapse toy: who falls for it --------------------------------------------------------------------------


def skip_upper(weights: Weights, alpha: Tensor) -> Tensor:
    p = torch.sigmoid(alpha)
    return ((p * weights["w"] + (1 - p) * 0.9 - 1.0) ** 2).sum() / 2


def skip_lower(weights: Weights, alpha: Tensor) -> Tensor:
    return skip_upper(weights, alpha) + 0.005 * (weights["w"] ** 2).sum()


def skip_end(hypergradient: Callable[[Vector, Tensor], Tensor], steps: int = 3000) -> tuple[float, float]:
    """Alternate steps of alpha, rate 1, and of w, rate 0.01, from zero; the share p and F where they end."""
    alpha = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    weights = {"w": torch.zeros(1, dtype=torch.float64, requires_grad=True)}
    for _ in range(steps):
        h = hypergradient(weights, alpha)
        with torch.no_grad():
            alpha -= h
        slope = _linear.gradient(skip_lower(weights, alpha.detach()), weights)
        with torch.no_grad():
            weights["w"] -= 0.01 * slope["w"]
    return float(torch.sigmoid(alpha.detach())), float(skip_upper(weights, alpha).detach())


def test_first_order_darts_collapses_to_the_skip() -> None:
    p, F = skip_end(lambda w, a: darts.hypergradient(skip_upper, w, a))
    assert p < 0.01
    assert 5e-3 < F < 5.4e-3


@pytest.mark.slow
def test_the_collapse_has_its_golden_numbers() -> None:
    p, F = skip_end(lambda w, a: darts.hypergradient(skip_upper, w, a), steps=20_000)
    assert (p, F) == (pytest.approx(6e-4, rel=0.1), pytest.approx(5.05e-3, rel=2e-3))
    p, F = skip_end(lambda w, a: implicit.hypergradient(skip_upper, skip_lower, w, a, solve=cg)[0], steps=20_000)
    assert (p, F) == (pytest.approx(0.98, abs=0.01), pytest.approx(5.1e-5, rel=0.05))


def test_implicit_does_not_collapse() -> None:
    p, F = skip_end(lambda w, a: implicit.hypergradient(skip_upper, skip_lower, w, a, solve=cg)[0])
    assert p > 0.9
    assert F < 1e-4


def test_the_spectral_norm_of_the_hypergradients_jacobian_tells_the_methods_apart() -> None:
    """RobustDARTS's measure on T1: rho I for the first order, rho I + B'A^-2 B for the implicit gradient."""
    M = torch.linalg.solve(A, B)
    for h, matrix in (
        (lambda a: darts.hypergradient(upper, response(a), a), RHO * torch.eye(2, dtype=torch.float64)),
        (
            lambda a: implicit.hypergradient(upper, lower, response(a), a, solve=cg)[0],
            RHO * torch.eye(2, dtype=torch.float64) + M.T @ M,
        ),
    ):

        def multiply(v: Weights, h: Callable[[Tensor], Tensor] = h) -> Vector:
            ends = [h((start().detach() + s * v["a"]).requires_grad_()) for s in (1.0, -1.0)]
            return {"a": (ends[0] - ends[1]) / 2}

        found = _linear.largest_eigenvalue(
            multiply, {"a": start()}, generator=torch.Generator().manual_seed(0), iterations=60, tolerance=1e-10
        )
        assert found == pytest.approx(float(torch.linalg.eigvalsh(matrix)[-1]), rel=1e-5)


def test_every_searcher_needs_a_supernet() -> None:
    from mobench import Supernet

    for module in (auxiliary, bome, darts, f2sa, implicit, milenas, unrolled):
        assert module.needs == (Supernet,)
