"""Table: a CSV or Parquet file and a header become a problem, and anything else becomes one line of advice."""

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobench import Decodable, Enumerable, Problem, make_problem, minimised, nondominated
from mobench.problems.tables import table

EXAMPLE = Path(__file__).parents[3] / "docs" / "problems" / "tables" / "example_table"
HEADER = """
data = "t.csv"
genes = ["a", "b"]
objectives = [{ name = "error", unit = "%", seen = "valid", scored = "test" }, { name = "gain", maximise = true }]
"""
TABLE = "a,b,valid,test,gain\n1,x,5,6,1\n1,y,4,5,1\n2,x,3,4,0\n2,y,2,3,2\n"


@pytest.fixture
def make(tmp_path):
    """Write a header and a table, and build the problem."""

    def build(header=HEADER, content=TABLE, name="t.csv"):
        (tmp_path / "t.toml").write_bytes(header if isinstance(header, bytes) else header.encode())
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return table.problem(path=tmp_path / "t.toml")

    return build


def refused(call, *words):
    with pytest.raises(ValueError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


def written(problem):
    return problem.decode(problem.space.all())


def seeds(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n, dtype=np.uint64)


def test_rows_of_the_grid_get_the_cells_of_the_file(make):
    problem = make()
    assert isinstance(problem, Problem)
    assert isinstance(problem, Enumerable)
    assert isinstance(problem, Decodable)
    assert problem.deterministic
    X = problem.space.all()
    assert problem.decode(X) == ["a=1 b=x", "a=1 b=y", "a=2 b=x", "a=2 b=y"]
    np.testing.assert_array_equal(problem.evaluate(X).F, [[5, 1], [4, 1], [3, 0], [2, 2]])
    np.testing.assert_array_equal(problem.score(X), [[6, 1], [5, 1], [4, 0], [3, 2]])
    assert [(o.label, o.maximise) for o in problem.objectives] == [("error [%]", False), ("gain", True)]
    np.testing.assert_array_equal(problem.front()[0], [[1, 1]])
    np.testing.assert_array_equal(problem.front()[1], [[3, 2]])
    assert problem.training.evaluations == 1
    assert problem.training.seconds == problem.training.flops == 0


def test_the_order_of_the_rows_of_the_file_does_not_matter(make):
    head, *lines = TABLE.splitlines()
    expected = make().score(make().space.all())
    for order in itertools.permutations(lines):
        problem = make(content="\n".join([head, *order]))
        np.testing.assert_array_equal(problem.score(problem.space.all()), expected)


def test_numbers_are_ordered_as_numbers_and_values_fix_another_order(make):
    rows = [(g, 1, 2) for g in (10, 9, 2.5)]
    content = "a,x,y\n" + "\n".join(",".join(map(str, row)) for row in rows)
    objectives = 'data = "t.csv"\nobjectives = [{ name = "x" }, { name = "y" }]\n'
    assert written(make(f'{objectives} genes = ["a"]', content)) == ["a=2.5", "a=9", "a=10"]
    fixed = make(f'{objectives} genes = [{{ column = "a", values = [10, 2.5, 9] }}]', content)
    assert written(fixed) == ["a=10", "a=2.5", "a=9"]
    named = make(f'{objectives} genes = [{{ column = "a", name = "width" }}]', content)
    assert named.decode(np.array([[0]])) == ["width=2.5"]


def test_text_is_taken_as_it_is_written(make):
    header = 'data = "t.csv"\ngenes = ["op"]\nobjectives = [{ name = "x" }, { name = "y" }]'
    problem = make(header, '\ufeff op , x, y\nnone, 1, 2\nNA, 2, 1\n"nan", 3,0\n"a,b",1e3 ,-1.5\n')
    assert written(problem) == ["op=NA", "op=a,b", "op=nan", "op=none"]
    np.testing.assert_array_equal(problem.score(np.array([[1]])), [[1000, -1.5]])


def test_a_table_without_genes_is_searched_by_row(make):
    header = HEADER.replace('genes = ["a", "b"]', "")
    problem = make(header)
    assert problem.space.cardinalities == (4,)
    np.testing.assert_array_equal(problem.score(problem.space.all()), [[6, 1], [5, 1], [4, 0], [3, 2]])
    assert problem.decode(np.array([[3]])) == ["row=4"]


def test_costs_are_charged_row_by_row_and_a_training_costs_their_mean(make):
    content = "a,b,valid,test,gain,s,f\n1,x,5,6,1,10,1e9\n1,y,4,5,1,20,2e9\n2,x,3,4,0,30,3e9\n2,y,2,3,2,60,6e9\n"
    problem = make(HEADER + 'cost = { seconds = "s", flops = "f" }', content)
    values = problem.evaluate(np.array([[1, 1], [0, 0]]))
    assert values.seconds.tolist() == [60, 10]
    assert values.flops.tolist() == [6e9, 1e9]
    assert (problem.training.seconds, problem.training.flops) == (30, 3e9)


NOISY = """
data = "t.csv"
genes = ["a"]
objectives = [
  { name = "p", seen = ["p1", "p2", "p3"] },
  { name = "q", seen = ["q1", "q2", "q3"], scored = "q1" },
  { name = "r" },
]
"""


def test_trials_are_drawn_evenly_by_address_and_together(make):
    problem = make(NOISY, "a,p1,p2,p3,q1,q2,q3,r\n1,1,2,6,10,20,60,7\n2,4,5,6,40,50,60,8\n")
    assert not problem.deterministic
    X = np.zeros((3000, 1), dtype=np.int64)
    addresses = seeds(3000)
    F = problem.evaluate(X, seeds=addresses).F
    assert set(map(tuple, F.tolist())) == {(1, 10, 7), (2, 20, 7), (6, 60, 7)}
    for trial in (1, 2, 6):
        assert np.mean(F[:, 0] == trial) == pytest.approx(1 / 3, abs=0.05)
    parts = [problem.evaluate(X[i : i + 7], seeds=addresses[i : i + 7]).F for i in range(0, 3000, 7)]
    np.testing.assert_array_equal(np.concatenate(parts), F)
    np.testing.assert_array_equal(problem.score(X[:1]), [[3, 10, 7]])
    refused(lambda: problem.evaluate(X), "seeds", "trials")


def test_trials_of_unequal_number_keep_their_shares(make):
    header = NOISY.replace('["q1", "q2", "q3"]', '["q1", "q2"]')
    problem = make(header, "a,p1,p2,p3,q1,q2,q3,r\n1,1,2,6,10,20,60,7\n")
    F = problem.evaluate(np.zeros((6000, 1), dtype=np.int64), seeds=seeds(6000)).F
    for p, q in itertools.product((1, 2, 6), (10, 20)):
        assert np.mean((F[:, 0] == p) & (F[:, 1] == q)) == pytest.approx(1 / 6, abs=0.03)


def test_an_incomplete_grid_is_refused_unless_the_nearest_row_may_answer(make):
    content = "\n".join(TABLE.splitlines()[:-1])
    refused(lambda: make(content=content), "3 of the 4", "a=2 b=y", 'missing = "nearest"', "leave `genes` out")
    problem = make('missing = "nearest"' + HEADER, content)
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    assert problem.space.size == 3
    np.testing.assert_array_equal(problem.space.all(), X[:3])
    assert problem.space.key(X)[:3].tolist() == [0, 1, 2]
    assert problem.space.key(X)[3] in (1, 2)
    np.testing.assert_array_equal(problem.score(X[3:]), problem.score(problem.space.nearest(X[3:], 1)[:, 0]))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_missing_combination_is_answered_by_one_of_the_rows_nearest_to_it(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("pool")
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    X = np.argwhere(np.ones(shape))
    present = data.draw(st.lists(st.integers(0, len(X) - 1), min_size=1, unique=True))
    names = [f"g{j}" for j in range(len(shape))]
    lines = [",".join(map(str, [*X[i], i, -i])) for i in present]
    (folder / "t.csv").write_text("\n".join([",".join([*names, "p", "q"]), *lines]))
    genes = ", ".join(
        f'{{ column = "{name}", values = {list(range(k))} }}' for name, k in zip(names, shape, strict=True)
    )
    (folder / "t.toml").write_text(
        f'data = "t.csv"\nmissing = "nearest"\ngenes = [{genes}]\nobjectives = [{{ name = "p" }}, {{ name = "q" }}]'
    )
    problem = table.problem(path=folder / "t.toml")
    distances = (X[:, None, :] != X[present][None, :, :]).sum(axis=2)
    answered = problem.score(X)[:, 0].astype(int)
    place = {row: j for j, row in enumerate(present)}
    own = distances[np.arange(len(X)), [place[row] for row in answered]]
    np.testing.assert_array_equal(own, distances.min(axis=1))


@settings(max_examples=40, deadline=None)
@given(F=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30), up=st.booleans())
def test_the_front_is_the_nondominated_rows(tmp_path_factory, F, up):
    folder = tmp_path_factory.mktemp("front")
    lines = [f"{i},{a},{b}" for i, (a, b) in enumerate(F)]
    (folder / "t.csv").write_text("\n".join(["g,p,q", *lines]))
    direction = str(up).lower()
    (folder / "t.toml").write_text(
        f'data = "t.csv"\ngenes = ["g"]\nobjectives = [{{ name = "p" }}, {{ name = "q", maximise = {direction} }}]'
    )
    problem = table.problem(path=folder / "t.toml")
    X, front = problem.front()
    best = nondominated(minimised(np.array(F, dtype=float), problem.objectives))
    assert X[:, 0].tolist() == np.flatnonzero(best).tolist()
    np.testing.assert_array_equal(front, np.array(F)[best])
    np.testing.assert_array_equal(problem.score(X), front)


def test_parquet_gives_what_csv_gives(make, tmp_path):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {
        "a": [1, 1, 2, 2],
        "b": ["x", "y", "x", "y"],
        "valid": [5.0, 4, 3, 2],
        "test": [6, 5, 4, 3],
        "gain": [1, 1, 0, 2],
    }
    header = HEADER.replace("t.csv", "t.parquet")
    (tmp_path / "t.toml").write_text(header)

    def build(**changed):
        parquet.write_table(arrow.table({**columns, **changed}), tmp_path / "t.parquet")
        return table.problem(path=tmp_path / "t.toml")

    csv, problem = make(), None
    (tmp_path / "t.toml").write_text(header)
    problem = build()
    X = csv.space.all()
    np.testing.assert_array_equal(problem.evaluate(X).F, csv.evaluate(X).F)
    assert problem.decode(X) == csv.decode(X)
    assert written(build(a=[False, False, True, True])) == ["a=False b=x", "a=False b=y", "a=True b=x", "a=True b=y"]
    refused(lambda: build(gain=[1, None, 0, 2]), "'gain', row 2", "nothing")
    refused(lambda: build(gain=[True, True, False, True]), "'gain', row 1", "True")
    refused(lambda: build(gain=[[1], [2], [3], [4]]), "'gain', row 1", "[1]")
    refused(lambda: build(gain=[1.0, 2.0, float("inf"), 4.0]), "'gain', row 3", "inf")
    refused(lambda: build(b=["x", None, "x", "y"]), "'b', row 2", "nothing")
    refused(lambda: build(a=[1.0, 1.0, float("nan"), 2.0]), "'a', row 3", "nan")
    refused(lambda: make(header, b"not parquet", "t.parquet"), "t.parquet", "not a Parquet file")


def test_parquet_without_pyarrow_says_what_to_install(make, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    refused(lambda: make(HEADER.replace("t.csv", "t.parquet"), b"", "t.parquet"), "mobench[parquet]", "CSV")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('data = "t.csv"', "", ["'data' is missing"]),
        ("data =", "date =", ["unknown key 'date'", "did you mean 'data'?", "'data' is missing"]),
        ('"t.csv"', "3", ["data", "valid string", "found 3"]),
        ('"t.csv"', '"u.csv"', ["no file 'u.csv'"]),
        ('"t.csv"', '"t.xlsx"', [".csv", ".parquet", "'t.xlsx'"]),
        ('"t.csv"', '""', ["data", "at least 1"]),
        ("seen", "sean", ["unknown key 'sean' in objectives", "did you mean 'seen'?"]),
        ('seen = "valid"', "seen = []", ["objectives[0].seen", "at least 1"]),
        ('seen = "valid"', 'seen = "vald"', ["no column 'vald'", "did you mean 'valid'?"]),
        ('seen = "valid"', "seen = 1", ["objectives[0].seen", "found 1"]),
        ("maximise = true", 'maximise = "yes"', ["objectives[1].maximise", "found 'yes'"]),
        ("maximise = true", "maximise = true, limit = inf", ["objectives[1].limit", "finite", "found inf"]),
        ("maximise = true", 'maximise = true, limit = "5"', ["objectives[1].limit", "number", "found '5'"]),
        ('name = "gain"', 'name = "error", seen = "gain"', ["objectives", "'error' is used twice"]),
        ('"b"]', '"a"]', ["genes", "'a' is used twice"]),
        ('"b"]', '"c"]', ["no column 'c'"]),
        ('"b"]', '{ colum = "b" }]', ["unknown key 'colum' in genes", "'column'"]),
        ('"b"]', '{ column = "b", values = ["x"] }]', ["'b', row 2", "'y' is not among `values`"]),
        ('"b"]', '{ column = "b", values = ["x", "x", "y"] }]', ["'b'", "not all different"]),
        ('"b"]', '{ column = "b", values = [true] }]', ["genes[1].values[0]"]),
        ('"b"]', "4]", ["genes[1]", "found 4"]),
        ('genes = ["a", "b"]', 'genes = "a"', ["genes", "list"]),
        ('genes = ["a", "b"]', 'genes = ["a"]', ["rows 1 and 2 have the same genes"]),
        (', { name = "gain", maximise = true }', "", ["objectives", "at least 2"]),
        ("\ndata", '\nmissing = "nearst"\ndata', ["missing", "'nearest'", "'nearst'"]),
        ("\ndata", '\ncost = { seconds = "gone" }\ndata', ["no column 'gone'"]),
        ("\ndata", '\ncost = { hours = "gain" }\ndata', ["unknown key 'hours' in cost", "seconds"]),
        ("\ndata", "\ndata", None),
        ("]\n", "\n", ["t.toml", "not TOML"]),
    ],
)
def test_a_faulty_header_is_refused_in_one_line(make, old, new, words):
    header = HEADER.replace(old, new, 1)
    if words is None:
        assert make(header)
    else:
        refused(lambda: make(header), *words)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (TABLE.replace("5,6,1", "5,six,1"), ["'test', row 1", "'six'"]),
        (TABLE.replace("5,6,1", "5,,1"), ["'test', row 1", "nothing"]),
        (TABLE.replace("5,6,1", "5,NaN,1"), ["'test', row 1", "'NaN'"]),
        (TABLE.replace("5,6,1", "5,inf,1"), ["'test', row 1", "'inf'"]),
        (TABLE.replace("5,6,1", "5," + "9" * 400 + ",1"), ["'test', row 1"]),
        (TABLE.replace("1,y,4", "1,,4"), ["'b', row 2", "nothing"]),
        (TABLE.replace("2,x,3,4,0", "2,x,3,4"), ["row 3 has 4 fields, expected 5"]),
        (TABLE.replace("2,x", "1,x"), ["rows 1 and 3 have the same genes"]),
        (TABLE.replace("gain", "test"), ["2 columns are named 'test'"]),
        (TABLE.replace("a,b,", "a,valid,"), ["no column 'b'"]),
        (TABLE.replace("a,b,valid,test", "a,b,test,test"), ["no column 'valid'"]),
        (TABLE.replace(",", ";"), ["separated by ';'", 'separator = ";"']),
        ("a,b,valid,test,gain,gain\n1,x,1,1,1,1\n", ["2 columns are named 'gain'"]),
        ("a,b,valid,test,gain\n", ["no rows"]),
        ("", ["empty; a table needs a line of names and a row"]),
        (TABLE.encode("utf-16"), ["t.csv", "UTF-8"]),
        ("a,b,valid,test,gain\n1,\xe9,1,1,1\n".encode("latin-1"), ["t.csv", "UTF-8"]),
        ('a,b,valid,test,gain\n1,"x,1,1,1\n', ["not CSV"]),
    ],
)
def test_a_faulty_table_is_refused_in_one_line(make, content, words):
    refused(lambda: make(content=content), *words)


