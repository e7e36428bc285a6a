"""Limits: what is written is read or refused in a line, and what is feasible decides before what is better."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mobench import Array, Objective, minimised, nondominated, parse_objectives, violation
from mobench.core.limits import in_words, upper_limits, within

KNOWN: dict[str, str | Objective] = {
    "error": "%",
    "latency:titanx_1": "ms",
    "params": "M",
    "gain": Objective("gain", "dB", maximise=True),
    "loss": Objective("loss", scale="log"),
    "odd<=name": "",
}
values = st.floats(allow_nan=False, allow_infinity=False)
small = st.integers(-3, 3).map(float)
Case = tuple[Array, tuple[Objective, ...]]


def limited(draw: st.DrawFn, m: int, numbers: st.SearchStrategy[float]) -> tuple[Objective, ...]:
    limits = st.none() | numbers
    return tuple(Objective(f"f{j}", maximise=draw(st.booleans()), limit=draw(limits)) for j in range(m))


@st.composite
def fronts(draw: st.DrawFn, numbers: st.SearchStrategy[float] = small) -> Case:
    """Values in natural units, and objectives that may have limits."""
    m = draw(st.integers(1, 4))
    F = draw(hnp.arrays(np.float64, st.tuples(st.integers(0, 20), st.just(m)), elements=numbers))
    return F, limited(draw, m, numbers)


# --- what is within ---


@given(fronts())
def test_the_feasible_part_of_a_front_is_the_front_of_what_is_feasible(case: Case) -> None:
    """The theorem on which the contract and the delivered set rest: what dominates is within what it dominates is."""
    F, objectives = case
    feasible = within(minimised(F, objectives), objectives)
    after = nondominated(F, objectives) & feasible
    before = np.zeros(len(F), dtype=bool)
    before[feasible] = nondominated(F[feasible], objectives)
    assert after.tolist() == before.tolist()


@given(fronts(values))
def test_a_row_violates_nothing_if_and_only_if_it_is_within_all_limits(case: Case) -> None:
    F, objectives = case
    beyond = violation(minimised(F, objectives), objectives)
    assert beyond.shape == (len(F),)
    assert (beyond >= 0).all()
    kept = [
        all(
            o.limit is None or (f >= o.limit if o.maximise else f <= o.limit)
            for f, o in zip(row, objectives, strict=True)
        )
        for row in F
    ]
    assert (beyond == 0).tolist() == kept == within(minimised(F, objectives), objectives).tolist()


@given(fronts(), st.integers(-20, 20))
def test_a_unit_changes_no_violation(case: Case, power: int) -> None:
    F, objectives = case
    objectives = tuple(o if o.limit else Objective(o.name, maximise=o.maximise) for o in objectives)
    unit = 2.0**power
    scaled = [Objective(o.name, "", o.maximise, limit=None if o.limit is None else o.limit * unit) for o in objectives]
    before = violation(minimised(F, objectives), objectives)
    assert violation(minimised(F * unit, scaled), scaled).tolist() == before.tolist()


def test_violations_are_relative_and_add_up_and_of_a_limit_of_nothing_count_as_they_are() -> None:
    two = (
        Objective("a", limit=10.0),
        Objective("b", maximise=True, limit=4.0),
        Objective("c"),
        Objective("d", limit=0),
    )
    F = minimised(np.array([[15.0, 3.0, 99.0, 0.25], [10.0, 4.0, 99.0, -5.0]]), two)
    assert violation(F, two).tolist() == [0.5 + 0.25 + 0.25, 0.0]
    assert violation(F, ()).tolist() == [0, 0]
    assert upper_limits(two).tolist() == [10.0, -4.0, math.inf, 0.0]
    huge = (Objective("a", limit=-1e308),)
    assert violation(np.array([[1e308]]), huge).tolist() == [math.inf]


def test_limits_are_told_with_their_direction_and_unit() -> None:
    two = (Objective("error", "%"), Objective("latency", "ms", limit=5.0), Objective("gain", maximise=True, limit=0.1))
    assert [o.bound for o in two] == ["", "latency <= 5 ms", "gain >= 0.1"]
    assert in_words(two) == "error [%], latency [ms], gain (maximised); within latency <= 5 ms, gain >= 0.1"
    assert in_words(two[:1]) == "error [%]"


# --- what is written ---


@pytest.mark.parametrize(
    ("written", "bounds"),
    [
        (["error", "params<=1.5"], ["", "params <= 1.5 M"]),
        (["latency:titanx_1<=5"], ["latency:titanx_1 <= 5 ms"]),
        ([" latency:titanx_1  <=\t5e-3 "], ["latency:titanx_1 <= 0.005 ms"]),
        (("gain>=-3", "loss"), ["gain >= -3 dB", ""]),
        (["odd<=name"], [""]),
    ],
)
def test_objectives_are_read_with_their_limits(written: list[str], bounds: list[str]) -> None:
    found = parse_objectives(written, KNOWN)
    assert [objective.bound for objective in found] == bounds
    assert all(isinstance(objective.limit, float | None) for objective in found)


def test_what_an_objective_is_otherwise_stays() -> None:
    (loss,) = parse_objectives(["loss<=2"], KNOWN)
    assert loss == Objective("loss", scale="log", limit=2.0)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ([], "expected one or more different names, found none"),
        (["error", "error"], "different names, found error, error"),
        (["error", "error<=5"], "different names, found error, error<=5"),
        (["eror<=5"], "unknown 'eror', did you mean 'error'?"),
        (["<=5"], "unknown ''"),
        (["error>=5"], "error is minimised, so its limit is written error<=NUMBER"),
        (["gain<=5"], "gain is maximised, so its limit is written gain>=NUMBER"),
        (["error<5"], "is written error<=NUMBER"),
        (["error=5"], "is written error<=NUMBER"),
        (["error<=nan"], "expected a finite number in %, without the unit, found 'nan'"),
        (["error<=inf"], "found 'inf'"),
        (["error<=1e999"], "found '1e999'"),
        (["error<="], "found ''"),
        (["error<=5%"], "found '5%'"),
        (["loss<=one"], "expected a finite number, found 'one'"),
        (["1<=error<=5"], "unknown '1'"),
    ],
)
def test_what_is_no_objective_is_refused_in_a_line_with_the_cure(written: list[str], words: str) -> None:
    with pytest.raises(ValueError, match=r"^objectives: ") as caught:
        parse_objectives(written, KNOWN)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_function_may_say_what_names_are() -> None:
    found = parse_objectives(["latency:any<=5", "error"], lambda name: "ms" if ":" in name else Objective(name, "%"))
    assert [(o.name, o.unit, o.limit) for o in found] == [("latency:any", "ms", 5.0), ("error", "%", None)]


def test_one_text_is_no_list_of_objectives() -> None:
    with pytest.raises(TypeError, match="expected a list of texts, found the text 'error'"):
        parse_objectives("error", KNOWN)


pieces = (
    st.sampled_from([*KNOWN, "<=", ">=", "<", "=", "5", "-1e3", "nan", "inf", " ", "\t", ",", "1_0", "९"]) | st.text()
)


@given(st.lists(st.lists(pieces, max_size=5).map("".join), max_size=3))
def test_any_text_is_an_objective_of_the_list_or_a_line(written: list[str]) -> None:
    try:
        found = parse_objectives(written, KNOWN)
    except ValueError as error:
        assert str(error).startswith("objectives: ")
        return
    assert 0 < len(found) == len({objective.name for objective in found})
    for objective in found:
        known = KNOWN[objective.name]
        assert objective.maximise == (isinstance(known, Objective) and known.maximise)
        assert objective.limit is None or math.isfinite(objective.limit)


@given(st.sampled_from(["error", "latency:titanx_1", "params", "gain"]), values)
def test_a_limit_that_is_written_is_read_to_the_last_digit(name: str, number: float) -> None:
    (found,) = parse_objectives([f"{name}{'>=' if name == 'gain' else '<='}{number!r}"], KNOWN)
    assert found.limit == number


def test_an_unknown_name_that_is_near_none_of_many_is_answered_with_all():
    many = {f"error:{i}": "%" for i in range(20)}
    with pytest.raises(ValueError, match=r"unknown 'zzz'; there are error:0, .*, error:19$"):
        parse_objectives(["zzz"], many)
