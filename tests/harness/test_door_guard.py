"""One caller at a time, of one process, until the end: nothing that a careless searcher does harms ledger or log."""

import copy
import math
import os
import pickle
import signal
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import orjson
import pytest
import torch

from mobench.core.budget import BudgetExhausted, Cost, parse_budget
from mobench.core.networks import CategoricalNetwork, ContinuousNetwork
from mobench.core.pool import Pool
from mobench.core.problem import Objective, Values
from mobench.core.space import Space
from mobench.harness.door import Run
from mobench.harness.execute import execute, search_problem
from mobench.harness.history import read_history
from mobench.harness.log import Log
from mobench.harness.sealed import check_ledger, read_run
from mobench.harness.spec import RunSpec
from mobench.plugins import catalogue
from mobench.plugins.catalogue import make_problem, plugins
from mobench.plugins.plugin import Plugin

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
ENDED, FOREIGN = "it has ended", "belongs to process"
NEED_MORE = {"cell_training", "evoxbench", "spikenas", "table"}
"""Problems that need options, files or a package."""


@dataclass
class Slow:
    """f = (sum, first gene), after a while; an answer costs 3 multiply-adds, a pass of the network 10."""

    deterministic: bool = True
    seconds: float = 0.0
    asked: threading.Event = field(default_factory=threading.Event)  # set when the first question has come
    space = Space((40, 40, 40))
    objectives = (Objective("sum"), Objective("first"))
    training = Cost(evaluations=1, flops=3)

    def evaluate(self, X, *, fidelity, seeds):
        self.asked.set()
        time.sleep(self.seconds)
        if (X[:, 0] == 13).any():
            raise ArithmeticError("thirteen")
        return Values(self.score(X), flops=np.full(len(X), 3.0), seconds=0.5)

    def score(self, X):
        return np.column_stack([X.sum(axis=1), X[:, 0]]).astype(float)

    def supernet(self, *, charge, seed):
        return Passes(charge)


class Passes:
    """Of a network's members only those of training do anything."""

    low, high = (0.0,), (1.0,)

    def __init__(self, charge):
        self.charge, self.drawn = charge, {"train": 0, "valid": 0}

    def train_loss(self, *_):
        self.charge(10.0)

    initial_alpha = initial_weights = train_batch = valid_batch = valid_loss = costs = one_shot = train_loss
    discretise = train_loss


DOORS = {
    "evaluate": lambda run, network: run.evaluate([1, 1, 1]),
    "supernet": lambda run, network: run.supernet,
    "pass": lambda run, network: network.train_loss(),
    "recommend": lambda run, network: run.recommend([1, 1, 1]),
    "record": lambda run, network: run.record(n=1),
    "checkpoint": lambda run, network: run.checkpoint(n=1),
    "restore": lambda run, network: run.restore(),
    "reserve": lambda run, network: run.reserve(1).__enter__(),
}


def open_run(problem=None, budget=20, log=None):
    problem = problem or Slow()
    return Run(problem, limit=parse_budget(budget, problem.training), log=log)


def history(log):
    return read_history(log, d=3, m=2)


def agree(run, log):
    """The log adds up to the ledger."""
    total = history(log).total
    return [total[axis] for axis in ("evaluations", "flops", "seconds")] == [
        run.spent.evaluations,
        run.spent.flops,
        run.spent.seconds,
    ]


