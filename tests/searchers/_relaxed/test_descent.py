"""Gradient-based multi-objective searchers end where their theory says, on toys with known fronts."""

import numpy as np
import pytest
import torch
from _toy_runs import check_killed

import mobench
from mobench.harness.spec import RunSpec
from mobench.searchers.gradient.scalarization import scalarised_weights

torch.set_num_threads(1)
FAST = {"learning_rate": 0.2, "weight_decay": 0.0, "alpha_rate": 0.03, "steps": 300}
ENDS = np.array([[1.0, 0.0], [-1.0, 1.0]])


def go(searcher, name, **options):
    return mobench.run(searcher, f"bilevel_toys:name={name}", budget={"flops": 1e6}, **(FAST | options))


def alphas(result):
    """Continuous alphas of the delivered rows, by their place on the grid."""
    problem = result.problem
    low, high = np.array(problem.low), np.array(problem.high)
    return low + (high - low) * result.delivered() / (np.array(problem.space.cardinalities) - 1)


def off_the_segment(x):
    """Distance from the segment between the two minima, along and across it."""
    direction = ENDS[1] - ENDS[0]
    share = (x - ENDS[0]) @ direction / (direction @ direction)
    return np.linalg.norm(x - ENDS[0] - np.outer(np.clip(share, 0, 1), direction), axis=1)


@pytest.mark.parametrize("preference", [0.2, 0.5, 0.9])
def test_linear_scalarisation_of_two_quadratics_ends_at_the_weighted_mean_of_their_minima(preference):
    (x,) = alphas(go("scalarization", "two_quadratics", preference=preference))
    assert x == pytest.approx(preference * ENDS[0] + (1 - preference) * ENDS[1], abs=0.02)


@pytest.mark.long
def test_mgda_ends_on_the_pareto_set_from_every_start():
    x = alphas(go("mgda", "two_quadratics", starts=4, tracking=0.0))  # gradients without noise
    assert len(x) == 4
    assert off_the_segment(x).max() < 0.05


@pytest.mark.long
@pytest.mark.parametrize("preference", [0.3, 0.5, 0.8])
def test_epo_ends_where_the_weighted_objectives_are_equal(preference):
    result = go("epo", "two_quadratics", preference=preference)
    (F,) = result.problem.score(result.delivered())
    weighted = np.array([preference, 1 - preference]) * F
    assert weighted[0] == pytest.approx(weighted[1], rel=0.1)
    assert off_the_segment(alphas(result)).max() < 0.1  # of starts up to 1.4 away


def test_linear_scalarisation_reaches_only_the_ends_of_a_concave_front_and_chebyshev_its_middle():
    linear = go("scalarization", "fonseca", preference=0.5)
    chebyshev = go("scalarization", "fonseca", preference=0.5, kind="chebyshev", smoothing=0.02)
    assert np.abs(alphas(linear)).max() * np.sqrt(3) > 0.95
    assert np.abs(alphas(chebyshev)).max() * np.sqrt(3) < 0.1
    assert chebyshev.problem.score(chebyshev.delivered()) == pytest.approx(np.full((1, 2), 0.6321), abs=0.02)


def test_first_order_descent_is_blind_to_the_weights_response():
    """On T6 the first objective depends on alpha through the weights alone.

    So scalarisation follows the second one to alpha = 0, and for MGDA, to whom a zero gradient means stationary, every
    start is an end.
    """
    assert np.abs(alphas(go("scalarization", "quadratic_front", preference=0.7))).max() < 0.1
    records = go("mgda", "quadratic_front", starts=1).history.records
    assert [note.content["direction"] for note in records] == [0.0] * len(records)


def test_the_smoothed_maximum_has_the_gradient_of_its_definition():
    losses, r = torch.tensor([0.3, 0.7], dtype=torch.double, requires_grad=True), torch.tensor([0.6, 0.4]).double()
    value = 0.1 * torch.logsumexp(r * losses / 0.1, dim=0)
    (expected,) = torch.autograd.grad(value, losses)
    found = scalarised_weights(losses.detach(), r, kind="chebyshev", smoothing=0.1)
    assert torch.allclose(found, expected)
    assert scalarised_weights(losses, r, kind="linear", smoothing=0.1) is r


@pytest.mark.parametrize(
    ("searcher", "options", "words"),
    [
        ("mgda", {"aggregator": "UpGrad"}, "TorchJD has no 'UpGrad', did you mean 'UPGrad'"),
        ("mgda", {"normalisation": "l3"}, "option 'normalisation'"),
        ("epo", {"preference": 0.0}, "option 'preference'"),
        ("scalarization", {"kind": "tchebycheff"}, "option 'kind'"),
    ],
)
def test_impossible_options_are_refused(searcher, options, words):
    with pytest.raises(ValueError, match=words):
        go(searcher, "two_quadratics", **options)


@pytest.mark.long
@pytest.mark.parametrize("loss", ["linear", "epo"])
def test_one_hypernetwork_learns_the_whole_pareto_set_of_two_quadratics(loss):
    options = {"alpha_rate": 0.01, "steps": 800, "loss": loss, "concentration": 1.0}
    options["finalists"] = 0  # all that it answers, whether or not it is trained
    result = mobench.run(
        "pareto_hypernetwork", "bilevel_toys:name=two_quadratics", budget={"flops": 1e6}, **(FAST | options)
    )
    x = alphas(result)
    assert len(x) >= 20
    assert off_the_segment(x).mean() < 0.1
    assert result.hypervolume() > 0.9


@pytest.mark.long
@pytest.mark.parametrize("searcher", ["scalarization", "mgda", "epo", "pareto_hypernetwork"])
def test_a_killed_search_goes_on_from_its_checkpoint_to_the_same_end(tmp_path, searcher, monkeypatch):
    problem = {"name": "ridgenet"}
    spec = RunSpec("bilevel_toys", searcher, 0, {"flops": 1500.0}, problem, {"alpha_rate": 0.1})
    check_killed(spec, 7, tmp_path, monkeypatch)


@pytest.mark.parametrize("searcher", ["scalarization", "mgda", "epo", "pareto_hypernetwork"])
def test_equal_seeds_give_equal_recommendations_whatever_the_global_state(searcher):
    found = []
    for state in (1, 2):
        torch.manual_seed(state)
        result = go(searcher, "ridgenet", steps=10)
        found.append([note.content.tolist() for note in result.history.recommended])
    assert found[0] == found[1]
