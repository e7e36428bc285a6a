"""One run in Python: fronts in natural units, curves on any axis, folders that resume."""

import numpy as np
import pytest

import mobench


def test_a_front_is_a_frame_in_natural_units_with_decoded_architectures():
    frame = mobench.run("local_search", "lotz:bits=6", budget=60).front()
    assert list(frame.columns) == [
        "architecture",
        *(f"x{i}" for i in range(6)),
        "leading ones",
        "trailing zeros",
        "nondominated",
    ]
    assert (frame["leading ones"] + frame["trailing zeros"] == 6).all()
    assert frame["leading ones"].is_monotonic_decreasing
    assert frame["architecture"].iloc[0] == "111111"


def test_a_searcher_and_a_problem_may_be_objects():
    def mine(run, *, step: int = 1):
        run.evaluate(run.space.all()[::step])

    result = mobench.run(mine, mobench.make_problem("catsum", {}), budget=20_000, step=2)
    assert result.reason == "finished"
    assert len(result.history.X) == 7813


def test_equal_seeds_give_equal_histories():
    a, b, c = (mobench.run("nsga2", "catsum", budget=100, seed=s).history for s in (1, 1, 2))
    assert (a.X == b.X).all()
    assert (a.X != c.X).any()


@pytest.mark.parametrize("axis", ["evaluations", "asked", "trainings"])
def test_curves_are_on_the_axis_asked_for(axis):
    curve = mobench.run("random_search", "catsum", budget=100).curve(axis=axis)
    assert list(curve.columns) == [axis, "hypervolume", "log10_regret"]
    assert curve[axis].is_monotonic_increasing
    with pytest.raises(ValueError, match="axis: unknown 'epochs'"):
        mobench.run("random_search", "catsum", budget=10).curve(axis="epochs")


def test_a_run_in_a_folder_is_resumed_and_loaded(tmp_path):
    first = mobench.run("nsga2:population=10", "catsum", budget=60, seed=2, folder=tmp_path / "a")
    again = mobench.load(tmp_path / "a")
    memory = mobench.run("nsga2", "catsum", budget=60, seed=2, population=10)
    assert (first.history.F == again.history.F).all()
    assert (first.history.F == memory.history.F).all()
    assert again.reason == "budget: evaluations"
    (tmp_path / "a" / "end.json").unlink()
    assert mobench.load(tmp_path / "a").reason == "unfinished"


def test_a_result_without_answers_measures_zero():
    result = mobench.run(lambda run: None, "catsum", budget=5)
    assert result.hypervolume() == 0
    assert len(result.front()) == len(result.curve()) == 0


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (("nope", "catsum"), {}, "unknown searcher"),
        (("nsga2", "nope"), {}, "unknown problem"),
        (("nsga2", "catsum"), {"seed": -1}, "seed: expected a whole number"),
        (("nsga2", "catsum"), {"seed": 1.5}, "seed: expected a whole number"),
        (("nsga2", "catsum"), {"budget": 0}, "must be positive"),
        (("nsga2", "catsum"), {"population": 1}, "option 'population'"),
        (("nsga2", "catsum"), {"pop": 10}, "unknown option 'pop'"),
        ((len, "catsum"), {"folder": "x"}, "expected a function that has a name"),
        (("nsga2", mobench.make_problem("catsum")), {"folder": "x"}, "needs the problem by name"),
    ],
)
def test_mistakes_are_named(arguments, options, words):
    with pytest.raises((ValueError, TypeError), match=words):
        mobench.run(*arguments, **options)


def test_loading_nothing_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="no campaign and no run here"):
        mobench.load(tmp_path)


def test_a_searcher_is_refused_where_the_problem_lacks_what_it_needs(monkeypatch):
    from mobench.plugins import catalogue as plugins
    from mobench.scoring import run

    lookup = plugins.find

    def find(kind, name):
        plugin = lookup(kind, name)
        return plugins.Plugin(name, kind, plugin.call, (mobench.MultiFidelity,), "") if kind == "searcher" else plugin

    monkeypatch.setattr(run, "find", find)
    with pytest.raises(ValueError, match=r"random_search needs MultiFidelity "):
        mobench.run("random_search", "catsum", budget=5)


def test_the_history_counts_every_currency():
    history = mobench.run("random_search", "catsum", budget=100).history
    assert history.spent["evaluations"].tolist() == np.arange(1, 101).tolist()
    assert history.spent["asked"][-1] >= 100
