"""The NAS-Bench-201 cell space: its genotypes, which of them are the same network, and what they cost."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from mobench import Array

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2))
"""(target node, source node) of the six genes; node 0 is the cell's input and node 3 its output."""
EDGE_NAMES = tuple(f"{target}<-{source}" for target, source in EDGES)
CHOICES = (OPERATIONS,) * len(EDGES)
"""The operations of each edge."""

Terms = tuple[int, ...]
"""The value of a node: the numbers of its summands, sorted where they are complete; 0 is the cell's input."""
Numbers = dict[tuple[int, bool, Terms], int]
"""An operation, whether it is a convolution that is used twice, and its argument -> the number of this term."""

NONE, SKIP, CONV1, CONV3, POOL = range(5)
_EDGE_OF = {edge: i for i, edge in enumerate(EDGES)}
_PLACES = len(OPERATIONS) ** np.arange(len(EDGES) - 1, -1, -1)
_STRING = re.compile(r"\|(\w+)~0\|\+\|(\w+)~0\|(\w+)~1\|\+\|(\w+)~0\|(\w+)~1\|(\w+)~2\|")


@dataclass(frozen=True)
class Skeleton:
    """The network around the cell: stem, `stages` of `cells` cells with doubling width, residual blocks, classifier.

    Attributes
    ----------
    inputs, size : int
        Channels and height (= width) of an image, in pixels; `size` is halved between stages.
    classes : int
        Outputs of the classifier.
    channels : int
        Width of the stem and of the first stage.
    cells, stages : int
        Cells in a stage, and stages.

    Source: Dong and Yang, NAS-Bench-201, ICLR 2020, figure 1.
    """

    inputs: int = 3
    size: int = 32
    classes: int = 10
    channels: int = 16
    cells: int = 5
    stages: int = 3


CIFAR10 = Skeleton()
CIFAR100 = Skeleton(classes=100)
IMAGENET16 = Skeleton(size=16, classes=120)


