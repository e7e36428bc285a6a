"""The table of motif_chain: what its networks are, cost and have learnt."""

import hashlib

import numpy as np
import pytest
import torch
from torch.nn.functional import one_hot

from mobench import load_table
from mobench.live import ModuleSpace
from mobench.problems._chain import space
from mobench.problems._chain.network import chain as chain_of
from mobench.problems._chain.network import chains
from mobench.problems._chain.table import TABLE
from mobench.problems.tables import motif_chain


@pytest.fixture(scope="module")
def table():
    return load_table(TABLE)


def test_skips_move_within_a_stage_and_leave_5329_networks():
    X = space.all_chains()
    assert X.shape == (6561, 4)
    np.testing.assert_array_equal(space.index(X), np.arange(6561))
    networks = space.canonical(X)
    assert len(np.unique(networks, axis=0)) == len(space.all_networks()) == (1 + 8 + 8**2) ** 2
    np.testing.assert_array_equal(space.canonical(networks), networks)
    for X1, X2 in zip(X[::97], networks[::97], strict=True):
        blocks = [[gene for gene in stage if gene] for x in (X1, X2) for stage in space.stages_of(x)]
        assert blocks[:2] == blocks[2:]


def test_costs_are_those_of_the_torch_module():
    rng = np.random.default_rng(0)
    for x in rng.integers(0, 9, size=(12, 4)):
        network, macs = chain_of(x), []

        def count(module, inputs, output, macs=macs):
            pixels = output.shape[2] * output.shape[3] if output.ndim == 4 else 1
            macs.append(pixels * module.weight.numel())

        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
                module.register_forward_hook(count)
        with torch.no_grad():
            assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 40)
        assert sum(macs) == space.flops(x[None])[0]
        assert sum(p.numel() for p in network.parameters()) == space.params(x[None])[0]


def test_trainings_that_were_made_stay_as_they_are(table):
    """The first of the order in which networks are trained, by their golden counts."""
    valid = {5983: [408, 908, 1188, 1741, 1845, 1878, 1905, 1910], 4559: [275, 667, 1175, 1395, 1648, 1754, 1842, 1840]}
    for row, counts in valid.items():
        np.testing.assert_array_equal(table["valid_correct:0"][table["row"] == row][0], counts)
    first = np.random.default_rng(0).permutation(table["row"])[:150]
    at = np.searchsorted(table["row"], np.sort(first))
    counts = np.column_stack([table["valid_correct:0"][at], table["test_correct:0"][at]]).astype("<u2")
    assert hashlib.sha256(counts.tobytes()).hexdigest()[:16] == "a3c80e7ce60ed549"


def test_latency_is_a_sum_over_blocks(table):
    names = ("latency:cpu_b1", "latency:cpu_b64")
    chain = motif_chain.problem(objectives=("error", *names))
    F = chain.score(chain.networks)
    for column, name in enumerate(names, start=1):
        about = table.about["latency"][name]
        first, second = about["stages"]
        for x, latency in zip(chain.networks[::50], F[::50, column], strict=True):
            expected = about["fixed"] + sum(first[gene] for gene in x[:2]) + sum(second[gene] for gene in x[2:])
            assert latency == pytest.approx(expected)


def test_a_path_of_the_supernet_is_the_stand_alone_network():
    """With its weights copied: the same logits."""
    module = chains().double()
    modules = ModuleSpace(module, torch.zeros(2, 1, 8, 8, dtype=torch.float64))
    images = torch.randn(16, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert tuple(gene.name for gene in modules.genes) == space.BLOCK_NAMES
    for x in np.random.default_rng(1).integers(0, 9, size=(6, 4)):
        left_out = {
            f"{1 + b // 2 * 2}.{b % 2}.{name}."
            for b, g in enumerate(x)
            for name in space.OPERATIONS
            if name != space.OPERATIONS[g]
        }
        weights = dict(module.named_parameters())
        mine = [w for name, w in weights.items() if not any(name.startswith(part) for part in left_out)]
        alone = chain_of(x).double().train()
        torch.nn.utils.vector_to_parameters(torch.cat([w.flatten() for w in mine]), alone.parameters())
        with torch.no_grad():
            path = modules(weights, one_hot(torch.as_tensor(x), 9).double(), images)
            torch.testing.assert_close(path, alone(images), rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(modules.costs(x[None])[0], [space.flops(x[None])[0], space.params(x[None])[0]])
