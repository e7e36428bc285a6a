"""Architectures of a file are asked first and paid for, by whatever searcher takes them; the file is part of a run."""

import importlib.util
import shutil

import moocore
import numpy as np
import pytest

import mobench
from mobench.campaigns.reading import make_campaign
from mobench.cli.main import main
from mobench.harness.execute import UnfitHostError, execute
from mobench.harness.identity import identified
from mobench.harness.spec import RunSpec, read_spec
from mobench.plugins.catalogue import find
from mobench.plugins.families import built_in
from mobench.plugins.sources import in_use
from mobench.scoring.front import tabulate

SEARCHERS = [name for name in built_in("searcher") if "start" in find("searcher", name).options]
NAMES = ",".join(mobench.make_problem("catsum", {}).space.names)
GIVEN = np.array([[1, 2, 3, 4, 3, 2], [0, 0, 0, 0, 0, 0], [4, 4, 4, 4, 4, 4]])


def csv(path, X, names=NAMES):
    path.write_text("\n".join([names, *(",".join(map(str, x)) for x in X.tolist())]) + "\n")
    return path


def rows(X):
    return set(map(tuple, np.asarray(X).tolist()))


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """A finished run of random search on CatSum, sixty answers."""
    folder = tmp_path_factory.mktemp("earlier")
    mobench.run("random_search", "catsum", budget=60, folder=folder)
    return folder / "log.jsonl"


def test_every_black_box_searcher_takes_a_start():
    families = {"baselines", "evolution", "tree"}
    modules = built_in("searcher").items()
    assert set(SEARCHERS) >= {
        name for name, module in modules if module.split(".")[2] in families and not find("searcher", name).needs
    }


@pytest.mark.parametrize("problem", ["nasbench_graph:dataset=cora", "ofa_mbv3", "hw_gpt", "fcnet", "motif"])
def test_a_front_that_was_written_down_is_read_again(problem, tmp_path):
    """With the values of genes as people read them, and nothing where a gene decides nothing."""
    found = mobench.run("random_search", problem, budget=30, seed=1)
    found.front().to_csv(tmp_path / "front.csv", index=False)
    made = mobench.make_problem(problem)
    X, _ = mobench.read_architectures(tmp_path / "front.csv", made.space, made.objectives)
    known = set(made.space.key(found.history.X).tolist())
    assert len(X) == len(found.front())
    assert set(made.space.key(X).tolist()) <= known


def test_a_gene_that_decides_something_may_not_be_left_out(tmp_path):
    made = mobench.make_problem("ofa_mbv3")
    x = made.space.sample(np.random.default_rng(0), 1)
    cells = [column[0] for column in made.space.written(x)]
    cells[0] = ""
    path = tmp_path / "blank.csv"
    path.write_text(",".join(made.space.names) + "\n" + ",".join(map(str, cells)) + "\n")
    with pytest.raises(ValueError, match=f"row 2 has no '{made.space.names[0]}'"):
        mobench.read_architectures(path, made.space, made.objectives)


@pytest.mark.parametrize("name", SEARCHERS)
def test_what_is_given_is_asked_first_and_paid_for(name, tmp_path):
    if name == "agemoea2" and importlib.util.find_spec("numba") is None:
        pytest.skip("numba is not installed")
    space = mobench.make_problem("catsum", {}).space
    X = space.sample(np.random.default_rng(3), 6)
    result = mobench.run(name, "catsum", budget=40, start=str(csv(tmp_path / "given.csv", X)))
    assert rows(result.history.X[:6]) == rows(X)
    assert result.history.total["evaluations"] == 40 == len(result.history.X)
    assert result.history.spent["evaluations"][5] == 6
    assert {"start": "6 of 6 architectures of given.csv"} in [note.content for note in result.history.records]


@pytest.mark.parametrize("name", SEARCHERS)
def test_without_a_file_nothing_is_another(name):
    if name == "agemoea2" and importlib.util.find_spec("numba") is None:
        pytest.skip("numba is not installed")
    cold, same = (mobench.run(name, "catsum", budget=30, **more).history for more in ({}, {"start": None}))
    assert (cold.X == same.X).all()
    assert not any("start" in note.content for note in cold.records)


def test_of_a_log_nothing_is_taken_that_something_left_out_dominates(log):
    earlier = mobench.load(log.parent)
    F = mobench.minimised(earlier.history.F, earlier.problem.objectives)
    rank = dict(zip(map(tuple, earlier.history.X.tolist()), moocore.pareto_rank(F), strict=True))
    warm = mobench.run("nsga2", "catsum", budget=10, population=10, start=str(log))
    taken = [rank[x] for x in map(tuple, warm.history.X.tolist())]
    assert sorted(taken) == sorted(rank.values())[:10]
    assert len(rows(warm.history.X)) == 10


