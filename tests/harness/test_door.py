"""The doors of a run: every answer is paid, logged and repeatable; known answers are free; budgets hold to the unit."""

from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import orjson
import pytest

from mobench.core.budget import BudgetExhausted, Cost, parse_budget
from mobench.core.problem import Objective, Values
from mobench.core.space import Space
from mobench.harness.answers import addresses
from mobench.harness.checkpoint import DamagedCheckpointError
from mobench.harness.door import Run
from mobench.harness.history import read_history
from mobench.harness.log import Log


@dataclass
class Toy:
    """f = (sum, seed or first gene); flops 2 a unit of the first gene plus 1; asked counts calls."""

    deterministic: bool = True
    broken: float | None = None
    space = Space((4, 4, 4))
    objectives = (Objective("sum"), Objective("first", maximise=True))
    training = Cost(evaluations=1, flops=4)
    fidelities = (1, 10)

    def evaluate(self, X, *, fidelity, seeds):
        F = self.score(X)
        if not self.deterministic:
            F[:, 1] = seeds % 1000
        if self.broken is not None:
            F[-1, 0] = self.broken
        return Values(F, flops=1 + 2.0 * X[:, 0], seconds=0.5)

    def score(self, X):
        return np.column_stack([X.sum(axis=1), X[:, 0]]).astype(float)


def open_run(problem=None, budget=20, seed=0, log=None):
    problem = problem or Toy()
    return Run(problem, limit=parse_budget(budget, problem.training), seed=seed, log=log)


def history(log):
    return read_history(log, d=3, m=2)


def test_answers_are_minimised_and_logged_in_natural_sign():
    log = Log()
    run = open_run(log=log)
    assert run.evaluate([[1, 2, 3], [3, 0, 0]]).tolist() == [[6, -1], [3, -3]]
    assert history(log).F.tolist() == [[6, 1], [3, 3]]


def test_a_known_answer_is_free_and_counts_as_asked_only():
    run = open_run()
    first = run.evaluate([[1, 2, 3], [1, 2, 3], [0, 0, 0]])
    assert (run.evaluate([[0, 0, 0], [1, 2, 3]]) == first[[2, 0]]).all()
    assert run.spent == Cost(evaluations=2, asked=5, flops=4, seconds=1)


def test_answers_at_another_fidelity_are_other_answers():
    run = open_run()
    run.evaluate([[1, 1, 1]], fidelity=1)
    run.evaluate([[1, 1, 1]], fidelity=10)
    run.evaluate([[1, 1, 1]])
    assert run.spent.evaluations == 2


@pytest.mark.parametrize("fidelity", [2, 0, -1, "10"])
def test_a_fidelity_that_is_not_on_offer_is_refused(fidelity):
    with pytest.raises(ValueError, match="this problem has 1, 10"):
        open_run().evaluate([[1, 1, 1]], fidelity=fidelity)


def test_where_answers_are_noisy_every_question_is_a_new_draw_and_charged():
    run = open_run(Toy(deterministic=False))
    a = run.evaluate([[1, 1, 1], [1, 1, 1]])
    assert a[0, 1] != a[1, 1]
    assert run.spent.evaluations == 2


def test_noise_depends_on_seed_and_answer_number_alone():
    X = np.tile([1, 1, 1], (6, 1))
    whole = open_run(Toy(deterministic=False)).evaluate(X)
    run = open_run(Toy(deterministic=False))
    parts = np.concatenate([run.evaluate(X[:1]), run.evaluate(X[1:4]), run.evaluate(X[4:])])
    assert (whole == parts).all()
    assert (whole != open_run(Toy(deterministic=False), seed=1).evaluate(X)).any()


def test_addresses_are_distinct_and_do_not_depend_on_batching():
    whole = addresses(7, 0, 100_000)
    assert (whole[500:700] == addresses(7, 500, 200)).all()
    assert len(np.unique(whole)) == 100_000
    assert abs((whole / 2.0**64).mean() - 0.5) < 0.005


@pytest.mark.parametrize("batch", [1, 3, 7, 64])
def test_the_budget_holds_to_the_unit(batch):
    log = Log()
    run = open_run(budget=20, log=log)
    with pytest.raises(BudgetExhausted):
        while True:
            run.evaluate(run.space.sample(run.rng, batch))
    assert run.spent.evaluations == len(history(log).X) == 20
    assert run.stopped == "evaluations"


