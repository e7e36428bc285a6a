"""Monte Carlo tree search over genes in their order, by upper confidence bounds (UCT, Kocsis and Szepesvari 2006)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from annotated_types import Interval

from mobench import ArchitectureFile, Array, Run, Space, violation
from mobench.searchers._population import starts as _starts
from mobench.searchers._population.scalars import scaled


def search(
    run: Run,
    *,
    exploration: Annotated[float, Interval(ge=0, le=1000)] = 0.05,
    start: ArchitectureFile | None = None,
) -> None:
    """Go down the tree by bounds, complete the architecture by chance, and tell the nodes on the way what it is worth.

    A node is a choice of values for the first genes. Nodes keep the mean of the answers beneath them, objective by
    objective. Each descent draws weights, uniform on the simplex, and a mean is worth what they say of it, in units of
    the least and the greatest values seen; means beyond limits are worth less. The search ends when all is known.

    Parameters
    ----------
    run : Run
        The problem.
    exploration : float
        C_p of the bound, mean + 2 C_p sqrt(2 ln N / n), for values in [0, 1]: 0 is greedy. 0.05, ours, is half of
        LaNAS's: the tree has as many levels as there are genes. 0.7, right for one bandit, is hardly above chance.
    start : Path, optional
        A log or a CSV with architectures to begin with; they are paid for (docs/warm-start.md).
    """
    tree = _Tree(run)
    if start is not None:
        tree.ask(_starts.given(run, start))
    while tree.root.left.any():
        tree.ask(tree.descend(exploration)[None])


class _Node:
    """What is known beneath one choice of the first genes, a row for each value of the next.

    Attributes
    ----------
    left : Array
        (k,) architectures that are not known.
    visits, totals : Array
        (k,) answers, and (k, m + 1) sums of their values and of how far these are beyond limits.
    children : dict of int to _Node
        Those that were come to twice.
    """

    __slots__ = ("children", "left", "totals", "visits")

    def __init__(self, left: Array, m: int) -> None:
        self.left = left
        self.visits, self.totals = np.zeros(len(left)), np.zeros((len(left), m + 1))
        self.children: dict[int, _Node] = {}

    def bounds(self, worth: Array, exploration: float) -> Array:
        """Upper confidence bounds of the values that were tried, (k,); infinite where not, as of (k,) `worth`."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found = worth + 2 * exploration * np.sqrt(2 * math.log(max(self.visits.sum(), 1)) / self.visits)
        found[self.visits == 0] = np.inf
        found[self.left <= 0] = -np.inf
        return found


class _Tree:
    """Nodes, and the answers that they stand for."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._answers: dict[int, Array] = {}
        self._known: dict[tuple[int, ...], int] = {}
        m = len(run.objectives)
        self._low, self._high = np.full(m + 1, np.inf), np.full(m + 1, -np.inf)
        self._low[m] = 0.0
        self.root = self._node(())

    def _node(self, prefix: tuple[int, ...]) -> _Node:
        known = [self._known.get((*prefix, v), 0) for v in range(self._run.space.cardinalities[len(prefix)])]
        return _Node(sizes(self._run.space, prefix) - known, len(self._run.objectives))

    def descend(self, exploration: float) -> Array:
        """An architecture beneath the highest bounds, (d,), known perhaps where chance completed it."""
        run, node = self._run, self.root
        prefix: tuple[int, ...] = ()
        weights = np.append(run.rng.dirichlet(np.ones(len(run.objectives))), 1.0)
        while True:
            bounds = node.bounds(self._worth(node, weights), exploration)
            best = np.flatnonzero(bounds == bounds.max())
            value = int(best[int(run.rng.random() * len(best))])
            prefix = (*prefix, value)
            if not node.visits[value] or len(prefix) == len(run.space.cardinalities):
                return complete(run.rng, run.space, prefix)
            node = node.children.get(value) or node.children.setdefault(value, self._node(prefix))

    def _worth(self, node: _Node, weights: Array) -> Array:
        """What the means beneath a node are worth, (k,): at most 1, at least 0 within limits."""
        if not node.visits.any():
            return np.zeros(len(node.visits))
        means = node.totals / np.maximum(node.visits, 1)[:, None]
        found: Array = 1.0 - scaled(means, np.stack([self._low, self._high])) @ weights
        return found

    def ask(self, X: Array) -> None:
        """Answer (n, d) architectures, each one once, and tell the nodes above them."""
        keys = self._run.space.key(X).tolist()
        new = {key: i for i, key in reversed(list(enumerate(keys))) if key not in self._answers}
        rows = sorted(new.values())
        if rows:
            F = self._run.evaluate(X[rows])
            G = np.column_stack([F, violation(F, self._run.objectives)])
            self._low, self._high = np.minimum(self._low, G.min(axis=0)), np.maximum(self._high, G.max(axis=0))
            self._answers |= dict(zip([keys[i] for i in rows], G, strict=True))
        for x, key in zip(X.tolist(), keys, strict=True):
            self._tell(x, self._answers[key])

    def _tell(self, x: Sequence[int], answer: Array) -> None:
        first = tuple(x) not in self._known
        node: _Node | None = self.root
        for depth, value in enumerate(x, start=1):
            if first:
                self._known[tuple(x[:depth])] = self._known.get(tuple(x[:depth]), 0) + 1
            if node is not None:
                node.visits[value] += 1
                node.totals[value] += answer
                node.left[value] -= first
                node = node.children.get(value)


def sizes(space: Space, prefix: tuple[int, ...]) -> Array:
    """How many rows of the space begin with `prefix` and each value of the gene behind it; (k,) float."""
    j = len(prefix)
    if space.pool is None:
        return np.full(space.cardinalities[j], float(math.prod(space.cardinalities[j + 1 :])))
    rows = space.pool[(space.pool[:, :j] == prefix).all(axis=1)]
    return np.bincount(rows[:, j], minlength=space.cardinalities[j]).astype(np.float64)


def complete(rng: np.random.Generator, space: Space, prefix: tuple[int, ...]) -> Array:
    """A row that begins with `prefix`, (d,), any as likely."""
    j = len(prefix)
    if space.pool is None:
        x: Array = space.sample(rng, 1)[0]
        x[:j] = prefix
        return x
    rows = space.pool[(space.pool[:, :j] == prefix).all(axis=1)]
    row: Array = rows[int(rng.random() * len(rows))]
    return row