def test_a_cost_below_zero_is_refused(make):
    refused(
        lambda: make(HEADER + 'cost = { seconds = "gain" }', TABLE.replace("3,4,0", "3,4,-1")), "row 3", "below zero"
    )


def test_a_missing_or_wrong_path_is_named(tmp_path):
    refused(lambda: table.problem(path=tmp_path / "no.toml"), "path: there is no file")
    refused(lambda: table.problem(path=tmp_path), "path", "is no file")
    refused(lambda: table.problem(path=Path("\0")), "path", "no file name")
    (tmp_path / "t.csv").write_text(TABLE)
    refused(lambda: table.problem(path=tmp_path / "t.csv"), "not TOML", "not the table")
    refused(lambda: make_problem("table", {}), "needs the option 'path'")
    refused(lambda: make_problem("table", {"path": 3}), "'path'", "Path", "found 3")


def _loads(folder, header, content):
    (folder / "t.toml").write_bytes(header)
    (folder / "t.csv").write_bytes(content)
    message = ""
    try:
        problem = table.problem(path=folder / "t.toml")
    except ValueError as error:
        message = str(error)
    if message:
        assert "\n" not in message
        return
    F = problem.score(problem.space.all())
    assert np.isfinite(F).all()
    assert np.isfinite(problem.evaluate(problem.space.all(), seeds=seeds(len(F))).F).all()


