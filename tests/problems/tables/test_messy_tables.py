"""Tables as they are found: each is read right, or refused in one line that names the cure, which then works."""

import gzip

import numpy as np
import pytest

from mobench import FromFiles, Objective, Remarked, Replicated, make_problem
from mobench.problems._table.words import cure
from mobench.problems.tables import table
from mobench.testing import assert_passes, check_problem


@pytest.fixture
def make(tmp_path):
    """Write a header and a table, and build the problem."""

    def build(header, content, name="t.csv"):
        (tmp_path / "t.toml").write_text(f'data = "{name}"\n{header}')
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return table.problem(path=tmp_path / "t.toml")

    return build


def refusal(call, tmp_path):
    """What it is refused with, the folder left out."""
    with pytest.raises(ValueError) as caught:
        call()
    message = str(caught.value).removeprefix(f"{tmp_path}/")
    assert "\n" not in message
    return message


def everything(problem):
    X = problem.space.all()
    return problem.decode(X), problem.score(X).tolist()


OBJECTIVES = 'objectives = [{ name = "error" }, { name = "cost" }]\n'

THOUSANDS = 'model,error,cost\nresnet,19.6,"1,014.45"\nvit,14.9,388.2\nmixer,23.4,"1,322"\n'
NO_NAMES = "3,16,26.1,0.5\n3,32,24.3,0.6\n5,16,25.0,0.7\n5,32,22.8,0.8\n"
NAMES = 'columns = ["kernel", "width", "error", "cost"]\n'
REPEATS = "op,seed,error,cost\nskip,0,9,2\nconv,0,5,3\nskip,1,7,2\nconv,1,6,3\nskip,2,8,2\nconv,2,4,3\n"
EMPTY = "op,error,cost\nskip,9,2\nconv,,3\npool,7,NA\nnone,90,1\n"
CODES = "code,error,cost\n010,9,1\n002,8,2\n16_32,7,3\n1.50,6,4\n1.5,5,5\n"
LARGE = ",".join([*"abcdefghijk", "error", "cost"]) + "\n"
LARGE += "".join(",".join([str((i + j) % 10) for j in range(11)] + [str(i), str(-i)]) + "\n" for i in range(10))


