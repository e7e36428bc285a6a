"""The small network: its gradient and training are torch's, shorter trainings are beginnings, searchers tune it."""

import numpy as np
import pytest
import torch
from _tuning import opened, searched

from mobench import MultiFidelity, Resumable, make_problem
from mobench.searchers.bilevel import unrolled

PROBLEM = make_problem("tune_network")
MODEL = PROBLEM.model
X = np.array([[3, 9], [11, 0], [6, 12]])


def initial():
    drawn = MODEL.initial(np.random.default_rng([0, 3, 0]))
    return {name: torch.tensor(values, requires_grad=True) for name, values in drawn.items()}


def flat(tensors):
    return np.concatenate([tensor.detach().numpy().ravel() for tensor in tensors.values()])


def test_the_gradient_and_the_error_are_those_of_autograd():
    network, weights = opened(PROBLEM), initial()
    p = torch.full((2,), -40.0, dtype=torch.float64)  # no penalty
    network.train_loss(weights, p, None).backward()
    slopes = {name: w.grad for name, w in weights.items()}
    np.testing.assert_allclose(MODEL.slope(flat(weights)[None])[0], flat(slopes), rtol=1e-12, atol=1e-14)
    said = MODEL.error(flat(weights)[None], MODEL.data.valid)[0]
    assert network.valid_loss(weights, p, None).item() == pytest.approx(said, rel=1e-12)


def test_a_training_is_that_of_torch_on_the_losses_of_the_supernet():
    network, weights = opened(PROBLEM), initial()
    p = torch.tensor(PROBLEM.grid.alpha(X)[0])
    adam = torch.optim.Adam(weights.values(), lr=0.02)
    for _ in range(30):
        adam.zero_grad()
        network.train_loss(weights, p, None).backward()
        adam.step()
    ours = MODEL.trained(PROBLEM.grid.alpha(X), 30)[0]
    np.testing.assert_allclose(ours, flat(weights), rtol=1e-6, atol=1e-9)
    assert PROBLEM.evaluate(X, fidelity=30).F[0, 0] == pytest.approx(network.valid_loss(weights, p, None).item())


def test_shorter_trainings_cost_their_share_and_others_are_refused():
    assert isinstance(PROBLEM, MultiFidelity)
    assert isinstance(PROBLEM, Resumable)
    prices = [PROBLEM.evaluate(X, fidelity=epochs).flops for epochs in PROBLEM.fidelities]
    a_row = 11 * 16 + 17
    assert prices == [a_row * (3 * epochs * 221 + 110) for epochs in (10, 30, 100, 300)]
    assert prices[-1] == PROBLEM.evaluate(X).flops == PROBLEM.training.flops
    with pytest.raises(ValueError, match=r"fidelity: expected one of \(10, 30, 100, 300\), found 7"):
        PROBLEM.evaluate(X, fidelity=7)


def test_each_network_is_trained_as_if_it_were_alone():
    alpha = PROBLEM.grid.alpha(X)
    alone = np.concatenate([MODEL.trained(row[None], 30) for row in alpha])
    assert (MODEL.trained(alpha, 30) == alone).all()


def test_the_hypergradient_through_all_steps_is_the_slope_of_the_validation_error():
    network, alpha = opened(PROBLEM), torch.tensor([-3.0, -2.0], dtype=torch.float64)

    def trained(alpha):
        lowers = [lambda weights, p: network.train_loss(weights, p, None)] * 15
        return unrolled.train(lowers, initial(), alpha, step=0.1, momentum=0.9)[0]

    p = alpha.clone().requires_grad_()
    found = unrolled.hypergradient(lambda weights, p: network.valid_loss(weights, p, None), trained(p), p)
    moves = 1e-4 * torch.eye(2, dtype=torch.float64)
    up, down = ([network.valid_loss(trained(a), a, None).item() for a in alpha + s * moves] for s in (1, -1))
    np.testing.assert_allclose(found.detach(), (np.array(up) - down) / 2e-4, rtol=1e-5)


@pytest.mark.parametrize("name", ["implicit", "auxiliary"])
def test_bilevel_searchers_find_decays_that_train_well(name):
    errors = PROBLEM.evaluate(PROBLEM.space.all()[::8]).F[:, 0]
    rates = {"alpha_rate": 0.3, "alpha_decay": 0.0} if name == "implicit" else {"radius": 1.0}
    common = {"learning_rate": 0.2, "weight_decay": 0.0, "finalists": 0, "preferences": 1, "steps": 40}
    run = searched(name, PROBLEM, {"flops": 1e11}, inner_steps=15, **common, **rates)
    assert PROBLEM.evaluate(run.recommended).F[0, 0] < np.quantile(errors, 0.25)


def test_searchers_that_ask_at_several_fidelities_run_on_it():
    run = searched("successive_halving", PROBLEM, {"trainings": 5})
    assert run.spent.evaluations > 5
    assert run.spent.flops <= 5 * PROBLEM.training.flops
