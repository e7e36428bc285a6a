"""From alpha to architectures: what is left out is in none, and candidates are the likeliest, compared as paths."""

import itertools

import numpy as np
import pytest
import torch

import mobench
from mobench import make_problem
from mobench.searchers._relaxed.discretisation import architecture, best_of_likeliest, likeliest
from mobench.searchers._relaxed.search import initial
from mobench.searchers._relaxed.settings import SampledSweep

torch.set_num_threads(1)


def opened(toy="ridgenet", **options):
    charged = []
    problem = make_problem("bilevel_toys", {"name": toy})
    network = problem.supernet(charge=charged.append, seed=0)
    search = initial(network, SampledSweep(**options), np.array([0.7, 0.3]), 0)
    search.scales = torch.ones(1, dtype=torch.float64)
    return search, charged


@pytest.mark.parametrize("seed", range(20))
def test_the_likeliest_are_those_of_enumeration(seed):
    rng = np.random.default_rng(seed)
    d, k, count = (int(rng.integers(1, n)) for n in (5, 6, 40))
    table = rng.random((d, k))
    table[rng.random((d, k)) < 0.2] = -np.inf
    table[:, 0] = rng.random(d)
    every = itertools.product(range(k), repeat=d)
    sums = {row: sum(table[i, v] for i, v in enumerate(row)) for row in every}
    wanted = sorted((row for row in sums if sums[row] > -np.inf), key=lambda row: -sums[row])[:count]
    assert likeliest(table, count).tolist() == [list(row) for row in wanted]


def test_what_is_left_out_is_never_chosen_and_a_gene_keeps_its_only_operations():
    search, _ = opened("ragged", leave_out=("none",))
    names = [list(operations) for operations in search.operations]
    left = names[0][-1]
    search, _ = opened("ragged", leave_out=(left,))
    with torch.no_grad():
        search.alpha.zero_()
        for gene, operations in enumerate(names):
            if left in operations:
                search.alpha[gene, operations.index(left)] = 5.0
    chosen = [names[gene][v] for gene, v in enumerate(architecture(search)[0])]
    assert all(name != left or set(names[gene]) == {left} for gene, name in enumerate(chosen))
    everything = tuple({name for operations in names for name in operations})
    search, _ = opened("ragged", leave_out=everything)
    assert architecture(search).shape == (1, len(names))


def test_the_best_candidate_is_the_one_with_the_least_upper_loss_and_each_is_charged():
    count = 12
    search, charged = opened(candidates=count)
    with torch.no_grad():
        search.alpha.copy_(torch.randn(search.alpha.shape, generator=torch.Generator().manual_seed(3)))
        search.weights["w"].copy_(torch.randn(25, generator=torch.Generator().manual_seed(4)))
    X = likeliest(torch.log_softmax(search.alpha.detach(), dim=1).numpy(), count)
    loss = search.upper(lambda p: p)
    losses = [loss(search.weights, torch.eye(4, dtype=torch.float64)[torch.as_tensor(x)]).item() for x in X]
    charged.clear()
    assert best_of_likeliest(search)[0].tolist() == X[int(np.argmin(losses))].tolist()
    assert sum(charged) == 4 * count


@pytest.mark.parametrize("name", ["scalarization", "darts"])
def test_a_search_ends_on_the_best_of_its_candidates_within_its_budget(name):
    result = mobench.run(name, "motif", budget={"trainings": 0.3}, candidates=5, leave_out=["none"], finalists=0)
    none = result.problem.operations[0].index("none")
    notes = result.history.recommended
    assert notes
    assert not (notes[-1].content == none).any()
    assert result.reason.startswith("budget") or result.history.total["flops"] <= 0.31 * result.problem.training.flops


@pytest.mark.parametrize(
    ("problem", "options", "said"),
    [
        (
            "motif",
            {"leave_out": ["nome"]},
            "names 'nome' .*, did you mean 'none'",
        ),
        ("motif", {"candidates": 0}, "candidates"),
    ],
)
def test_bad_options_are_refused(problem, options, said):
    with pytest.raises(ValueError, match=said):
        mobench.run("darts", problem, budget={"trainings": 0.1}, **options)


def test_a_plain_vector_is_one_architecture_and_nothing_is_compared():
    options = {"budget": {"flops": 500}, "finalists": 0}
    one, many = (mobench.run("darts", "bilevel_toys:name=quadratic_front", candidates=n, **options) for n in (1, 8))
    assert (one.delivered() == many.delivered()).all()
    assert one.spent == many.spent