@pytest.mark.parametrize(
    ("header", "content", "message", "cured", "right", "written", "scored"),
    [
        (
            f'label = "model"\n{OBJECTIVES}',
            THOUSANDS,
            "t.csv: column 'cost', row 1 (and 1 more): expected a number, found '1,014.45'; "
            "write 1014.45, without the thousands separator ','",
            f'label = "model"\n{OBJECTIVES}',
            THOUSANDS.replace('"1,014.45"', "1014.45").replace('"1,322"', "1322"),
            ["mixer", "resnet", "vit"],
            [[23.4, 1322], [19.6, 1014.45], [14.9, 388.2]],
        ),
        (
            f'genes = ["kernel", "width"]\n{OBJECTIVES}',
            NO_NAMES,
            "t.csv: its first line, '3,16,26.1,0.5', looks like data, not like names; where there is no line of names, "
            'give them in the header: `columns = ["NAME", ...]`, 4 in all',
            f'{NAMES}genes = ["kernel", "width"]\n{OBJECTIVES}',
            NO_NAMES,
            ["kernel=3 width=16", "kernel=3 width=32", "kernel=5 width=16", "kernel=5 width=32"],
            [[26.1, 0.5], [24.3, 0.6], [25.0, 0.7], [22.8, 0.8]],
        ),
        (
            f'genes = ["op"]\n{OBJECTIVES}',
            REPEATS,
            "t.csv: rows 2 and 4 have the same genes; repeats in all: 4 of 6 rows; if they are repeated trainings, set "
            '`trial = "seed"`; else add the gene that differs to `genes`, or keep one row of each',
            f'genes = ["op"]\ntrial = "seed"\n{OBJECTIVES}',
            REPEATS,
            ["op=conv", "op=skip"],
            [[5, 3], [8, 2]],
        ),
        (
            f'genes = ["op"]\n{OBJECTIVES}',
            EMPTY,
            "t.csv: column 'error', row 2: expected a value, found nothing; 2 of 4 rows lack one: fill in what is "
            'missing, or set `missing_values = "drop"` to leave these rows out',
            f'genes = ["op"]\nmissing_values = "drop"\n{OBJECTIVES}',
            EMPTY,
            ["op=none", "op=skip"],
            [[90, 1], [9, 2]],
        ),
        (
            f'genes = ["code"]\n{OBJECTIVES}',
            "",
            "t.csv: empty; a table needs a line of names and a row",
            f'genes = ["code"]\n{OBJECTIVES}',
            CODES,
            ["code=002", "code=010", "code=1.5", "code=1.50", "code=16_32"],
            [[8, 2], [9, 1], [5, 5], [6, 4], [7, 3]],
        ),
        (
            f"genes = {list('abcdefghijk')}\n{OBJECTIVES}",
            LARGE,
            "t.csv: 10 of the 100,000,000,000 combinations of genes have a row ('a=0 b=0 c=0 d=0 e=0 f=0 g=0 h=0 i=0 "
            'j=0 k=0\' has none); set `missing = "nearest"` to search the rows there are, each other combination '
            "answered by the nearest of them, or leave `genes` out to search over bare row numbers",
            f'missing = "nearest"\ngenes = {list("abcdefghijk")}\n{OBJECTIVES}',
            LARGE,
            [" ".join(f"{name}={(i + j) % 10}" for j, name in enumerate("abcdefghijk")) for i in range(10)],
            [[i, -i] for i in range(10)],
        ),
    ],
    ids=["thousands separators", "no line of names", "repeats as rows", "empty cells", "codes", "1e11 combinations"],
)
def test_a_messy_table_is_refused_with_a_cure_that_works(
    make, tmp_path, header, content, message, cured, right, written, scored
):
    assert refusal(lambda: make(header, content), tmp_path) == message
    problem = make(cured, right)
    assert everything(problem) == (written, scored)
    results = check_problem(problem)
    assert_passes(results)
    assert [(r.name, r.detail) for r in results if r.status == "warning" and r.name != "summary"] == (
        [("remarks", "t.csv: 2 of 4 rows lack a value and are left out")] if content is EMPTY else []
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "op;error;cost\nskip;9;2\n",
            "t.csv: its fields are separated by ';'; set `separator = \";\"`",
        ),
        ("op\terror\tcost\nskip\t9\t2\n", "t.csv: its fields are separated by '\\t'; set `separator = \"\\t\"`"),
        (
            "# results of a paper\nop,error,cost\nskip,9,2\n",
            "t.csv: it begins with a comment, '# results of a paper'; remove the lines that begin with '#'",
        ),
        ("#op,error,cost\nskip,9,2\n", "t.csv: its line of names begins with '#'; remove that sign"),
        (
            "op,error,cost\nskip,9,2\n# failed\nconv,8,3\n",
            "t.csv: row 2 is a comment, '# failed'; remove the lines that begin with '#'",
        ),
        (
            "skip,9,2\nconv,8,3\n",
            "t.csv: its first line, 'skip,9,2', looks like data, not like names; where there is no line of names, give "
            'them in the header: `columns = ["NAME", ...]`, 3 in all',
        ),
        (
            "op,error,cost\nskip,inf,2\n",
            "t.csv: column 'error', row 1: expected a number, found 'inf'; correct the cell or remove the row",
        ),
    ],
)
def test_the_cause_is_named(make, tmp_path, content, message):
    assert refusal(lambda: make(f'genes = ["op"]\n{OBJECTIVES}', content), tmp_path) == message


