"""The score function's gradients are unbiased, those of relaxations of one computed operation are not; warm-ups."""

import itertools

import numpy as np
import pytest
import torch
from _toy_runs import PUBLISHED, check_killed

import mobench
from mobench.harness.spec import RunSpec
from mobench.searchers._relaxed import descent as _descent
from mobench.searchers._relaxed import relaxations as relaxations
from mobench.searchers._relaxed.relaxations import relax
from mobench.searchers._relaxed.search import initial
from mobench.searchers._relaxed.settings import Settings
from mobench.searchers._relaxed.units import cost_scales, error_unit

torch.set_num_threads(1)
RIDGENET = "bilevel_toys:name=ridgenet"


class Tabulated:
    """A network of two genes of three operations whose loss is a table: only the chosen entry has a gradient."""

    operations = (("a", "b", "c"),) * 2
    drawn = {"train": 0, "valid": 0}  # noqa: RUF012
    table = torch.tensor([[0.3, 1.0, 0.2], [2.0, 0.1, 0.7], [0.4, 0.9, 1.5]], dtype=torch.double)

    def initial_alpha(self):
        return torch.tensor([[0.2, -0.4, 0.5], [0.0, 0.6, -0.3]], dtype=torch.double)

    def initial_weights(self, *, partial_channels=1):
        return {"unused": torch.zeros(1, dtype=torch.double)}

    def train_batch(self):
        return None

    valid_batch = train_batch

    def valid_loss(self, weights, p, batch, *, computed=None):
        chosen = ((p != 0) if computed is None else (p != 0) | computed).to(p)  # what is not sampled is not computed
        return torch.einsum("i,j,ij->", p[0] * chosen[0], p[1] * chosen[1], self.table)

    train_loss = valid_loss

    def costs(self, p):
        return (p @ p.new_tensor([1.0, 2.0, 4.0])).sum()[None]

    def one_shot(self, weights, X, *, batches):
        return self.table[X[:, 0], X[:, 1]].numpy()

    def discretise(self, alpha):
        return alpha.argmax(dim=1).numpy()[None]


def search_of(relaxation, seed=0):
    return initial(Tabulated(), Settings(relaxation=relaxation), np.array([0.5, 0.5]), seed)


def exact_gradient(alpha):
    alpha = alpha.detach().requires_grad_()
    pi = torch.softmax(alpha, dim=-1)
    return torch.autograd.grad(pi[0] @ Tabulated.table @ pi[1], alpha)[0]


def mean_of_all_triples(alpha):
    """Expectation of the estimator over all draws of three paths, by enumeration of its formula."""
    pi = torch.softmax(alpha.detach(), dim=-1)
    eye = torch.eye(3, dtype=torch.double)
    cells = [(i, j) for i in range(3) for j in range(3)]
    total = torch.zeros_like(pi)
    for triple in itertools.product(cells, repeat=_descent.PATHS):
        chance = torch.stack([pi[0, i] * pi[1, j] for i, j in triple]).prod()
        losses = torch.stack([Tabulated.table[i, j] for i, j in triple])
        paths = torch.stack([torch.stack([eye[i], eye[j]]) for i, j in triple])
        total += chance * torch.einsum("i,igk->gk", losses - losses.mean(), paths) / (_descent.PATHS - 1)
    return total


def test_the_score_function_with_the_other_paths_as_a_baseline_is_unbiased():
    alpha = search_of("score").alpha
    assert torch.allclose(mean_of_all_triples(alpha), exact_gradient(alpha), atol=1e-12)


def test_sampled_gradients_by_the_score_function_agree_with_the_exact_one():
    search, n = search_of("score"), 1200
    rows = torch.stack([_descent.objectives(search, search.relax())[1][0] for _ in range(n)])
    exact = exact_gradient(search.alpha).flatten()
    assert bool(((rows.mean(dim=0) - exact).abs() < 4 * rows.std(dim=0) / n**0.5).all())


def test_where_only_the_sampled_operation_is_computed_reinmax_shrinks_the_gradient():
    """The loss is quadratic, for which the gradient is exact where it sees all operations: by enumeration."""
    alpha = search_of("reinmax").alpha
    pi, eye = torch.softmax(alpha.detach(), dim=-1), torch.eye(3, dtype=torch.double)
    sampled_alone, all_computed = torch.zeros_like(pi), torch.zeros_like(pi)
    for i, j in itertools.product(range(3), repeat=2):
        hard = torch.stack([eye[i], eye[j]])
        p = relaxations._straight_through(hard, relaxations._reinmax(alpha, hard, 1.0))
        everything = torch.ones((2, 3), dtype=torch.bool)
        losses = [Tabulated().valid_loss({}, p, None, computed=mask) for mask in (None, everything)]
        seen, full = (torch.autograd.grad(loss, alpha, retain_graph=True)[0] for loss in losses)
        sampled_alone += pi[0, i] * pi[1, j] * seen
        all_computed += pi[0, i] * pi[1, j] * full
    exact = exact_gradient(alpha)
    assert torch.allclose(all_computed, exact, atol=1e-12)
    assert float(sampled_alone.norm()) < 0.7 * float(exact.norm())


def test_expected_costs_are_exact_beside_the_score_function():
    search = search_of("score")
    first, second = (_descent.objectives(search, search.relax()) for _ in range(2))
    assert torch.equal(first[1][1], second[1][1])
    assert float(first[0][1]) == pytest.approx(float(Tabulated().costs(torch.softmax(search.alpha.detach(), -1))[0]))
    assert not torch.equal(first[1][0], second[1][0])


