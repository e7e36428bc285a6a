"""Options at their limits: each value works, or is refused in a line; so do budgets and spaces of next to nothing."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from mobench import Array, Cost, Objective, Run, Space, Values
from mobench.cli.main import main
from mobench.core.budget import parse_budget
from mobench.harness.execute import search_problem
from mobench.harness.log import Log
from mobench.plugins.catalogue import find
from mobench.plugins.options import check_options
from mobench.plugins.words import type_in_words

SEARCHERS = (
    "grid",
    "nsca",
    "nsga_net",
    "smsemoa",
    "lemonade_tabular",
    "reinforce",
    "mcts",
    "lanas",
    "lamoo",
    "parego",
    "qnehvi",
    "bananas",
    "nsganetv2",
    "successive_halving",
    "hyperband",
    "asha",
    "bohb",
    "shemoa",
    "curve_stopping",
)
SLOW = ("batch", "candidates", "initial", "margin")
"""With whose least values there is a model an answer."""
EXPONENTS = ("within", "beyond")
"""Which only one reward looks at."""


class Epochs:
    """Any space, few values and many ties; an epoch costs 1, of 12, and trainings go on."""

    training = Cost(evaluations=1, flops=12.0)
    fidelities = (1, 3, 12)
    deterministic = resumable = True

    def __init__(self, genes: tuple[int, ...], m: int) -> None:
        self.space = Space(genes)
        self.objectives = tuple(Objective(f"f{j}") for j in range(m))
        self.F = np.random.default_rng(7).integers(0, 4, size=(self.space.size, m)).astype(float)

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        return Values(self.score(X), flops=np.full(len(X), float(fidelity or 12)))

    def score(self, X: Array) -> Array:
        F: Array = self.F[self.space.index(X)]
        return F


def ends(name: str, problem: Any, budget: Any, **options: Any) -> str:
    """Why a search in memory ends."""
    plugin, limit = find("searcher", name), parse_budget(budget, problem.training)
    return search_problem(plugin, Run(problem, limit=limit, log=Log()), check_options(plugin, options))


def numbers() -> Iterator[tuple[str, str, type, dict[str, float]]]:
    """Searcher, option, its type and its bounds, of all options that are numbers."""
    for name in SEARCHERS:
        for option in find("searcher", name).options.values():
            words = type_in_words(option.hint)
            kind = int if words.startswith("whole number") else float if words.startswith("number") else None
            if kind is not None:
                marks = getattr(option.hint, "__metadata__", ()) or option.hint.__args__[0].__metadata__
                bounds = {key: getattr(mark, key, None) for mark in marks for key in ("ge", "gt", "le", "lt")}
                yield name, option.name, kind, {key: bound for key, bound in bounds.items() if bound is not None}


def refused(bounds: dict[str, float], kind: type) -> list[Any]:
    """Values beyond an option's bounds, and of other types."""
    odd = [math.nan, math.inf, "x", True, [1], *([1.5] if kind is int else [])]
    steps = {"ge": -1, "gt": 0, "le": 1, "lt": 0}
    return odd + [bound + steps[key] for key, bound in bounds.items()]


def taken(bounds: dict[str, float], kind: type) -> list[Any]:
    """The least and, of numbers with a fraction, the greatest values within an option's bounds."""
    if kind is int:
        return [int(bounds["ge"])]
    low = bounds.get("ge", math.nextafter(bounds["gt"], math.inf) if "gt" in bounds else -1e9)
    high = bounds.get("le", math.nextafter(bounds["lt"], 0.0) if "lt" in bounds else sys.float_info.max)
    return [float(low), float(high)]


NUMBERS = [pytest.param(*each, id=f"{each[0]}-{each[1]}") for each in numbers()]


@pytest.mark.parametrize(("name", "option", "kind", "bounds"), NUMBERS)
def test_what_is_beyond_its_bounds_is_refused_in_a_line(
    name: str, option: str, kind: type, bounds: dict[str, float]
) -> None:
    plugin = find("searcher", name)
    for value in refused(bounds, kind):
        with pytest.raises(ValueError, match=f"option '{option}'") as error:
            check_options(plugin, {option: value})
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(("name", "option", "kind", "bounds"), NUMBERS)
def test_counts_have_a_greatest_value(name: str, option: str, kind: type, bounds: dict[str, float]) -> None:
    """Without one a slip of the finger fills the memory."""
    assert kind is float or bounds["le"] <= 1_000_000