def test_columns_named_by_a_first_line_of_data_lose_no_network(make, tmp_path):
    """Naming the cells of the first line made them names, and the first network was lost."""
    header = 'genes = ["3", "16"]\nobjectives = [{ name = "26.1" }, { name = "0.5" }]'
    assert "looks like data" in refusal(lambda: make(header, NO_NAMES), tmp_path)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("1,014.45", "write 1014.45, without the thousands separator ','"),
        ("1,014,000", "write 1014000, without the thousands separator ','"),
        ("1,014", "write 1014 where the comma is a thousands separator, 1.014 where a decimal one"),
        ("1'014", 'write 1014, without the thousands separator "\'"'),
        ("1 014", "write 1014, without the thousands separator ' '"),
        ("1_014", "write 1014, without the thousands separator '_'"),
        ("-3,25", "write -3.25, with a decimal point"),
        ("1.014,45", "write 1014.45, with a decimal point"),
        ("93.5 %", "write 93.5, and the unit in the header"),
        ("\u22121.5", "write -1.5, with a hyphen for the minus sign"),
        ("93.1 ± 0.2", "write 93.1, and leave its spread out or give it a column of its own"),
        ("93.1(2)", "write 93.1, and leave its spread out or give it a column of its own"),
        ("12ms", "write 12, and the unit in the header"),
        (".5", "write 0.5, as JSON does"),
        ("+5.", "write 5.0, as JSON does"),
        ("010", "write 10.0, as JSON does"),
        ("16_32", "correct the cell or remove the row"),
        ("six", "correct the cell or remove the row"),
        ("0x10", "correct the cell or remove the row"),
    ],
)
def test_a_number_that_is_written_in_another_way_is_refused_with_how_it_is_written_here(make, tmp_path, cell, words):
    assert cure(cell) == words
    message = refusal(lambda: make(f'genes = ["op"]\n{OBJECTIVES}', f'op,error,cost\nskip,"{cell}",2\n'), tmp_path)
    assert message == f"t.csv: column 'error', row 1: expected a number, found {cell!r}; {words}"


def test_numbers_of_one_value_that_are_written_in_two_ways_are_two_choices_unless_values_are_numbers(make):
    content = "x,error,cost\n1.0,1,1\n1,2,2\n2e0,3,3\n10,4,4\n"
    assert everything(make(f'genes = ["x"]\n{OBJECTIVES}', content))[0] == ["x=1", "x=1.0", "x=2e0", "x=10"]
    numbers = f'genes = [{{ column = "x", values = [2, 1, 10] }}]\n{OBJECTIVES}'
    assert everything(make(numbers, content.replace("1,2,2\n", "")))[0] == ["x=2", "x=1", "x=10"]


TRIALS = 'genes = ["op"]\ntrial = "seed"\n'


def test_a_row_of_an_architecture_is_drawn_and_their_mean_is_scored_with_its_standard_error(make):
    problem = make(TRIALS + OBJECTIVES, REPEATS)
    assert isinstance(problem, Replicated)
    assert not problem.deterministic
    X = np.repeat([[0], [1]], 3000, axis=0)
    F = problem.evaluate(X, seeds=np.random.default_rng(0).integers(0, 2**64, 6000, dtype=np.uint64)).F
    assert set(map(tuple, F[:3000].tolist())) == {(5, 3), (6, 3), (4, 3)}
    assert set(map(tuple, F[3000:].tolist())) == {(9, 2), (7, 2), (8, 2)}
    for error in (5, 6, 4):
        assert np.mean(F[:3000, 0] == error) == pytest.approx(1 / 3, abs=0.05)
    np.testing.assert_allclose(problem.standard_errors(np.array([[0], [1]])), [[3**-0.5, 0], [3**-0.5, 0]])


