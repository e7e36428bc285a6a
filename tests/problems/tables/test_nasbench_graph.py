"""NAS-Bench-Graph: the package's own answers, the published counts, and what happens when its files are not right."""

import importlib.util
import os
import pickle
import sys
from pathlib import Path
from typing import get_args

import moocore
import numpy as np
import pytest

from mobench import Decodable, Enumerable, Problem, load_table, make_problem, nondominated
from mobench.problems.tables import nasbench_graph

FRONTS = {
    "arxiv": 106,
    "citeseer": 21,
    "computers": 27,
    "cora": 16,
    "cs": 58,
    "photo": 22,
    "physics": 55,
    "proteins": 19,
    "pubmed": 34,
}
CHOSEN_ON_VALIDATION = {"arxiv": 0.996, "cora": 0.984, "physics": 0.958, "pubmed": 0.845, "proteins": 0.992}
"""Share of the hypervolume that is left when the front is chosen on validation error."""


@pytest.fixture(scope="module")
def cora(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOBENCH_DATA", str(tmp_path_factory.mktemp("data")))
        return nasbench_graph.problem(dataset="cora")


@pytest.fixture(scope="module")
def package():
    """The package's own description of architectures, loaded without the package."""
    path = Path(importlib.util.find_spec("nas_bench_graph").submodule_search_locations[0]) / "architecture.py"
    spec = importlib.util.spec_from_file_location("_nas_bench_graph_architecture", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def firsts(problem):
    """The first row of each distinct network."""
    X = problem.space.all()
    return X[np.unique(problem.space.key(X), return_index=True)[1]]


def share(problem, X):
    """Hypervolume of the scored values as a share of the true front's, reference 1.1 between ideal and nadir."""
    front = problem.front()[1]
    low, high = front.min(axis=0), front.max(axis=0)
    return moocore.hypervolume((problem.score(X) - low) / (high - low), ref=1.1) / moocore.hypervolume(
        (front - low) / (high - low), ref=1.1
    )


@pytest.mark.parametrize("dataset", get_args(nasbench_graph.Dataset))
def test_networks_and_true_front_have_the_published_sizes(dataset):
    problem = nasbench_graph.problem(dataset=dataset)
    networks = firsts(problem)
    assert len(networks) == (2021 if dataset == "proteins" else 26206)
    X, F = problem.front()
    assert len(X) == FRONTS[dataset]
    assert nondominated(problem.score(networks)).sum() == FRONTS[dataset]
    np.testing.assert_array_equal(problem.score(X), F)
    assert len(np.unique(problem.space.key(X))) == len(X)
    if dataset in CHOSEN_ON_VALIDATION:
        chosen = networks[nondominated(problem.evaluate(networks).F)]
        assert share(problem, chosen) == pytest.approx(CHOSEN_ON_VALIDATION[dataset], abs=6e-4)


@pytest.mark.parametrize("dataset", ["cora", "proteins"])
def test_every_row_gets_the_answer_of_the_package(dataset, package):
    problem = nasbench_graph.problem(dataset=dataset)
    bench = nasbench_graph.load_pickle(nasbench_graph._locate(dataset))
    X = problem.space.all()
    X = X[~(X[:, 1:] == len(problem.operations) - 1).all(axis=1)]
    hashes = np.array(
        [
            package.Arch(list(nasbench_graph.LINKS[s]), [problem.operations[i] for i in ops]).valid_hash()
            for s, *ops in X.tolist()
        ]
    )
    entries = [bench[h] for h in hashes]
    seen = [(100 * (1 - e["valid_perf"]), e["latency"], e["para"]) for e in entries]
    scored = [(100 * (1 - e["perf"]), e["latency"], e["para"]) for e in entries]
    np.testing.assert_array_equal(problem.evaluate(X).F, np.array(seen))
    np.testing.assert_array_equal(problem.score(X), np.array(scored))
    assert len(np.unique(np.column_stack([hashes, problem.space.key(X)]), axis=0)) == len(bench), "key is hash"


def test_four_skips_are_taken_for_one_fully_connected_layer(cora):
    fc, skip = nasbench_graph.FC, nasbench_graph.SKIP
    nothing = np.array([[s, skip, skip, skip, skip] for s in range(9)])
    layer = np.array([[8, skip, skip, skip, fc], [0, fc, skip, skip, skip]])
    assert len(set(cora.space.key(np.concatenate([nothing, layer])).tolist())) == 1


def test_isomorphic_rows_are_one_network_and_others_are_not(cora):
    gat, gcn, gin, skip = 0, 1, 2, nasbench_graph.SKIP
    key = cora.space.key(
        np.array(
            [
                [0, gat, gcn, gin, gin],  # four readers of the input, in any order
                [0, gin, gcn, gin, gat],
                [8, gat, skip, gcn, skip],  # a chain with skips
                [8, skip, gat, skip, gcn],
                [8, gcn, skip, gat, skip],
            ]
        )
    )
    assert key[0] == key[1]
    assert key[2] == key[3]
    assert len(set(key.tolist())) == 3


def test_random_search_over_networks_is_as_hard_as_published(cora):
    networks = firsts(cora)
    for n, published in ((50, 0.50), (200, 0.70), (1000, 0.77)):
        shares = [share(cora, np.random.default_rng(seed).choice(networks, n, replace=False)) for seed in range(10)]
        assert np.mean(shares) == pytest.approx(published, abs=0.08)


def test_it_is_a_problem_with_a_front_and_a_written_form(cora):
    assert isinstance(cora, Problem)
    assert isinstance(cora, Enumerable)
    assert isinstance(cora, Decodable)
    assert cora.deterministic
    assert cora.space.cardinalities == (9, 9, 9, 9, 9)
    assert cora.decode(np.array([[6, 1, 2, 8, 7], [0, 0, 0, 0, 0]])) == [
        "gcn<-0 gin<-1 skip<-1 fc<-2",
        "gat<-0 gat<-0 gat<-0 gat<-0",
    ]
    F = cora.evaluate(np.zeros((1, 5), dtype=np.int64)).F[0]
    np.testing.assert_allclose(F, [22.6667, 0.00592224, 1.736711], rtol=1e-5)
    assert [o.label for o in cora.objectives] == ["error [%]", "latency [s]", "params [M]"]


def test_decoding_is_one_to_one_and_its_operations_are_those_of_the_dataset():
    proteins = nasbench_graph.problem(dataset="proteins")
    words = proteins.decode(proteins.space.all())
    assert len(set(words)) == len(words) == 9 * 5**4
    assert {w.partition("<-")[0] for word in words for w in word.split()} == {"gcn", "sage", "arma", "fc", "skip"}


def test_objectives_are_columns_in_the_order_asked(cora):
    problem = make_problem("nasbench_graph", {"dataset": "cora", "objectives": ["params", "error"]})
    X = cora.space.sample(np.random.default_rng(0), 50)
    np.testing.assert_array_equal(problem.evaluate(X).F, cora.evaluate(X).F[:, [2, 0]])
    np.testing.assert_array_equal(problem.score(X), cora.score(X)[:, [2, 0]])
    assert [o.name for o in problem.objectives] == ["params", "error"]
    best = nondominated(problem.score(firsts(problem)))
    assert len(problem.front()[0]) == best.sum()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dataset": "core"}, "'cora'"),
        ({"datasets": "cora"}, "did you mean 'dataset'"),
        ({"objectives": ["error"]}, "at least 2"),
        ({"objectives": ["error", "flops"]}, "unknown 'flops'; there are error, latency, params"),
        ({"objectives": ["error", "latency>=1"]}, "latency is minimised"),
        ({"objectives": ["error", "error"]}, "different names"),
    ],
)
def test_impossible_options_are_refused_in_one_line(options, words):
    with pytest.raises(ValueError, match=words) as caught:
        make_problem("nasbench_graph", options)
    assert "\n" not in str(caught.value)


