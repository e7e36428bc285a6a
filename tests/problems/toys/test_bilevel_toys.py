"""The bilevel toys: every number of their pages, from exact answers and from autograd through the networks."""

import subprocess
import sys
import typing

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau

from mobench import BudgetExhausted, Network, make_problem, nondominated, operation_mask
from mobench.core.indicators import hypervolume
from mobench.problems._toys.ridgenet_data import OWNERS
from mobench.problems.toys import bilevel_toys as toys

NAMES = typing.get_args(toys.Name)
CONTINUOUS = [name for name in NAMES if name not in ("ridgenet", "ragged")]


def opened(name, seed=0):
    ledger: list[float] = []
    problem = toys.problem(name=name)
    network: Network = problem.supernet(charge=lambda flops: ledger.append(flops), seed=seed)
    return problem, network, ledger


def derivatives(network, w, alpha, *, relax=lambda alpha: alpha):
    """Gradients (F_a, F_w), Hessian f_ww and mixed product C = f_aw by autograd, and F."""
    w, alpha = w.detach().requires_grad_(), alpha.detach().requires_grad_()
    upper = network.valid_loss({"w": w}, relax(alpha), None)
    F_a, F_w = torch.autograd.grad(upper, [alpha, w])
    (f_w,) = torch.autograd.grad(network.train_loss({"w": w}, relax(alpha), None), w, create_graph=True)
    rows = [torch.autograd.grad(f_w[i], [w, alpha], retain_graph=True) for i in range(len(w))]
    H = torch.stack([row[0] for row in rows])
    C = torch.stack([row[1].flatten() for row in rows], dim=1)
    return F_a.flatten(), F_w, H, C, upper.item(), f_w


def solved(network, alpha, *, relax=lambda alpha: alpha):
    """Exact weights of a quadratic lower level: one Newton step from the start."""
    w = network.initial_weights()["w"]
    *_, f_w = (parts := derivatives(network, w, alpha, relax=relax))
    return (w - torch.linalg.lstsq(parts[2], f_w).solution).detach()


def hypergradient(network, alpha, *, relax=lambda alpha: alpha):
    F_a, F_w, H, C, value, _ = derivatives(network, solved(network, alpha, relax=relax), alpha, relax=relax)
    return (F_a - C @ torch.linalg.solve(H, F_w)).reshape(alpha.shape), value