def test_trials_may_differ_in_number_and_each_of_an_architecture_is_drawn_as_often(make):
    lines = REPEATS.splitlines()
    problem = make(TRIALS + OBJECTIVES, "\n".join([*lines[:4], *lines[5:], "pool,7,1,1"]))
    X = problem.space.all()
    assert problem.decode(X) == ["op=conv", "op=pool", "op=skip"]
    np.testing.assert_array_equal(problem.score(X), [[4.5, 3], [1, 1], [8, 2]])
    drawn = problem.views[None].seen[:, :, 0]
    assert [np.unique(row, return_counts=True)[1].tolist() for row in drawn] == [[3, 3], [6], [2, 2, 2]]
    expected = [[0.5, 0], [np.nan, np.nan], [3**-0.5, 0]]
    np.testing.assert_allclose(problem.standard_errors(X), expected)


def test_trials_of_one_training_are_drawn_together_whatever_the_order_of_the_rows(make):
    content = "op,seed,error,cost\n" + "".join(f"{op},{seed},{seed},{seed}\n" for op in "ab" for seed in range(5))
    head, *lines = content.splitlines()
    first = make(TRIALS + OBJECTIVES, content)
    again = make(TRIALS + OBJECTIVES, "\n".join([head, *np.random.default_rng(1).permutation(lines)]))
    seeds = np.random.default_rng(2).integers(0, 2**64, 200, dtype=np.uint64)
    X = np.zeros((200, 1), dtype=np.int64)
    F = first.evaluate(X, seeds=seeds).F
    np.testing.assert_array_equal(F[:, 0], F[:, 1])
    np.testing.assert_array_equal(F, again.evaluate(X, seeds=seeds).F)
    assert first.fingerprint == again.fingerprint


def test_a_scored_column_and_a_price_are_means_over_trials(make):
    content = "op,seed,error,test,cost,s\na,0,1,10,5,100\na,1,3,20,5,300\nb,0,2,30,6,50\nb,1,2,31,6,50\n"
    objectives = 'objectives = [{ name = "error", scored = "test" }, { name = "cost" }]\ncost = { seconds = "s" }\n'
    problem = make(TRIALS + objectives, content)
    X = problem.space.all()
    np.testing.assert_array_equal(problem.score(X), [[15, 5], [30.5, 6]])
    np.testing.assert_allclose(problem.standard_errors(X), [[5, 0], [0.5, 0]])
    assert problem.evaluate(X, seeds=np.zeros(2, dtype=np.uint64)).seconds.tolist() == [200, 50]


def test_the_mean_of_equal_trials_is_their_value(make):
    content = "op,seed,error,cost\n" + "".join(f"a,{seed},0.1,{seed}\n" for seed in range(3))
    problem = make(TRIALS + OBJECTIVES, content)
    assert problem.score(problem.space.all()).tolist() == [[0.1, 1]]
    header = 'genes = ["op"]\nobjectives = [{ name = "e", seen = ["p", "q", "r"] }, { name = "c" }]'
    columns = make(header, "op,p,q,r,c\na,0.1,0.1,0.1,1\n")
    assert columns.score(columns.space.all())[0, 0] == 0.1


