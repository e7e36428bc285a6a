"""Proxies of untrained architectures: their price, their log, kills, forged lines, and what searchers do with them."""

import shutil
from dataclasses import dataclass, replace

import numpy as np
import orjson
import pytest

import mobench
from mobench.analysis.clocks import clock_fault
from mobench.analysis.verification import check_run
from mobench.core.budget import BudgetExhausted, Cost, parse_budget
from mobench.core.capabilities import Proxied
from mobench.core.problem import Objective, Values
from mobench.core.space import Space
from mobench.harness.door import Run
from mobench.harness.execute import execute
from mobench.harness.history import read_history, spent_in
from mobench.harness.log import Log, parse_events
from mobench.harness.sealed import DamagedRunError, seal
from mobench.harness.spec import RunSpec
from mobench.plugins.catalogue import find, make_problem
from mobench.plugins.options import option_lines
from mobench.plugins.sources import use_plugins
from mobench.scoring.load import load
from mobench.searchers._population import untrained


@dataclass
class Promising:
    """Bits; the error is how many are 0, and a proxy knows it up to the first gene, at a tenth of a training."""

    deterministic = True
    space = Space((2,) * 10)
    objectives = (Objective("error"), Objective("size"))
    training = Cost(evaluations=1, flops=10.0)
    proxy_names = ("hint", "flops")
    asked = 0

    def evaluate(self, X, *, fidelity, seeds):
        return Values(self.score(X), flops=np.full(len(X), 10.0))

    def score(self, X):
        return np.column_stack([10 - X.sum(axis=1), X.sum(axis=1)]).astype(float)

    def proxies(self, X, *, names):
        self.asked += len(X)
        columns = {"hint": X[:, 1:].sum(axis=1), "flops": X.sum(axis=1)}
        flops = np.full(len(X), 1.0 * ("hint" in names))
        return Values(np.column_stack([columns[name] for name in names]).astype(float), flops=flops)


def opened(workers=0, log=None, problem=None, **budget):
    problem = problem or Promising()
    limit = parse_budget(budget or {"flops": 1e6}, problem.training, workers=workers)
    return Run(problem, limit=limit, log=log, workers=workers)


def test_a_proxy_costs_its_price_once_and_no_evaluation():
    log, problem = Log(), Promising()
    run = opened(log=log, problem=problem)
    assert isinstance(problem, Proxied)
    assert run.proxy_names == ("hint", "flops")
    X = run.space.at([3, 3, 1023])
    assert run.proxies(X, "hint")[:, 0].tolist() == [2, 2, 9]
    assert (run.spent.flops, run.spent.evaluations, run.spent.asked, problem.asked) == (2.0, 0.0, 0.0, 2)
    assert run.proxies(X).tolist() == [[2, 2], [2, 2], [9, 10]]
    assert run.spent.flops == 2.0
    run.evaluate(X[:1])
    history = read_history(log, d=10, m=2)
    assert history.spent["flops"].tolist() == [12.0]
    assert history.total["flops"] == run.spent.flops == 12.0
    assert spent_in(parse_events(b"".join(log.lines), "log")) == run.spent


def test_what_is_not_on_offer_is_refused_by_name():
    run = opened()
    with pytest.raises(ValueError, match="'zen' is not on offer; this problem has hint, flops"):
        run.proxies([0] * 10, "zen")
    from mobench.plugins.catalogue import make_problem

    other = Run(make_problem("catsum", {}), limit=Cost(10, 10, 10, 10))
    assert other.proxy_names == ()
    with pytest.raises(ValueError, match="needs = \\(Proxied,\\)"):
        other.proxies(other.space.at([0]))


def test_the_budget_ends_the_run_at_the_first_that_it_cannot_pay():
    log = Log()
    run = opened(log=log, flops=3.0)
    with pytest.raises(BudgetExhausted, match="flops"):
        run.proxies(run.space.at(range(8)), "hint")
    assert run.spent.flops == 3.0
    assert len(orjson.loads(log.lines[-1])["proxied"]) == 3
    run = opened(flops=100.0, asked=20)
    with pytest.raises(BudgetExhausted, match="asked"):
        while True:
            run.proxies(run.space.at(range(8)), "flops")  # free, and yet it comes to an end