def test_the_error_is_in_its_unit_where_the_search_has_one():
    plain, scaled = search_of("score"), search_of("score")
    scaled.extra["unit"] = torch.tensor(4.0, dtype=torch.double)
    (a, G), (b, H) = (_descent.objectives(search, search.relax()) for search in (plain, scaled))
    assert torch.allclose(a[0], 4 * b[0])
    assert torch.allclose(G[0], 4 * H[0])
    assert torch.equal(G[1], H[1])


def test_units_are_ranges_over_the_same_random_architectures():
    problem = mobench.make_problem("bilevel_toys", {"name": "ridgenet"})
    network = problem.supernet(charge=lambda flops: None, seed=0)
    search = initial(network, Settings(), np.array([0.5, 0.5]), 0)
    for _ in range(10):  # fresh weights tell no architecture apart
        _descent.train(search)
    batch, paths = network.valid_batch(), _paths(problem, search)
    losses = [float(network.valid_loss(search.weights, p, batch).detach()) for p in paths]
    assert float(error_unit(search, problem.space)) == pytest.approx(max(losses) - min(losses))
    costs = [float(network.costs(p)[0]) for p in paths]
    assert float(cost_scales(network, problem.space, 2, search.alpha)[0]) == pytest.approx(max(costs) - min(costs))


def _paths(problem, search):
    X = problem.space.sample(np.random.default_rng(0), 50)
    return torch.nn.functional.one_hot(torch.as_tensor(X), search.alpha.shape[1]).to(search.alpha)


def test_uniform_paths_do_not_ask_alpha():
    search = search_of("score")
    with torch.no_grad():
        search.alpha.copy_(torch.tensor([[50.0, 0.0, 0.0]] * 2))
    paths = torch.stack([_descent.uniform(search)(search.alpha) for _ in range(600)])
    assert paths.mean(dim=0) == pytest.approx(np.full((2, 3), 1 / 3), abs=0.08)


def test_draws_for_the_score_function_are_one_hot_and_have_no_gradient():
    alpha = torch.zeros(2, 3, requires_grad=True)
    p = relax(alpha, "score", generator=torch.Generator().manual_seed(0))
    assert not p.requires_grad
    assert p.sum(dim=1).tolist() == [1.0, 1.0]


WARM = (
    "scalarization",
    "mgda",
    "epo",
    "darts",
    "unrolled",
    "implicit",
    "milenas",
    "auxiliary",
    "f2sa",
    "bome",
    "snas",
    "setn",
    "fbnet",
    "proxyless_nas",
    "fair_darts",
)


@pytest.mark.long
@pytest.mark.parametrize("searcher", WARM)
def test_weights_warm_up_once_and_serve_all_preferences(searcher):
    learning = {"warm_up": 0.5, "finalists": 0} | ({"products": 5} if searcher == "auxiliary" else {})
    result = mobench.run(searcher, RIDGENET, budget={"flops": 4000}, **learning)
    spent = [note.spent["flops"] for note in result.history.recommended]
    assert 2000 < spent[0] < 2400
    assert len({tuple(note.content["preference"]) for note in result.history.records}) == 5


def test_after_a_warm_up_all_objectives_are_in_their_units():
    """The upper level is ``r_0 F / s_0 + r_1 c / s_1``: F's unit divides its value and its gradient, costs stay."""
    search, relaxed = search_of("softmax"), lambda alpha: torch.softmax(alpha, dim=-1)
    search.preference, search.scales = torch.tensor([0.25, 0.75]), torch.tensor([5.0])
    losses = [search.upper(relaxed)]
    search.extra["unit"] = torch.tensor(4.0)
    losses.append(search.upper(relaxed))
    raw, scaled = (float(loss(search.weights, search.alpha.detach())) for loss in losses)
    cost = 0.75 * float(search.costs(relaxed)(search.alpha.detach())[0])
    assert scaled - cost == pytest.approx((raw - cost) / 4.0)
    assert raw - cost > 0


def test_a_warm_up_in_steps_is_its_share_of_all_steps():
    records = {}
    for warm_up in (0.0, 0.5):
        options = {"steps": 10, "preferences": 2, "paths": "uniform", "relaxation": "reinmax", "warm_up": warm_up}
        records[warm_up] = mobench.run("scalarization", RIDGENET, budget={"flops": 1e6}, **options).history
    ends = [history.records[-1].spent["flops"] for history in records.values()]
    a_step = 3.0 * 2  # of RidgeNet: forward and backward, validation and training
    assert ends[1] - ends[0] == pytest.approx(20 * a_step / 2 + 50, rel=0.35)


@pytest.mark.parametrize("searcher", ["scalarization", "mgda", "pareto_hypernetwork", "f2sa", "milenas"])
@pytest.mark.parametrize("marks", [5, 25])  # in the warm-up and after it
def test_a_search_killed_in_or_after_its_warm_up_goes_on_to_the_same_end(tmp_path, searcher, marks, monkeypatch):
    options = PUBLISHED | {"warm_up": 0.5} if searcher in ("f2sa", "milenas") else {}
    spec = RunSpec("bilevel_toys", searcher, 0, {"flops": 600.0}, {"name": "ridgenet"}, options)
    check_killed(spec, min(marks, 15 if searcher == "pareto_hypernetwork" else marks), tmp_path, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("searcher", ["scalarization", "modnas"])
def test_motif_is_searched_better_than_by_chance_at_the_same_ledger(searcher):
    chance = [
        mobench.run("random_search", "motif", budget={"trainings": 2}, seed=seed).hypervolume() for seed in range(20)
    ]
    found = mobench.run(searcher, "motif", budget={"trainings": 2}, finalists=0)  # what learning alone finds
    assert found.hypervolume(contract="mobench-1") > np.mean(chance) + 0.1