def vector(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_quadratic_has_the_published_response_gradient_and_optimum():
    problem, network, _ = opened("quadratic")
    a0 = network.initial_alpha()
    assert a0.tolist() == [0.5, -0.5]
    np.testing.assert_allclose(np.linalg.eigvalsh(toys.A), [0.792893, 2.207107], atol=5e-7)
    np.testing.assert_allclose(solved(network, a0), [0.857143, -0.428571], atol=5e-7)
    h, F = hypergradient(network, a0)
    assert F == pytest.approx(2.984184, abs=5e-7)
    np.testing.assert_allclose(h, [-2.072449, -2.784694], atol=5e-7)
    np.testing.assert_allclose(problem.best, [[1.546354, 0.740198]], atol=5e-7)
    np.testing.assert_allclose(solved(network, vector(*problem.best[0])), [0.801759, 1.885672], atol=5e-7)
    assert problem.exact(problem.best) == pytest.approx(0.173140, abs=5e-7)
    np.testing.assert_allclose(hypergradient(network, vector(*problem.best[0]))[0], 0, atol=1e-12)


def test_quadratic_fools_the_first_order_gradient_and_gives_the_mixed_term():
    _, network, _ = opened("quadratic")
    F_a, _, H, C, _, _ = derivatives(network, vector(3.0, -2.0), vector(0.5, -0.5))
    np.testing.assert_allclose(F_a, [0.05, -0.05], atol=1e-12)  # rho alpha, whatever w is
    np.testing.assert_allclose(H, toys.A, atol=1e-12)
    np.testing.assert_allclose(C, -toys.B.T, atol=1e-12)


def test_one_unrolled_step_on_quadratic():
    _, network, _ = opened("quadratic")
    a, w = network.initial_alpha(), network.initial_weights()["w"]
    (f_w,) = torch.autograd.grad(network.train_loss({"w": w}, a, None), w, create_graph=True)
    moved = w - 0.3 * f_w
    (h,) = torch.autograd.grad(network.valid_loss({"w": moved}, a, None), a)
    np.testing.assert_allclose(moved.detach(), [0.45, 0.0], atol=1e-12)
    np.testing.assert_allclose(h, [-0.715, -0.65], atol=1e-12)


@pytest.mark.parametrize(
    ("steps", "h"),
    [
        (1, (-0.721429, -0.778571)),
        (2, (-1.132857, -1.282143)),
        (5, (-1.685494, -2.128033)),
        (10, (-1.973651, -2.616052)),
        (50, (-2.072447, -2.784691)),
    ],
)
def test_unrolled_steps_on_quadratic_from_the_answer(steps, h):
    _, network, _ = opened("quadratic")
    a = network.initial_alpha()
    w = solved(network, a).requires_grad_()
    for _ in range(steps):
        (f_w,) = torch.autograd.grad(network.train_loss({"w": w}, a, None), w, create_graph=True)
        w = w - 0.3 * f_w
    np.testing.assert_allclose(torch.autograd.grad(network.valid_loss({"w": w}, a, None), a)[0], h, atol=5e-7)


@pytest.mark.parametrize(
    ("alpha", "w", "F", "h"),
    [
        (-2.0, (0.684442, 1.353228), 0.168562, -0.138199),
        (-1.0, None, 0.033470, -0.089621),
        (0.0, (0.410256, 0.948718), 0.133136, 0.372781),
        (1.0, None, 0.844745, 0.994536),
        (-0.686526, None, 0.018125, 0.0),
    ],
)
def test_ridge_has_the_published_answers(alpha, w, F, h):
    problem, network, _ = opened("ridge")
    found, value = hypergradient(network, vector(alpha))
    assert value == pytest.approx(F, abs=5e-7)
    assert problem.exact(np.array([[alpha]])).item() == pytest.approx(F, abs=5e-7)
    assert found.item() == pytest.approx(h, abs=5e-7)
    if w is not None:
        np.testing.assert_allclose(solved(network, vector(alpha)), w, atol=5e-7)


@pytest.mark.parametrize(("name", "toll", "flow", "revenue"), [("toll", 1.5, 0.75, 1.125), ("toll_saturated", 4, 1, 4)])
def test_toll_has_its_optimum_and_three_regimes(name, toll, flow, revenue):
    problem, network, _ = opened(name)
    X, F = problem.front()
    assert problem.alpha(X).item() == toll
    assert F.item() == -revenue
    assert solved(network, vector(toll)).clamp(0, 1).item() == pytest.approx(flow)
    D = {"toll": 3.0, "toll_saturated": 6.0}[name]
    for T in (D - 2.5, D - 1.0, D + 0.5):  # full, shared, empty; kinks at D - 2 and D
        x = float(np.clip((D - T) / 2, 0, 1))
        h, value = hypergradient(network, vector(T))
        assert -value == pytest.approx(T * x)
        assert problem.exact(np.array([[T]])).item() == pytest.approx(-T * x)
        assert -h.item() == pytest.approx(x + T * (-0.5 if 0 < x < 1 else 0.0))


def test_non_unique_damped_gradient_is_the_minimum_norm_one():
    problem, network, _ = opened("non_unique")
    w = vector(0.3, -0.2)
    F_a, F_w, H, C, _, _ = derivatives(network, w, vector(0.1))
    assert torch.linalg.matrix_rank(H) == 1
    u = w - vector(1.0, 0.0)
    for delta in (1.0, 1e-2, 1e-6):
        h = F_a - C @ torch.linalg.solve(H + delta * torch.eye(2, dtype=torch.float64), F_w)
        assert h.item() == pytest.approx(u.sum().item() / (2 + delta))
    X, F = problem.front()
    assert (problem.alpha(X).item(), F.item()) == (1.0, 0.25)
    np.testing.assert_allclose(solved(network, vector(1.0)), [0.5, 0.5], atol=1e-12)
    assert network.valid_loss({"w": vector(1.0, 0.0)}, vector(1.0), None).item() == 0  # the optimistic optimum


def test_skip_collapse_values():
    problem, network, _ = opened("skip_collapse")
    for alpha, F, within in ((40.0, 4.9e-5, 5e-7), (0.0, 2.24e-4, 5e-7), (-40.0, 5e-3, 1e-12)):
        assert problem.exact(np.array([[alpha]])).item() == pytest.approx(F, abs=within)
        w = solved(network, vector(alpha))
        assert network.valid_loss({"w": w}, vector(alpha), None).item() == pytest.approx(F, abs=within)


@pytest.mark.parametrize("implicit", [False, True])
def test_skip_collapse_traps_the_first_order_and_not_the_implicit_gradient(implicit):
    def slopes(a, w):
        p = 1 / (1 + np.exp(-a))
        r, dp = p * w + (1 - p) * 0.9 - 1, p * (1 - p)
        direct = r * (w - 0.9) * dp
        C = (p * (w - 0.9) + r) * dp
        return p, direct - implicit * C * r * p / (p * p + 0.01), r * p + 0.01 * w, r

    a = w = 0.0
    history = []
    for _ in range(20_000):
        a -= slopes(a, w)[1]
        w -= 0.01 * slopes(a, w)[2]
        history.append((a, w))
    p, _, _, r = slopes(a, w)
    assert (p, r * r / 2) == pytest.approx((0.98, 5.1e-5) if implicit else (0.0006, 5.05e-3), rel=0.06)

    _, network, _ = opened("skip_collapse")
    alpha, weights = network.initial_alpha(), network.initial_weights()
    for step in range(100):
        F_a, F_w, H, C, _, _ = derivatives(network, weights["w"], alpha)
        alpha = alpha.detach() - (F_a - C @ torch.linalg.solve(H, F_w) if implicit else F_a)
        (f_w,) = torch.autograd.grad(network.train_loss(weights, alpha, None), weights["w"])
        weights = {"w": (weights["w"] - 0.01 * f_w).detach().requires_grad_()}
        assert (alpha.item(), weights["w"].item()) == pytest.approx(history[step])


def test_quadratic_front_has_the_published_points_and_ends():
    problem, network, _ = opened("quadratic_front")
    r = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
    alphas = toys.quadratic_optimum((1 - r) / r)
    published = [
        (1.837551, 0.043256),
        (0.850489, 0.277204),
        (0.380116, 0.582311),
        (0.150813, 0.921651),
        (0.030212, 1.431373),
    ]
    np.testing.assert_allclose(problem.exact(alphas), published, atol=5e-7)
    np.testing.assert_allclose(alphas[2], [0.774566, 0.751445], atol=5e-7)
    np.testing.assert_allclose(problem.best[[0, -1]], [[2, 0.5], [0, 0]], atol=1e-12)
    np.testing.assert_allclose(problem.exact(problem.best[[0, -1]]), [[0, 2.125], [2.704082, 0]], atol=5e-7)
    for alpha, F in zip(alphas, published, strict=True):
        assert hypergradient(network, vector(*alpha))[1] == pytest.approx(F[0], abs=5e-7)
        assert network.costs(vector(*alpha)).item() == pytest.approx(F[1], abs=5e-7)


def test_two_quadratics_front_is_the_segment():
    problem, network, _ = opened("two_quadratics")
    _, F = problem.front()
    np.testing.assert_allclose(np.sqrt(2 * F).sum(axis=1), np.sqrt(5), atol=1e-5)
    a = network.initial_alpha()
    F1, F2 = network.valid_loss(network.initial_weights(), a, None), network.costs(a)[0]
    np.testing.assert_allclose(problem.exact(a.detach().numpy()[None])[0], [F1.item(), F2.item()])
    r = 0.3  # linear scalarisation has its minimum at r_1 a_1 + r_2 a_2
    best = torch.from_numpy(r * toys.ENDS[0] + (1 - r) * toys.ENDS[1]).requires_grad_()
    total = r * network.valid_loss(network.initial_weights(), best, None) + (1 - r) * network.costs(best)[0]
    np.testing.assert_allclose(torch.autograd.grad(total, best)[0], 0, atol=1e-12)


def test_fonseca_has_the_published_volumes_and_its_middle_is_not_supported():
    problem, network, _ = opened("fonseca")
    _, F = problem.front()
    ends, middle = F[[0, -1]], problem.exact(np.zeros((1, 3)))[0]
    np.testing.assert_allclose(ends, [[0.98168, 0], [0, 0.98168]], atol=1e-5)
    np.testing.assert_allclose(middle, 0.63212, atol=5e-6)
    assert hypervolume(F, 1.0) == pytest.approx(0.34209, abs=6e-4)  # of the continuum; 1,001 points miss a little
    assert hypervolume(F, 1.1) == pytest.approx(0.55209, abs=6e-4)
    s = np.linspace(-1, 1, 20_001)
    values = problem.exact(np.tile(s[:, None] * 3**-0.5, 3))
    reached = [abs(s[np.argmin(values @ [r, 1 - r])]) for r in np.linspace(0, 1, 501)]
    assert min(reached) > 0.957
    assert abs(s[np.argmin(values.max(axis=1))]) < 1e-3  # Chebyshev reaches the middle
    a = network.initial_alpha().detach().requires_grad_()
    assert network.costs(a).item() == pytest.approx(problem.exact(a.detach().numpy()[None])[0, 1])


FRONT = {
    (2, 3, 2): (0.011787, 10),
    (1, 3, 2): (0.013454, 8),
    (2, 3, 0): (0.018190, 7),
    (1, 3, 0): (0.020083, 5),
    (1, 2, 0): (0.050063, 4),
    (1, 1, 1): (0.165262, 3),
    (1, 1, 0): (0.169148, 2),
    (1, 0, 0): (0.548456, 1),
    (0, 0, 0): (0.926246, 0),
}


def test_ridgenet_front_has_nine_points_and_the_published_volume():
    problem = toys.problem(name="ridgenet")
    X, F = problem.front()
    assert {tuple(x) for x in X.tolist()} == set(FRONT)
    np.testing.assert_allclose(F, [FRONT[tuple(x)] for x in X.tolist()], atol=6e-7)
    assert hypervolume(F, [1, 11]) == pytest.approx(9.043774, abs=5e-7)
    everything = problem.score(problem.space.all())
    assert nondominated(everything).sum() == 9
    r = np.linspace(0, 1, 100_001)[1:-1]
    best = np.argmin(np.outer(r, F[:, 0]) + np.outer(1 - r, F[:, 1] / 12), axis=1)
    changes = np.flatnonzero(np.diff(best))
    assert F[best[[0, *(changes + 1)]], 1].tolist() == [0, 2, 4, 5, 8, 10]
    np.testing.assert_allclose(r[changes], [0.18, 0.583, 0.736, 0.974, 0.990], atol=2e-3)


def test_ragged_is_ridgenet_without_some_operations_and_its_front_is_the_rest():
    problem, whole = toys.problem(name="ragged"), toys.problem(name="ridgenet")
    assert problem.space.cardinalities == (3, 4, 2)
    assert problem.operations == (("none", "linear", "cubic"), ("none", "linear", "cubic", "waves"), ("none", "linear"))
    everything = problem.space.all()
    np.testing.assert_array_equal(problem.score(everything), whole.score(everything))
    X, F = problem.front()
    assert {tuple(x) for x in X.tolist()} == {x for x in FRONT if x[2] < 2}  # all but 132 and 232
    assert hypervolume(F, [1, 11]) == pytest.approx(9.027900, abs=5e-7)


def test_ragged_network_leaves_the_weights_of_what_is_absent_at_zero():
    problem, network, _ = opened("ragged")
    _, whole, _ = opened("ridgenet")
    assert network.discretise(torch.tensor([[0.0, 1, 0, 5], [0, 0, 0, 5], [1, 0, 5, 5]])).tolist() == [[1, 3, 0]]
    for genes in problem.space.all()[::5]:
        p = torch.nn.functional.one_hot(torch.from_numpy(genes), 4).double()
        w = solved(network, p)
        error, cost = problem.score(genes[None])[0]
        assert network.valid_loss({"w": w}, p, None).item() == pytest.approx(error)
        assert network.costs(p).item() == cost
        assert network.one_shot({"w": w}, genes[None], batches=1) == pytest.approx(error)
    mask = torch.from_numpy(operation_mask(problem.operations))
    p = softmax(network.initial_alpha().masked_fill(~mask, -torch.inf)).detach()
    w = solved(network, p)
    absent = ~mask[OWNERS[:, 0], OWNERS[:, 1]]
    assert absent.sum() == 4 + 7
    np.testing.assert_allclose(w[1:][absent], 0, atol=1e-12)
    assert w[1:][~absent].abs().min() > 1e-6
    assert whole.valid_loss({"w": w}, p, None).item() == network.valid_loss({"w": w}, p, None).item()


def softmax(alpha):
    return torch.softmax(alpha, dim=1)


def test_ridgenet_hypergradient_at_zero_is_the_published_one():
    _, network, _ = opened("ridgenet")
    alpha = network.initial_alpha()
    h, F = hypergradient(network, alpha, relax=softmax)
    assert F == pytest.approx(0.048565, abs=5e-7)
    published = [
        (0.007756, -0.005974, -0.018372, 0.016590),
        (0.008228, 0.011659, 0.012557, -0.032445),
        (0.000346, 0.000732, 0.000676, -0.001754),
    ]
    np.testing.assert_allclose(h, published, atol=1e-6)
    F_a, _, H, _, _, _ = derivatives(network, solved(network, alpha, relax=softmax), alpha, relax=softmax)
    np.testing.assert_allclose(F_a[:4], [0.019596, -0.005696, -0.020246, 0.006346], atol=1e-6)
    eigenvalues = torch.linalg.eigvalsh(H)
    np.testing.assert_allclose([eigenvalues[0], eigenvalues[-1]], [0.01, 1.0311], atol=5e-5)


def test_ridgenet_hypergradient_equals_finite_differences_of_the_solved_problem():
    _, network, _ = opened("ridgenet")
    alpha = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 4)))
    h, _ = hypergradient(network, alpha, relax=softmax)
    for edge, op in ((0, 1), (1, 3)):
        shift = torch.zeros(3, 4, dtype=torch.float64)
        shift[edge, op] = 1e-5
        up, down = (hypergradient(network, alpha + sign * shift, relax=softmax)[1] for sign in (1, -1))
        assert h[edge, op].item() == pytest.approx((up - down) / 2e-5, rel=1e-6)