def test_what_the_budget_cannot_pay_is_neither_logged_nor_answered():
    log = Log()
    run = open_run(budget={"flops": 10}, log=log)
    with pytest.raises(BudgetExhausted):
        run.evaluate([[1, 0, 0], [2, 0, 0], [3, 0, 0], [0, 0, 0]])  # 3 + 5, then 7 is too much
    assert run.spent.flops == 8
    assert history(log).X.tolist() == [[1, 0, 0], [2, 0, 0]]
    assert run.stopped == "flops"


def test_after_the_end_every_question_is_refused():
    run = open_run(budget=1)
    run.evaluate([[0, 0, 0]])
    for _ in range(3):
        with pytest.raises(BudgetExhausted):
            run.evaluate([[1, 0, 0]])
    with pytest.raises(BudgetExhausted):
        run.evaluate([[0, 0, 0]])


def test_questions_are_capped_so_that_a_tiny_space_ends_a_run():
    run = open_run(budget=1000)
    with pytest.raises(BudgetExhausted):
        while True:
            run.evaluate(run.space.sample(run.rng, 50))
    assert run.stopped == "asked"
    assert run.spent.evaluations == 64


def test_a_batch_beyond_the_last_question_is_answered_in_part():
    log = Log()
    run = open_run(budget={"evaluations": 50, "asked": 3}, log=log)
    with pytest.raises(BudgetExhausted):
        run.evaluate(run.space.all()[:10])
    assert (run.spent.asked, run.stopped) == (3, "asked")
    assert history(log).X.tolist() == run.space.all()[:3].tolist()


def test_a_refused_question_leaves_no_answer_behind():
    problem = Toy(broken=np.nan)
    run = open_run(problem)
    with pytest.raises(ValueError, match="nan"):
        run.evaluate([[1, 1, 1], [2, 2, 2]])
    problem.broken = None
    assert run.evaluate([[2, 2, 2], [1, 1, 1]]).tolist() == [[6, -2], [3, -1]]
    assert run.spent.evaluations == 2


def test_empty_questions_come_to_an_end():
    run = open_run(budget=1)
    with pytest.raises(BudgetExhausted):
        while True:
            assert run.evaluate(np.empty((0, 3), dtype=int)).shape == (0, 2)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_name_the_objective_and_the_architecture(value):
    with pytest.raises(ValueError, match=r"'sum' of architecture \[2, 2, 2\]"):
        open_run(Toy(broken=value)).evaluate([[1, 1, 1], [2, 2, 2]])


def test_recommendations_and_records_are_free_and_kept():
    log = Log()
    run = open_run(log=log)
    run.evaluate([[1, 2, 3]])
    run.recommend([[1, 2, 3]])
    run.record(alpha=np.full((2, 2), 0.5)[:, 0], note="x")  # a column: its values do not lie together
    assert run.spent == Cost(evaluations=1, asked=1, flops=3, seconds=0.5)
    recommended, recorded = history(log).recommended[0], history(log).records[0]
    assert run.recommended.tolist() == [[1, 2, 3]]
    assert (recommended.answers, recommended.content.tolist()) == (1, [[1, 2, 3]])
    assert (recorded.answers, recorded.content) == (1, {"alpha": [0.5, 0.5], "note": "x"})
    assert recorded.spent["flops"] == 3


def test_the_ledger_in_the_log_equals_the_ledger_of_the_run():
    log = Log()
    run = open_run(budget={"flops": 60}, log=log)
    with pytest.raises(BudgetExhausted):
        while True:
            run.evaluate(run.space.sample(run.rng, 4))
    spent = history(log).spent
    assert {axis: values[-1] for axis, values in spent.items() if axis != "asked"} == {
        "evaluations": run.spent.evaluations,
        "flops": run.spent.flops,
        "seconds": run.spent.seconds,
        "clock": 0.0,
    }


def test_the_searcher_cannot_change_an_answer_by_writing_into_it():
    run = open_run()
    run.evaluate([[1, 2, 3]])[:] = -99
    assert run.evaluate([[1, 2, 3]]).tolist() == [[6, -1]]