def test_on_a_clock_workers_score_side_by_side_and_logs_say_when():
    log = Log()
    run = opened(4, log=log)
    run.proxies(run.space.at(range(8)), "hint")
    assert run.spent.clock == 2 / 1e9
    run.evaluate(run.space.at([5]))
    history = read_history(log, d=10, m=2)
    assert history.spent["flops"].tolist() == [18.0]
    events = [orjson.loads(line) for line in log.lines]
    assert clock_fault(Promising(), events) == ""
    next(event for event in events if "proxied" in event)["ends"][0] *= 2
    assert "by their price" in clock_fault(Promising(), events)


def test_a_beginning_holds_the_best_of_each_stratum():
    run = opened()
    X = untrained.begin(run, 5, "hint", 20, np.empty(0, np.int64))
    assert len(X) == len(np.unique(X, axis=0)) == 5
    assert run.spent.flops == 100
    sizes = np.sort(X.sum(axis=1))
    assert sizes[0] <= 4  # small ones, too
    assert sizes[-1] >= 7
    assert (X[:, 0] == 0).mean() >= 0.6  # of equal size the one with the better hint has no first gene


def test_where_multiply_adds_are_not_counted_the_best_of_each_part_as_drawn_begins():
    class Uncounted(Promising):
        proxy_names = ("hint",)

    run = opened(problem=Uncounted())
    X = untrained.begin(run, 5, "hint", 20, np.empty(0, np.int64))
    assert len(X) == len(np.unique(X, axis=0)) == 5
    assert run.spent.flops == 100
    assert (X[:, 1:].sum(axis=1) >= 6).all()  # the best of 20


def test_of_proposals_the_best_is_taken_and_one_alone_is_not_scored():
    run = opened()

    def vary(X, A, B):
        return run.space.sample(run.rng, len(A))

    X = run.space.at([0] * 40)
    chosen = untrained.best_of(run, "hint", 8, vary)(X, X, X)
    assert chosen[:, 1:].sum(axis=1).mean() > 6
    before = run.spent
    untrained.best_of(run, "hint", 1, vary)(X, X, X)
    assert run.spent == before


PLUGIN = """
from dataclasses import dataclass
import numpy as np
from mobench import Cost, Objective, Space, Values

@dataclass
class Promising:
    deterministic = True
    space = Space((2,) * 10)
    objectives = (Objective("error"), Objective("size"))
    training = Cost(evaluations=1, flops=10.0)
    proxy_names = ("hint", "flops")

    def evaluate(self, X, *, fidelity, seeds):
        return Values(self.score(X), flops=np.full(len(X), 10.0))

    def score(self, X):
        return np.column_stack([10 - X.sum(axis=1), X.sum(axis=1)]).astype(float)

    def bounds(self, contract):
        return np.zeros(2), np.full(2, 10.0)

    def proxies(self, X, *, names):
        columns = {"hint": X[:, 1:].sum(axis=1), "flops": X.sum(axis=1)}
        flops = np.full(len(X), 1.0 * ("hint" in names))
        return Values(np.column_stack([columns[name] for name in names]).astype(float), flops=flops)

def problem():
    '''Bits with a hint.'''
    return Promising()
"""


@pytest.fixture
def promising(tmp_path):
    (tmp_path / "promising.py").write_text(PLUGIN)
    use_plugins([tmp_path / "promising.py"])
    from mobench.plugins.sources import in_use

    return in_use().code("problem", "promising")


@pytest.mark.parametrize("searcher", ["nsga2", "regularized_evolution"])
@pytest.mark.parametrize("workers", [0, 3])
def test_a_killed_search_with_proxies_goes_on_to_the_same_log(tmp_path, promising, searcher, workers):
    options = {"proxy": "hint", "population": 6}
    spec = RunSpec(
        "promising",
        searcher,
        2,
        {"flops": 600.0},
        searcher_options=options,
        problem_code=promising,
        simulated_workers=workers,
    )
    end = execute(spec, tmp_path / "whole")
    assert end["reason"] == "budget: flops"
    whole = (tmp_path / "whole" / "log.jsonl").read_bytes()
    lines = whole.splitlines(keepends=True)
    assert sum(b'"proxied"' in line for line in lines) > 3
    for cut in (2, 3, len(lines) // 2, len(lines) - 1):
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / "log.jsonl").write_bytes(b"".join(lines[:cut]) + lines[cut][:9])
        assert execute(spec, folder)["spent"] == end["spent"]
        assert (folder / "log.jsonl").read_bytes() == whole


