"""Spaces of elastic modules on a device that is not the CPU: they open there, train and answer as they do here."""

import numpy as np
import pytest
from _far import far_device

from mobench import make_problem

SMALL = {"images": 64, "epochs": 1, "batch": 32, "channels": 2, "cells": 1, "stages": 1}


def answers(device):
    problem = make_problem("two_level", SMALL | {"device": device})
    X = problem.space.sample(np.random.default_rng(0), 2)
    network = problem.supernet(charge=lambda flops: None, seed=0)
    p, batch = network.initial_alpha().detach().softmax(dim=1), network.train_batch()
    loss = float(network.train_loss(network.initial_weights(), p, batch).detach())
    return problem.evaluate(X).F.tolist(), loss


def test_a_module_answers_there_what_it_answers_here(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBENCH_DATA", str(tmp_path / "here"))
    here = answers("cpu")
    monkeypatch.setenv("MOBENCH_DATA", str(tmp_path / "there"))
    with far_device():
        there = answers("cuda")
    assert there == (here[0], pytest.approx(here[1]))
