"""Pareto MTL: its direction is a common descent within a cone, and its ends lie in different cones."""

from pathlib import Path

import numpy as np
import pytest
import torch
from _toy_runs import check_resuming

import mobench
from mobench.searchers.gradient.pareto_mtl import active_constraints, constrained_weights, unit_rays

torch.set_num_threads(1)
FAST = {"learning_rate": 0.2, "weight_decay": 0.0, "alpha_rate": 0.03, "tracking": 0.0, "steps": 300}
FIRSTS = torch.linspace(0.05, 0.95, 5, dtype=torch.float64)
RAYS = unit_rays(torch.stack([FIRSTS, 1 - FIRSTS], dim=1))


def ends(name, **options):
    """Scored values of what was recommended last."""
    result = mobench.run("pareto_mtl", f"bilevel_toys:name={name}", budget={"flops": 1e6}, **(FAST | options))
    return result.problem.score(np.array(result.history.recommended[-1].content))


def cones(F):
    return (torch.as_tensor(F) @ RAYS.T).argmax(dim=1).tolist()


def test_weighted_objectives_are_equal_on_a_ray():
    r = torch.tensor([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]], dtype=torch.float64)
    weighted = r * unit_rays(r)
    assert torch.allclose(weighted, weighted[:, :1].expand_as(weighted))
    assert torch.allclose(unit_rays(r).norm(dim=1), torch.ones(2, dtype=torch.float64))


def test_a_constraint_is_active_where_another_ray_is_nearer():
    """The middle one of the rays at 0, 45 and 90 degrees: its cone reaches from 22.5 to 67.5 degrees."""
    angles = torch.tensor([0.0, torch.pi / 4, torch.pi / 2], dtype=torch.float64)
    rays = torch.stack([angles.cos(), angles.sin()], dim=1)
    for degrees, nearer in ((22.0, [0]), (23.0, []), (67.0, []), (68.0, [2])):
        f = torch.stack([torch.cos(t := torch.tensor(degrees).double().deg2rad()), torch.sin(t)]) * 7.0
        assert torch.equal(active_constraints(f, rays, rays[1:2]), (rays - rays[1])[nearer])


def test_the_weights_of_a_worked_example():
    """Gradients (1, 0) and (0, 1), and (-1, 1) of an active constraint: the hull's shortest vector is (1/5, 2/5).

    It is 3/5 of the first and 2/5 of the last; brought to absolute weights that sum to 2 it is (2/3, 4/3).
    """
    G, active = torch.eye(2).double(), torch.tensor([[-1.0, 1.0]]).double()
    weights = constrained_weights(G, active, entering=False)
    direction = weights @ G
    assert torch.allclose(direction, torch.tensor([2 / 3, 4 / 3]).double())
    assert torch.allclose(constrained_weights(G, active, entering=True), active[0])


@pytest.mark.parametrize("m", [2, 3, 5])
def test_a_step_lowers_all_objectives_and_leads_back_into_the_cone(m):
    generator = torch.Generator().manual_seed(m)
    for _ in range(50):
        G = torch.randn((m, 7), generator=generator, dtype=torch.float64)
        rays = unit_rays(torch.rand((6, m), generator=generator, dtype=torch.float64) + 0.01)
        active = active_constraints(torch.rand(m, generator=generator).double() + 0.01, rays, rays[:1])
        d = constrained_weights(G, active, entering=False) @ G
        rows = torch.cat([G, active @ G])
        assert (rows @ d >= -1e-9 * d.norm()).all()
        if len(active):
            inwards = constrained_weights(G, active, entering=True) @ G
            assert (active @ G @ inwards >= inwards @ inwards - 1e-9).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_five_ends_of_two_quadratics_lie_in_five_cones(seed):
    assert sorted(cones(ends("two_quadratics", seed=seed))) == [0, 1, 2, 3, 4]


def test_the_middle_of_a_concave_front_is_reached():
    assert 2 in cones(ends("fonseca"))


def test_without_the_way_back_ends_leave_their_cones():
    """What the default of `entering` cures: the paper's fifth, with steps of Adam."""
    assert len(set(cones(ends("two_quadratics", entering=0.2)))) < 5


def test_a_killed_run_goes_on_to_the_same_log(tmp_path: Path):
    options = {"learning_rate": 0.3, "steps": 20, "preferences": 3, "finalists": 2}
    check_resuming("pareto_mtl", options, 9, tmp_path)
