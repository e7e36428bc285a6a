"""The simulated clock: who trains when, what a searcher sees by then, and that logs say so, after kills as well."""

import heapq
import itertools
from dataclasses import dataclass

import numpy as np
import orjson
import pytest

import mobench
from mobench.analysis.clocks import clock_fault
from mobench.analysis.verification import check_run
from mobench.core.budget import BudgetExhausted, Cost, parse_budget
from mobench.core.problem import Objective, Values
from mobench.core.space import Space
from mobench.harness.clock import durations, makespan, schedule
from mobench.harness.door import Run
from mobench.harness.execute import execute
from mobench.harness.history import read_history
from mobench.harness.log import Log
from mobench.harness.sealed import seal
from mobench.harness.spec import RunSpec
from mobench.plugins.catalogue import make_problem


@dataclass
class Trainings:
    """Architectures 0 to 99; x takes `seconds(x)` an epoch, 1 to 27 of them, and some trainings go on."""

    resumable: bool = True
    deterministic: bool = True
    space = Space((100,))
    objectives = (Objective("error"), Objective("size"))
    training = Cost(evaluations=1, seconds=27 * 4.5)
    fidelities = (1, 3, 9, 27)

    def evaluate(self, X, *, fidelity, seeds):
        epochs = fidelity or 27
        return Values(self.score(X) + np.array([1.0 / epochs, 0.0]), seconds=epochs * (1.0 + X[:, 0] % 8))

    def score(self, X):
        return np.column_stack([X[:, 0] * 37 % 100, 99 - X[:, 0]]).astype(float)


def opened(workers, problem=None, log=None, **budget):
    problem = problem or Trainings()
    limit = parse_budget(budget or {"evaluations": 1000}, problem.training, workers=workers)
    return Run(problem, limit=limit, log=log, workers=workers)


def by_ticks(jobs, workers):
    """Ends of (handed in, whole seconds) jobs, second by second: the queue, the workers, and nothing else."""
    ends, queue, busy = [None] * len(jobs), [], [None] * workers
    for second in itertools.count():
        busy = [None if job is not None and ends[job] == second else job for job in busy]
        queue += [j for j, (at, _) in enumerate(jobs) if at == second]
        for w in range(workers):
            while busy[w] is None and queue:
                j = queue.pop(0)
                ends[j] = second + jobs[j][1]
                busy[w] = j if jobs[j][1] else None
        if None not in ends:
            return ends


@pytest.mark.parametrize("seed", range(40))
def test_jobs_end_as_in_a_simulation_second_by_second(seed):
    rng = np.random.default_rng(seed)
    workers, n = int(rng.integers(1, 6)), int(rng.integers(1, 30))
    moments = np.sort(rng.integers(0, 40, n))
    seconds = rng.integers(0, 12, n)
    free, found = [0.0] * workers, []
    for at in np.unique(moments):
        found += schedule(free, float(at), seconds[moments == at].astype(float)).tolist()
    assert found == by_ticks(list(zip(moments.tolist(), seconds.tolist(), strict=True)), workers)


@pytest.mark.parametrize("seed", range(20))
def test_a_batch_keeps_grahams_bound(seed):
    rng = np.random.default_rng(seed)
    workers, seconds = int(rng.integers(2, 4)), rng.integers(1, 10, 6).astype(float)
    loads = (np.bincount(w, seconds, workers).max() for w in itertools.product(range(workers), repeat=6))
    best, ours = min(loads), makespan(seconds, workers)
    assert max(best, seconds.sum() / workers) <= ours <= (2 - 1 / workers) * best


def test_a_training_waits_until_it_is_ready_and_holds_its_worker():
    assert schedule([0.0, 0.0], 1.0, [2.0, 2.0, 2.0], [0.0, 9.0, 0.0]).tolist() == [3.0, 11.0, 5.0]


def test_a_batch_is_answered_when_its_last_training_has_ended():
    run = opened(2)
    run.evaluate([[7], [0], [1]], fidelity=1)  # 8, 1 and 2 seconds
    assert (run.spent.clock, run.spent.seconds) == (8, 11)
    run.evaluate([[0], [1]], fidelity=1)  # known
    assert run.spent.clock == 8


def test_answers_come_in_the_order_of_their_ends_and_none_before():
    run = opened(3)
    run.submit([[7], [0], [1], [2]], fidelity=1)  # the last one waits for a worker: 1 + 3 seconds
    assert (run.running, run.workers, run.spent.clock) == (4, 3, 0.0)
    seen = []
    while run.running:
        ended = run.wait()
        seen.append((int(ended.x[0]), run.spent.clock, ended.fidelity))
    assert seen == [(0, 1.0, 1), (1, 2.0, 1), (2, 4.0, 1), (7, 8.0, 1)]
    with pytest.raises(ValueError, match="nothing is running"):
        run.wait()