def test_faulty_trials_are_refused(make, tmp_path):
    assert refusal(lambda: make(TRIALS + OBJECTIVES, REPEATS.replace("skip,1", "skip,0")), tmp_path) == (
        "t.csv: rows 1 and 3 have the same genes and 'seed'; repeats in all: 1 of 6 rows; keep one"
    )
    both = 'objectives = [{ name = "error", seen = ["error", "cost"] }, { name = "cost" }]'
    assert "name one column in `seen`" in refusal(lambda: make(TRIALS + both, REPEATS), tmp_path)
    alone = refusal(lambda: make(f'trial = "seed"\n{OBJECTIVES}', REPEATS), tmp_path)
    assert alone == "trial: needs `genes` or a `label`, which say what rows are trials of one architecture"
    one = refusal(lambda: make(f'genes = ["op"]\n{OBJECTIVES}', "op,error,cost\na,1,2\na,3,4\n"), tmp_path)
    assert 'number these in a column, and name it: `trial = "COLUMN"`' in one
    results = refusal(lambda: make(f'label = "op"\n{OBJECTIVES}', REPEATS.replace("op,seed", "op,loss")), tmp_path)
    assert results.endswith('set `trial = "loss"`; else give each a label of its own, or keep one row of each')
    lines = "".join(f"{op},{i}.5,1,2\n" for i, op in enumerate("aabbcc"))
    none = refusal(lambda: make(f'genes = ["op"]\n{OBJECTIVES}', f"op,loss,error,cost\n{lines}c,4.5,1,2\n"), tmp_path)
    assert 'trial = "COLUMN"' in none
    none = refusal(lambda: make(f'genes = ["op"]\n{OBJECTIVES}', f"op,loss,error,cost\n{lines}"), tmp_path)
    assert 'trial = "COLUMN"' in none
    counts = [1, 16, 27, 25, 49, 11, 13, 17, 19]
    content = "op,seed,error,cost\n" + "".join(f"{k},{i},{i},{i}\n" for k in counts for i in range(k))
    assert "give each equally many" in refusal(lambda: make(TRIALS + OBJECTIVES, content), tmp_path)


def test_a_label_is_what_architectures_are_written_as(make, tmp_path):
    content = "model,k,seed,error,cost\nbig,5,0,1,9\nbig,5,1,3,9\nsmall,3,0,5,2\nsmall,3,1,5,2\n"
    header = 'label = "model"\ntrial = "seed"\n'
    expected = (["big", "small"], [[2, 9], [5, 2]])
    assert everything(make(header + OBJECTIVES, content)) == expected
    assert everything(make(f'genes = ["k"]\n{header}{OBJECTIVES}', content)) == (["small", "big"], [[5, 2], [2, 9]])
    genes = f'genes = ["k"]\n{header}{OBJECTIVES}'
    assert refusal(lambda: make(genes, content.replace("big,5,1", "huge,5,1")), tmp_path) == (
        "t.csv: column 'model', row 2: 'huge' is called 'big' in row 1"
    )
    assert refusal(lambda: make(genes, content.replace("small", "big")), tmp_path) == (
        "t.csv: column 'model', row 1: 'big' names what is in row 3, too"
    )
    assert refusal(lambda: make(f'label = "model"\n{OBJECTIVES}', content), tmp_path).startswith(
        "t.csv: rows 1 and 2 have the same label; repeats in all: 2 of 4 rows"
    )


def test_a_missing_combination_is_written_as_the_row_that_answers_it(make):
    content = "model,a,b,error,cost\np,0,0,1,2\nq,1,1,2,1\n"
    problem = make(f'missing = "nearest"\nlabel = "model"\ngenes = ["a", "b"]\n{OBJECTIVES}', content)
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    scored = dict(zip(["p", "q"], [[1, 2], [2, 1]], strict=True))
    assert [scored[label] for label in problem.decode(X)] == problem.score(X).tolist()


def test_dropped_rows_keep_the_numbers_of_the_file_and_are_remarked_on(make, tmp_path):
    header = f'genes = ["op"]\nmissing_values = "drop"\n{OBJECTIVES}'
    problem = make(header, EMPTY)
    assert isinstance(problem, Remarked)
    assert problem.remarks == ("t.csv: 2 of 4 rows lack a value and are left out",)
    assert make(header, "op,error,cost\nskip,9,2\n").remarks == ()
    assert refusal(lambda: make(header, EMPTY.replace("none,90", "none,six")), tmp_path).startswith(
        "t.csv: column 'error', row 4: expected a number, found 'six'"
    )
    nothing = refusal(lambda: make(header, "op,error,cost\nskip,,2\n"), tmp_path)
    assert nothing.endswith("1 of 1 rows lack one: fill in what is missing")
    label = f'label = "op"\nmissing_values = "drop"\n{OBJECTIVES}'
    assert everything(make(label, "op,error,cost\n,9,2\nNA,8,1\n")) == (["NA"], [[8, 1]])