@pytest.fixture
def hasty():
    """Threads take turns as often as they can, so that what is not locked goes wrong."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(jobs):
    """Run jobs in threads of their own; return what they raised, in order."""
    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.exception() for future in [pool.submit(job) for job in jobs]]


# Threads


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize(("batch", "seconds"), [(1, 0.01), (1, 0.0), (3, 0.005), (7, 0.0)])
def test_threads_get_the_answers_that_the_budget_pays_and_no_other(hasty, deterministic, batch, seconds):
    log = Log()
    run = open_run(Slow(deterministic, seconds), budget=20, log=log)

    def ask(seed):
        rng = np.random.default_rng(seed)
        while True:
            X = rng.integers(14, 17, (batch, 3))  # 27 architectures, so that threads ask about the same ones
            assert (run.evaluate(X) == Slow().score(X)).all()

    raised = at_once([lambda seed=seed: ask(seed) for seed in range(8)])
    assert [type(error) for error in raised] == [BudgetExhausted] * 8
    assert run.spent.evaluations == len(history(log).X) == 20
    assert agree(run, log)


def test_passes_of_many_threads_are_all_charged_and_logged(hasty):
    log = Log()
    run = open_run(budget={"flops": 20_000}, log=log)
    passes = [0] * 8

    def learn(me):
        while True:
            run.supernet.train_loss()
            passes[me] += 1

    raised = at_once([lambda me=me: learn(me) for me in range(8)])
    assert [type(error) for error in raised] == [BudgetExhausted] * 8
    run.finish()
    assert sum(passes) == 2000
    assert run.spent.flops == history(log).total["flops"] == 20_000


def test_optuna_with_many_jobs_gets_its_budget(hasty):
    optuna = pytest.importorskip("optuna")
    log = Log()
    run = open_run(Slow(seconds=0.002), budget=20, log=log)

    def objective(trial):
        return run.evaluate([trial.suggest_int(name, 14, 39) for name in run.space.names])[0].tolist()

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), directions=["minimize"] * 2)
    with pytest.raises(BudgetExhausted):
        study.optimize(objective, n_jobs=8)
    assert run.spent.evaluations == len(history(log).X) == 20
    assert agree(run, log)


def test_a_mistake_of_one_thread_is_no_other_thread_s(hasty):
    log = Log()
    run = open_run(Slow(seconds=0.001), budget=100, log=log)

    def bad(i):
        run.evaluate([[20, 20, i], [13, 13, i]])

    def good(i):
        assert run.evaluate([[20, 20, i], [20, 21, i]]).tolist() == [[40 + i, 20], [41 + i, 20]]

    jobs = [job for i in range(12) for job in (lambda i=i: bad(i), lambda i=i: good(i))]
    raised = at_once(jobs)
    assert [type(error) for error in raised] == [ArithmeticError, type(None)] * 12
    assert run.spent.evaluations == 24
    assert agree(run, log)


# Reserves and threads


def test_what_one_thread_keeps_the_others_do_not_spend():
    log = Log()
    run = open_run(budget=20, log=log)
    kept, spent = threading.Event(), threading.Event()

    def keep():
        with run.reserve(5):
            kept.set()
            assert spent.wait(10)
        run.evaluate(run.space.at(np.arange(50_000, 50_005)))

    def spend():
        assert kept.wait(10)
        try:
            run.evaluate(run.space.at(np.arange(60_000, 60_030)))
        finally:
            spent.set()

    raised = at_once([keep, spend])
    assert [type(error) for error in raised] == [type(None), BudgetExhausted]
    assert history(log).X.tolist() == [
        *run.space.at(np.arange(60_000, 60_015)).tolist(),
        *run.space.at(np.arange(50_000, 50_005)).tolist(),
    ]
    assert (run.stopped, run.left.evaluations) == ("", 0)


def test_reserves_that_end_in_another_order_give_everything_back():
    run = open_run(budget=20)
    whole = run.limit
    first, second = run.reserve(3), run.reserve(5)
    first.__enter__()
    second.__enter__()
    assert run.limit.evaluations == 12
    first.__exit__(None, None, None)
    assert run.limit.evaluations == 15
    second.__exit__(None, None, None)
    assert run.limit == whole


def test_blocks_of_many_threads_leave_the_budget_as_it_was(hasty):
    run = open_run(budget={"flops": 38.6})
    whole = run.limit

    def keep():
        for _ in range(2000):
            with run.reserve(1.53):  # (38.6 - 4.59) + 4.59 is not 38.6
                assert run.limit.flops < whole.flops

    assert at_once([keep] * 8) == [None] * 8
    assert run.limit == whole


def test_a_network_may_charge_while_it_is_opened():
    class Eager(Slow):
        def supernet(self, *, charge, seed):
            charge(4.0)
            return super().supernet(charge=charge, seed=seed)

    run = open_run(Eager(), budget={"flops": 10})
    assert run.supernet is run.supernet
    assert run.spent.flops == 4


def test_a_generator_may_keep_a_reserve_from_thread_to_thread_and_gives_it_back_when_it_is_dropped():
    run = open_run(budget=20)
    whole = run.limit

    def asking():
        with run.reserve(5):
            for i in range(20, 40):
                yield run.evaluate([20, 20, i])

    held = [asking()]
    for _ in range(2):
        assert at_once([lambda: next(held[0])]) == [None]
    assert (run.spent.evaluations, run.limit.evaluations) == (2, 15)
    held.clear()
    assert run.limit == whole


def test_a_block_that_begins_behind_the_end_of_the_budget_does_not_open_the_run_again():
    run = open_run(budget={"flops": 10})
    with pytest.raises(BudgetExhausted):
        run.evaluate(run.space.at(np.arange(50_000, 50_009)))  # three are paid by 9, and 1 is left
    with pytest.raises(BudgetExhausted), run.reserve(0.1):
        run.evaluate([20, 20, 20])
    with pytest.raises(BudgetExhausted):
        run.supernet.train_loss()
    assert (run.stopped, run.spent.flops) == ("flops", 9)


# Forks


def in_child(work):
    """What `work` raises in a forked child, in words; a child that hangs is killed."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of forks where there are threads
        child = os.fork()
    if not child:
        signal.alarm(20)
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is what the test asks for
            os.write(writer, f"{type(error).__name__}: {error}".encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as words:
        found = words.read().decode()
    assert os.waitpid(child, 0)[1] == 0, "the child hung"
    return found


@forks
@pytest.mark.parametrize("door", DOORS)
def test_a_forked_child_gets_through_no_door_and_changes_nothing(tmp_path, door):
    with Log(tmp_path / "log.jsonl") as log:
        run = open_run(log=log)
        run.evaluate([20, 20, 20])
        network, before = run.supernet, (run.spent, (tmp_path / "log.jsonl").read_bytes())
        said = in_child(lambda: DOORS[door](run, network))
        assert said.startswith(f"RuntimeError: run: it belongs to process {os.getpid()}, which opened it")
        assert (run.spent, (tmp_path / "log.jsonl").read_bytes()) == before
        assert not (tmp_path / "checkpoint.npz").exists()
        run.evaluate([20, 20, 21])


@forks
def test_a_child_forked_while_a_thread_is_at_the_door_does_not_wait_for_it():
    problem = Slow(seconds=0.5)
    run = open_run(problem)
    said = []

    def fork():
        assert problem.asked.wait(10)
        said.append(in_child(lambda: run.evaluate([20, 20, 21])))

    assert at_once([lambda: run.evaluate([20, 20, 20]), fork]) == [None, None]
    assert FOREIGN in said[0]
    assert run.spent.evaluations == 1


def carry_out(search, folder, monkeypatch, problem="catsum"):
    """`search` as a searcher by name, carried out in a folder; what ended it."""
    found = catalogue.find

    def find(kind, name, *more):
        return Plugin("mine", kind, search, (), "") if name == "mine" else found(kind, name, *more)

    monkeypatch.setattr("mobench.harness.execute.find", find)
    end = execute(RunSpec(problem, "mine", 0, {"evaluations": 20}), folder)
    known, space = read_run(folder), make_problem(problem, {}).space
    found = read_history(folder / "log.jsonl", d=len(space.cardinalities), m=2)
    check_ledger(folder, found, known.end, Cost(20, 400, np.inf, np.inf))
    return end


@forks
def test_forked_workers_of_a_searcher_spend_nothing_and_the_end_says_so(tmp_path, monkeypatch):
    said = []

    def search(run):
        run.evaluate(run.space.at([0, 1]))
        said.extend(in_child(lambda: run.evaluate(run.space.sample(run.rng, 40))) for _ in range(4))

    end = carry_out(search, tmp_path, monkeypatch)
    assert all(FOREIGN in words for words in said)
    assert (end["reason"], end["spent"]["evaluations"]) == ("finished", 2)
    assert (tmp_path / "log.jsonl").read_bytes().count(b"\n") == 1


@forks
@pytest.mark.parametrize("ends", ["returns", "raises", "asks"])
def test_a_forked_child_that_leaves_its_search_writes_no_end(tmp_path, monkeypatch, capfd, ends):
    parent, codes = os.getpid(), []

    def search(run):
        run.evaluate(run.space.at([0, 1]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child:
            codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            assert not (tmp_path / "end.json").exists()
        elif ends == "raises":
            raise KeyError("child")
        elif ends == "asks":
            run.evaluate(run.space.at([2]))

    try:
        end = carry_out(search, tmp_path, monkeypatch)
    finally:
        if os.getpid() != parent:
            os._exit(0)  # it should not have come this far
    assert codes == [1]
    assert end["reason"] == "finished"
    assert f"the run goes on in process {parent}" in capfd.readouterr().err


# The end


def too_much(run):
    run.evaluate(run.space.at(np.arange(50_000, 50_030)))


def nothing(run):
    pass


def mistake(run):
    raise KeyError("a mistake")


@pytest.mark.parametrize("end", [nothing, too_much, mistake])
@pytest.mark.parametrize("door", DOORS)
def test_a_thread_behind_the_end_gets_through_no_door_and_changes_nothing(tmp_path, door, end):
    with Log(tmp_path / "log.jsonl") as log:
        run, over = open_run(log=log), threading.Event()
        pool = ThreadPoolExecutor(1)

        def search(run):
            run.evaluate([20, 20, 20])
            network = run.supernet
            late.append(pool.submit(lambda: over.wait(10) and DOORS[door](run, network)))
            end(run)

        late = []
        try:
            search_problem(search, run, {})
        except KeyError:
            assert end is mistake
        before = (run.spent, run.limit, (tmp_path / "log.jsonl").read_bytes())
        over.set()
        pool.shutdown()
        with pytest.raises(RuntimeError, match=ENDED):
            late[0].result()
        assert (run.spent, run.limit, (tmp_path / "log.jsonl").read_bytes()) == before
        assert not (tmp_path / "checkpoint.npz").exists()


@pytest.mark.parametrize("end", [nothing, mistake])
def test_an_answer_that_is_under_way_at_the_end_is_waited_for(end):
    log, problem = Log(), Slow(seconds=0.2)
    run = open_run(problem, log=log)
    pool = ThreadPoolExecutor(1)

    def search(run):
        pool.submit(run.evaluate, [20, 20, 20])
        assert problem.asked.wait(10)
        end(run)

    try:
        search_problem(search, run, {})
    except KeyError:
        assert end is mistake
    assert run.spent.evaluations == len(history(log).X) == 1
    pool.shutdown()


def test_a_block_that_a_thread_leaves_behind_the_end_is_left_in_peace():
    run = open_run()
    kept = run.reserve(1)
    search_problem(lambda run: kept.__enter__(), run, {})
    kept.__exit__(None, None, None)


@forks
def test_a_block_that_a_child_leaves_is_its_parent_s():
    run = open_run()
    with run.reserve(5):
        assert in_child(lambda: run.reserve(1).__enter__()).startswith("RuntimeError")
        kept = run.reserve(1)
        kept.__enter__()
        assert in_child(lambda: kept.__exit__(None, None, None)) == ""
        assert run.limit.evaluations == 14


@pytest.mark.parametrize(("end", "written"), [(nothing, 1), (too_much, 1), (mistake, 0)])
def test_what_was_learned_last_is_written_where_the_search_came_to_a_good_end(end, written):
    log = Log()
    run = open_run(budget={"flops": 30}, log=log)

    def search(run):
        run.supernet.train_loss()
        end(run)
        run.finish()  # a search that does so itself changes nothing

    try:
        search_problem(search, run, {})
    except KeyError:
        assert end is mistake
    assert sum("learned" in orjson.loads(line) for line in log.lines) == written


@pytest.mark.parametrize("failure", [KeyError, SystemExit])
def test_a_failed_search_ends_with_a_log_that_adds_up_to_its_ledger(tmp_path, monkeypatch, failure):
    def search(run):
        network = run.supernet
        for _ in range(3):
            network.train_loss(network.initial_weights(), network.initial_alpha(), network.train_batch())
            run.evaluate(run.space.at([0]))
        network.train_loss(network.initial_weights(), network.initial_alpha(), network.train_batch())
        raise failure("a mistake")

    end = carry_out(search, tmp_path, monkeypatch, "bilevel_toys")
    assert (end["reason"], end["spent"]["flops"]) == ("failed", 304)


# What is for reading


@pytest.mark.parametrize(
    "name",
    [
        *("space", "objectives", "fidelities", "rng", "training", "limit", "spent", "left", "stopped", "recommended"),
        *("replaying", "supernet", "evaluate", "finish", "_spent", "_limit", "_problem", "_log", "_n", "new"),
        *("_Run__desk", "_Run__guard"),
    ],
)
def test_no_attribute_can_be_set_or_deleted(name):
    run = open_run()
    before = getattr(run, name, None)
    with pytest.raises(AttributeError, match=rf"run\.{name}: cannot be set"):
        setattr(run, name, Cost())
    with pytest.raises(AttributeError, match=rf"run\.{name}: cannot be deleted"):
        delattr(run, name)
    after = getattr(run, name, None)
    assert after is before or after == before


def test_the_ledger_that_is_read_is_a_record_of_its_own():
    run = open_run()
    for cost in (run.spent, run.limit, run.left, run.training):
        with pytest.raises(AttributeError, match="flops"):
            cost.flops = 0.0


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps, lambda run: copy.deepcopy([run])])
def test_a_run_has_no_copies(duplicate):
    with pytest.raises(TypeError, match="cannot be copied or pickled"):
        duplicate(open_run())


def _arrays(value):
    """All arrays that a space holds, in whatever it holds."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, Space | Pool):
        for part in vars(value).values():
            yield from _arrays(part)
    elif isinstance(value, tuple):
        for part in value:
            yield from _arrays(part)


@pytest.mark.parametrize("name", sorted(set(plugins("problem")) - NEED_MORE))
def test_arrays_of_a_space_are_those_of_all_runs_and_cannot_be_written(name):
    problem = make_problem(name, {})
    run = open_run(problem)
    space = run.space
    X = space.sample(run.rng, 5)
    space.key(X), space.key(np.array(space.cardinalities)[None] - 1)  # whatever it computes once is there
    if math.prod(space.cardinalities) < 2**62:
        assert (space.at(space.index(X)) == X).all()
    arrays = list(_arrays(space))
    assert len(arrays) >= (2 if space.pool is None else 8)
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 1


def test_a_space_made_of_lists_holds_none():
    space = Space([2, 3], ["a", "b"])
    assert (space.cardinalities, space.names) == ((2, 3), ("a", "b"))


@pytest.mark.parametrize("reference", ["motif", "bilevel_toys"])
def test_a_network_is_for_reading_and_cannot_be_copied_away_from_its_ledger(reference):
    network = open_run(make_problem(reference, {}), budget={"flops": 1e12}).supernet
    for change in (
        lambda: setattr(network, "_charge", lambda flops: None),
        lambda: setattr(network, "train_loss", None),
        lambda: delattr(network, "train_loss"),
        lambda: network._charge,
        lambda: network._halves,
        lambda: vars(network),
    ):
        with pytest.raises((AttributeError, TypeError)):
            change()
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="supernet: cannot be copied"):
            copied(network)
    kind = CategoricalNetwork if hasattr(network, "operations") else ContinuousNetwork
    assert isinstance(network, kind)
    members = {name for name in dir(kind) if not name.startswith("_")}
    assert {name for name in dir(network) if not name.startswith("_")} == members | {
        "coarse",
        "morph",
        "owners",
        "wires",
    }


@pytest.mark.parametrize("budget", [5.0, 5.5])
def test_no_product_with_a_kept_graph_is_free_when_the_budget_is_spent(budget):
    """Nothing more than the pass that crosses the limit is computed, however many are asked for."""
    run = open_run(make_problem("bilevel_toys", {"name": "quadratic"}), budget={"flops": budget})
    network = run.supernet
    w = network.initial_weights()
    loss = network.train_loss(w, network.initial_alpha(), network.train_batch())
    (slope,) = torch.autograd.grad(loss, w["w"], create_graph=True)
    assert run.spent.flops == 3
    torch.autograd.grad(slope.sum(), w["w"], retain_graph=True)
    for _ in range(300):
        with pytest.raises(BudgetExhausted):
            torch.autograd.grad(slope.sum(), w["w"], retain_graph=True)
    assert (run.spent.flops, run.stopped) == (9, "flops")


@pytest.mark.parametrize("reference", [("motif", {}), ("bilevel_toys", {"name": "ridgenet"})])
def test_a_network_whose_data_are_spoiled_spoils_no_other_run(reference):
    def first_loss(run):
        network = run.supernet
        p = torch.softmax(network.initial_alpha() + torch.eye(*network.initial_alpha().shape), dim=1)
        weights = {name: w + 0.1 for name, w in network.initial_weights().items()}
        return network.train_loss(weights, p, network.train_batch()).item()

    def spoil(value):
        if isinstance(value, torch.Tensor):
            value.zero_()
        elif isinstance(value, dict | tuple):
            for part in value.values() if isinstance(value, dict) else value:
                spoil(part)

    problem = make_problem(*reference)
    runs = [open_run(problem, budget={"flops": 1e12}) for _ in range(3)]
    before = first_loss(runs[0])
    spoil(vars(runs[1].supernet._Handed__network))
    assert first_loss(runs[1]) != before
    assert first_loss(runs[2]) == before


def test_what_was_recommended_is_nobody_s_to_write():
    run = open_run()
    X = np.array([[20, 20, 20]])
    run.recommend(X)
    X[:] = 0
    assert run.recommended.tolist() == [[20, 20, 20]]
    with pytest.raises(ValueError, match="read-only"):
        run.recommended[:] = 0


def test_rows_that_are_written_while_they_are_answered_are_logged_as_they_were_asked():
    class Writer(Slow):
        def evaluate(self, X, **given):
            mine[:] = 39
            return super().evaluate(X, **given)

    log, mine = Log(), np.array([[20, 20, 20], [20, 20, 21]])
    assert open_run(Writer(), log=log).evaluate(mine).tolist() == [[60, 20], [61, 20]]
    assert history(log).X.tolist() == [[20, 20, 20], [20, 20, 21]]


def test_the_arrays_of_a_space_cannot_be_made_writeable():
    space = Space((2, 3, 4))
    for array in (space._bounds, space._strides):
        with pytest.raises(ValueError, match="cannot set WRITEABLE flag to True"):
            array.flags.writeable = True
