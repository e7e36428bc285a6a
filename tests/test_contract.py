"""The metric contract: seen decides, scored reports; three conventions, frozen."""

import numpy as np
import pytest

import mobench
from mobench.budget import Cost
from mobench.contract import CONTRACTS, _archives, anytime, contract_for
from mobench.fronts import hypervolume, nondominated
from mobench.history import History, Note
from mobench.problem import Objective, Space, Values


class Misleading:
    """Four architectures whose seen order is the reverse of the scored one."""

    space = Space((4,))
    objectives = (Objective("error"), Objective("cost"))
    training = Cost(evaluations=1)
    deterministic = True
    seen = np.array([[0.0, 3], [1, 2], [2, 1], [3, 3]])
    true = np.array([[9.0, 3], [4, 2], [2, 1], [0, 0]])

    def evaluate(self, X, *, fidelity, seeds):
        return Values(self.seen[X[:, 0]])

    def score(self, X):
        return self.true[X[:, 0]]

    def front(self):
        return np.array([[0], [2]]), np.array([[1.0, 9.0], [9.0, 1.0]])

    def bounds(self, contract):
        return np.zeros(2), np.full(2, 10.0)


def history(X, seen, **changes):
    n = len(X)
    spent = {axis: np.arange(1.0, n + 1) for axis in ("evaluations", "asked", "flops", "seconds")}
    base = {"fidelity": np.zeros(n), "spent": spent, "total": {}, "recommended": [], "records": []}
    return History(X=X, F=seen[X[:, 0]], **(base | changes))


def note(answers, content):
    return Note(answers, dict.fromkeys(("evaluations", "asked", "flops", "seconds"), float(answers)), content)


ALL = np.array([[0], [1], [2], [3]])


def test_the_set_is_chosen_by_what_was_seen_and_only_then_scored():
    problem = Misleading()
    contract = contract_for(problem)
    chosen = contract.choose(history(ALL, problem.seen), problem.seen, 4)
    assert chosen.tolist() == [[0], [1], [2]]  # architecture 3, the best by score, looked dominated


def test_the_reference_is_one_point_one_in_units_of_ideal_and_nadir():
    contract = contract_for(Misleading())
    assert contract.normalise([[1, 9], [9, 1], [5, 5]]).tolist() == [[0, 1], [1, 0], [0.5, 0.5]]
    assert contract.share(np.array([[1.0, 9.0], [9.0, 1.0]])) == pytest.approx(1)
    assert contract.share(np.array([[5.0, 5.0]])) == pytest.approx(0.6**2 / (2 * 1.1 * 0.1 - 0.1**2))


def test_a_recommendation_is_the_set_and_a_later_one_replaces_it():
    problem = Misleading()
    seen = history(ALL, problem.seen, recommended=[note(2, np.array([[1]])), note(4, np.array([[3], [3]]))])
    contract = contract_for(problem)
    assert contract.choose(seen, problem.seen, 2).tolist() == [[1]]
    assert contract.choose(seen, problem.seen, 4).tolist() == [[3]]
    spent, share = anytime(contract, problem, seen)
    assert spent["flops"].tolist() == [2, 4]
    assert share[1] > 1  # better than the front that this problem declares: nothing is clipped


def test_answers_at_low_fidelity_do_not_enter_the_set():
    problem = Misleading()
    seen = history(ALL, problem.seen, fidelity=np.array([12, 0, 0, 12]))
    assert contract_for(problem).choose(seen, problem.seen, 4).tolist() == [[1], [2]]


def test_evoxbench_judges_the_final_population_within_published_bounds():
    problem = Misleading()
    contract = contract_for(problem, "evoxbench")
    assert (contract.reference, contract.ideal.tolist(), contract.nadir.tolist()) == (1, [0, 0], [10, 10])
    seen = history(
        ALL, problem.seen, records=[note(2, {"population": [[0], [1]]}), note(4, {"population": [[2], [3]]})]
    )
    assert contract.choose(seen, problem.seen, 2).tolist() == [[0], [1]]
    assert contract.choose(seen, problem.seen, 4).tolist() == [[2]]


def test_unknown_contracts_and_missing_bounds_are_refused():
    with pytest.raises(ValueError, match=f"choose from {', '.join(CONTRACTS)}"):
        contract_for(Misleading(), "mobench")
    with pytest.raises(ValueError, match="neither a true front nor bounds"):
        contract_for(mobench.make_problem("catsum", {}), "modnas")


def test_the_share_of_catsum_is_its_hypervolume_over_that_of_its_front():
    result = mobench.run("random_search", "catsum", budget=300)
    F = result.problem.score(result.delivered())
    front = result.problem.front()[1]
    ideal, nadir = front.min(axis=0), front.max(axis=0)

    def volume(F):
        return hypervolume((F - ideal) / (nadir - ideal), 1.1)

    assert result.hypervolume() == pytest.approx(volume(F) / volume(front))


@pytest.mark.parametrize("m", [1, 2, 3])
def test_the_anytime_archive_is_the_nondominated_set_at_every_moment(m):
    rng = np.random.default_rng(m)
    F = rng.integers(0, 8, (300, m)).astype(float)
    eligible = rng.random(300) < 0.8
    moments, members = _archives(F, eligible)
    archive = np.empty(0, dtype=int)
    changes = dict(zip(moments.tolist(), members, strict=True))
    for n in range(1, 301):
        archive = changes.get(n, archive)
        rows = np.flatnonzero(eligible[:n])
        assert sorted(archive.tolist()) == rows[nondominated(F[rows])].tolist()


def test_the_curve_ends_at_the_hypervolume_of_the_run():
    for searcher in ("random_search", "nsga2", "local_search"):
        result = mobench.run(searcher, "catsum", budget=200, seed=1)
        assert result.curve()["hypervolume"].iloc[-1] == pytest.approx(result.hypervolume())