def test_ridgenet_shared_weights_rank_architectures_poorly():
    problem, network, ledger = opened("ridgenet")
    w = solved(network, network.initial_alpha(), relax=softmax)
    ledger.clear()
    X = problem.space.all()
    scores = network.one_shot({"w": w}, X, batches=1)
    assert sum(ledger) == 64
    tau = kendalltau(scores, problem.score(X)[:, 0])
    assert tau.statistic == pytest.approx(0.168, abs=5e-4)
    assert tau.pvalue == pytest.approx(0.05, abs=5e-3)


def test_ridgenet_at_a_vertex_is_the_standalone_regression():
    problem, network, _ = opened("ridgenet")
    for genes in np.random.default_rng(1).integers(0, 4, (5, 3)):
        p = torch.nn.functional.one_hot(torch.from_numpy(genes), 4).double()
        w = solved(network, p)
        error, cost = problem.score(genes[None])[0]
        assert network.valid_loss({"w": w}, p, None).item() == pytest.approx(error)
        assert network.costs(p).item() == cost
        unused = genes[OWNERS[:, 0]] != OWNERS[:, 1]
        np.testing.assert_allclose(w[1:][torch.from_numpy(unused)], 0, atol=1e-12)
        assert network.discretise(p).tolist() == [genes.tolist()]