def _spoilt(text):
    """Strategies of bytes: anything, or `text` with a piece cut out and another put in."""
    raw = text.encode()
    piece = st.one_of(
        st.binary(max_size=6), st.sampled_from([b",", b'"', b"\n", b"=", b"[", b"}", b"nan", b"-1", b"\0"])
    )
    return st.one_of(
        st.binary(max_size=60),
        st.builds(
            lambda at, n, new: raw[:at] + new + raw[at + n :], st.integers(0, len(raw)), st.integers(0, 12), piece
        ),
    )


@settings(max_examples=300, deadline=None)
@given(header=_spoilt(HEADER))
def test_any_header_becomes_a_problem_or_one_line(tmp_path_factory, header):
    _loads(tmp_path_factory.mktemp("header"), header, TABLE.encode())


@settings(max_examples=300, deadline=None)
@given(content=_spoilt(TABLE))
def test_any_table_becomes_a_problem_or_one_line(tmp_path_factory, content):
    _loads(tmp_path_factory.mktemp("table"), HEADER.encode(), content)


def test_the_example_of_the_page_runs_and_is_what_the_page_shows():
    problem = make_problem("table", {"path": str(EXAMPLE / "cells.toml")})
    assert problem.space.cardinalities == (3, 3, 2)
    assert not problem.deterministic
    assert len(problem.front()[0]) == 9
    assert problem.training.seconds == pytest.approx(149.99, abs=0.01)
    assert "kernel=3 width=64 activation=gelu" in problem.decode(problem.front()[0])
    page = (EXAMPLE.parent / "table.md").read_text(encoding="utf-8")
    assert (EXAMPLE / "cells.toml").read_text(encoding="utf-8") in page
    for line in (EXAMPLE / "cells.csv").read_text(encoding="utf-8").splitlines()[:4]:
        assert line in page


