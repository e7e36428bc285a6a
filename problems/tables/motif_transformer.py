"""motif_transformer: all small vision transformers of three layers, really trained on generated images.

5,832 genotypes, 4,136 networks: the live space with known truth beside `motif` and `motif_chain`. How it was made and
what it is like: `docs/problems/tables/motif_transformer.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from annotated_types import Gt

from mobench import ElasticNetwork
from mobench.problems._images.motif_transformer import TEST, TRAIN, VALID
from mobench.problems._trained.problem import Trained, Training, trained_problem
from mobench.problems._transformer.space import NAMES, VALUES, all_networks, flops, key, to_strings
from mobench.problems._transformer.table import EPOCHS, LOOKS, costs_of, load

Count = Annotated[int, Gt(0)]


def problem(*, objectives: tuple[str, ...] = ("error", "flops"), batch: Count = 64) -> Trained:
    """motif_transformer with objectives of your choice, all minimised.

    Parameters
    ----------
    objectives
        Any of ``error`` (%; validation is seen, test is scored), ``flops`` (M multiply-adds an image), ``params`` (k),
        ``latency:cpu_b1`` and ``latency:cpu_b64`` (ms, sums over parts fitted to measured networks); each with a limit
        perhaps, ``params<=10``.
    batch
        Images in a batch of the live supernet.

    Raises
    ------
    ValueError
        An unknown objective or one named twice, a limit of another form, or a damaged table.
    """
    table = load()
    return trained_problem(_made(), table, costs_of(table), objectives, batch)


def _made() -> Training:
    return Training(
        names=NAMES,
        values=VALUES,
        networks=all_networks(),
        key=key,
        decode=to_strings,
        flops=flops,
        images=(TRAIN, VALID, TEST),
        epochs=EPOCHS,
        looks=LOOKS,
        look="half epochs",
        open_supernet=_open_supernet,
    )


def _open_supernet(costs: Sequence[Any], *, charge: Callable[[float], None], seed: int, batch: int) -> ElasticNetwork:
    from mobench.problems._transformer.supernet import open_supernet  # torch only where it is needed

    return open_supernet(costs, charge=charge, seed=seed, batch=batch)