def test_log_scales_need_values_above_zero(make, tmp_path):
    header = 'genes = ["op"]\nobjectives = [{ name = "error", scale = "log", scored = "test" }, { name = "cost" }]'
    content = "op,error,test,cost\na,1e-3,1e-2,0\nb,1e-5,1e-4,1\n"
    assert make(header, content).objectives == (Objective("error", scale="log"), Objective("cost"))
    for cell, column in {"1e-4": "test", "1e-5": "error"}.items():
        message = refusal(lambda cell=cell: make(header, content.replace(cell, "0")), tmp_path)
        assert message == f't.csv: column {column!r}, row 2: expected a value above 0, as `scale = "log"`, found 0'


PLAIN = "op,error,cost\na,1,2\nb,2,1\n"


@pytest.mark.parametrize(
    ("name", "content", "extra"),
    [
        ("t.tsv", PLAIN.replace(",", "\t"), ""),
        ("t.csv.gz", gzip.compress(PLAIN.encode(), mtime=0), ""),
        ("t.TSV.GZ", gzip.compress(PLAIN.replace(",", "\t").encode("utf-8-sig"), mtime=0), ""),
        ("t.csv", PLAIN.replace(",", ";"), 'separator = ";"\n'),
        ("t.csv", PLAIN.replace(",", "\t"), 'separator = "\\t"\n'),
        ("t.csv.gz", gzip.compress(PLAIN.replace(",", "|").encode(), mtime=0), 'separator = "|"\n'),
        ("t.csv", PLAIN.partition("\n")[2].replace(",", ";"), 'columns = ["op", "error", "cost"]\nseparator = ";"\n'),
    ],
)
def test_text_files_of_all_kinds_are_read_alike(make, name, content, extra):
    problem = make(f'{extra}genes = ["op"]\n{OBJECTIVES}', content, name)
    assert everything(problem) == (["op=a", "op=b"], [[1, 2], [2, 1]])


def test_faulty_files_are_refused(make, tmp_path, monkeypatch):
    header = f'genes = ["op"]\n{OBJECTIVES}'
    whole = gzip.compress(PLAIN.encode(), mtime=0)
    for content in (PLAIN.encode(), whole[:-9], whole[:12] + b"\xff" * 9 + whole[21:]):
        assert "t.csv.gz: cannot be read (" in refusal(lambda c=content: make(header, c, "t.csv.gz"), tmp_path)
    rows = PLAIN.partition("\n")[2]
    columns = f'columns = ["op", "error"]\n{header}'
    assert refusal(lambda: make(columns, rows), tmp_path) == "t.csv: no column 'cost'; there are op, error"
    named = f'columns = ["op", "error", "cost", "more"]\n{header}'
    assert refusal(lambda: make(named, rows), tmp_path) == (
        "t.csv: row 1 has 3 fields, expected 4, as in `columns`; fill in the row"
    )
    named = f'columns = ["op", "error", "cost"]\n{header}'
    assert refusal(lambda: make(named, PLAIN), tmp_path) == (
        "t.csv: its first line has the names; leave `columns` out, or remove that line"
    )
    assert "separated by ';'" in refusal(lambda: make(named, PLAIN.replace(",", ";")), tmp_path)
    assert "separator" in refusal(lambda: make(f'separator = "x"\n{header}', PLAIN), tmp_path)
    assert "Parquet" in refusal(lambda: make(named, b"", "t.parquet"), tmp_path)
    monkeypatch.setattr("mobench.problems._table.file.LARGEST", 20)
    assert "holds more than 20 bytes; unpack it" in refusal(lambda: make(header, whole, "t.csv.gz"), tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty; a table needs a line of names and a row"),
        (" \n\n", "empty; a table needs a line of names and a row"),
        ("op,error,cost\n", "no rows; a table needs at least one"),
        (b"PK\x03\x04\x14\x00\x06\x00", "not text, as it holds zero bytes; save it as CSV in UTF-8"),
        (PLAIN.replace(",", " "), "its fields are separated by spaces; save it with commas"),
        (
            "op,error,cost\na,1,1,014.45\n",
            "row 1 has 4 fields, expected 3, as in the line of names; put cells that hold a separator in double quotes",
        ),
        (
            "op,error,cost\n1,1,2\n2,2,1\n1.0,3,0\n",
            "column 'op', row 3: '1.0' is the number that row 1 writes '1'; write both alike, or list the texts of a "
            "gene in `values` where they are two choices",
        ),
    ],
)
def test_what_is_no_table_is_called_what_it_is(make, tmp_path, content, message):
    assert refusal(lambda: make(f'genes = ["op"]\n{OBJECTIVES}', content), tmp_path) == f"t.csv: {message}"


