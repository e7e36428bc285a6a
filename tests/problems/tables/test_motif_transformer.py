"""The table of motif_transformer: what its networks are, cost and have learnt."""

import hashlib

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mobench import load_table
from mobench.problems._images import motif_chain, motif_transformer
from mobench.problems._trained.supernet import space_of
from mobench.problems._transformer import space
from mobench.problems._transformer.network import transformer, transformers
from mobench.problems._transformer.table import TABLE
from mobench.problems.tables.motif_transformer import problem


@pytest.fixture(scope="module")
def table():
    return load_table(TABLE)


def test_parts_that_run_one_after_the_other_are_one_network_in_whichever_layers_they_are_written():
    X = space.all_transformers()
    assert X.shape == (5832, 8)
    np.testing.assert_array_equal(space.index(X), np.arange(5832))
    networks = space.canonical(X)
    np.testing.assert_array_equal(space.canonical(networks), networks)
    kinds = {(x[0], *space.parts_of(x), x[-1]) for x in X}
    assert len(np.unique(networks, axis=0)) == len(space.all_networks()) == len(kinds) == 4136
    for x, same in zip(X[::13], networks[::13], strict=True):
        assert space.parts_of(x) == space.parts_of(same)


def test_costs_are_those_of_the_torch_module():
    for x in space.all_transformers()[::263]:
        network = transformer(x).requires_grad_(False)
        with FlopCounterMode(display=False) as counter:
            assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 40)
        assert counter.get_total_flops() / 4 == space.flops(x[None])[0]
        assert sum(p.numel() for p in network.parameters()) == space.params(x[None])[0]


def test_the_module_has_the_genes_and_costs_of_the_table():
    """And its paths are the stand-alone networks, says its own check."""
    modules, X = space_of(transformers), space.all_transformers()
    assert tuple(gene.name for gene in modules.genes) == space.NAMES
    np.testing.assert_array_equal(modules.costs(X), np.c_[space.flops(X), space.params(X)])
    modules.check(torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0)))


def test_names_tell_the_parts_of_each_layer():
    assert space.to_strings(np.array([[3, 2, 1, 1, 0, 0, 2, 1]])) == ["w24: h2 r1 | h1 r0 | h0 r2 | max"]


def test_the_images_are_those_of_motif_chain_with_more_to_train_on():
    mine, its = motif_transformer.generate(), motif_chain.generate()
    assert [len(part.images) for part in mine] == [24576, 2048, 8192]
    for part, other in zip(mine[1:], its[1:], strict=True):
        np.testing.assert_array_equal(part.labels, other.labels)
        ratio = part.images / other.images  # both in units of their training part's deviation
        np.testing.assert_allclose(ratio, np.median(ratio), rtol=1e-3)
        assert abs(np.median(ratio) - 1) < 0.01


def test_trainings_that_were_made_stay_as_they_are(table):
    """The first of the order in which networks are trained, by their golden counts."""
    first = np.random.default_rng(0).permutation(table["row"])[:150]
    at = np.searchsorted(table["row"], np.sort(first))
    counts = np.column_stack([table["valid_correct:0"][at], table["test_correct:0"][at]]).astype("<u2")
    assert hashlib.sha256(counts.tobytes()).hexdigest()[:16] == "545094d654a4c4e2"


def test_latency_is_a_sum_over_parts_at_each_width(table):
    names = ("latency:cpu_b1", "latency:cpu_b64")
    known = problem(objectives=("error", *names))
    F = known.score(known.networks)
    for column, name in enumerate(names, start=1):
        about = table.about["latency"][name]
        for (width, *parts, _), latency in zip(known.networks[::50], F[::50, column], strict=True):
            heads, ratios = about["parts"][width]
            expected = about["fixed"][width] + sum(heads[h] for h in parts[::2]) + sum(ratios[r] for r in parts[1::2])
            assert latency == pytest.approx(expected)


def test_the_nearest_sum_of_a_sum_is_that_sum():
    X = space.all_networks()
    for name in ("flops", "params"):
        cost = space.part_costs(name)
        found = space.nearest_sum(X, cost.of(X))
        np.testing.assert_allclose(found.fixed, cost.fixed)
        np.testing.assert_allclose(found.parts, cost.parts, atol=1e-6)
