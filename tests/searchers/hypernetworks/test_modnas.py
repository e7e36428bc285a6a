"""MODNAS: preferences and devices decide alpha as theory says; its versions differ where they should."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from _toy_runs import check_killed

import mobench
from mobench.harness.spec import RunSpec
from mobench.problems._toys.networks import BoxNetwork
from mobench.problems.toys import bilevel_toys
from mobench.searchers._hypernetwork.networks import TABLES, Tables, circle, closeness, devices_of, features, intervals
from mobench.searchers.hypernetworks import modnas

torch.set_num_threads(1)
ANSWERS = {"finalists": 0}
"""What H itself answers, and what its learning costs: nothing of it is trained."""
RATES = {"learning_rate": 0.2, "weight_decay": 0.0, "alpha_rate": 0.02, "alpha_decay": 0.0}
FAST = ANSWERS | RATES | {"warm_up": 0.0, "steps": 400}
MINIMA = np.array([[1.0, 0.0], [-1.0, 1.0], [0.5, -1.5]])
"""Of the objectives; the first two are the ends of `two_quadratics`."""
RAYS = np.linspace(0.05, 0.95, 24)


class Network(BoxNetwork):
    def costs(self, p):
        return torch.stack([((p - p.new_tensor(a)) ** 2).sum() / 2 for a in MINIMA[1:]])


class ThreeQuadratics(bilevel_toys.Toy):
    """One error and two costs, each least at a point of its own."""

    def supernet(self, *, charge, seed):
        return Network(self, charge=charge, seed=seed)


def three_quadratics():
    two = bilevel_toys.problem(name="two_quadratics")
    fields = {field.name: getattr(two, field.name) for field in dataclasses.fields(two)}
    fields["objectives"] = tuple(mobench.Objective(name) for name in ("error", "here", "there"))
    fields["exact"] = lambda alpha: ((alpha[:, None] - MINIMA) ** 2).sum(axis=2) / 2
    return ThreeQuadratics(**fields)


def go(problem="bilevel_toys:name=two_quadratics", **options):
    return mobench.run("modnas", problem, budget={"flops": 1e6}, **(FAST | options))


def last(result):
    """Continuous alphas of the last recommendation, (k, 2)."""
    return result.problem.alpha(result.history.recommended[-1].content)


def distance(x, points):
    """Of each of (k, 2) points to the nearest of x."""
    return np.linalg.norm(points[:, None] - x, axis=2).min(axis=1)


def between(first, second):
    """What each ray asks for: the weighted mean of two minima."""
    return RAYS[:, None] * first + (1 - RAYS[:, None]) * second


def test_every_preference_gets_the_weighted_mean_of_the_minima_of_two_quadratics():
    result = go()
    assert len(last(result)) == 24
    assert distance(last(result), between(*MINIMA[:2])).max() < 0.15
    assert result.hypervolume() > 0.97


@pytest.mark.long
def test_every_device_has_its_own_trade_off_with_the_error():
    x = last(go(three_quadratics(), steps=400))
    wanted = np.concatenate([between(MINIMA[0], MINIMA[1]), between(MINIMA[0], MINIMA[2])])
    assert len(x) == 48
    assert distance(x, wanted).mean() < 0.1
    assert distance(x, wanted).max() < 0.3


def test_one_device_of_two_costs_is_asked_with_three_weights():
    x = last(go(three_quadratics(), devices="one", rays=10, steps=400))
    inside = np.linalg.solve(np.vstack([MINIMA.T, np.ones(3)]), np.vstack([x.T, np.ones(len(x))]))
    assert len(x) == 10
    assert inside.min() > -0.1  # within the triangle of the minima
    assert (inside.min(axis=0) > 0.1).any()  # and not only along its sides


def test_one_objective_needs_no_trade_off():
    (x,) = last(go("bilevel_toys:name=quadratic", steps=200))
    assert x == pytest.approx([0.0, 0.0], abs=0.1)  # where first-order descent ends on this toy


def test_more_rays_give_more_hypervolume():
    few, many = (go(rays=rays, steps=150).hypervolume() for rays in (3, 24))
    assert many > few + 0.03


@pytest.mark.parametrize("normalisation", ["none", "l2"])
def test_common_descent_of_two_devices_is_that_of_torchjd_and_of_unit_gradients_their_mean(normalisation):
    pytest.importorskip("torchjd")
    exact, theirs, mean = (
        last(go(three_quadratics(), aggregator=name, normalisation=normalisation, steps=20))
        for name in ("min_norm", "MGDA", "Mean")
    )
    assert exact == pytest.approx(theirs, abs=1e-4)
    assert np.allclose(exact, mean, atol=1e-4) == (normalisation == "l2")


def test_weights_of_the_devices_and_their_losses_are_recorded():
    for note in go(three_quadratics(), steps=40).history.records:
        weights = [note.content[f"weight{d}"] for d in range(2)]
        assert sum(weights) == pytest.approx(1.0)
        assert min(weights) >= 0.0
        assert {"loss0", "loss1"} <= set(note.content)


def generator():
    return torch.Generator().manual_seed(0)


def tables(f=3):
    return Tables(101, f, intervals, torch.zeros(2, 5, dtype=torch.double), generator())


def ask(r, *h):
    return torch.tensor([r, 1 - r, *h], dtype=torch.double)


def test_published_tables_know_a_hundred_and_one_preferences():
    H, h = tables(), (0.2, 0.5, 1.0)
    assert torch.equal(H(ask(0.501, *h)), H(ask(0.504, *h)))
    assert not torch.equal(H(ask(0.504, *h)), H(ask(0.506, *h)))
    assert not torch.equal(H(ask(0.501, *h)), H(ask(0.501, 0.2, 0.5, 0.0)))
    H(ask(0.3, *h)).sum().backward()
    assert H.tables.grad.abs().sum(dim=(0, 2)).nonzero().tolist() == [[30]]


def test_published_tables_are_mixed_by_the_softmax_of_a_sine():
    H = tables(f=4)
    with torch.no_grad():
        H.tables.zero_()
        H.tables[:, 100] = torch.arange(TABLES).double()[:, None]
        H.embedding.zero_()
        assert torch.allclose(H(ask(1.0, 1, 1, 1, 1)), torch.full((2, 5), 24.5).double())
        H.embedding[7] = math.pi / 4  # 4 ones times pi / 4, over sqrt(4): the sine is one
        share = math.e / (math.e + TABLES - 1)
        rest = (1 - share) / (TABLES - 1)
        expected = share * 7 + rest * (sum(range(TABLES)) - 7)
        assert torch.allclose(H(ask(1.0, 1, 1, 1, 1)), torch.full((2, 5), expected).double())


def test_published_rays_lie_on_a_circle_and_miss_the_preferences_of_training():
    rays = circle(24)
    assert torch.allclose(rays.norm(dim=1), torch.ones(24).double())
    even = rays / rays.sum(dim=1, keepdim=True)
    shift = (100 * (rays - even)[:, 0]).abs()
    assert shift.max() > 10.0  # intervals between the row that is read and the one that was trained for it


def test_both_versions_learn_from_the_same_draws_and_differ():
    corrected, published = (last(go(version=version, steps=40)) for version in ("corrected", "published"))
    assert not np.allclose(corrected[:20], published[:20], atol=1e-3)


def test_the_published_version_divides_the_error_by_the_range_of_the_losses_before_it():
    extremes = torch.tensor([math.inf, -math.inf])
    losses = torch.tensor([3.0, 5.0, 4.0, 1.0, 4.0])
    assert [float(modnas._seen(extremes, loss)) for loss in losses] == [1.0, 1.0, 2.0, 2.0, 4.0]
    assert extremes.tolist() == [1.0, 5.0]


def test_rows_of_close_preferences_join_evenly_and_those_of_far_ones_do_not():
    anchors = torch.tensor([[0.1, 0.9], [0.3, 0.7], [0.9, 0.1]], dtype=torch.double)
    weights = closeness(torch.tensor([0.2, 0.8], dtype=torch.double), anchors, 0.1)
    assert weights.tolist() == pytest.approx([0.5, 0.5, 0.0], abs=1e-6)
    between = closeness(torch.tensor([0.25, 0.75], dtype=torch.double), anchors, 0.1)
    assert float(between[1] / between[0]) == pytest.approx(math.exp((2 * 0.15**2 - 2 * 0.05**2) / (2 * 0.1**2)))


def test_a_device_is_known_by_the_costs_of_ten_architectures():
    problem = mobench.make_problem("motif", {"objectives": ("error", "flops", "params")})
    network = problem.supernet(charge=lambda flops: None, seed=0)
    known = features(network, problem.space, 3, network.initial_alpha())
    assert known.shape == (2, 10)
    assert known.amin(dim=1).tolist() == [0.0, 0.0]
    assert known.amax(dim=1).tolist() == [1.0, 1.0]
    assert [task.objectives for task in devices_of(known, apart=True)] == [(0, 1), (0, 2)]
    (one,) = devices_of(known, apart=False)
    assert one.objectives == (0, 1, 2)
    assert one.features.shape == (20,)


@pytest.mark.parametrize("relaxation", ["softmax", "gumbel", "reinmax"])
def test_the_hypernetwork_tells_cheap_from_good_on_ridgenet(relaxation):
    result = go("bilevel_toys:name=ridgenet", relaxation=relaxation, steps=120, alpha_rate=0.05)
    records = [note.content for note in result.history.records]
    assert records[-1]["entropy"] < records[0]["entropy"]
    assert records[-1]["architectures"] > 1
    costs = result.problem.score(result.history.recommended[-1].content)[:, 1]
    assert costs.min() + 2 <= costs.max()


def test_a_step_costs_a_path_forward_and_backward_in_each_half_for_each_device():
    spent, options = [], ANSWERS | {"warm_up": 0.0, "relaxation": "reinmax", "paths": "alpha"}
    for names in (("error", "flops"), ("error", "flops", "params")):
        problem = mobench.make_problem("motif", {"objectives": names})
        result = mobench.run("modnas", problem, budget={"trainings": 1}, steps=2, **options)
        spent.append(result.history.recommended[-1].spent["flops"])
    dearest = 2 * 2 * 64 * 3 * problem.macs.max()
    assert 0 < spent[0] <= dearest
    assert dearest / 2 < 2 * spent[0]
    assert spent[0] < spent[1] <= 2 * dearest


def test_the_budget_is_obeyed():
    result = mobench.run("modnas", "bilevel_toys:name=ridgenet", budget={"flops": 501.0}, **ANSWERS)
    assert result.reason == "budget: flops"
    assert 501.0 <= result.history.recommended[-1].spent["flops"] < 501.0 + 3.0


def test_preferences_wait_until_the_weights_are_warm():
    records = [note.content for note in go("bilevel_toys:name=ridgenet", warm_up=0.5, steps=40).history.records]
    cold, warm = records[:10], records[10:]
    assert all(note["entropy"] == pytest.approx(math.log(4), abs=1e-3) and "loss0" not in note for note in cold)
    assert all(note["entropy"] < math.log(4) - 1e-3 and "loss0" in note for note in warm[-5:])


@pytest.mark.parametrize(("version", "marks"), [("corrected", 7), ("published", 14)])  # before and after the warm-up
def test_a_killed_search_goes_on_from_its_checkpoint_to_the_same_end(tmp_path, version, marks, monkeypatch):
    options = {"alpha_rate": 0.1, "version": version}
    spec = RunSpec("bilevel_toys", "modnas", 0, {"flops": 600.0}, {"name": "ridgenet"}, options)
    check_killed(spec, marks, tmp_path, monkeypatch)


def test_equal_seeds_give_equal_recommendations_whatever_the_global_state():
    found = []
    for state in (1, 2):
        torch.manual_seed(state)
        np.random.seed(state)  # noqa: NPY002 - the global state is the point
        result = go("bilevel_toys:name=ridgenet", steps=10, version="published")
        found.append([note.content.tolist() for note in result.history.recommended])
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"version": "publishd"}, "option 'version'"),
        ({"devices": "many"}, "option 'devices'"),
        ({"aggregator": "UpGrad"}, "did you mean 'UPGrad'"),
        ({"version": "published", "devices": "one"}, "the published tables know two weights"),
    ],
)
def test_impossible_options_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        go(three_quadratics(), **options)
