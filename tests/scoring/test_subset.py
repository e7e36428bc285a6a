"""The best few of a set: nested, and what adds the least leaves first."""

import numpy as np
import pytest

from mobench.core.indicators import hypervolume
from mobench.scoring.subset import largest


def one_by_one(N, k, reference):
    """From the whole set each time, who leaves most of it behind leaves."""
    rows = list(range(len(N)))
    while len(rows) > k:
        without = [hypervolume(N[[r for r in rows if r != row]], reference) for row in rows]
        rows.pop(int(np.argmax(without)))
    return rows


@pytest.mark.parametrize("m", [2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_each_size_is_what_the_whole_set_would_be_cut_to(seed, m):
    N = np.random.default_rng(seed).random((14, m))
    found = largest(N, (3, 10, 5, 20), 1.1)
    assert {k: rows.tolist() for k, rows in found.items()} == {k: one_by_one(N, k, 1.1) for k in (3, 5, 10, 20)}
