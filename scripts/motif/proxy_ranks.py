"""Print how Motif's zero-cost proxies rank its networks (docs/problems/tables/motif.md): means over their seeds.

python scripts/motif/proxy_ranks.py
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
from scipy.stats import kendalltau, rankdata, spearmanr

from mobench import Array, make_problem
from mobench.live.proxies import NAMES
from mobench.problems._cells.space import functional_classes
from mobench.problems._motif.table import proxies_table, true_errors

HEADER = ("proxy", "accuracy", "tau", "multiply-adds", "accuracy given multiply-adds", "best tenth", "another seed")


def spearman(a: Array, b: Array) -> float:
    """Rank correlation."""
    return float(spearmanr(a, b).statistic)


def given(a: Array, b: Array, c: Array) -> float:
    """Partial correlation of the ranks of a and b, once those of c are known."""
    known = np.column_stack([np.ones(len(c)), rankdata(c)])
    rest = [(ranks := rankdata(v)) - known @ np.linalg.lstsq(known, ranks, rcond=None)[0] for v in (a, b)]
    return float(np.corrcoef(*rest)[0, 1])


def rows() -> Iterator[tuple[str, list[float]]]:
    """A proxy, and a number a column of `HEADER`; not a number where it means nothing."""
    first = np.unique(functional_classes())
    accuracy = -true_errors()[first]
    problem = make_problem("motif", {"objectives": ("error", "flops")})
    macs = np.asarray(problem.proxies(problem.space.all()[first], names=("flops",)).F)[:, 0]
    best = accuracy >= np.quantile(accuracy, 0.9)
    told: list[Callable[[Array], float]] = [
        lambda s: spearman(s, accuracy),
        lambda s: float(kendalltau(s, accuracy).statistic),
        lambda s: spearman(s, macs),
        lambda s: given(s, accuracy, macs),
        lambda s: spearman(s[best], accuracy[best]),
    ]
    yield "flops", [*(np.nan if i == 3 else tell(macs) for i, tell in enumerate(told)), np.nan]
    table = proxies_table()
    for name in NAMES:
        seeds = [table[column] for column in table.columns if column.startswith(f"{name}:")]
        others = [spearman(a, b) for a, b in itertools.combinations(seeds, 2)]
        yield name, [*(float(np.mean([tell(s) for s in seeds])) for tell in told), float(np.mean(others or [np.nan]))]


def main() -> None:
    """Print the page's table, the highest rank correlation first."""
    print(f"| {' | '.join(HEADER)} |")
    print("|---" * len(HEADER) + "|")
    for name, numbers in sorted(rows(), key=lambda row: -row[1][0]):
        print(f"| `{name}` | {' | '.join('' if np.isnan(x) else f'{x:.2f}' for x in numbers)} |")


if __name__ == "__main__":
    main()
