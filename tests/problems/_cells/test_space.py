"""The cell space: which genotypes are one network, what they cost, and how they are written."""

import csv
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from mobench.problems._cells import space as cell
from mobench.problems._cells.network import Cell, Network

CELLS = cell.all_cells()
rows = st.integers(0, len(CELLS) - 1)
skeletons = st.builds(
    cell.Skeleton,
    inputs=st.integers(1, 3),
    size=st.just(8),
    classes=st.integers(2, 12),
    channels=st.integers(1, 5),
    cells=st.integers(1, 2),
    stages=st.integers(1, 3),
)


def test_every_genotype_has_its_own_row_and_string():
    np.testing.assert_array_equal(cell.index(CELLS), np.arange(15625))
    strings = cell.to_strings(CELLS)
    assert len(set(strings)) == 15625
    assert strings[0] == "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
    np.testing.assert_array_equal(cell.from_strings(strings), CELLS)


@pytest.mark.parametrize(
    ("string", "said"),
    [
        ("|none~0|+|none~0|none~1|", "expected"),
        ("|none~0|+|none~0|none~1|+|none~0|none~1|none~1|", "expected"),
        ("|none~0|+|none~0|conv_5x5~1|+|none~0|none~1|none~2|", "unknown operation 'conv_5x5'"),
    ],
)
def test_a_bad_string_is_named(string, said):
    good = cell.to_strings(CELLS[:1])
    with pytest.raises(ValueError, match=r"strings\[1\]") as error:
        cell.from_strings([*good, string])
    assert said in str(error.value)
    assert string in str(error.value)


@pytest.mark.parametrize(("classes", "count"), [(cell.functional_classes, 5260), (cell.isomorphism_classes, 6466)])
def test_there_are_so_many_classes_each_named_by_its_first_member(classes, count):
    of = classes()
    names, first = np.unique(of, return_index=True)
    assert len(names) == count
    np.testing.assert_array_equal(names, first)
    np.testing.assert_array_equal(of[of], of)
    assert not of.flags.writeable


def test_isomorphism_classes_are_those_of_nats_bench(shared_data):
    path = shared_data / "nasbench201" / "nats_bench.csv"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    with path.open() as file:
        entries = list(csv.DictReader(file))
    of = cell.isomorphism_classes()[cell.index(cell.from_strings([e["ArchitectureString"] for e in entries]))]
    unique = [e["UniqueString"] for e in entries]
    assert len(set(unique)) == len(set(zip(of.tolist(), unique, strict=True))) == len(np.unique(of))


def test_removing_dead_edges_is_idempotent_and_stays_in_the_class():
    once = cell.live(CELLS)
    np.testing.assert_array_equal(cell.live(once), once)
    of = cell.functional_classes()
    np.testing.assert_array_equal(of[cell.index(once)], of)
    representatives = CELLS[np.unique(of)]
    np.testing.assert_array_equal(cell.live(representatives), representatives)


def test_equal_networks_cost_the_same():
    of = cell.functional_classes()
    for cost in (cell.flops, cell.params):
        values = cost(cell.live(CELLS))
        np.testing.assert_array_equal(values, values[of])


def terms(genes):
    """Summands of node 3: ("x",) or (operation, edge, summands of its argument)."""
    values = [[("x",)], [], [], []]
    for e, (target, source) in enumerate(cell.EDGES):
        op = int(genes[e])
        if op == cell.SKIP:
            values[target] += values[source]
        elif op != cell.NONE and values[source]:
            values[target].append((op, e, values[source]))
    return values[3]


def uses(summands):
    """How often each convolution's edge is met in the expression."""
    return sum((Counter([term[1]]) + uses(term[2]) for term in summands if len(term) > 1), Counter())


def matched(a, b, twice_a, twice_b):
    """Edges of equal convolutions in two equal expressions."""

    def key(term, twice):
        if len(term) == 1:
            return "x"
        shared = term[0] != cell.POOL and twice[term[1]] > 1
        return f"{term[0]}{shared}({sorted(key(t, twice) for t in term[2])})"

    pairs = set()
    ordered = (sorted(s, key=lambda t, w=w: key(t, w)) for s, w in ((a, twice_a), (b, twice_b)))
    for one, other in zip(*ordered, strict=True):
        assert key(one, twice_a) == key(other, twice_b)
        if len(one) > 1:
            pairs |= {(one[1], other[1])} if one[0] != cell.POOL else set()
            pairs |= matched(one[2], other[2], twice_a, twice_b)
    return pairs


@settings(max_examples=60)
@given(row=rows, choice=st.integers(0, 10**6), seed=st.integers(0, 1000))
def test_cells_of_one_functional_class_compute_the_same_with_copied_weights(row, choice, seed):
    of = cell.functional_classes()
    members = np.flatnonzero(of == of[row])
    genes = [CELLS[row], CELLS[members[choice % len(members)]]]
    sums = [terms(g) for g in genes]
    pairs = matched(*sums, *(uses(s) for s in sums))
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    one, other = (Cell(g, 3).double().eval() for g in genes)
    generator = torch.Generator().manual_seed(seed)
    for a, b in pairs:
        for parameter in one.operations[a].parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        other.operations[b].load_state_dict(one.operations[a].state_dict())
    x = torch.randn(2, 3, 5, 5, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(one(x), other(x))


def test_costs_on_the_image_sets_are_the_published_ones():
    n3, n1 = (CELLS == cell.CONV3).sum(axis=1), (CELLS == cell.CONV1).sum(axis=1)
    np.testing.assert_allclose(cell.flops(CELLS) / 1e6, 7.78305 + 35.38944 * n3 + 3.93216 * n1, rtol=1e-12)
    weights = 0.073306 + 5 * (n3 * (9 * 5376 + 224) + n1 * (5376 + 224)) / 1e6
    np.testing.assert_allclose(cell.params(CELLS) / 1e6, weights, rtol=1e-12)
    for skeleton, macs, count in ((cell.CIFAR100, 7788900, 79156), (cell.IMAGENET16, 1953400, 80456)):
        assert cell.flops(CELLS[:1], skeleton=skeleton) == macs
        assert cell.params(CELLS[:1], skeleton=skeleton) == count
    quarter = cell.flops(CELLS, skeleton=cell.IMAGENET16) - 1953400
    np.testing.assert_array_equal(quarter * 4, cell.flops(CELLS) - 7783050)


@settings(max_examples=15)
@given(row=rows, skeleton=skeletons)
def test_costs_equal_what_the_built_network_has_and_does(row, skeleton):
    genes = cell.live(CELLS[[row]])
    network = Network(genes[0], skeleton).eval()
    assert cell.params(genes, skeleton=skeleton) == sum(p.numel() for p in network.parameters())
    counter = FlopCounterMode(display=False)  # two for each multiply-add, and none for the classifier's bias
    with counter, torch.no_grad():
        assert network(torch.zeros(1, skeleton.inputs, 8, 8)).shape == (1, skeleton.classes)
    assert cell.flops(genes, skeleton=skeleton) == counter.get_total_flops() // 2 + skeleton.classes


def test_an_unknown_operation_is_refused_with_the_known_ones():
    from mobench.problems._cells.network import operation

    with pytest.raises(ValueError, match="nor_conv_3x3"):
        operation("conv", 4)
