"""A user's module in a folder of its own: campaigns, networks that leave as plain torch, kills that change nothing."""

import os
import pickle
import subprocess
import sys

import numpy as np
import orjson
import pytest
import torch
from _campaigns import alone, family, logs, mobench, said, wait_for_work, wait_until_gone
from torch import nn

import mobench as library
from mobench.live import Choice, ElasticBatchNorm, ElasticConv2d, ElasticLinear, Gene, Repeat, problem

pytestmark = pytest.mark.long

FILE = '''"""Rings of three radii in noise, by a small network with choices."""

import numpy as np
import torch
from torch import nn

import mobench.live
from mobench.live import Choice, ElasticBatchNorm, ElasticConv2d, ElasticLinear, Gene, Recipe, Repeat


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        w = Gene("width", 4, 8)
        self.stem = nn.Sequential(ElasticConv2d(1, w, kernel=3, stride=2), ElasticBatchNorm(w), nn.ReLU())
        self.body = Repeat(Gene("depth", 1, 2), lambda i: Choice(
            f"op{i}", conv=ElasticConv2d(w, w, kernel=Gene(f"kernel{i}", 1, 3)), pool=nn.AvgPool2d(3, 1, 1)))
        self.norm, self.head = ElasticBatchNorm(w), ElasticLinear(w, 3)

    def forward(self, x):
        return self.head(torch.relu(self.norm(self.body(self.stem(x)))).mean(dim=(2, 3)))


def problem(*, objectives: tuple[str, ...] = ("error", "latency:cpu_b1"), epochs: int = 3):
    rng = np.random.default_rng(0)
    r, y = np.hypot(*np.mgrid[-1:1:8j, -1:1:8j]), np.arange(240) % 3
    x = np.exp(-((r - 0.4 * y[:, None, None]) ** 2) * 9) + 0.8 * rng.standard_normal((240, 8, 8))
    return mobench.live.problem(Net, data=(x[:, None], y), objectives=objectives, recipe=Recipe(epochs=epochs))
'''
SEARCHERS = ("nsga2:population=4", "spos:finalists=2", "scalarization:preference=0.5")

ELSEWHERE = """
import sys
sys.modules["mobench"] = None  # importing it fails

import pickle
import torch

for name in sys.argv[1:]:
    images, expected = torch.load(f"{name}.tensors")
    if name.startswith("exported"):
        network = torch.export.load(f"{name}.pt2").module()
    else:
        with open(f"{name}.pickle", "rb") as file:
            network = pickle.load(file)
    torch.testing.assert_close(network(images), expected)
assert not [name for name in sys.modules if name.startswith("mobench.")]
"""


def elsewhere(folder, names):
    """Load networks in a process that has no mobench, and compare what they answer."""
    command = [sys.executable, "-c", ELSEWHERE, *names]
    subprocess.run(command, cwd=folder, check=True)


def saved(network, images, path):
    torch.save((images, network(images).detach()), path.with_suffix(".tensors"))


def test_a_campaign_of_a_module_gives_a_front_that_leaves_as_plain_torch(tmp_path):
    (tmp_path / "rings.py").write_text(FILE)
    assert len(FILE.splitlines()) <= 30
    names = [word for name in SEARCHERS for word in ("-s", name)]
    run = ("run", "-p", "rings", "--plugin", "rings.py", *names, "-b", "trainings=14", "--seeds", 1, "-w", 2, "-q")
    code, lines = said(mobench(*run, "--name", "first", cwd=tmp_path), seconds=300)
    assert code == 0, lines
    library.use_plugins([str(tmp_path / "rings.py")])
    fronts = library.load(tmp_path / "results" / "first").fronts
    assert set(fronts.searcher) == set(SEARCHERS)
    p = library.make_problem("rings")
    members = [[int(k) for k in text.split()] for text in fronts[fronts.nondominated].genes.unique()]
    F = p.score(np.array(members))
    assert np.isfinite(F).all()
    assert F[:, 0].min() < 60  # guessing: 67
    assert (F[:, 1] > 0).all()
    images = torch.rand(3, 1, 8, 8)
    for i, x in enumerate(members):
        network, path = p.network(x), tmp_path / f"exported{i}.pt2"
        torch.export.save(torch.export.export(network, (images,)), path)
        saved(network, images, path)
    elsewhere(tmp_path, [f"exported{i}" for i in range(len(members))])


def test_networks_of_torchs_own_classes_are_pickled(tmp_path):
    def network():
        w = Gene("width", 4, 8)
        body = Repeat(Gene("depth", 0, 1, 2), lambda i: Choice(f"op{i}", conv=ElasticConv2d(w, w), skip=nn.Identity()))
        last = ElasticBatchNorm(w), nn.AdaptiveAvgPool2d(1), nn.Flatten(), ElasticLinear(w, 3)
        return nn.Sequential(ElasticConv2d(1, w, kernel=3), body, *last)

    rng = np.random.default_rng(0)
    p = problem(network, data=(rng.random((60, 1, 6, 6)), np.arange(60) % 3))
    images = torch.rand(3, 1, 6, 6)
    for i, x in enumerate(p.space.sample(rng, 3)):
        trained, path = p.modules.extract(x).eval(), tmp_path / f"pickled{i}.pickle"
        path.write_bytes(pickle.dumps(trained))
        saved(trained, images, path)
    elsewhere(tmp_path, [f"pickled{i}" for i in range(3)])


def test_a_campaign_of_a_module_that_is_killed_goes_on_to_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBENCH_DATA", str(tmp_path / "data"))  # where nothing is trained yet
    (tmp_path / "rings.py").write_text(FILE)
    (tmp_path / "c.toml").write_text(
        "name = 'kills'\nproblems = ['rings:objectives=[error,flops]']\nplugins = ['rings.py']\n"
        f"searchers = {list(SEARCHERS)}\nseeds = 1\nbudget = {{ trainings = 6 }}\n"
    )
    runs = tmp_path / "results" / "kills" / "runs"
    kills = 0
    while kills < 2:
        parent = mobench("run", "c.toml", "-w", 2, "-q", cwd=tmp_path)
        if not wait_for_work(parent, runs):
            break
        processes = [parent, *family(parent)]
        for process in processes:
            process.kill()
        parent.communicate()
        assert not wait_until_gone(processes[1:])
        kills += 1
    assert kills
    code, lines = said(mobench("run", "c.toml", "-w", 2, "-q", cwd=tmp_path), seconds=300)
    assert code == 0, lines
    found = logs(runs)
    assert len(found) == 2 * len(SEARCHERS)
    assert found == alone(tmp_path / "c.toml", tmp_path / "again")  # of what was trained before
    monkeypatch.setenv("MOBENCH_DATA", str(tmp_path / "empty"))
    anew = alone(tmp_path / "c.toml", tmp_path / "anew")
    for name in (name for name in found if name.endswith("log.jsonl")):
        assert without_seconds(anew[name]) == without_seconds(found[name])
    assert os.listdir(tmp_path / "empty")


def without_seconds(content):
    return [{k: v for k, v in orjson.loads(line).items() if k != "seconds"} for line in content.splitlines()]
