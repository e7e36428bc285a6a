"""NAS-Bench-Graph: graph neural networks of four operations, trained on nine graphs.

Qin, Zhang, Wang, Zhang and Zhu 2022, "NAS-Bench-Graph: Benchmarking Graph Neural Architecture Search". The numbers
(means of three trainings) are read from the files of the PyPI package `nas_bench_graph`, which is not imported.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from annotated_types import Len

from mobench import (
    Array,
    Column,
    Cost,
    Objective,
    Space,
    Table,
    Values,
    data_folder,
    fingerprint,
    in_short,
    load_pickle,
    load_table,
    nondominated,
    parse_objectives,
    save_table,
)

Dataset = Literal["arxiv", "citeseer", "computers", "cora", "cs", "photo", "physics", "proteins", "pubmed"]

LINKS = (
    (0, 0, 0, 0),
    (0, 0, 0, 1),
    (0, 0, 1, 1),
    (0, 0, 1, 2),
    (0, 0, 1, 3),
    (0, 1, 1, 1),
    (0, 1, 1, 2),
    (0, 1, 2, 2),
    (0, 1, 2, 3),
)
"""For each structure, the node that each of the nodes 1 to 4 reads; 0 is the input, and unread nodes are the output."""
OPERATIONS = ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "skip")
PROTEINS = ("gcn", "sage", "arma", "fc", "skip")
"""The operations that were trained on proteins."""
FC, SKIP = OPERATIONS.index("fc"), OPERATIONS.index("skip")

_OBJECTIVES = {
    "error": (Objective("error", "%"), "valid_perf", "perf"),
    "latency": (Objective("latency", "s"), "latency", "latency"),
    "params": (Objective("params", "M"), "para", "para"),
}
"""Objective, and the field of the file that a searcher sees and the one that is scored."""


@dataclass(frozen=True, eq=False, repr=False)
class NASBenchGraph:
    """One dataset: a gene for the structure (a position in `LINKS`) and four for the operations of nodes 1 to 4.

    Attributes
    ----------
    space : Space
        Rows that are the same network share a class, and so an answer and its price.
    objectives : tuple of Objective
        The m columns of F.
    operations : tuple of str
        What an operation's gene counts.
    seen, scored : Array
        (space.size, m) values in the order of the space's rows: validation error in one, test error in the other.
    """

    space: Space
    objectives: tuple[Objective, ...]
    operations: tuple[str, ...]
    seen: Array = field(repr=False)
    scored: Array = field(repr=False)
    training = Cost(evaluations=1)
    deterministic = True

    __repr__ = in_short

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        """Give validation error, latency and size of (n, 5) rows, free of noise."""
        return Values(self.seen[self.space.index(X)])

    def score(self, X: Array) -> Array:
        """Give test error, latency and size of (n, 5) rows; shape (n, m)."""
        scored: Array = self.scored[self.space.index(X)]
        return scored

    def known_costs(self, X: Array) -> Array:
        """Sizes of (n, 5) rows, (n, m); NaN in what is trained or measured."""
        known = np.array([objective.name == "params" for objective in self.objectives])
        return np.where(known, self.score(X), np.nan)

    @cached_property
    def fingerprint(self) -> str:
        """Checksum of all that is seen and scored."""
        return fingerprint(self.seen, self.scored)

    @cached_property
    def ranges(self) -> tuple[Array, Array]:
        """The least and the greatest scored value of each objective, (m,) each."""
        return self.scored.min(axis=0), self.scored.max(axis=0)

    def front(self) -> tuple[Array, Array]:
        """All Pareto-optimal networks, the first row of each class, and their scored values; read-only."""
        return self._front

    @cached_property
    def _front(self) -> tuple[Array, Array]:
        _, first = np.unique(self.space.key(self.space.all()), return_index=True)
        best = np.sort(first[nondominated(self.scored[first])])
        X, F = self.space.at(best), self.scored[best]
        X.flags.writeable = F.flags.writeable = False
        return X, F

    def decode(self, X: Array) -> list[str]:
        """Each operation with the node it reads, ``gcn<-0 gin<-1 skip<-1 fc<-2``: node 0 is the input."""
        genes = np.asarray(X).tolist()
        return [
            " ".join(f"{self.operations[op]}<-{source}" for op, source in zip(ops, LINKS[links], strict=True))
            for links, *ops in genes
        ]

    def graph(self, x: Array) -> list[tuple[str, str, str]]:
        """Which node reads which, for one architecture, (5,); nodes that nobody reads make the output."""
        links, *ops = np.asarray(x).tolist()
        names = ["input", *(f"{i} {self.operations[op]}" for i, op in enumerate(ops, start=1))]
        edges = [(names[source], names[node], "") for node, source in enumerate(LINKS[links], start=1)]
        return edges + [(names[node], "output", "") for node in range(1, 5) if node not in LINKS[links]]


def problem(
    *, dataset: Dataset = "cora", objectives: Annotated[tuple[str, ...], Len(2)] = ("error", "latency", "params")
) -> NASBenchGraph:
    """NAS-Bench-Graph on one dataset, with two or three objectives.

    Parameters
    ----------
    dataset
        The graph that the networks were trained on.
    objectives
        Two or three of ``error`` (%), ``latency`` (s) and ``params`` (M), all minimised; each with a limit perhaps,
        ``latency<=0.01``.

    Raises
    ------
    ValueError
        The package `nas_bench_graph` is missing or its file is not the one of its version 1.4, or an objective is
        unknown or named twice, or has a limit of another form.
    """
    chosen = parse_objectives(objectives, {name: objective for name, (objective, _, _) in _OBJECTIVES.items()})
    operations = PROTEINS if dataset == "proteins" else OPERATIONS
    table, answers = _load(dataset, operations)
    columns = dict(zip(_FIELDS, table.T, strict=True))
    for name in ("valid_perf", "perf"):
        columns[name] = 100 * (1 - columns[name])
    space = Space(
        (len(LINKS), *(len(operations),) * 4),
        ("structure", "op1", "op2", "op3", "op4"),
        classes=functools.partial(_class, (len(LINKS), *(len(operations),) * 4), answers),
        values=(LINKS, *(operations,) * 4),
    )
    return NASBenchGraph(
        space,
        chosen,
        operations,
        np.column_stack([columns[_OBJECTIVES[objective.name][1]] for objective in chosen]),
        np.column_stack([columns[_OBJECTIVES[objective.name][2]] for objective in chosen]),
    )


def _class(shape: tuple[int, ...], answers: Array, X: Array) -> Array:
    """The network that each of (n, 5) rows stands for, (n,); `answers` has it for every row of the grid."""
    found: Array = answers[np.ravel_multi_index(tuple(X.T), shape)]
    return found


_FIELDS = ("valid_perf", "perf", "latency", "para")
_CACHE_VERSION = 1
_CURE = "`pip install --force-reinstall nas_bench_graph==1.4.0`"


def _load(dataset: str, operations: tuple[str, ...]) -> tuple[Array, Array]:
    """Read a dataset as `_read` does, from a table in the data folder where one was left by an earlier call."""
    path = _locate(dataset)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror}); {_CURE}") from None
    digest = hashlib.sha256(content).hexdigest()
    cache = data_folder() / "cache" / f"nasbench_graph-{dataset}-{_CACHE_VERSION}-{digest[:16]}.npz"
    with contextlib.suppress(OSError, ValueError, KeyError):  # no table, or a damaged one: it is made again
        cached = load_table(cache)
        return cached["table"], cached["answers"]
    table, answers = _read(content, path, _rows(operations))
    columns = {"table": Column(table), "answers": Column(answers)}
    with contextlib.suppress(OSError):  # a folder that cannot be written costs time, not the answer
        save_table(cache, Table(columns, {"source": path.name, "sha256": digest}))
    return table, answers


def _locate(dataset: str) -> Path:
    spec = importlib.util.find_spec("nas_bench_graph")
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(
            f"nasbench_graph: dataset {dataset!r} comes with the package nas_bench_graph, which is not installed; "
            "`pip install nas_bench_graph`"
        )
    return Path(spec.submodule_search_locations[0]) / "light" / f"{dataset}.bench"


def _rows(operations: tuple[str, ...]) -> Array:
    """Every row of the space as structure and positions in `OPERATIONS`, in lexicographic order; shape (n, 5)."""
    codes = np.array([OPERATIONS.index(name) for name in operations])
    grid = np.indices((len(LINKS), *(len(codes),) * 4)).reshape(5, -1).T
    return np.column_stack([grid[:, 0], codes[grid[:, 1:]]])


def _read(content: bytes, path: Path, rows: Array) -> tuple[Array, Array]:
    """Read a file of the package.

    Parameters
    ----------
    content : bytes
        A pickled dict: the decimal digits of a row to the mapping of its `_FIELDS`, one entry a network.
    path : Path
        Where it comes from, for messages.
    rows : Array
        (n, 5) rows of `_rows`.

    Returns
    -------
    table, answers : Array
        (n, 4) values of each row, and its network: a position in the file, (n,) int64.
    """
    try:
        bench = load_pickle(content)
        keys = np.fromiter(bench, dtype=np.int64)
        table = np.array([tuple(map(entry.__getitem__, _FIELDS)) for entry in bench.values()], dtype=np.float64)
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError) as error:
        raise ValueError(f"{path}: not a table of nas_bench_graph ({error}); {_CURE}") from None
    numbers = rows @ 10 ** np.arange(4, -1, -1)
    if len(keys) == 0 or not np.isin(keys, numbers).all() or not np.isfinite(table).all():
        raise ValueError(f"{path}: not a table of nas_bench_graph (unknown architectures, or no number); {_CURE}")
    position = np.full(10**5, -1)
    position[keys] = np.arange(len(keys))
    _, networks = np.unique(_networks(rows), return_inverse=True)
    answer = np.full(networks.max() + 1, -1)
    known = position[numbers] >= 0
    answer[networks[known]] = position[numbers[known]]
    answers: Array = answer[networks]
    if len(keys) != len(answer) or (answers < 0).any():
        raise ValueError(f"{path}: {len(keys)} networks, expected {len(answer)}; {_CURE}")
    return table[answers], answers


def _networks(rows: Array) -> Array:
    """Name the network of each (n, 5) row by 64 bits, so that isomorphic rows, and only those, share a name.

    A node's name is a hash of its operation and of the sum of its readers' names, hence their order does not matter.
    A skip hands its readers to the node that it reads. A skip that nobody reads is an output of its own, beside others:
    it is dropped where it is the only reader of its node, and where it would be a bare copy of the input. Four skips
    are no network at all; the benchmark has no entry for them, and they are taken for a single fully connected layer.
    """
    names = np.empty(len(rows), dtype=np.uint64)
    for structure, links in enumerate(LINKS):
        chosen = rows[:, 0] == structure
        ops = rows[chosen, 1:].astype(np.uint64)
        at_input = [np.ones(len(ops), dtype=bool)]
        for node, source in enumerate(links, start=1):
            at_input.append(at_input[source] & (ops[:, node - 1] == SKIP))
        readers = [np.zeros(len(ops), dtype=np.uint64) for _ in range(5)]
        for node in (4, 3, 2, 1):
            source, op = links[node - 1], ops[:, node - 1]
            below = np.where(readers[node] == _LONE_SKIP, 0, readers[node])
            passed = np.where((below == 0) & ~at_input[node], _LONE_SKIP, below)
            readers[source] += np.where(op == SKIP, passed, _hash(op, below))
        names[chosen] = np.where(readers[0] == 0, _LONE_FC, readers[0])
    return names


def _hash(op: Array, below: Array) -> Array:
    """Mix operations and the sums of their readers' names: the finaliser of splitmix64 (Steele et al. 2014)."""
    x = below + (op + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Array = x ^ (x >> np.uint64(31))
    return mixed


_LONE_FC, _LONE_SKIP = _hash(np.array([FC, SKIP], dtype=np.uint64), np.zeros(2, dtype=np.uint64))
