"""EvoXBench's suites: the real package on a small database of its own models, with numbers of ours."""

import json
import os
import random
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from mobench import Enumerable, Fingerprinted, Problem, Published, nondominated, run
from mobench.problems._evoxbench import package
from mobench.problems.tables import evoxbench
from mobench.scoring.contract import contract_for
from mobench.testing import assert_passes, check_problem
from mobench.testing.state import global_state, seed_globals

sys.path.insert(0, str(Path(__file__).parent))
import _evoxbench as stand_in

ALL = [(suite, number) for suite, count in evoxbench.PROBLEMS.items() for number in range(1, count + 1)]
SEEDS = np.arange(20, dtype=np.uint64) * 2**33 + 7
PLACES = ("EVOXBENCH_DATA", "EVOXBENCH_MODEL", "DJANGO_SETTINGS_MODULE", "DJANGO_ALLOW_ASYNC_UNSAFE")
"""Variables that the package sets, and would find again in another process."""
needs_package = pytest.mark.skipif(
    find_spec("evoxbench") is None, reason="evoxbench is not installed: pip install 'mobench[evoxbench]'"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home folder with a configured database; Django reads it once a process, so all tests share it."""
    folder = tmp_path_factory.mktemp("evoxbench")
    stand_in.lay_out(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        patch.setattr(sys, "path", [*sys.path])  # the package adds to it, and to the environment
        for name in PLACES:
            patch.setenv(name, "")
            patch.delenv(name)
        with pytest.raises(ValueError, match=r"database not configured: .*No such file.*nats_pf\.json"):
            evoxbench.problem(suite="c10mop", number=3)  # there are no fronts yet
        stand_in.fill(folder / "data")
        yield folder


@pytest.fixture
def make(home):
    return lambda suite, number: evoxbench.problem(suite=suite, number=number)


def known(problem, n=20):
    """Some architectures that the database has."""
    X = problem.front()[0] if isinstance(problem, Enumerable) else problem.space.sample(np.random.default_rng(1), n)
    return X[np.arange(n) % len(X)]


# --- what each problem is ---------------------------------------------------------------------------------------------


@needs_package
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the package leaves files open
@pytest.mark.parametrize(("suite", "number"), ALL)
def test_every_problem_answers_as_the_package_does(suite, number, make):
    from evoxbench import test_suites

    problem, theirs = make(suite, number), getattr(test_suites, suite)(number)
    assert isinstance(problem, Problem)
    assert isinstance(problem, Published)
    assert isinstance(problem, Fingerprinted)
    X = known(problem, 4)
    F = problem.evaluate(X, seeds=SEEDS[:4]).F
    random.seed(int(SEEDS[3]))
    np.random.seed([int(SEEDS[3]) >> 32, int(SEEDS[3]) & 0xFFFFFFFF])  # noqa: NPY002
    own = theirs.evaluate(X[3:] + np.array(theirs.search_space.lb), true_eval=False)
    ideal, nadir = problem.bounds("evoxbench")
    ours = (F[3:] - ideal) / (nadir - ideal) if suite == "c10mop" and number <= 7 else F[3:]
    np.testing.assert_allclose(own, ours, rtol=1e-12)


@needs_package
@pytest.mark.parametrize(
    ("suite", "number", "genes", "names"),
    [
        ("c10mop", 1, 26, "error params"),
        ("c10mop", 4, 5, "error params flops latency"),
        ("c10mop", 5, 6, "error params flops latency:edgegpu energy:edgegpu"),
        ("c10mop", 6, 6, "error params flops latency:eyeriss energy:eyeriss arithmetic_intensity:eyeriss"),
        ("c10mop", 9, 32, "error params flops"),
        ("in1kmop", 2, 25, "error flops"),
        ("in1kmop", 6, 34, "error params flops"),
        ("in1kmop", 9, 21, "error params flops latency"),
        ("citysegmop", 15, 24, "error latency:h1 latency:h2 energy:h1 energy:h2 flops params"),
    ],
)
def test_genes_and_objectives_are_those_of_the_paper(suite, number, genes, names, make):
    problem = make(suite, number)
    assert len(problem.space.cardinalities) == genes
    assert [objective.name for objective in problem.objectives] == names.split()
    assert not problem.deterministic


@needs_package
@pytest.mark.parametrize(
    ("suite", "number", "ideal", "nadir"),
    [
        ("c10mop", 9, (0.0527, 392426, 79733440), (0.275, 1672426, 270342848)),
        ("in1kmop", 3, (0.1987, 6542624, 669461472), (0.31242, 44114544, 14576961500)),
        ("in1kmop", 6, (0.1765, 43480888, 9223839636), (0.18322, 74134144, 15402946152)),
        ("in1kmop", 9, (0.20918, 4610136, 213223824, 10.3589), (0.29796, 10197992, 1376797630, 70.3806)),
    ],
)
def test_bounds_are_the_published_constants(suite, number, ideal, nadir, make):
    contract = contract_for(make(suite, number), "evoxbench")
    np.testing.assert_allclose(contract.ideal, ideal, rtol=1e-5)
    np.testing.assert_allclose(contract.ideal + contract.span, nadir, rtol=1e-5)
    assert contract.reference == 1.0


@needs_package
def test_bounds_of_another_paper_are_refused(make):
    with pytest.raises(ValueError, match="contract 'modnas'"):
        make("in1kmop", 1).bounds("modnas")


# --- noise ------------------------------------------------------------------------------------------------------------


@needs_package
@pytest.mark.parametrize(
    ("suite", "number"), [("c10mop", 5), ("c10mop", 8), ("in1kmop", 1), ("in1kmop", 7), ("citysegmop", 5)]
)
def test_an_answer_depends_on_its_seed_alone_and_global_state_is_left(suite, number, make):
    problem = make(suite, number)
    X = np.repeat(known(problem, 1), 20, axis=0)
    seed_globals(1)
    before = global_state()
    F = problem.evaluate(X, seeds=SEEDS).F
    assert before == global_state()
    assert len(np.unique(F, axis=0)) > 1
    seed_globals(2)
    np.testing.assert_array_equal(problem.evaluate(X[::-1], seeds=SEEDS[::-1]).F, F[::-1])
    np.testing.assert_array_equal(problem.score(X), problem.score(X[:1]).repeat(20, axis=0))


@needs_package
def test_a_searcher_sees_one_validation_trial_and_is_scored_by_the_test_mean(make):
    problem = make("c10mop", 5)
    X = np.repeat(known(problem, 1), 20, axis=0)
    gap = problem.evaluate(X, seeds=SEEDS).F[:, 0] - problem.score(X)[:, 0]
    np.testing.assert_allclose(np.unique(gap.round(6)), (1, 2, 3))


@needs_package
def test_seeds_are_needed(make):
    with pytest.raises(ValueError, match="seeds: needed"):
        make("c10mop", 8).evaluate(np.zeros((1, 32), dtype=int))


# --- fronts -----------------------------------------------------------------------------------------------------------


@needs_package
@pytest.mark.parametrize("number", range(1, 8))
def test_the_front_is_the_one_that_the_package_lists(number, make):
    problem = make("c10mop", number)
    X, F = problem.front()
    assert problem.space.check(X) is not None
    assert nondominated(F).all()
    listed = np.unique(problem.benchmark.pareto_front.round(9), axis=0)
    np.testing.assert_allclose(np.unique(F.round(9), axis=0), listed)
    ideal, nadir = problem.bounds("evoxbench")
    np.testing.assert_allclose((F.min(axis=0), F.max(axis=0)), (ideal, nadir))


@needs_package
def test_an_invalid_cell_costs_more_than_any_that_exists(make):
    problem = make("c10mop", 2)
    X = np.zeros((1, 26), dtype=int)
    expected = (1.0, *2 * problem.bounds("evoxbench")[1][1:])
    np.testing.assert_array_equal(problem.score(X)[0], expected)
    np.testing.assert_array_equal(problem.evaluate(X, seeds=SEEDS[:1]).F[0], expected)


@needs_package
def test_problems_without_a_listed_front_have_none(make):
    assert not isinstance(make("in1kmop", 1), Enumerable)


# --- as a whole -------------------------------------------------------------------------------------------------------


@needs_package
def test_a_surrogate_problem_passes_the_conformance_kit(home, monkeypatch):
    monkeypatch.setattr("mobench.testing.specimen.LISTED", 100)  # of 20,000 rows, which take minutes
    assert_passes(check_problem("evoxbench", options={"suite": "c10mop", "number": 8}))


@needs_package
def test_a_search_is_scored_by_the_papers_convention(make):
    problem = make("citysegmop", 1)
    result = run("nsga2", problem, budget=60, population=20)
    measures = result.measures(contract="evoxbench")
    assert 0 < measures["hypervolume"] < 1
    assert measures["size"] <= 20  # of the final population


# --- what is missing is named, with its cure --------------------------------------------------------------------------


def elsewhere(home):
    """The last line of the complaint of another process."""
    code = "from mobench.problems.tables import evoxbench; evoxbench.problem(suite='c10mop', number=8)"
    env = {name: value for name, value in os.environ.items() if name not in PLACES} | {"HOME": str(home)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.returncode
    assert not done.stdout
    return done.stderr.strip().splitlines()[-1]


def configure(home, **folders):
    (home / ".config" / "evoxbench").mkdir(parents=True)
    (home / ".config" / "evoxbench" / "config.json").write_text(json.dumps(folders))


@needs_package
def test_without_a_configuration_the_cure_is_named(tmp_path):
    said = elsewhere(tmp_path)
    assert said.startswith("ValueError: database not configured: First time running evoxbench")
    assert "evoxbench.database.init import config" in said


@needs_package
def test_a_folder_that_is_no_database_is_named(tmp_path):
    configure(tmp_path, database=str(tmp_path), model=str(tmp_path))
    assert "database not configured: " in (said := elsewhere(tmp_path))
    assert "No module named 'ORM'" in said


@needs_package
@pytest.mark.parametrize(("number", "error"), [(1, "DoesNotExist"), (3, "KeyError"), (5, "KeyError")])
def test_an_architecture_that_the_database_lacks_is_named(number, error, make):
    problem = make("c10mop", number)
    X = np.full((1, len(problem.space.cardinalities)), 2)
    if number == 1:  # a chain of seven nodes with another mixture of operations
        X[0] = (*np.eye(7, k=1, dtype=int)[np.triu_indices(7, 1)], 0, 1, 2, 0, 1)
    with pytest.raises(ValueError, match=rf"have nothing for \[.*{error}.*not complete"):
        problem.score(X)


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(package.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"evoxbench is not installed: pip install 'mobench\[evoxbench\]'"):
        evoxbench.problem(suite="c10mop", number=1)


@pytest.mark.parametrize(("suite", "number"), [("c10mop", 10), ("in1kmop", 15)])
def test_a_number_that_the_suite_lacks_is_refused(suite, number):
    with pytest.raises(ValueError, match=rf"number: {suite} has problems 1 to 9, found {number}"):
        evoxbench.problem(suite=suite, number=number)


def test_the_package_is_imported_only_where_a_problem_is_made():
    code = "import sys; from mobench.problems.tables import evoxbench as e; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