@pytest.mark.parametrize("forge", [{}, {"S": 7.0}, {"flops": 0.5}, {"name": "flops"}])
def test_forged_scores_and_prices_are_refused(tmp_path, promising, forge):
    spec = RunSpec(
        "promising", "nsga2", 2, {"flops": 600.0}, searcher_options={"proxy": "hint"}, problem_code=promising
    )
    end = execute(spec, tmp_path / "run")
    lines = [orjson.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_bytes().splitlines()]
    line = next(line for line in lines if line.get("name") == "hint")
    for key, value in forge.items():
        line[key] = [value] * len(line["proxied"]) if isinstance(line[key], list) else value
    data = b"".join(orjson.dumps(line) + b"\n" for line in lines)
    (tmp_path / "run" / "log.jsonl").write_bytes(data)
    flops = spent_in(lines).flops
    document = {**end, "log": seal(data), "spent": {**end["spent"], "flops": flops}}
    (tmp_path / "run" / "end.json").write_bytes(orjson.dumps(document))
    fault = check_run(spec, tmp_path / "run").fault
    assert bool(fault) == bool(forge), fault


TABLED = PLUGIN.replace("    proxy_names", "    proxies_fingerprint = 'first'\n    proxy_names")


def test_a_run_that_asked_proxies_is_of_their_data_and_of_no_other(tmp_path):
    """Another table of proxies is another search: its runs are neither scored with, nor gone on with."""
    (tmp_path / "promising.py").write_text(TABLED)
    use_plugins([tmp_path / "promising.py"])
    spec = RunSpec("promising", "nsga2", 2, {"flops": 600.0}, searcher_options={"proxy": "hint"})
    execute(spec, tmp_path / "run")
    assert load(tmp_path / "run").history.proxies_data == ("first",)
    execute(replace(spec, searcher_options={}), tmp_path / "blind")  # has not asked any
    log = (tmp_path / "run" / "log.jsonl").read_bytes()
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "log.jsonl").write_bytes(log[: log.rindex(b"\n", 0, len(log) // 2) + 1])
    old = tmp_path / "old"  # from before logs said so
    shutil.copytree(tmp_path / "run", old)
    (old / "log.jsonl").write_bytes(log.replace(b'"of":"first",', b""))
    (old / "end.json").unlink()

    (tmp_path / "promising.py").write_text(TABLED.replace("first", "second"))
    use_plugins([tmp_path / "promising.py"])
    with pytest.raises(DamagedRunError, match="its proxies were of data first, and here they are of second"):
        load(tmp_path / "run")
    error = execute(spec, tmp_path / "part")["error"]
    assert "'hint' of data first in the log, now it is 'hint' of data second" in error
    assert load(tmp_path / "blind").reason == "budget: flops"
    assert load(old).history.proxies_data == ()


def test_motifs_proxies_have_a_checksum_of_their_own():
    motif = make_problem("motif", {})
    assert motif.proxies_fingerprint != motif.fingerprint
    assert len(motif.proxies_fingerprint) == 16


def test_a_question_that_is_not_the_logged_one_is_an_error():
    log = Log()
    run = opened(log=log)
    run.proxies(run.space.at([1, 2]), "hint")
    again = Log()
    again.past = [orjson.loads(line) for line in log.lines]
    run = opened(log=again)
    with pytest.raises(ValueError, match="'hint' of others in the log"):
        run.proxies(run.space.at([1, 3]), "hint")


@pytest.mark.parametrize("searcher", ["nsga2", "regularized_evolution"])
@pytest.mark.parametrize("option", ["pool", "proposals"])
def test_the_greatest_pools_and_proposals_come_to_an_end(searcher, option):
    """Without a bound a slip of the finger fills the memory."""
    told = next(line for line in option_lines(find("searcher", searcher)) if line.startswith(f"{option}:"))
    assert "whole number from 1 to 10000;" in told
    found = mobench.run(searcher, "motif", budget={"trainings": 30}, proxy="naswot", **{option: 10_000})
    assert found.reason.startswith("budget:")
