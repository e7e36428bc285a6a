"""A training that goes on costs what is left of it: in the ledger, after a kill, in scores, and when it is verified."""

import hashlib
from dataclasses import dataclass

import numpy as np
import orjson
import pytest

import mobench
from mobench.analysis.verification import check_run
from mobench.core.budget import BudgetExhausted, Cost, parse_budget
from mobench.core.problem import Objective, Values
from mobench.core.space import Space
from mobench.harness.door import Run
from mobench.harness.execute import execute
from mobench.harness.history import read_history, spent_in
from mobench.harness.log import Log
from mobench.harness.spec import RunSpec
from mobench.scoring.delivery import course_of, delivered

EVERYTHING = {"evaluations": np.inf, "asked": np.inf, "seconds": np.inf}


@dataclass
class Curves:
    """Architectures 0 to 99, whose error falls with the epochs; an epoch costs 1, and some of the trainings go on."""

    resumable: bool = True
    deterministic = True
    space = Space((100,))
    objectives = (Objective("error"), Objective("size"))
    training = Cost(evaluations=1, flops=27)
    fidelities = (1, 3, 9, 27)

    def evaluate(self, X, *, fidelity, seeds):
        epochs = fidelity or 27
        return Values(self.score(X) + np.array([1.0 / epochs, 0.0]), flops=np.full(len(X), float(epochs)))

    def score(self, X):
        return np.column_stack([X[:, 0], 99 - X[:, 0]]).astype(float)


def halve(run, n=27):
    """Successive halving, eta 3."""
    X = run.space.at(range(n))
    for fidelity in (1, 3, 9, 27):
        F = run.evaluate(X, fidelity=fidelity)
        X = X[np.argsort(F[:, 0], kind="stable")][: len(X) // 3]


def opened(problem, limit=1e9, log=None):
    return Run(problem, limit=parse_budget({"flops": limit}, problem.training), log=log)


@pytest.mark.parametrize(("resumable", "epochs"), [(True, 81), (False, 108)])
def test_halving_27_at_eta_3_costs_81_epochs_where_trainings_go_on_and_108_where_not(resumable, epochs):
    run = opened(Curves(resumable))
    halve(run)
    assert (run.spent.flops, run.spent.evaluations) == (epochs, 27 + 9 + 3 + 1)


def test_an_earlier_epoch_is_free_and_a_later_one_costs_the_difference_in_whatever_order():
    run = opened(Curves())
    for fidelity, spent in ((9, 9), (1, 9), (3, 9), (None, 27), (27, 27), (9, 27)):
        run.evaluate([5], fidelity=fidelity)
        assert run.spent.flops == spent
    run.evaluate([[5], [6]], fidelity=3)
    assert run.spent.flops == 30


def test_the_budget_pays_what_is_left():
    run = opened(Curves(), limit=20.0)
    run.evaluate([[5], [6]], fidelity=9)
    with pytest.raises(BudgetExhausted):
        run.evaluate([5])
    assert run.spent.flops == 18
    run = opened(Curves(), limit=28.0)
    run.evaluate([5], fidelity=9)
    run.evaluate([5])
    assert run.spent.flops == 27


@pytest.mark.parametrize("killed_at", [1, 2, 3])
def test_a_killed_halving_goes_on_to_the_same_log(tmp_path, killed_at):
    whole = Log()
    halve(opened(Curves(), log=whole))
    lines = list(whole.lines)
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"".join(lines[:killed_at]))
    log = Log(path)
    run = opened(Curves(), log=log)
    halve(run)
    log.close()
    assert path.read_bytes() == b"".join(lines)
    assert run.spent.flops == 81


def test_what_was_begun_is_delivered_from_when_the_rest_could_have_been_paid():
    def recommended(problem, limit):
        log = Log()
        run = opened(problem, log=log)
        run.evaluate([[5], [6]], fidelity=9)
        run.recommend([[5]])
        history = read_history(log, d=1, m=2)
        which, _ = delivered(course_of(problem, history), EVERYTHING | {"flops": limit})
        return len(which)

    assert [recommended(Curves(), limit) for limit in (35, 36)] == [0, 1]  # 18 and what is left of 27
    assert [recommended(Curves(resumable=False), limit) for limit in (44, 45)] == [0, 1]


def test_motif_s_trainings_go_on_but_not_where_each_question_draws_one():
    motif = mobench.make_problem("motif", {})
    run = Run(motif, limit=parse_budget({"trainings": 50}, motif.training))
    X = run.space.sample(run.rng, 20)
    X = X[np.unique(run.space.key(X), return_index=True)[1]]
    whole = float(motif.evaluate(X).flops.sum())
    for fidelity in (3, 1, 12):
        run.evaluate(X, fidelity=fidelity)
    assert run.spent.flops == pytest.approx(whole, rel=1e-12)
    noisy = mobench.make_problem("motif", {"noise": True})
    run = Run(noisy, limit=parse_budget({"trainings": 50}, noisy.training))
    for fidelity in (3, 12):
        run.evaluate(X, fidelity=fidelity)
    assert run.spent.flops == pytest.approx(whole * 15 / 12, rel=1e-12)


SEARCHER = '''"""Asks at three fidelities in turn."""


def search(run, *, n: int = 7):
    """Ask on."""
    while True:
        X = run.space.sample(run.rng, n)
        for fidelity in (4, 1, 12):
            run.evaluate(X[: 7 - fidelity // 3], fidelity=fidelity)
'''


def test_prices_of_what_went_on_are_verified_and_a_forged_one_is_found(tmp_path):
    (tmp_path / "rungs.py").write_text(SEARCHER)
    mobench.use_plugins([tmp_path / "rungs.py"])
    spec = RunSpec(problem="motif", searcher="rungs", seed=0, budget={"trainings": 8})
    execute(spec, tmp_path / "run")
    found = check_run(spec, tmp_path / "run")
    assert (found.fault, found.left_out) == ("", "")
    assert found.answers > 20
    log, end = tmp_path / "run" / "log.jsonl", tmp_path / "run" / "end.json"
    lines = [orjson.loads(line) for line in log.read_bytes().splitlines()]
    line = next(line for line in lines if line.get("fidelity") is None and "X" in line)
    line["flops"] = [price / 2 for price in line["flops"]]
    forge(log, end, lines)
    assert "flops of architecture" in check_run(spec, tmp_path / "run").fault
    assert len(read_history(log, d=6, m=2).X) == found.answers


def forge(log, end, lines):
    """Write the log, and the end to match: whoever does it knows the format."""
    data = b"".join(orjson.dumps(line) + b"\n" for line in lines)
    log.write_bytes(data)
    written = orjson.loads(end.read_bytes())
    written["log"] |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    spent = spent_in(lines)
    written["spent"] = {name: getattr(spent, name) for name in written["spent"]}
    end.write_bytes(orjson.dumps(written))