@pytest.mark.parametrize(("name", "option", "kind", "bounds"), NUMBERS)
def test_the_ends_of_bounds_work(name: str, option: str, kind: type, bounds: dict[str, float]) -> None:
    for value in taken(bounds, kind):
        budget, more = 24 if option in SLOW else 40, {"reward": "mnasnet"} if option in EXPONENTS else {}
        reason = ends(name, Epochs((4, 3, 5), 2), budget, **{option: value}, **more)
        assert reason in ("budget: evaluations", "finished")


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("grid", "levels"),
        ("nsca", "population"),
        ("smsemoa", "population"),
        ("smsemoa", "offspring"),
        ("lemonade_tabular", "accepted"),
        ("lemonade_tabular", "children"),
        ("reinforce", "policies"),
        ("lanas", "initial"),
        ("lanas", "height"),
        ("lanas", "selections"),
        ("lamoo", "initial"),
        ("lamoo", "samples"),
        ("lamoo", "smallest"),
        ("lamoo", "degree"),
        ("parego", "initial"),
        ("qnehvi", "batch"),
        ("qnehvi", "draws"),
        ("bananas", "initial"),
        ("bananas", "parents"),
        ("nsganetv2", "initial"),
        ("shemoa", "population"),
        ("curve_stopping", "initial"),
    ],
)
def test_the_greatest_counts_work(name: str, option: str) -> None:
    most = next(bounds["le"] for searcher, own, _, bounds in numbers() if (searcher, own) == (name, option))
    assert ends(name, Epochs((4, 3, 5, 2), 2), 40, **{option: int(most)}) in ("budget: evaluations", "finished")


@pytest.mark.parametrize("predictor", ["rbf", "gp", "mlp", "trees"])
def test_each_predictor_ends_in_a_space_without_a_choice(predictor: str) -> None:
    if predictor == "trees":
        pytest.importorskip("sklearn")
    assert ends("nsganetv2", Epochs((1,), 2), 40, predictor=predictor) == "finished"


@pytest.mark.parametrize("name", SEARCHERS)
@pytest.mark.parametrize("genes", [(1,), (2,), (3,), (1, 3, 1)], ids=str)
def test_spaces_of_one_to_three_designs_and_budgets_of_one_to_three(name: str, genes: tuple[int, ...]) -> None:
    for m, evaluations in itertools.product((1, 2, 3, 6), (1, 2, 3, 40)):
        reason = ends(name, Epochs(genes, m), {"evaluations": evaluations, "asked": 30})
        assert reason in ("finished", "budget: asked", "budget: evaluations"), (m, evaluations)


@pytest.mark.parametrize("name", SEARCHERS)
@pytest.mark.parametrize("m", [1, 2, 3, 4, 5, 6])
def test_one_to_six_objectives(name: str, m: int) -> None:
    for evaluations in (1, 2, 3, 30):
        assert ends(name, Epochs((4, 3, 5, 2), m), evaluations) == "budget: evaluations"


@pytest.mark.parametrize(
    ("searcher", "said"),
    [
        ("mcts:exploration=nan", "found nan"),
        ("mcts:exploration=inf", "input should be a finite number, found inf"),
        ("lanas:initial=1000000000", "less than or equal to 1000000, found 1000000000"),
        ("reinforce:policies=0", "greater than or equal to 1, found 0"),
        ("lamoo:degree=2.5", "a valid integer, found 2.5"),
        ("bananas:acquisition=some", "'thompson' or 'none', found 'some'"),
        ("qnehvi:margin=x", "a valid number, found 'x'"),
    ],
)
def test_a_command_says_so_in_a_line_and_ends_with_2(
    searcher: str, said: str, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "-p", "catsum", "-s", searcher, "-b", "10", "--seeds", "1", "--results", str(tmp_path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]
