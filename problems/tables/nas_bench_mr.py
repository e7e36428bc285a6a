"""NAS-Bench-MR: 2,507 multi-resolution networks, each trained on eight tasks; errors of any of them, FLOPs, params.

Ding, Huo, Lu, Yang, Wang, Lu, Wang and Luo, ICLR 2022. The table is inside the package.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from mobench import Objective, Space
from mobench.problems._embedded.tables import embedded
from mobench.problems._embedded.values import exact, values
from mobench.problems._table.problem import Offer, TableProblem, chosen, genes_by_name, table_problem

TASKS = ("cls_50_1000", "cls_50_100", "cls_10_1000", "cls_10c", "seg", "seg_4x", "video", "video_p")
STAGES = range(1, 5)
GENES = (
    "input1",
    "input2",
    *(
        f"stage{stage}_{gene}"
        for stage in STAGES
        for gene in (
            "modules",
            *(f"units{branch}" for branch in range(1, stage + 1)),
            *(f"channels{branch}" for branch in range(1, stage + 1)),
        )
    ),
    "last",
)
"""Channels of the two input convolutions; of each stage, which has as many branches as its number, its modules, and
residual units and channels of each branch; channels of the last convolution."""


def problem(*, objectives: tuple[str, ...] = ("error:seg", "error:video")) -> TableProblem:
    """NAS-Bench-MR with objectives of your choice, all minimised.

    Parameters
    ----------
    objectives
        Any of ``error:<task>`` (%, one training), ``flops`` (G multiply-adds at 224 x 224 pixels) and ``params`` (M).
        Tasks are ``seg`` and ``seg_4x`` (100 - mIoU on Cityscapes), ``cls_50_1000``, ``cls_50_100``,
        ``cls_10_1000``, ``cls_10c`` (top-1, subsets of ImageNet), ``video`` and ``video_p`` (top-1, HMDB51). Each with
        a limit perhaps, ``flops<=2``.

    Raises
    ------
    ValueError
        An unknown objective or one named twice.
    """
    table = embedded("nas_bench_mr")
    offers = {f"error:{task}": Offer(Objective(f"error:{task}", "%"), 100.0 - values(table, task)) for task in TASKS}
    offers["flops"] = exact(Objective("flops", "G"), values(table, "flops"))
    offers["params"] = exact(Objective("params", "M"), values(table, "params") / 1e6)
    coded = [np.unique(gene, return_inverse=True) for gene in table["genes"].T]
    choices = [found.tolist() for found, _ in coded]
    return table_problem(
        Space(tuple(map(len, choices)), GENES, pool=np.column_stack([numbers for _, numbers in coded]), values=choices),
        chosen(offers, objectives),
        written=partial(genes_by_name, GENES, choices),
        provenance=f"{table.about['source']}, {table.about['licence']}",
    )
