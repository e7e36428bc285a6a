"""The conformance kit passes what is built in, and catches each broken plugin by the check meant for it."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import torch

from mobench import Run
from mobench.plugins.catalogue import plugins
from mobench.testing import Check, assert_passes, check_problem, check_searcher, table

torch.set_num_threads(1)  # and loaded here: seconds of a run are few
BROKEN = Path(__file__).parents[1] / "broken"
LIVE = "cell_training:dataset=digits,epochs=2,channels=2,cells=1,stages=1"
TABLE = f"table:path={Path(__file__).parents[2] / 'docs/problems/tables/example_table/cells.toml'}"
NEED_MORE = {"cell_training", "evoxbench", "spikenas", "table"}
"""Problems that need options, files or a package."""
SHORT = ("random_search", "nsga2", "local_search")

SEARCHERS = {
    "leaves_space": {"space"},
    "global_random": {"global randomness", "global state"},
    "seeds_numpy": {"global state"},
    "resets_ledger": {"ledger"},
    "reads_truth": {"hidden truth"},
    "unseeded": {"deterministic"},
    "recommends_everything": {"deliveries"},
    "hoards": {"deliveries"},
    "hoards_early": {"deliveries"},
    "breeds": {"deliveries"},
    "remembers": {"deterministic"},
    "goes_on": {"budget"},
    "swallows": {"budget"},
    "one_objective": {"objectives"},
    "distinct": {"tiny spaces"},
    "waits": {"tiny spaces"},
    "forgets": {"resumes"},
    "hashes": {"fresh process"},
    "divides": {"ties"},
    "exponentials": {"scales"},
    "takes_keys_for_numbers": {"duplicates"},
    "remembers_values": {"noise"},
    "sets_environment": {"global state"},
    "worse_than_chance": {"better than chance"},
    "wants_an_option": {"options"},
    "finest_only": {"fidelities"},
    "wants_operations": {"supernets"},
}
PROBLEMS = {
    "lacks_score": {"members"},
    "same_names": {"names and units"},
    "wrong_shape": {"shapes"},
    "score_shape": {"shapes"},
    "not_a_number": {"finite"},
    "negative_price": {"prices"},
    "cheap_training": {"training price"},
    "hidden_noise": {"randomness"},
    "no_noise": {"randomness"},
    "own_noise": {"randomness"},
    "global_noise": {"global state", "global randomness"},
    "batch_noise": {"batches"},
    "noisy_scores": {"scores"},
    "changes_arguments": {"inputs"},
    "unattainable_front": {"front"},
    "dominated_front": {"front"},
    "false_front": {"front"},
    "mixed_classes": {"classes"},
    "falling_fidelities": {"fidelities"},
    "no_contract": {"contract"},
    "endless_limit": {"limits"},
    "worded_limit": {"limits"},
    "narrow_limits": {"limits"},
    "short_ranges": {"ranges"},
    "negative_noise": {"standard errors"},
    "guessed_costs": {"known costs"},
    "same_words": {"written form"},
    "hashed": {"fresh process"},
    "unnamed_operations": {"supernet"},
    "free_backward": {"network passes"},
    "unpriced_scores": {"network passes"},
    "deaf_network": {"network passes"},
    "flat_price": {"network prices"},
    "tiny_price": {"network prices"},
    "prices_upside_down": {"network prices"},
    "free_computed": {"network passes"},
    "unseeded_network": {"network batches"},
    "forgetful_batches": {"network batches"},
    "costs_upside_down": {"network costs"},
    "jumps_at_corners": {"network corners"},
    "last_of_ties": {"supernet"},
    "remarks_on_itself": {"remarks"},
    "tells_answers": {"proxies"},
    "dear_proxies": {"proxies"},
}
SOUND = ("sound", "sound_network", "sound_products")


def wrong(results, *, lenient=()):
    """Names of failed checks, and of those of `lenient` that warn."""
    return {r.name for r in results if r.status == "failed" or (r.status == "warning" and r.name in lenient)}


@pytest.mark.long
@pytest.mark.parametrize("name", SEARCHERS)
def test_each_broken_searcher_is_caught_by_the_check_meant_for_it_and_no_other(name):
    results = check_searcher(BROKEN / "searchers" / f"{name}.py", seconds=2.0)
    assert wrong(results, lenient=SEARCHERS[name]) == SEARCHERS[name], table(results)


@pytest.mark.long
@pytest.mark.parametrize("name", PROBLEMS)
def test_each_broken_problem_is_caught_by_the_check_meant_for_it_and_no_other(name):
    results = check_problem(BROKEN / "problems" / f"{name}.py")
    assert wrong(results, lenient=PROBLEMS[name]) == PROBLEMS[name], table(results)


def test_every_check_catches_something_and_every_broken_file_is_named_here():
    from mobench.testing.problems import PROBLEM_CHECKS
    from mobench.testing.searchers import SEARCHER_CHECKS

    assert set(SEARCHER_CHECKS) - set().union(*SEARCHERS.values()) == {"summary", "runs"}
    assert set(PROBLEM_CHECKS) - set().union(*PROBLEMS.values()) == {"summary", "searched"}
    assert {path.stem for path in (BROKEN / "searchers").glob("*.py")} == set(SEARCHERS)
    assert {path.stem for path in (BROKEN / "problems").glob("[!_]*.py")} == {*PROBLEMS, *SOUND}


@pytest.mark.parametrize("name", SOUND)
def test_the_problems_that_the_broken_ones_are_made_of_are_sound(name):
    assert not wrong(check_problem(BROKEN / "problems" / f"{name}.py"))


@pytest.mark.parametrize("name", SHORT)
def test_built_in_searchers_pass(name):
    start = time.process_time()
    results = check_searcher(name)
    assert not wrong(results), table(results)
    assert time.process_time() - start < 30


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(plugins("searcher")) - set(SHORT)))
def test_all_built_in_searchers_pass(name):
    results = check_searcher(name, seconds=120.0)
    assert not wrong(results), table(results)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted({*plugins("problem"), TABLE} - NEED_MORE))
def test_built_in_problems_pass(name):
    assert_passes(check_problem(name))


@pytest.mark.slow
def test_a_slow_problem_passes_and_is_asked_little(monkeypatch):
    pytest.importorskip("sklearn")
    from mobench.problems._cells.trainings import Trainings

    asked, own = [], Trainings.own
    monkeypatch.setattr(Trainings, "own", lambda *given: asked.append(given[1]) or own(*given))
    assert_passes(check_problem(LIVE))
    assert len(set(asked)) == 4  # two of the kit, two of the searcher that it lets loose


def test_imported_tables_pass(nasbench201_data):
    assert_passes(check_problem("nasbench201:data=imported"))


def test_a_function_and_an_object_are_checked_but_for_another_process():
    def search(run: Run) -> None:
        while True:
            run.evaluate(run.space.sample(run.rng, 10))

    results = check_searcher(search)
    assert_passes(results)
    assert {r.name for r in results if r.status == "skipped"} == {"deliveries", "fresh process", "supernets"}


def test_a_searcher_that_fails_on_everything_or_does_nothing_does_not_run():
    def search(run: Run) -> None:
        """Fails."""
        raise RuntimeError("no")

    results = {result.name: result for result in check_searcher(search)}
    assert results["runs"] == Check("runs", "failed", "RuntimeError: no")
    assert results["budget"] == Check("budget", "skipped", "moot: runs failed")
    assert wrong(check_searcher(lambda run: None), lenient=["summary"]) == {"summary", "runs"}


def test_expected_failures_are_strict():
    def search(run: Run) -> None:
        """Dies on one objective."""
        while True:
            run.evaluate(run.space.sample(run.rng, 10))[:, 1]

    results = {r.name: r for r in check_searcher(search, expected={"objectives": "two by definition", "ties": "none"})}
    assert results["objectives"].status == "expected"
    assert results["objectives"].detail.startswith("two by definition: m = 1: IndexError")
    assert (results["ties"].status, results["ties"].detail[:17]) == ("failed", "expected to fail ")
    with pytest.raises(ValueError, match="unknown check 'tie'; there are options,"):
        check_searcher(search, expected={"tie": "none"})


def test_a_failure_is_an_assertion_with_the_table():
    results = [Check("space", "passed"), Check("budget", "failed", "it asked on")]
    assert table(results) == "passed    space\nfailed    budget  it asked on"
    with pytest.raises(AssertionError, match="it asked on"):
        assert_passes(results)
    assert_passes([Check("summary", "warning", "no docstring")])


def test_the_kit_leaves_the_global_random_state_alone():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    check_searcher("random_search", expected={})
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_a_searcher_that_needs_what_no_toy_offers_says_which_problem_to_name():
    class Nonsense:
        pass

    def search(run: Run) -> None:
        """Needs what nobody has."""

    search.needs = (Nonsense,)
    with pytest.raises(ValueError, match="'search' needs Nonsense; name a problem that offers it"):
        check_searcher(search)