def test_what_is_asked_again_while_it_runs_is_not_answered_before_it_ends():
    run = opened(2)
    run.submit([7], fidelity=1)
    run.submit([7], fidelity=1)
    assert run.spent.evaluations == 1
    run.evaluate([7], fidelity=1)
    assert run.spent.clock == 8
    run.wait()
    run.wait()
    assert run.spent.clock == 8


def test_a_training_goes_on_when_its_beginning_has_ended_and_an_earlier_epoch_is_not_seen_before():
    run = opened(4)
    run.submit([0], fidelity=3)
    run.submit([0], fidelity=9)  # 6 more seconds, from the third on
    run.submit([0], fidelity=1)
    ends = []
    while run.running:
        run.wait()
        ends.append(run.spent.clock)
    assert ends == [3.0, 9.0, 9.0]
    run = opened(4, Trainings(resumable=False))
    run.submit([0], fidelity=3)
    run.submit([0], fidelity=9)
    run.wait(), run.wait()
    assert run.spent.clock == 9.0  # side by side


def test_without_a_clock_one_worker_answers_in_order():
    run = opened(0)
    run.submit([[7], [0]])
    assert run.workers == 1
    assert [run.wait().x.tolist() for _ in range(2)] == [[7], [0]]
    assert run.spent.clock == 0


def test_a_budget_on_the_clock_ends_the_run_at_the_first_training_that_would_end_behind_it():
    run = opened(2, clock=10.0)
    run.evaluate([[7], [0]], fidelity=1)
    with pytest.raises(BudgetExhausted, match="clock"):
        run.evaluate([[1], [2], [3]], fidelity=1)  # from 8: 10, 11, ...
    run.finish()
    assert (run.stopped, run.spent.evaluations, run.spent.clock) == ("clock", 3, 10.0)