def test_texts_in_values_tell_apart_what_is_one_number(make):
    gene = 'genes = [{ column = "op", values = ["1", "1.0"] }]'
    problem = make(f"{gene}\n{OBJECTIVES}", "op,error,cost\n1,1,2\n1.0,2,1\n")
    assert everything(problem) == (["op=1", "op=1.0"], [[1, 2], [2, 1]])


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        ('trial = "error"\ngenes = ["op"]', "trial: 'error' holds the objective 'error'"),
        ('trial = "cost"\ngenes = ["op"]', "trial: 'cost' holds the objective 'cost'"),
        ('genes = ["op", "error"]', "genes: 'error' holds the objective 'error'"),
        ('label = "cost"', "label: 'cost' holds the objective 'cost'"),
        ('trial = "op"\ngenes = ["op"]', "trial: 'op' is a gene, too, of which all trials have one; leave one out"),
        ('trial = "op"\nlabel = "op"', "trial: 'op' is the label, too, of which all trials have one; leave one out"),
    ],
)
def test_a_column_is_not_both_what_a_row_is_and_what_training_tells(make, tmp_path, roles, message):
    assert refusal(lambda: make(f"{roles}\n{OBJECTIVES}", PLAIN), tmp_path).startswith(f"t.toml: {message}")


def test_a_column_is_seen_once(make, tmp_path):
    twice = 'genes = ["op"]\nobjectives = [{ name = "e", seen = ["error", "error"] }, { name = "cost" }]'
    assert refusal(lambda: make(twice, PLAIN), tmp_path) == (
        "t.toml: objectives: 'e' names a column twice in `seen`; name each once"
    )


def test_a_table_that_changes_is_read_again_and_one_that_does_not_is_kept(make, tmp_path):
    made = make(f'genes = ["op"]\n{OBJECTIVES}', PLAIN)
    assert isinstance(made, FromFiles)
    options = {"path": str(tmp_path / "t.toml")}
    before = make_problem("table", options)
    assert make_problem("table", options) is before
    (tmp_path / "t.csv").write_text(f"{PLAIN}c,0,0\n")
    assert len(make_problem("table", options).space.all()) == 3
    (tmp_path / "t.toml").write_text(f'data = "t.csv"\nlabel = "op"\n{OBJECTIVES}')
    assert make_problem("table", options).decode(np.array([[2]])) == ["c"]
    (tmp_path / "t.csv").unlink()
    assert "there is no file 't.csv'" in refusal(lambda: make_problem("table", options), tmp_path)


def test_names_that_are_numbers_are_names_where_the_header_has_them(make):
    header = 'genes = ["0"]\nobjectives = [{ name = "1" }, { name = "2" }]'
    assert everything(make(header, "0,1,2\na,1,2\nb,2,1\n")) == (["0=a", "0=b"], [[1, 2], [2, 1]])
