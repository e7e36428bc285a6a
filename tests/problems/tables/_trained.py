"""The makers of tables whose networks are all trained, as tests load and start them."""

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils import parameters_to_vector

SCRIPTS = Path(__file__).parents[3] / "scripts" / "trained"
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler (cc) to build the trainer with")


def script(name):
    """One of the scripts as a module; they import each other as Python's start from their folder lets them."""
    sys.path.insert(0, str(SCRIPTS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(SCRIPTS))


def start_maker(name, journal, *options):
    """Start `make.py`, in a group of processes of its own."""
    command = [sys.executable, SCRIPTS / "make.py", name, "--journal", journal, *options]
    return subprocess.Popen([str(word) for word in command], stderr=subprocess.DEVNULL, start_new_session=True)


def check_gradient(trainer, make_reference, genes, train, real, rtol):
    """The trainer's loss and gradient of a batch, from weights that are moved, are those of torch's module."""
    weights = trainer.initial_weights(genes, seed=0, row=0).astype(np.float64)
    weights += 0.1 * np.random.default_rng(1).standard_normal(len(weights))
    images, labels = train.images[: trainer.BATCH], train.labels[: trainer.BATCH]
    network = make_reference(genes, weights, real=torch.float64)
    expected = cross_entropy(network(torch.as_tensor(images)[:, None].double()), torch.as_tensor(labels))
    expected.backward()
    reference = parameters_to_vector([p.grad for p in network.parameters()]).numpy()
    mine = weights if real == "double" else weights.astype(np.float32)
    loss, gradient = trainer.gradient(np.array(genes), mine, images, labels)
    assert loss == pytest.approx(expected.item(), rel=rtol)
    np.testing.assert_allclose(gradient, reference, rtol=rtol, atol=rtol * np.abs(reference).max())


def check_repeats(task, genes, **address):
    """A training at one address gives the same twice; what it gave."""
    first, again = (task.train(np.array(genes), **address) for _ in range(2))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert first[2] == again[2]
    return first