def asha_by_events(workers, n):
    """ASHA of one objective with an event queue of its own: (x, epochs, end) in the order of ends."""
    problem, rungs = Trainings(), (1, 3, 9, 27)
    rng, now, began = np.random.default_rng(5), 0.0, 0
    fresh = rng.permutation(100).tolist()
    running, told = [], {r: [] for r in rungs}
    went, done = {r: set() for r in rungs}, []
    while True:
        while len(running) < workers and began < n:
            x, k = None, 0
            for i in (2, 1, 0):
                best = [y for _, y in sorted(told[rungs[i]])[: len(told[rungs[i]]) // 3] if y not in went[rungs[i]]]
                if best:
                    x, k = best[0], i + 1
                    went[rungs[i]].add(x)
                    break
            x = fresh.pop(0) if x is None else x
            epochs = rungs[k] - (rungs[k - 1] if k else 0)
            heapq.heappush(running, (now + epochs * (1.0 + x % 8), began, x, rungs[k]))
            began += 1
        if not running:
            return done
        now, _, x, epochs = heapq.heappop(running)
        told[epochs].append((problem.score(np.array([[x]]))[0, 0], x))
        done.append((x, epochs, now))


def asha_of_one_objective(run, n):
    rungs = run.fidelities
    fresh = np.random.default_rng(5).permutation(100).tolist()
    told, went, began = {r: [] for r in rungs}, {r: set() for r in rungs}, 0
    while True:
        while run.running < run.workers and began < n:
            x, k = None, 0
            for i in (2, 1, 0):
                best = [y for _, y in sorted(told[rungs[i]])[: len(told[rungs[i]]) // 3] if y not in went[rungs[i]]]
                if best:
                    x, k = best[0], i + 1
                    went[rungs[i]].add(x)
                    break
            run.submit([fresh.pop(0) if x is None else x], fidelity=rungs[k])
            began += 1
        if not run.running:
            return
        ended = run.wait()
        told[ended.fidelity].append((float(ended.F[0]), int(ended.x[0])))


@pytest.mark.parametrize("workers", [1, 2, 5, 8])
def test_asynchronous_halving_runs_as_in_an_event_simulation(workers):
    log = Log()
    run = opened(workers, log=log)
    asha_of_one_objective(run, 120)
    run.finish()
    history = read_history(log, d=1, m=2)
    found = [
        (int(x), int(f) or 27, end)
        for x, f, end in zip(history.X[:, 0], history.fidelity, history.spent["clock"], strict=True)
    ]
    assert found == asha_by_events(workers, 120)
    assert (history.workers, history.total["clock"]) == (workers, run.spent.clock)
    assert clock_fault(Trainings(), [orjson.loads(line) for line in log.lines]) == ""


def test_a_history_is_in_the_order_of_ends_and_its_ledger_only_grows():
    log = Log()
    run = opened(2, log=log)
    run.submit([[7], [0], [1]])
    run.recommend([7])
    run.wait()
    run.recommend([0])
    history = read_history(log, d=1, m=2)
    assert history.X[:, 0].tolist() == [0, 1, 7]
    assert all((np.diff(amounts) >= 0).all() for amounts in history.spent.values())
    assert [(note.answers, note.spent["clock"]) for note in history.recommended] == [(0, 0.0), (1, 27.0)]
    assert history.total["seconds"] == history.spent["seconds"][-1] == 27 * (8 + 1 + 2)


SPEC = RunSpec("motif", "asha", 3, {"trainings": 8}, simulated_workers=8)


def test_one_worker_takes_the_sum_of_all_trainings_and_asks_as_without_a_clock(tmp_path):
    plain = RunSpec("motif", "asha", 3, {"trainings": 8})
    one = RunSpec("motif", "asha", 3, {"trainings": 8}, simulated_workers=1)
    ends = [execute(spec, tmp_path / str(i)) for i, spec in enumerate((plain, one))]
    lines = [
        [orjson.loads(line) for line in (tmp_path / str(i) / "log.jsonl").read_bytes().splitlines()] for i in (0, 1)
    ]
    kept = [{k: v for k, v in line.items() if k not in ("at", "ends")} for line in lines[1] if "workers" not in line]
    assert kept == lines[0]
    assert "clock" not in ends[0]["spent"]
    assert ends[1]["spent"]["clock"] == pytest.approx(ends[1]["spent"]["flops"] / 1e9, rel=1e-12)


@pytest.mark.parametrize("searcher", ["asha", "successive_halving", "nsga2", "regularized_evolution"])
def test_a_killed_run_goes_on_to_the_same_log(tmp_path, searcher):
    spec = RunSpec("motif", searcher, 3, {"trainings": 8}, simulated_workers=8)
    execute(spec, tmp_path / "whole")
    whole = (tmp_path / "whole" / "log.jsonl").read_bytes()
    lines = whole.splitlines(keepends=True)
    for cut in sorted({1, 2, len(lines) // 2, len(lines) - 1}):
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / "log.jsonl").write_bytes(b"".join(lines[:cut]) + lines[cut][:7])
        assert execute(spec, folder)["spent"]["clock"] > 0
        assert (folder / "log.jsonl").read_bytes() == whole


def test_a_checkpoint_keeps_what_is_running(tmp_path):
    def search(run, stop):
        state = run.restore()
        began = 0 if state is None else state["began"]
        while began < 40:
            while run.running < run.workers:
                run.submit([began], fidelity=3)
                began += 1
            run.wait()
            run.checkpoint(began=began)
            if began == stop:
                return
        while run.running:
            run.wait()

    logs = []
    for name, stops in (("once", (0,)), ("twice", (20, 0))):
        (tmp_path / name).mkdir()
        for stop in stops:
            with Log(tmp_path / name / "log.jsonl") as log:
                run = opened(3, log=log)
                search(run, stop)
                if not stop:
                    run.finish()
        logs.append((run.spent, (tmp_path / name / "log.jsonl").read_bytes()))
    assert logs[0] == logs[1]


def forged(tmp_path, change):
    """A finished run whose log was rewritten, and sealed again."""
    end = execute(SPEC, tmp_path)
    lines = [orjson.loads(line) for line in (tmp_path / "log.jsonl").read_bytes().splitlines()]
    change(lines)
    data = b"".join(orjson.dumps(line) + b"\n" for line in lines)
    (tmp_path / "log.jsonl").write_bytes(data)
    last = max((end for line in lines for end in line.get("ends", [])), default=0.0)
    document = {**end, "log": seal(data), "spent": {**end["spent"], "clock": last}}
    (tmp_path / "end.json").write_bytes(orjson.dumps(document))
    return check_run(SPEC, tmp_path).fault


def sooner(lines):
    answered = [line for line in lines if "ends" in line]
    answered[5]["ends"] = [end * 0.999 for end in answered[5]["ends"]]


def peeked(lines):
    answered = [line for line in lines if "ends" in line]
    answered[20]["at"] *= 0.99


def back(lines):
    answered = [line for line in lines if "ends" in line]
    answered[30]["at"] = 0.0


def more_workers(lines):
    next(line for line in lines if "workers" in line)["workers"] = 16


def rewound(lines, workers):
    """All trainings begin at once, and `workers` share them."""
    free, training = [0.0] * workers, make_problem("motif", {}).training
    for line in lines:
        if "at" in line:
            line["at"] = 0.0
        if "ends" in line:
            line["ends"] = schedule(free, 0.0, durations(line, len(line["X"]), training)).tolist()


def workers_of_two_lines(lines):
    rewound(lines, 1000)
    lines.insert(next(i for i, line in enumerate(lines) if "workers" in line), {"workers": 1000})


def workers_in_another_line(lines):
    rewound(lines, 1000)
    next(line for line in lines if "data" in line)["workers"] = 1000


def workers_afterwards(lines):
    lines.append(lines.pop(next(i for i, line in enumerate(lines) if "workers" in line)))


def nobody(lines):
    lines[:] = [line for line in lines if "workers" not in line]


def test_an_honest_log_is_found_so(tmp_path):
    assert forged(tmp_path, lambda lines: None) == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (sooner, "by its price at|end before"),
        (peeked, "where nothing ended"),
        (back, "goes back|where nothing ended"),
        (more_workers, "16 simulated workers, and it is specified for 8"),
        (workers_of_two_lines, "stated again"),
        (workers_in_another_line, "data and workers at once"),
        (workers_afterwards, "behind the first answer"),
        (nobody, "0 simulated workers|adds up"),
    ],
)
def test_a_forged_clock_is_refused(tmp_path, change, said):
    import re

    assert re.search(said, forged(tmp_path, change))


def test_workers_are_part_of_what_a_run_is_and_nothing_is_new_without_them():
    plain = RunSpec("motif", "asha", 3, {"trainings": 8})
    assert "simulated_workers" not in plain.document
    assert len({plain.id, SPEC.id, RunSpec("motif", "asha", 3, {"trainings": 8}, simulated_workers=4).id}) == 3


def test_asynchronous_halving_is_done_sooner_than_synchronous_at_the_same_price():
    found = {
        s: mobench.run(s, "motif", budget={"trainings": 20}, simulated_workers=8)
        for s in ("asha", "successive_halving", "hyperband")
    }
    clock = {searcher: result.spent.clock for searcher, result in found.items()}
    assert clock["asha"] < 0.5 * min(clock["successive_halving"], clock["hyperband"])


def test_curves_have_the_clock_as_an_axis(tmp_path):
    execute(SPEC, tmp_path)
    from mobench.scoring.load import load

    curve = load(tmp_path).curve(axis="clock")
    assert curve["clock"].is_monotonic_increasing
    assert len(curve) == 2


def test_what_has_no_place_on_a_clock_is_not_applicable_and_a_budget_needs_one():
    learners = ["darts", "enas", "once_for_all", "gbho"]  # one of each kind of supernet
    campaign = mobench.make_campaign(
        {
            "problems": ["motif_chain"],
            "searchers": [*learners, "asha"],
            "simulated_workers": 8,
            "budget": {"clock": 60},
        }
    )
    said = [(pair.searcher, pair.reason) for pair in campaign.not_applicable]
    assert said == [(name, "trains a supernet, whose passes have no place on a simulated clock") for name in learners]
    assert {spec.simulated_workers for spec in campaign.specs} == {8}
    with pytest.raises(ValueError, match="add --simulated-workers"):
        mobench.make_campaign({"problems": ["motif"], "searchers": ["asha"], "budget": {"clock": 60}})
    for wrong in (-1, 1.5, True, 10**9):
        with pytest.raises(ValueError, match="simulated workers: expected a whole number"):
            mobench.make_campaign({"problems": ["motif"], "searchers": ["asha"], "simulated_workers": wrong})
    catsum = mobench.make_campaign({"problems": ["catsum"], "searchers": ["nsga2"], "simulated_workers": 8})
    assert "no price in seconds" in catsum.not_applicable[0].reason
    with pytest.raises(ValueError, match="no price in seconds"):
        Run(make_problem("catsum", {}), limit=Cost(10, 10, 10, 10), workers=2)


def test_the_command_line_takes_workers_and_draws_the_clock(tmp_path, capsys):
    from mobench.cli.main import main

    run = ["run", "-p", "motif", "-s", "asha", "-b", "clock=20", "--seeds", "2", "--simulated-workers", "4", "-w", "1"]
    folder = tmp_path / "four"
    assert main([*run, "--name", "four", "--results", str(tmp_path), "-q"]) == 0
    assert main([*run, "--results", str(tmp_path), "-q"]) == 0
    assert main(["verify", str(folder), "-w", "1", "-q"]) == 0
    assert main(["plot", str(folder), "-k", "anytime", "--axis", "clock", "--to", str(tmp_path / "it.png")]) == 0
    assert main(["report", str(folder), "--axis", "clock"]) == 0
    assert "simulated clock" in (folder / "report" / "report.html").read_text()
    assert main([*run[:-4], "--simulated-workers", "8", "--name", "four", "--results", str(tmp_path), "-q"]) == 2
    assert "simulated workers is 4 there, 8 here" in capsys.readouterr().err
    assert main([*run[:7], "-b", "5", "--name", "none", "--results", str(tmp_path), "-q"]) == 0
    assert main(["plot", str(tmp_path / "none"), "-k", "anytime", "--axis", "clock"]) == 2
    assert "nothing here has a price in clock" in capsys.readouterr().err