def to_strings(X: Array) -> list[str]:
    """Write genotypes as NAS-Bench-201 strings.

    Parameters
    ----------
    X : (n, 6) int array
        Positions in `OPERATIONS`, one column for each of `EDGES`.

    Returns
    -------
    list of n strings such as ``|none~0|+|none~0|none~1|+|none~0|none~1|none~2|``.
    """
    names = np.array(OPERATIONS)[np.asarray(X)]
    return ["|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*row) for row in names]


def from_strings(strings: list[str]) -> Array:
    """Read NAS-Bench-201 strings.

    Returns
    -------
    (n, 6) int64 array, the inverse of `to_strings`.

    Raises
    ------
    ValueError
        If a string has another form or an unknown operation; the message names it.
    """
    X = np.empty((len(strings), len(EDGES)), dtype=np.int64)
    codes = {name: code for code, name in enumerate(OPERATIONS)}
    for i, string in enumerate(strings):
        match = _STRING.fullmatch(string)
        if match is None:
            raise ValueError(f"strings[{i}]: expected '|op~0|+|op~0|op~1|+|op~0|op~1|op~2|', found {string!r}")
        unknown = [name for name in match.groups() if name not in codes]
        if unknown:
            raise ValueError(
                f"strings[{i}]: unknown operation {unknown[0]!r} in {string!r}; known are {', '.join(OPERATIONS)}"
            )
        X[i] = [codes[name] for name in match.groups()]
    return X


def graph(x: Array) -> list[tuple[str, str, str]]:
    """The live edges of one genotype, (6,): source and target node, and the operation between them."""
    names = ("input", "1", "2", "output")
    genes = live(np.asarray(x)[None])[0].tolist()
    return [
        (names[source], names[target], OPERATIONS[op])
        for (target, source), op in zip(EDGES, genes, strict=True)
        if op != NONE
    ]


def index(X: Array) -> Array:
    """Rows of `all_cells` that hold the (n, 6) genotypes `X`: an (n,) int64 array."""
    return np.asarray(X, dtype=np.int64) @ _PLACES


def all_cells() -> Array:
    """All genotypes in lexicographic order, the first edge most significant: a (15625, 6) int64 array."""
    rows = np.arange(len(OPERATIONS) ** len(EDGES))
    return rows[:, None] // _PLACES % len(OPERATIONS)


def live(X: Array) -> Array:
    """Remove dead edges: those that the input does not reach or that do not reach the output become `none`.

    Parameters
    ----------
    X : (n, 6) int array

    Returns
    -------
    (n, 6) int64 array of the same networks; `live(live(X))` equals `live(X)`.
    """
    X = np.array(X, dtype=np.int64)
    reached = np.zeros((len(X), 4), dtype=bool)
    reached[:, 0] = True
    for e, (target, source) in enumerate(EDGES):
        reached[:, target] |= reached[:, source] & (X[:, e] != NONE)
    useful = np.zeros((len(X), 4), dtype=bool)
    useful[:, 3] = True
    for e, (target, source) in reversed(list(enumerate(EDGES))):
        useful[:, source] |= useful[:, target] & (X[:, e] != NONE)
    for e, (target, source) in enumerate(EDGES):
        X[~(reached[:, source] & useful[:, target]), e] = NONE
    return X


@cache
def isomorphism_classes() -> Array:
    """Classes of NATS-Bench's string canonicalisation, 6,466 of them.

    Two cells share a class when they spell the same expression after skips are contracted and zeros propagated; terms
    of a sum are sorted, zeros are kept as terms, and two convolutions of one expression have one name.

    Returns
    -------
    (15625,) int64 array, read-only: for each row of `all_cells` the row of its class's first member.

    Source: `Structure.to_unique_str(consider_zero=True)` in D-X-Y/AutoDL-Projects.
    """
    return _first_members([_unique_string(row) for row in all_cells().tolist()])


def _unique_string(genes: list[int]) -> str:
    """Write the string of `to_unique_str` for one genotype."""
    nodes = ["0"]
    for target in (1, 2, 3):
        terms = []
        for source in range(target):
            op, x = genes[_EDGE_OF[target, source]], nodes[source]
            terms.append("#" if op == NONE or x == "#" else x if op == SKIP else f"({x})@{OPERATIONS[op]}")
        nodes.append("+".join(sorted(terms)))
    return nodes[3]


@cache
def functional_classes() -> Array:
    """Classes of cells that are the same network, 5,260 of them.

    Dead edges are removed, skips contracted into sums without order, and equal poolings of equal values merged, while
    each convolution keeps its identity: a convolution used twice is not two convolutions. Only the convolution into
    node 1 can be used twice, because only node 1 has two readers whose results may meet again. That the pooling of a
    sum is the sum of poolings is not used (it would leave 5,044 classes).

    Returns
    -------
    (15625,) int64 array, read-only: for each row of `all_cells` the row of its class's first member, the
    representative. The representative has no dead edge.
    """
    numbers: Numbers = {}
    return _first_members([_value(row, numbers) for row in live(all_cells()).tolist()])


def _value(genes: list[int], numbers: Numbers) -> Terms:
    """Give the output of one live genotype as a sorted tuple of terms; equal tuples are equal networks."""
    e10, e20, e21, e30, e31, e32 = genes
    x: Terms = (0,)
    twice = bool(e31 and e21 and e32)
    node1 = _term(e10, x, numbers, twice)
    node2 = tuple(sorted(_term(e20, x, numbers) + _term(e21, node1, numbers)))
    return tuple(sorted(_term(e30, x, numbers) + _term(e31, node1, numbers) + _term(e32, node2, numbers)))


def _term(op: int, value: Terms, numbers: Numbers, twice: bool = False) -> Terms:
    """Apply an operation to a sum of terms, as terms; a new term gets the next number."""
    if op == NONE or not value:
        return ()
    if op == SKIP:
        return value
    return (numbers.setdefault((op, twice and op != POOL, value), len(numbers) + 1),)


def _first_members(keys: list[Any]) -> Array:
    """Map equal keys to the position of the first of them: a read-only (n,) int64 array."""
    first: dict[Any, int] = {}
    classes = np.array([first.setdefault(key, i) for i, key in enumerate(keys)], dtype=np.int64)
    classes.flags.writeable = False
    return classes


def flops(X: Array, *, skeleton: Skeleton = CIFAR10) -> Array:
    """Count the multiply-adds of one forward pass: convolutions and the classifier with its bias, nothing else.

    Convolutions on dead edges count, as they do in NAS-Bench-201; pass `live(X)` to leave them out.

    Parameters
    ----------
    X : (n, 6) int array

    Returns
    -------
    (n,) int64 array, in multiply-adds an image.
    """
    return _cost(X, skeleton, weights=False)


def params(X: Array, *, skeleton: Skeleton = CIFAR10) -> Array:
    """Count the trained parameters: weights of convolutions, scale and shift of batch norms, the classifier.

    Parameters
    ----------
    X : (n, 6) int array

    Returns
    -------
    (n,) int64 array.
    """
    return _cost(X, skeleton, weights=True)


def _cost(X: Array, skeleton: Skeleton, *, weights: bool) -> Array:
    """Sum the parameters (`weights`) or the multiply-adds of the skeleton and of the (n, 6) cells `X`."""
    X = np.asarray(X)
    n1, n3 = (X == CONV1).sum(axis=1), (X == CONV3).sum(axis=1)

    def conv(kernel: int, inputs: int, outputs: int, pixels: int, norm: bool = True) -> int:
        macs = kernel * kernel * inputs * outputs
        return macs + 2 * outputs * norm if weights else macs * pixels

    c, pixels = skeleton.channels, skeleton.size**2
    total = conv(3, skeleton.inputs, c, pixels) + np.zeros(len(X), dtype=np.int64)
    for stage in range(skeleton.stages):
        if stage > 0:
            c, pixels = 2 * c, pixels // 4
            total += conv(3, c // 2, c, pixels) + conv(3, c, c, pixels) + conv(1, c // 2, c, pixels, norm=False)
        total += skeleton.cells * (n3 * conv(3, c, c, pixels) + n1 * conv(1, c, c, pixels))
    return total + (c + 1) * skeleton.classes + 2 * c * weights