def test_a_file_shorter_than_the_population_is_made_up_with_uniform_ones(tmp_path):
    path = csv(tmp_path / "given.csv", GIVEN)
    X = mobench.run("nsga2", "catsum", budget=20, population=20, start=str(path)).history.X
    assert (X[:3] == GIVEN).all()
    assert len(rows(X)) == 20


def test_a_file_longer_than_the_population_is_cut(tmp_path):
    path = csv(tmp_path / "given.csv", GIVEN)
    X = mobench.run("nsga2", "catsum", budget=2, population=2, start=str(path)).history.X
    assert (X == GIVEN[:2]).all()


def test_a_front_that_was_saved_begins_another_run(log, tmp_path):
    front = mobench.load(log.parent).front()
    front.to_csv(tmp_path / "front.csv", index=False)
    problem = mobench.make_problem("catsum", {})
    X, F = mobench.read_architectures(tmp_path / "front.csv", problem.space, problem.objectives)
    assert (X == front[list(problem.space.names)].to_numpy()).all()
    assert F.shape == (len(front), 0)


def test_genes_in_one_column_are_read_and_repeats_count_once(tmp_path):
    path = csv(tmp_path / "evaluations.csv", np.empty((0, 1)), "seed,genes")
    path.write_text("seed,genes\n0,1 2 3 4 3 2\n\n1,1 2 3 4 3 2\n2,0 0 0 0 0 0\n")
    problem = mobench.make_problem("catsum", {})
    X, _ = mobench.read_architectures(path, problem.space, problem.objectives)
    assert X.tolist() == [[1, 2, 3, 4, 3, 2], [0, 0, 0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "", "has no column"),
        ("a.csv", NAMES.replace("x4", "y4") + "\n", "has no column 'x4'; there are"),
        ("a.csv", NAMES + "\n", "holds no architectures"),
        ("a.csv", NAMES + "\n1,2,3\n", "row 2 holds '1 2 3   ', expected 6 whole numbers"),
        ("a.csv", NAMES + "\n1,2,3,4,5,0.5\n", "row 2 holds"),
        ("a.csv", NAMES + "\n1,2,3,4,5,99999999999999999999\n", "row 2 holds"),
        ("a.csv", NAMES + "\n1,2,3,4,5,1000\n", "not of this space"),
        ("a.csv", NAMES + '\n"1,2,3,4,5,6\n', "not a CSV file"),
        ("a.csv", "\0\0\n", "has no column"),
        ("a.jsonl", "", "holds no architectures answered at full fidelity"),
        ("a.jsonl", "{}\nnonsense\n", "line 2 is damaged"),
        ("a.jsonl", '{"X":[[1,2]],"F":[[1,2]],"fidelity":null}\n', "not a log of this problem"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(name, text, message, tmp_path):
    (tmp_path / name).write_text(text)
    problem = mobench.make_problem("catsum", {})
    with pytest.raises(ValueError, match=message) as error:
        mobench.read_architectures(tmp_path / name, problem.space, problem.objectives)
    assert "\n" not in str(error.value)
    assert "delete" not in str(error.value)  # advice for a run of one's own


def test_a_file_that_is_not_there_is_refused_when_the_campaign_is_read(tmp_path):
    entries = {"problems": ["catsum"], "searchers": [f"nsga2:start={tmp_path / 'none.csv'}"]}
    with pytest.raises(ValueError, match=r"option 'start': .*none\.csv: No such file"):
        make_campaign(entries)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("a.csv", "x0,x1\n1,2\n", "a.csv: has no column 'x2'"),
        ("a.csv", NAMES + "\n1,2,3,4,5,1000\n", "a.csv: not of this space"),
        ("a.csv", "\0\0\n", "a.csv: has no column"),
        ("a.jsonl", "nonsense", "a.jsonl: holds no architectures"),
        ("a.jsonl", "{}\nnonsense\n", "line 2 is damaged"),
        (".", "", "Is a directory"),
    ],
)
@pytest.mark.parametrize("searcher", ["nsga2", "mcts", "parego"])
def test_a_file_that_is_no_beginning_is_one_line_before_anything_runs(name, text, why, searcher, tmp_path, capsys):
    """On the command line, in Python in memory and in a folder; and no run is recorded that failed."""
    path, results = tmp_path / name, tmp_path / "results"
    if text:
        path.write_text(text)
    asked = ["run", "-p", "catsum", "-s", f"{searcher}:start={path}", "-s", "random_search", "-b", "9", "--seeds", "1"]
    assert main([*asked, "--results", str(results)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert f"{searcher} on catsum cannot take its option start: " in line
    assert why in line
    for folder in (None, results / "one"):
        with pytest.raises(ValueError, match=f"{searcher} cannot take its option start: ") as error:
            mobench.run(searcher, "catsum", budget=9, start=path, folder=folder)
        assert "\n" not in str(error.value)
    assert not results.exists()


def test_a_file_of_the_space_of_one_problem_is_for_that_one(tmp_path):
    start = csv(tmp_path / "given.csv", GIVEN)
    campaign = make_campaign({"problems": ["catsum", "lotz"], "searchers": [f"nsga2:start={start}"], "seeds": 2})
    assert [spec.problem for spec in campaign.specs] == ["catsum", "catsum"]
    (pair,) = campaign.not_applicable
    assert (pair.problem, "cannot take its option start: " in pair.reason) == ("lotz", True)


def test_a_file_that_is_damaged_before_its_run_leaves_nothing_recorded(tmp_path):
    path = csv(tmp_path / "given.csv", GIVEN)
    spec = spec_of(path)
    path.write_text("nonsense\n")
    with pytest.raises(UnfitHostError, match=r"cannot take its option start: .*given\.csv: has no column"):
        execute(spec, tmp_path / "run")
    assert not (tmp_path / "run" / "end.json").exists()


def test_a_searcher_of_ones_own_says_which_files_it_takes(tmp_path):
    def search(run: mobench.Run, *, start: mobench.ArchitectureFile) -> None:
        run.evaluate(mobench.read_architectures(start, run.space, run.objectives)[0])

    path = csv(tmp_path / "given.csv", GIVEN)
    assert rows(mobench.run(search, "catsum", budget=9, start=path).history.X) == rows(GIVEN)
    with pytest.raises(ValueError, match="search cannot take its option start: "):
        mobench.run(search, "lotz", budget=9, start=path)


def spec_of(path):
    spec = RunSpec("catsum", "nsga2", 0, {"evaluations": 30}, {}, {"start": str(path)})
    return identified(spec, mobench.make_problem("catsum", {}), in_use())


def test_what_the_file_holds_is_part_of_what_the_run_is(tmp_path):
    path = csv(tmp_path / "given.csv", GIVEN)
    before = spec_of(path)
    csv(path, GIVEN[::-1])
    after = spec_of(path)
    assert before.id != after.id
    with pytest.raises(UnfitHostError, match=r"files is sha256:.*, expected sha256:"):
        execute(before, tmp_path / "run")


def test_a_warm_run_can_be_carried_out_again(tmp_path, log):
    path = shutil.copy(log, tmp_path / "earlier.jsonl")
    logs = []
    for name in "ab":
        assert execute(spec_of(path), tmp_path / name)["reason"] == "budget: evaluations"
        logs.append((tmp_path / name / "log.jsonl").read_bytes())
    assert logs[0] == logs[1]


def test_a_run_kept_in_a_folder_takes_a_path(tmp_path):
    path = csv(tmp_path / "given.csv", GIVEN)
    run = tmp_path / "run"
    assert (mobench.run("nsga2", "catsum", budget=20, folder=run, start=path).history.X[:3] == GIVEN).all()
    assert read_spec(run / "spec.json").files == spec_of(path).files


VALUES = mobench.Space(
    (3, 2, 2, 2),
    ("layers", "error", "bias", "op"),
    values=((1, 2, 3), (0.5, 2.0), (False, True), ("none", "a, b")),
    inactive=lambda X: np.stack([*np.zeros((3, len(X)), bool), X[:, 0] == 0], axis=1),
)


class Written:
    """Genes by what they stand for: numbers that could be taken for places, one called as an objective is."""

    space = VALUES
    objectives = (mobench.Objective("error"),)
    training = None


def test_genes_are_read_as_a_front_writes_them(tmp_path):
    X = VALUES.canonical(np.stack(np.meshgrid(*map(range, VALUES.cardinalities)), -1).reshape(-1, 4))
    frame = tabulate(Written(), X, np.ones((len(X), 1)), genes=True)
    assert list(frame) == ["architecture", "layers", "gene error", "bias", "op", "error"]
    frame.to_csv(tmp_path / "front.csv", index=False)
    found, _ = mobench.read_architectures(tmp_path / "front.csv", VALUES, Written.objectives)

    assert rows(found) == rows(X)
    frame.assign(layers=frame["layers"].astype(float)).to_csv(tmp_path / "floats.csv")
    again, _ = mobench.read_architectures(tmp_path / "floats.csv", VALUES, Written.objectives)
    assert (again == found).all()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("0,0.5,True,none", "row 2 has '0' as 'layers', expected one of 1, 2, 3"),
        ("3,0.5,1,none", "row 2 has '1' as 'bias', expected one of False, True"),
        ("3,0.5,True,", "row 2 has no 'op', expected one of none, a, b"),
        (",0.5,True,none", "row 2 has no 'layers'"),
    ],
)
def test_a_value_that_a_gene_does_not_take_is_no_place_of_one(row, message, tmp_path):
    (tmp_path / "a.csv").write_text(f"layers,error,bias,op\n{row}\n")
    with pytest.raises(ValueError, match=message):
        mobench.read_architectures(tmp_path / "a.csv", VALUES, Written.objectives)


def test_a_folder_is_no_file_and_is_named(tmp_path):
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        mobench.read_architectures(tmp_path, VALUES, Written.objectives)
