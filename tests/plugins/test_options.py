"""Options are read, checked and told alike, whether they are keywords or the fields of a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Interval, Len, Lt, MultipleOf
from pydantic import Field

import mobench
from mobench.core.budget import Cost
from mobench.plugins.catalogue import find
from mobench.plugins.options import check_options, option_lines, unfit
from mobench.plugins.plugin import Plugin, as_plugin
from mobench.plugins.references import describe, parse_reference
from mobench.plugins.words import type_in_words, value_in_words
from mobench.testing import assert_passes, check_problem, check_searcher

if TYPE_CHECKING:
    from somewhere import Unknown


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Shared by some.

    Attributes
    ----------
    batch : int
        Architectures at a time.
    seen, kept : list of int
        Of both.
    """

    batch: Annotated[int, Ge(1)] = 2
    seen: tuple[int, ...] = ()
    kept: tuple[int, ...] = field(default=(), init=False)


@dataclass(frozen=True, kw_only=True)
class Options(Shared):
    """Its own.

    Attributes
    ----------
    kind : str
        Which.
    """

    rate: Annotated[float, Gt(0)]
    kind: Literal["plain", "odd"] = "plain"


def by_record(run: mobench.Run, options: Options) -> None:
    """Ask for random architectures."""
    while True:
        run.evaluate(run.space.sample(run.rng, options.batch))


def by_keywords(
    run: Unknown,
    *,
    kind: Literal["plain", "odd"] = "plain",
    rate: Annotated[float, Gt(0)],
    batch: Annotated[int, Ge(1)] = 2,
    seen: tuple[int, ...] = (),
) -> None:
    """Ask for random architectures.

    Parameters
    ----------
    kind : str
        Which.
    batch : int
        Architectures at a time.
    seen, kept : list of int
        Of both.
    """
    while True:
        run.evaluate(run.space.sample(run.rng, batch))


@dataclass(frozen=True, kw_only=True)
class Length:
    bits: Annotated[int, Ge(1)] = 8


def by_length(options: Length) -> mobench.Problem:
    """LOTZ of a length."""
    return mobench.make_problem("lotz", {"bits": options.bits})


def plugin(search: Any) -> Plugin:
    return as_plugin("searcher", "mine", search)


BOTH = pytest.mark.parametrize("search", [by_record, by_keywords])


@BOTH
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, "searcher 'mine': needs the option 'rate'"),
        ({"rate": 1.0, "bach": 1}, "searcher 'mine': unknown option 'bach', did you mean 'batch'?"),
        ({"rate": 1.0, "kept": (1,)}, "searcher 'mine': unknown option 'kept'"),
        ({"rate": 0.0}, "option 'rate': input should be greater than 0, found 0.0"),
        ({"rate": 1.0, "batch": "2"}, "option 'batch': input should be a valid integer, found '2'"),
    ],
)
def test_records_are_as_strict_as_keywords(search: Any, options: Mapping[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint.replace("?", "\\?")):
        check_options(plugin(search), options)


@BOTH
def test_only_what_is_given_comes_back_lists_as_tuples(search: Any) -> None:
    assert check_options(plugin(search), {"rate": 1.0, "seen": [1, 2]}) == {"rate": 1.0, "seen": (1, 2)}


def test_a_record_gives_the_log_that_keywords_give() -> None:
    first, second = (mobench.run(s, "catsum", budget=20, seed=1, rate=0.5, batch=3) for s in (by_record, by_keywords))
    assert first.history.X.tolist() == second.history.X.tolist()


def test_the_kit_takes_records() -> None:
    assert_passes(check_searcher(by_record, options={"rate": 0.5}))
    assert_passes(check_problem(by_length, options={"bits": 5}))


@BOTH
def test_options_are_told_in_prose_those_of_its_own_first(search: Any) -> None:
    lines = option_lines(plugin(search))
    assert sorted(lines) == [
        "batch: whole number from 1; default 2. Architectures at a time.",
        "kind: one of plain, odd; default plain. Which.",
        "rate: number above 0; must be given.",
        "seen: list of whole numbers; default []. Of both.",
    ]
    assert [line.partition(":")[0] for line in lines[:2]] in (["rate", "kind"], ["kind", "rate"])


def test_a_file_without_a_docstring_tells_types_and_defaults(tmp_path: Path) -> None:
    namespace: dict[str, Any] = {}
    exec("def search(run, *, steps: int = 3, anything=None): ...", namespace)
    assert option_lines(plugin(namespace["search"])) == [
        "steps: whole number; default 3.",
        "anything: any value; default none.",
    ]


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (Annotated[float, Interval(ge=0, lt=1)] | None, "number in [0, 1)"),
        (Annotated[int, Interval(gt=0, le=60)], "whole number from 1 to 60"),
        (Annotated[int, Ge(0), MultipleOf(8)], "whole number from 0, a multiple of 8"),
        (Annotated[float, Field(gt=0.5)], "number above 0.5"),
        (Annotated[float, Lt(2)], "number below 2"),
        (bool, "true or false"),
        (str, "text"),
        (Literal["2", "inf", "l2"], 'one of "2", "inf", l2'),
        (Literal["a", "b"] | Literal["c"], "one of a, b, c"),
        (Literal["a", "b"] | str, "one of a, b or text"),
        (Literal["a"], "a"),
        (int | str, "whole number or text"),
        (tuple[float, ...] | None, "list of numbers"),
        (list[Annotated[int, Ge(1)]], "list of whole numbers from 1"),
        (tuple[str, ...], "list of texts"),
        (Annotated[tuple[Literal["a", "b"], ...], Len(2)], "list of 2 or more of a, b"),
        (Annotated[tuple[str, ...], Len(1, 3)], "list of 1 to 3 texts"),
        (tuple[Literal["a", "b"], ...], "list of any of a, b"),
        (tuple[int, str], "list of whole number, text"),
        (tuple, "list of values"),
        (dict[str, int], "table"),
        (Path, "path"),
        (Any, "any value"),
    ],
)
def test_types_in_words(hint: Any, words: str) -> None:
    assert type_in_words(hint) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "none"),
        (True, "true"),
        (5.0, "5"),
        (3e-4, "0.0003"),
        ("loss+", "loss+"),
        ("inf", '"inf"'),
        ("a,b", '"a,b"'),
        ("", '""'),
        (("error", "flops"), "[error, flops]"),
    ],
)
def test_values_in_words_can_be_written_behind_an_option(value: Any, words: str) -> None:
    assert value_in_words(value) == words


