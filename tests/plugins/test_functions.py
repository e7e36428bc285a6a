"""Functions as searchers of campaigns: known by their source, carried to other processes, refused where they cannot."""

import functools
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import mobench
from mobench import CategoricalSupernet
from mobench.campaigns.reading import make_campaign
from mobench.campaigns.record import load_campaign
from mobench.cli.main import main
from mobench.plugins.functions import file_of_function
from mobench.plugins.loader import import_file

FEW = 3
TABLE = {"few": (1, 2.5, "a"), "more": [None, True]}
ARRAY = np.zeros(2)


def few(run):
    return run.space.sample(run.rng, FEW)


class Sampler:
    def __init__(self, run):
        self.run = run


class Asking(Sampler):
    def rows(self):
        return few(self.run)


def plain(run: mobench.Run, *, batch: int = 2):
    """Asks for a "few" at a time."""
    while True:
        run.evaluate(np.asarray(Asking(run).rows())[:batch])


def recursive(run, *, depth: int = 2):
    if depth:
        return recursive(run, depth=depth - 1)
    return run.evaluate(few(run))


def told(run):
    assert TABLE["few"][0] == 1
    run.evaluate(few(run))


def needy(run):
    run.supernet()


needy.needs = (CategoricalSupernet,)


def with_array(run):
    run.evaluate(run.space.sample(run.rng, len(ARRAY)))


def nsga2(run):
    run.evaluate(few(run))


def around():
    several = 4

    def inner(run):
        run.evaluate(run.space.sample(run.rng, several))

    return inner


def campaign(*searchers, **more):
    return make_campaign({"problems": ["catsum"], "searchers": [*searchers], "seeds": 2, "budget": 20} | more)


def test_a_function_runs_in_a_campaign_as_it_does_here(tmp_path):
    made = campaign(plain, {"name": plain, "batch": 3, "label": "Three"}, "random_search")
    mobench.run_campaign(made, tmp_path / "c", workers=1, progress=False)
    results = mobench.load(tmp_path / "c")
    assert set(results.scores["state"]) == {"ended"}
    for batch, row in ((2, results.scores.iloc[0]), (3, results.scores.iloc[1])):
        there = mobench.load(tmp_path / "c" / "runs" / row["run"])
        here = mobench.run(plain, "catsum", budget=20, seed=0, batch=batch)
        assert there.history.X.tolist() == here.history.X.tolist()
    assert "Three" in set(results.scores["searcher"])


def test_its_source_is_kept_and_goes_on_from_the_command_line(tmp_path, capsys):
    mobench.run_campaign(campaign(plain), tmp_path / "c", workers=1, progress=False)
    (file,) = (tmp_path / "c" / "searchers").rglob("*.py")
    assert file.name == "plain.py"
    assert main(["run", str(tmp_path / "c"), "--plugin", str(file), "--seeds", "3", "-q", "-w", "1"]) == 0
    assert "1 runs ended, 2 had before" in capsys.readouterr().err
    assert len(load_campaign(tmp_path / "c").specs) == 3


@pytest.mark.parametrize("search", [plain, recursive, told])
def test_what_a_function_uses_of_its_module_comes_along(search):
    module = import_file(file_of_function(search))
    mine, theirs = (mobench.run(one, "catsum", budget=20) for one in (search, module.search))
    assert theirs.history.X.tolist() == mine.history.X.tolist()


def test_its_identity_is_its_source_and_that_of_what_it_uses():
    assert file_of_function(plain).checksum == file_of_function(plain).checksum
    names = {"few", "FEW", "plain"}
    assert names <= vars(import_file(file_of_function(plain))).keys()
    before = file_of_function(plain).checksum
    space = plain.__globals__
    space["FEW"] = 5
    try:
        assert file_of_function(plain).checksum != before
    finally:
        space["FEW"] = 3
    assert file_of_function(plain).checksum == before


def test_needs_come_along():
    (pair,) = campaign(needy).not_applicable
    assert pair.reason.startswith("needs CategoricalSupernet")


def test_a_kept_run_takes_a_function(tmp_path):
    kept = mobench.run(plain, "catsum", budget=20, folder=tmp_path / "run")
    assert mobench.load(tmp_path / "run").history.X.tolist() == kept.history.X.tolist()
    assert mobench.run(plain, "catsum", budget=20, folder=tmp_path / "run").reason == "budget: evaluations"


@pytest.mark.parametrize(
    ("search", "error", "words"),
    [
        (lambda run: None, TypeError, "expected a function that has a name"),
        (functools.partial(plain, batch=1), TypeError, "expected a function that has a name"),
        (around(), TypeError, "searcher 'inner': uses several of the function around it; make it an option"),
        (with_array, TypeError, "searcher 'with_array': uses ARRAY, a ndarray that cannot be written down"),
        (nsga2, ValueError, "searcher 'nsga2': is the name of a built-in one"),
    ],
)
def test_what_cannot_be_carried_to_a_worker_is_refused_in_a_line(search, error, words):
    with pytest.raises(error) as raised:
        campaign(search)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_function_without_source_is_refused():
    space = {}
    exec("def search_it(run):\n    pass\n", space)
    with pytest.raises(ValueError, match="the source of search_it is not at hand; write it to a file"):
        campaign(space["search_it"])


def test_two_functions_of_one_name_are_refused():
    def plain(run):
        run.evaluate(run.space.sample(run.rng, 2))

    with pytest.raises(ValueError, match="two functions are called plain; rename one of them"):
        campaign(plain, globals()["plain"])


def test_a_script_that_does_not_guard_its_main_part_is_carried_out_once(tmp_path):
    (tmp_path / "script.py").write_text(
        textwrap.dedent("""
        import mobench
        print("begun", flush=True)

        def mine(run):
            while True:
                run.evaluate(run.space.sample(run.rng, 2))

        campaign = mobench.make_campaign({"problems": ["catsum"], "searchers": [mine], "seeds": 2, "budget": 10})
        tally = mobench.run_campaign(campaign, "results/c", workers=2)
        print(len(tally.ended), "ended", mobench.load("results/c").scores["state"].tolist())
        """)
    )
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "begun\n2 ended ['ended', 'ended']\n", done.stderr
    assert "2/2 runs" in done.stderr  # a script says how far it has come
