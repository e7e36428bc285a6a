"""On a real supernet, whose lower level is never positive definite, the promised slope is the one that is met."""

from __future__ import annotations

import pytest
import torch
from _toy_runs import go

import mobench
from mobench.problems._cells.space import Skeleton
from mobench.problems._cells.supernet import CellSupernet, Options
from mobench.problems._images.motif import generate
from mobench.searchers._relaxed import joint as _joint
from mobench.searchers._relaxed import krylov
from mobench.searchers._relaxed import linear as _linear
from mobench.searchers._relaxed.linear import Loss, Operator, Solution, Vector, Weights

torch.set_num_threads(1)


def motif(*, cells: int = 1, images: int = 64) -> CellSupernet:
    """Motif's images and a smaller skeleton in float64, so that differences can be as small as kinks demand."""
    halves = {
        half: (torch.tensor(part.images[:images])[:, None].double(), torch.tensor(part.labels[:images]))
        for half, part in zip(("train", "valid"), generate(), strict=False)
    }
    skeleton = Skeleton(inputs=1, size=8, classes=10, channels=4, cells=cells, stages=2)
    return CellSupernet(skeleton, **halves, charge=lambda flops: None, seed=0, options=Options(batch=images))


@pytest.fixture(scope="module")
def point() -> _joint.Point:
    """After thirty steps of the weights on a mixture."""
    network = motif()
    weights, alpha = network.initial_weights(), network.initial_alpha()
    train, valid = network.train_batch(), network.valid_batch()

    def lower(w: Weights, a: torch.Tensor) -> torch.Tensor:
        return network.train_loss(w, torch.softmax(a, 1), train) + 1.5e-4 * _linear.pairing(w, w)

    def upper(w: Weights, a: torch.Tensor) -> torch.Tensor:
        return network.valid_loss(w, torch.softmax(a, 1), valid)

    for _ in range(30):
        slope = _linear.gradient(lower(weights, alpha.detach()), weights)
        weights = _linear.detached(_linear.plus(weights, slope, -0.1))
    return _joint.Point(upper, lambda a: a.new_zeros(0), lower, weights, alpha)


def one(values: torch.Tensor, H: torch.Tensor) -> torch.Tensor:
    return torch.ones(1, dtype=torch.float64)


def polynomial(multiply: Operator, like: Vector, *, products: int = 20) -> _joint.Solve:
    ends = krylov.spectrum(multiply, like, generator=torch.Generator().manual_seed(0))
    assert ends.least < -0.1  # or there were no need for all this
    fitting = krylov.Polynomial.fitting(ends, damping=1.5, products=products)
    return lambda name, b: fitting.solve(multiply, b)


def met(point: _joint.Point, joint: _joint.Joint, step: float = 1e-5) -> float:
    """The merit's derivative along the joint direction, by central differences."""
    merit: Loss = point.merit(joint.mix)
    with torch.no_grad():
        above, below = (float(merit(*_joint.moved(point, joint, sign * step))) for sign in (1.0, -1.0))
    return (above - below) / (2.0 * step)


@pytest.mark.parametrize("products", [20, 2])
def test_the_promised_slope_is_the_one_that_differences_meet(point: _joint.Point, products: int) -> None:
    """However few products there are: the solve is coarser then, and the promise is kept all the same."""
    joint = _joint.direction(point, mixture=one, prepare=lambda m, like: polynomial(m, like, products=products))
    assert joint.slope < 0.0
    assert joint.true_slope == pytest.approx(joint.slope, rel=1e-9)
    assert met(point, joint) == pytest.approx(joint.slope, rel=0.01)
    if products == 20:
        assert max(joint.adjoint, joint.response) < 0.01
        assert not joint.indefinite


def test_conjugate_gradients_of_two_systems_promise_another_slope(point: _joint.Point) -> None:
    """Why: almost undamped, each stops where it meets nonpositive curvature, with a polynomial of its own."""

    def prepare(multiply: Operator, like: Vector) -> _joint.Solve:
        def solve(name: str, b: Vector) -> Solution:
            return _linear.conjugate_gradients(lambda v: _linear.plus(multiply(v), v, 1e-5), b, iterations=10)

        return solve

    joint = _joint.direction(point, mixture=one, prepare=prepare)
    assert joint.indefinite
    assert met(point, joint) == pytest.approx(joint.true_slope, rel=0.01)
    assert abs(joint.true_slope / joint.slope - 1.0) > 0.1


def test_runs_record_the_slopes_the_residuals_and_the_spectrum() -> None:
    result = mobench.run(
        "auxiliary", "motif", budget={"trainings": 2}, preferences=1, steps=1, inner_steps=2, finalists=0
    )
    records = [record.content for record in result.history.records]
    assert len(records) == 1
    for record in records:
        assert record["true_slope"] == pytest.approx(record["slope"], rel=1e-3)
        assert record["lambda_min"] < 0.0 < record["lambda_max"]
        assert record["damping"] == pytest.approx(-1.5 * record["lambda_min"])
        assert max(record["adjoint_residual"], record["response_residual"]) < 0.1
        assert not record["indefinite"]


def test_implicit_records_the_spectrum_that_its_own_products_show() -> None:
    result = mobench.run("implicit", "motif", budget={"trainings": 1}, preferences=1, steps=1, finalists=0)
    record = result.history.records[-1].content
    assert record["lambda_min"] < 0.0 < record["lambda_max"]
    assert record["damping"] == pytest.approx(-1.5 * record["lambda_min"])
    assert record["residual"] < 0.05
    assert not record["indefinite"]


def test_a_warm_polynomial_is_refused() -> None:
    with pytest.raises(ValueError, match="warm: a polynomial starts from nothing; take solver='cg'"):
        go("auxiliary", "ridgenet", {"flops": 1000}, warm=True)


@pytest.mark.parametrize(
    ("name", "refused"),
    [("darts:order=2", True), ("milenas:order=2", True), ("implicit:solver=idarts", True), ("darts", False)],
)
def test_differences_of_coarse_gradients_are_refused(name: str, refused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network under bfloat16 autocast says that it is coarse; first order is fine with that."""
    monkeypatch.setattr(CellSupernet, "coarse", True)
    if not refused:
        assert len(mobench.run(name, "motif", budget={"trainings": 0.02}, finalists=0, warm_up=0.0).history.recommended)
        return
    with pytest.raises(ValueError, match="autocast: second derivatives are far off in bfloat16"):
        mobench.run(name, "motif", budget={"trainings": 0.02}, finalists=0, warm_up=0.0)
