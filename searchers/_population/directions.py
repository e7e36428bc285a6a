"""Weights of objectives on a lattice of the simplex, for searchers that divide a front among directions."""

from __future__ import annotations

import itertools
import math

from mobench import Array, simplex_lattice


def directions(m: int, population: int) -> Array:
    """The lattice of weights on the simplex (Das and Dennis 1998) whose size is nearest to `population`; shape (k, m).

    With p partitions it has C(p + m - 1, m - 1) points. For one objective there are two weights of it shown twice.
    """
    m = max(m, 2)
    sizes = ((p, math.comb(p + m - 1, m - 1)) for p in itertools.count(1))
    near = itertools.takewhile(lambda size: size[1] < 4 * population + 4 * m, sizes)
    partitions = min(near, key=lambda size: abs(size[1] - population))[0]
    return simplex_lattice(m, partitions)


def twice(F: Array) -> Array:
    """(n, m) values; of a single objective (n, 2), twice the same column: a front of one point, and weights for two."""
    return F[:, [0, 0]] if F.shape[1] == 1 else F