def test_the_package_is_read_and_never_imported(cora):
    assert "nas_bench_graph" not in sys.modules


def test_without_the_package_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"`pip install nas_bench_graph`"):
        nasbench_graph.problem(dataset="cora")


class Bomb:
    def __reduce__(self):
        return os.system, ("exit 1",)


ENTRY = {"valid_perf": 0.5, "perf": 0.5, "latency": 1.0, "para": 1.0}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (pickle.dumps(Bomb()), "plain data"),
        (b"", "damaged"),
        (pickle.dumps({0: ENTRY})[:-20], "damaged"),
        (pickle.dumps([1, 2]), "not a table"),
        (pickle.dumps({}), "not a table"),
        (pickle.dumps({0: {"perf": 0.5}}), "valid_perf"),
        (pickle.dumps({"a": ENTRY}), "not a table"),
        (pickle.dumps({9999999: ENTRY}), "not a table"),
        (pickle.dumps({-1: ENTRY}), "not a table"),
        (pickle.dumps({0: {**ENTRY, "perf": float("nan")}}), "not a table"),
        (pickle.dumps({0: ENTRY, 1: ENTRY}), "expected 26206"),
    ],
)
def test_a_file_that_is_not_the_packages_is_refused(content, words, tmp_path, monkeypatch):
    path = tmp_path / "cora.bench"
    path.write_bytes(content)
    monkeypatch.setattr(nasbench_graph, "_locate", lambda dataset: path)
    with pytest.raises(ValueError, match=words) as caught:
        nasbench_graph.problem(dataset="cora")
    assert "cora.bench" in str(caught.value)
    assert "pip install" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(nasbench_graph, "_locate", lambda dataset: tmp_path / "cora.bench")
    with pytest.raises(ValueError, match=r"cora\.bench: cannot be read \(No such file"):
        nasbench_graph.problem(dataset="cora")


def test_the_second_load_reads_the_table_that_the_first_left(cora, monkeypatch):
    first = nasbench_graph.problem(dataset="cora")
    monkeypatch.delattr(nasbench_graph, "load_pickle")
    second = nasbench_graph.problem(dataset="cora")
    X = cora.space.all()
    for problem in (first, second):
        np.testing.assert_array_equal(problem.evaluate(X).F, cora.evaluate(X).F)
        np.testing.assert_array_equal(problem.space.key(X), cora.space.key(X))


@pytest.mark.parametrize("damage", [lambda b: b[:1000], lambda b: b"", lambda b: b[:5000] + b"?" + b[5001:]])
def test_a_damaged_cached_table_is_made_again(damage, own_data):
    first = nasbench_graph.problem(dataset="proteins")
    (cache,) = (own_data / "cache").iterdir()
    whole = cache.read_bytes()
    cache.write_bytes(damage(whole))
    np.testing.assert_array_equal(nasbench_graph.problem(dataset="proteins").scored, first.scored)
    assert len(cache.read_bytes()) == len(whole)
    load_table(cache)


def test_a_data_folder_that_cannot_be_written_costs_only_time(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("MOBENCH_DATA", str(tmp_path / "file"))
    assert len(nasbench_graph.problem(dataset="proteins").front()[0]) == 19


def test_the_cached_front_cannot_be_changed_by_its_reader(cora):
    with pytest.raises(ValueError, match="read-only"):
        cora.front()[1][0, 0] = 0