@dataclass(frozen=True, kw_only=True)
class Made:
    """A record whose default is made anew.

    Attributes
    ----------
    sizes : tuple of int
        Sizes.
    """

    sizes: tuple[int, ...] = field(default_factory=lambda: (3, 4))


def keyword_record(run: Any, *, options: Made) -> None:
    run.append(options.sizes)


def test_a_record_may_come_by_keyword_and_its_defaults_may_be_made():
    plugin, found = as_plugin("searcher", "made", keyword_record), []
    assert option_lines(plugin) == ["sizes: list of whole numbers; default [3, 4]. Sizes."]
    plugin(found)
    plugin(found, **check_options(plugin, {"sizes": [5]}))
    assert found == [(3, 4), (5,)]


@pytest.mark.parametrize("path", ["a,b.toml", "a'b", 'say "so", twice', "[x]", "[", "a]b,c"])
def test_texts_with_commas_quotes_and_brackets_can_be_written_and_read(path):
    options = {"path": path, "more": [path, "plain"]}
    assert parse_reference(describe("table", options)) == ("table", options)


@pytest.mark.parametrize("limit", ["latency:cpu_b64<=0.2", "gain>=-1e-3", "params <= 1.5", "latency:a,b<=2"])
def test_limits_within_options_are_read_as_they_are_written(limit: str) -> None:
    options = {"objectives": ["error", limit]}
    assert parse_reference(describe("motif", options)) == ("motif", options)
    assert parse_reference(f'motif:objectives=[error,"{limit}"]') == ("motif", options)
    assert parse_reference(f"motif:noise=true,objectives=['{limit}',error]")[1]["objectives"] == [limit, "error"]


def with_files(run: Any, *, start: Path, more: Path | None = None, text: str = "") -> None:
    """Take files."""


def test_options_that_are_paths_are_texts_that_become_paths():
    plugin = as_plugin("searcher", "files", with_files)
    assert check_options(plugin, {"start": "a/b.toml", "text": "a"}) == {"start": Path("a/b.toml"), "text": "a"}
    assert check_options(plugin, {"start": Path("a"), "more": "b"}) == {"start": Path("a"), "more": Path("b")}
    assert [option.names_file for option in plugin.options.values()] == [True, True, False]
    assert option_lines(plugin)[0] == "start: path; must be given."
    with pytest.raises(ValueError, match=r"option 'start': input should be an instance of Path, found 3$"):
        check_options(plugin, {"start": 3})


@pytest.mark.parametrize("path", ["", " ", "a\0b"])
def test_an_empty_path_is_none(path: str) -> None:
    with pytest.raises(ValueError, match="option 'start': expected the path of a file"):
        mobench.run("nsga2", "catsum", budget=5, start=path)


def odd_gene(problem: Any) -> tuple[str, ...]:
    return problem.space.names[1::2]


def picky(
    run: mobench.Run,
    *,
    gene: Annotated[str, mobench.Offered(odd_gene)] | None = None,
    genes: tuple[mobench.Gene, ...] = (),
    at: mobench.Fidelity | None = None,
    kind: Annotated[Literal["a", "b"], mobench.Offered(lambda problem: ("a",))] = "a",
) -> None:
    """Name what a problem has."""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, ""),
        ({"gene": "x1", "genes": ["x0", "x5"], "kind": "a", "at": None}, ""),
        ({"gene": "x0"}, "names 'x0' (option gene), which is not on offer; there are x1, x3, x5"),
        ({"genes": ["x0", "y"]}, "names 'y' (option genes), which is not on offer; there are x0, x1, x2, x3, x4, x5"),
        ({"at": 3}, "names 3 (option at), which is not on offer; nothing is, leave the option out"),
        ({"kind": "b"}, "names 'b' (option kind), which is not on offer; there are a"),
    ],
)
def test_an_option_names_what_the_problem_has(options, said):
    plugin = as_plugin("searcher", "picky", picky)
    assert check_options(plugin, options) is not None  # of the right types: only the problem can tell
    assert unfit(plugin, options, mobench.make_problem("catsum"), Cost(evaluations=10)) == said


def test_fidelities_proxies_and_operations_are_those_of_the_problem():
    motif, limit = mobench.make_problem("motif"), Cost(evaluations=10)
    named = {"random_search": {"fidelity": 12}, "nsga2": {"proxy": "naswot"}, "darts": {"leave_out": ["none"]}}
    for name, options in named.items():
        assert unfit(find("searcher", name), options, motif, limit) == ""
        strange = {key: 13 if key == "fidelity" else ["nought"] for key in options}
        assert "which is not on offer" in unfit(find("searcher", name), strange, motif, limit)


def test_of_several_kinds_a_type_in_words_forgets_what_problems_say():
    told = dict(line.split(": ", 1) for line in option_lines(as_plugin("searcher", "picky", picky)))
    assert told["kind"].startswith("one of a, b;")
    assert told["genes"].startswith("list of texts;")
    assert told["at"].startswith("whole number from 1;")