@pytest.mark.parametrize("name", CONTINUOUS)
def test_networks_agree_with_exact_answers_and_charge_each_pass(name):
    problem, network, ledger = opened(name, seed=1)
    alpha = network.initial_alpha()
    w = solved(network, alpha)
    ledger.clear()
    found = [network.valid_loss({"w": w}, alpha, None).item(), *network.costs(alpha).tolist()]
    np.testing.assert_allclose(problem.exact(alpha.detach().numpy()[None])[0], found, atol=1e-12)
    assert ledger == [1.0]
    weights = network.initial_weights()
    torch.autograd.grad(network.train_loss(weights, alpha, None), [weights["w"], alpha])
    assert ledger == [1.0, 1.0, 2.0]
    X = network.discretise(alpha)
    np.testing.assert_allclose(problem.alpha(X)[0], alpha.detach(), atol=8 / 2**20)
    np.testing.assert_array_equal(problem.rows(problem.alpha(X)), X)
    with torch.no_grad():
        inherited = network.valid_loss(weights, torch.from_numpy(problem.alpha(X)[0]), None).item()
    assert network.one_shot(weights, X, batches=3) == pytest.approx(inherited)
    assert ledger[-1] == 3.0


@pytest.mark.parametrize("name", NAMES)
def test_fronts_are_fronts_and_no_random_architecture_dominates_them(name):
    problem = toys.problem(name=name)
    X, F = problem.front()
    assert nondominated(F).all()
    assert len(X) in ((1,) if len(problem.objectives) == 1 else (7, 9, toys.POINTS))
    np.testing.assert_array_equal(problem.score(problem.space.check(X)), F)
    sample = problem.space.sample(np.random.default_rng(0), 2000)
    both = np.concatenate([F, problem.score(sample)])
    assert nondominated(both)[: len(F)].all()
    assert len(problem.decode(X)) == len(X)
    values = problem.evaluate(sample[:3], fidelity=None, seeds=None)
    np.testing.assert_array_equal(values.F, problem.score(sample[:3]))
    assert values.flops == problem.training.flops