def test_classes_share_an_answer_and_are_charged_once():
    problem = Toy()
    problem.space = Space((4, 4, 4), classes=lambda X: X.sum(axis=1))
    run = open_run(problem)
    run.evaluate([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    assert run.spent.evaluations == 1


class Learner(Toy):
    """A toy with a second door: its network counts passes of 10 multiply-adds and hands out numbered batches."""

    def supernet(self, *, charge, seed):
        return Counter(charge)


class Counter:
    """Of a network's members only those of training do anything."""

    low, high = (0.0,), (1.0,)

    def __init__(self, charge):
        self.charge = charge
        self.drawn = {"train": 0, "valid": 0}

    def train_batch(self):
        self.drawn["train"] += 1
        return self.drawn["train"]

    def train_loss(self, weights, p, batch):
        self.charge(10.0)
        return weights + batch

    initial_alpha = initial_weights = valid_batch = valid_loss = costs = one_shot = discretise = train_loss


def learn(run, *, steps, every, die_at=None):
    """Sum the numbers of the batches; recommend and keep a checkpoint now and then."""
    state = run.restore() or {"step": 0, "weights": 0.0}
    weights = state["weights"]
    for step in range(state["step"], steps):
        if step == die_at:
            raise KeyboardInterrupt
        weights = run.supernet.train_loss(weights, None, run.supernet.train_batch())
        if (step + 1) % every == 0:
            run.record(weights=weights, chance=run.rng.random())
            run.evaluate(run.space.sample(run.rng, 1))
            run.recommend(run.space.at([int(weights) % 64]))
            run.checkpoint(step=step + 1, weights=weights)
    run.finish()
    return weights


def test_passes_are_charged_logged_and_stopped_before_they_are_computed():
    log = Log()
    run = open_run(Learner(), budget={"flops": 45}, log=log)
    with pytest.raises(BudgetExhausted):
        learn(run, steps=100, every=1000)
    assert run.spent.flops == 50  # the pass that crosses the limit is computed, the next one is not
    run.finish()
    assert history(log).total["flops"] == 50
    assert run.stopped == "flops"


def test_learning_and_answers_share_one_ledger():
    log = Log()
    run = open_run(Learner(), budget={"flops": 1000}, log=log)
    learn(run, steps=6, every=2)
    seen = history(log)
    assert [note.spent["flops"] for note in seen.recommended] == seen.spent["flops"].tolist()
    assert (np.diff([0, *seen.spent["flops"]]) > 20).all()
    assert run.spent.flops == seen.total["flops"]


def test_a_problem_without_a_supernet_says_so():
    with pytest.raises(ValueError, match="this problem has none"):
        open_run().supernet  # noqa: B018


def learn_on(run):
    """Learn until the door ends it."""
    while True:
        run.supernet.train_loss(0.0, None, run.supernet.train_batch())


@pytest.mark.parametrize(
    ("budget", "trainings", "learned"),
    [
        ({"flops": 400}, 5, 380),  # a training costs 4
        ({"flops": 401}, 0.5, 400),  # the pass that crosses the rest is computed
        ({"flops": 30}, 5, 20),  # half of the budget, no more
        ({"flops": 405, "evaluations": 2}, 5, 400),  # no more than two answers can be paid: 397, crossed
        ({"flops": 400, "seconds": 1}, 5, 380),  # unknown seconds of a training keep none
    ],
)
def test_a_reserve_ends_learning_and_not_the_run(budget, trainings, learned):
    run = open_run(Learner(), budget=budget)
    whole = run.limit
    with run.reserve(trainings):
        assert run.limit.flops < whole.flops
        learn_on(run)
    assert (run.spent.flops, run.stopped, run.limit) == (learned, "", whole)


def test_what_was_kept_pays_for_answers_until_the_budget_ends():
    run = open_run(Learner(), budget={"flops": 100})
    with run.reserve(5):
        learn_on(run)
    with pytest.raises(BudgetExhausted):
        run.evaluate([[1, 0, 0], [2, 0, 0], [3, 0, 0], [3, 1, 0]])  # 3, 5 and 7 of 20
    assert (run.spent.flops, run.spent.evaluations, run.stopped) == (95, 3, "flops")


def test_answers_within_the_block_are_paid_from_the_rest_too():
    run = open_run(budget=8)
    with run.reserve(3):
        run.evaluate(run.space.at(np.arange(7)))
    assert run.spent.evaluations == 5
    run.evaluate(run.space.at(np.arange(60, 63)))
    assert (run.spent.evaluations, run.stopped) == (8, "")


@pytest.mark.parametrize(("flops", "trainings"), [(100, 0), (10, 5), (1, 5)])
def test_a_block_that_takes_the_whole_budget_ends_the_run(flops, trainings):
    run = open_run(Learner(), budget={"flops": flops})
    with pytest.raises(BudgetExhausted), run.reserve(trainings):
        learn_on(run)
    assert run.stopped == "flops"
    assert run.spent.flops < flops + 10


def test_a_block_that_ends_by_itself_keeps_nothing_back():
    run = open_run(Learner(), budget={"flops": 100})
    with run.reserve(5):
        run.supernet.train_loss(0.0, None, run.supernet.train_batch())
    assert run.left.flops == 90


@pytest.mark.parametrize("short", ["evaluations", "flops"])
def test_a_run_in_which_answers_fell_short_and_others_followed_is_resumed_from_every_line(tmp_path, short):
    def attempt(path):
        with Log(path) as log:
            run = open_run(budget={"evaluations": 9, "flops": 28 if short == "flops" else 1000}, log=log)
            with run.reserve(4):
                run.evaluate(run.space.sample(run.rng, 3))
                run.evaluate(run.space.sample(run.rng, 5))  # not all of them can be paid
            run.record(spent=run.spent.evaluations)
            with pytest.raises(BudgetExhausted):
                run.evaluate(run.space.sample(run.rng, 30))
            run.recommend([[0, 0, 0]])  # also after the end
        return path.read_bytes()

    whole = attempt(tmp_path / "whole.jsonl").splitlines(keepends=True)
    assert [next(iter(orjson.loads(line))) for line in whole[-3:]] == ["record", "X", "recommend"]
    for kept in range(len(whole)):
        path = tmp_path / f"{kept}.jsonl"
        path.write_bytes(b"".join(whole[:kept]))
        assert attempt(path) == b"".join(whole)


@pytest.mark.parametrize("trainings", [-1, np.nan, np.inf])
def test_a_reserve_of_no_number_is_refused(trainings):
    with pytest.raises(ValueError, match="must be a finite number from 0"), open_run().reserve(trainings):
        pass


@pytest.mark.parametrize("keep_checkpoint", [True, False])
@pytest.mark.parametrize("die_at", [1, 4, 7, 11])
def test_a_killed_learner_ends_as_if_it_had_not_been_killed(tmp_path, die_at, keep_checkpoint):
    def attempt(folder, **options):
        folder.mkdir(exist_ok=True)
        with Log(folder / "log.jsonl") as log:
            run = open_run(Learner(), budget={"flops": 10_000}, log=log)
            return learn(run, steps=12, every=3, **options), run.spent

    whole = attempt(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        attempt(tmp_path / "killed", die_at=die_at)
    if not keep_checkpoint:
        (tmp_path / "killed" / "checkpoint.npz").unlink(missing_ok=True)
    assert attempt(tmp_path / "killed") == whole
    logs = [(tmp_path / name / "log.jsonl").read_bytes() for name in ("whole", "killed")]
    assert logs[0] == logs[1]


def test_checkpoints_that_are_damaged_or_ahead_of_their_log_are_refused(tmp_path):
    @contextmanager
    def opened():
        with Log(tmp_path / "log.jsonl") as log:
            yield open_run(Learner(), budget={"flops": 10_000}, log=log)

    with opened() as run:
        learn(run, steps=3, every=3)
    whole = (tmp_path / "checkpoint.npz").read_bytes()
    for damage, words in ((whole[:50], "damaged checkpoint"), (b"", "damaged checkpoint")):
        (tmp_path / "checkpoint.npz").write_bytes(damage)
        with opened() as run, pytest.raises(DamagedCheckpointError, match=words):
            run.restore()
    (tmp_path / "checkpoint.npz").write_bytes(whole)
    (tmp_path / "log.jsonl").write_bytes(b"")
    with opened() as run, pytest.raises(ValueError, match="ahead of its log"):
        run.restore()


def test_checkpoints_hold_numbers_and_refuse_objects(tmp_path):
    with Log(tmp_path / "log.jsonl") as log:
        run = open_run(Learner(), log=log)
        with pytest.raises(TypeError, match="'x' is no array of numbers, found object"):
            run.checkpoint(x=object())
        run.checkpoint(w=np.arange(3.0), n=3, text="int:5", nothing=None)
    with Log(tmp_path / "log.jsonl") as log:
        again = open_run(Learner(), log=log)
        state = again.restore()
        assert state["w"].tolist() == [0, 1, 2]
        assert (state["n"], state["text"], state["nothing"]) == (3, "int:5", None)
        assert again.rng.random() == np.random.default_rng([0, 0]).random()
