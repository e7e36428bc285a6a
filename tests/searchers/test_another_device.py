"""Every searcher that learns with torch works on a device that is not the CPU: nothing is copied unasked."""

import dataclasses

import numpy as np
import pytest
import torch
from _far import far_device, waited
from _learners import learners

from mobench import Run, make_problem
from mobench.core.budget import parse_budget
from mobench.harness.execute import search_problem
from mobench.harness.log import Log
from mobench.plugins.catalogue import find
from mobench.plugins.options import check_options
from mobench.problems._cells.supernet import CellSupernet

LEARNERS = learners(make_problem("motif"))
VARIANTS = [
    *((name, {}) for name in LEARNERS),
    *(("darts", {"relaxation": relaxation}) for relaxation in ("gumbel", "reinmax", "gdas", "concrete", "dirichlet")),
    ("implicit", {"solver": "neumann"}),
    ("auxiliary", {"solver": "cg"}),
    ("scalarization", {"relaxation": "score"}),
]


BUDGET = 0.01
"""Of a training: a few steps, and what is left of a reserve."""


class Elsewhere:
    """Motif, whose supernet lies on another device."""

    def __init__(self, device):
        self._motif, self.device = make_problem("motif", {"batch": 16}), device

    def __getattr__(self, name):
        return getattr(self._motif, name)

    evaluate = property(lambda self: self._motif.evaluate)
    score = property(lambda self: self._motif.score)
    operations = property(lambda self: self._motif.operations)
    fidelities = property(lambda self: self._motif.fidelities)
    front = property(lambda self: self._motif.front)

    def supernet(self, *, charge, seed):
        here = self._motif.supernet(charge=charge, seed=seed)
        data = {half: tuple(part[:64] for part in here._halves[half]) for half in ("train", "valid")}
        options = dataclasses.replace(here.options, device=self.device, images_last=False)
        return CellSupernet(here.skeleton, **data, charge=charge, seed=seed, options=options)


def go(name, options, device):
    torch.set_num_threads(1)
    problem, plugin, log = Elsewhere(device), find("searcher", name), Log()
    run = Run(problem, limit=parse_budget({"trainings": BUDGET}, problem.training), log=log)
    reason = search_problem(plugin, run, check_options(plugin, options))
    return reason, log.lines, run


@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=str)
def test_a_searcher_writes_the_same_log_there(name, options):
    here = go(name, options, "cpu")
    with far_device():
        there = go(name, options, "cuda")
    assert there[:2] == here[:2]


def test_the_device_refuses_what_cuda_refuses():
    with far_device():
        x = torch.arange(3.0).to("cuda")
        assert (x.device.type, x.is_cuda, x.cpu().device.type) == ("cuda", True, "cpu")
        for wrong in (lambda: x + torch.ones(3), lambda: torch.stack([torch.ones(3), x]), lambda: torch.ones(3) * x):
            with pytest.raises(RuntimeError, match="same device"):
                wrong()
        for wrong in (lambda: x.numpy(), lambda: np.asarray(x)):
            with pytest.raises(TypeError, match="numpy"):
                wrong()
        assert (x + torch.tensor(1.0))[torch.tensor([0])].item() == 1.0
        assert waited == {"cpu": 1, "item": 1}