def test_a_header_sets_limits_and_runs_under_other_ones_are_refused(make, tmp_path):
    from mobench import load
    from mobench.harness.execute import execute
    from mobench.harness.identity import identified
    from mobench.harness.sealed import DamagedRunError
    from mobench.harness.spec import RunSpec
    from mobench.plugins.sources import in_use

    header = HEADER.replace("maximise = true", "maximise = true, limit = 1")
    problem = make(header)
    assert [objective.bound for objective in problem.objectives] == ["", "gain >= 1"]
    spec = RunSpec("table", "random_search", 0, {"evaluations": 3}, {"path": str(tmp_path / "t.toml")})
    spec = identified(spec, problem, in_use())
    assert spec.data == f"{make().fingerprint} within gain >= 1"
    make(header)
    execute(spec, tmp_path / "run")
    assert load(tmp_path / "run").hypervolume() > 0
    make(HEADER.replace("maximise = true", "maximise = true, limit = 2"))
    with pytest.raises(DamagedRunError, match=r"answered from data \w+ within gain >= 1, .* from \w+ within gain >= 2"):
        load(tmp_path / "run")


def test_a_run_is_not_resumed_on_an_edited_table(tmp_path):
    """The path is the same, the numbers are not: the log says on which data it began."""
    from mobench.harness.execute import UnfitHostError, execute
    from mobench.harness.spec import RunSpec

    (tmp_path / "t.csv").write_text("k,e,c\n1,5,1\n2,4,2\n3,3,3\n")
    header = "data = 't.csv'\ngenes = ['k']\n"
    (tmp_path / "t.toml").write_text(header + "[[objectives]]\nname = 'e'\n[[objectives]]\nname = 'c'\n")
    spec = RunSpec("table", "random_search", 0, {"evaluations": 3}, {"path": str(tmp_path / "t.toml")})
    assert execute(spec, tmp_path / "run")["reason"] == "budget: asked"
    (tmp_path / "run" / "end.json").unlink()
    (tmp_path / "t.csv").write_text("k,e,c\n1,5,1\n2,4,2\n3,9,3\n")
    with pytest.raises(UnfitHostError, match="the first difference: it was data"):
        execute(spec, tmp_path / "run")
    assert not (tmp_path / "run" / "end.json").exists()


def test_data_whose_better_direction_or_scale_changed_are_other_data(make):
    found = {make(HEADER).fingerprint}
    found.add(make(HEADER.replace('name = "error"', 'name = "error", scale = "log"')).fingerprint)
    found.add(make(HEADER.replace('name = "error"', 'name = "error", maximise = true')).fingerprint)
    assert len(found) == 3