@pytest.mark.parametrize("name", ["two_quadratics", "fonseca"])
def test_drawn_starts_depend_on_the_seed_alone(name):
    torch.manual_seed(5)
    starts = [opened(name, seed=seed)[1].initial_alpha().tolist() for seed in (0, 1, 0)]
    assert starts[0] == starts[2] != starts[1]


def test_a_spent_budget_stops_before_a_pass():
    def charge(flops):
        raise BudgetExhausted("spent")

    network = toys.problem(name="quadratic").supernet(charge=charge, seed=0)
    with pytest.raises(BudgetExhausted):
        network.train_loss(network.initial_weights(), network.initial_alpha(), network.train_batch())


def test_an_unknown_toy_is_refused():
    with pytest.raises(ValueError, match="'name'"):
        make_problem("bilevel_toys", {"name": "quartic"})


def test_black_box_searchers_need_no_torch():
    code = (
        "import sys, mobench; "
        "r = mobench.run('nsga2', 'bilevel_toys', budget=64); "
        "assert r.hypervolume() > 0.9; "
        "mobench.run('random_search', mobench.make_problem('bilevel_toys', {'name': 'fonseca'}), budget=50); "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize(
    "name", ["quadratic", "quadratic_front", "ridge", "toll", "skip_collapse", "two_quadratics", "fonseca"]
)
def test_nothing_lies_beyond_the_ranges_and_something_close_to_them(name):
    problem = make_problem("bilevel_toys", {"name": name})
    F = problem.score(problem.space.sample(np.random.default_rng(0), 50_000))
    least, greatest = problem.ranges
    assert (F >= least).all()
    assert (F <= greatest).all()
    assert (F.max(axis=0) >= least + 0.8 * (greatest - least)).all()
