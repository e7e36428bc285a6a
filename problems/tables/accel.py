"""Accel-NASBench: 5,125 MnasNet-like networks on ImageNet; error, and throughput measured on GPUs, TPUs and FPGAs.

Ahmad, Du, Xie and Zhang, DAC 2024. The table is inside the package.
"""

from __future__ import annotations

from mobench.problems._embedded.accel_networks import networks, offers
from mobench.problems._embedded.tables import embedded
from mobench.problems._table.problem import TableProblem, chosen


def problem(*, objectives: tuple[str, ...] = ("error", "throughput:a100")) -> TableProblem:
    """Accel-NASBench with objectives of your choice, on the networks that have all of them.

    Parameters
    ----------
    objectives
        Any of ``error`` (%, minimised; one training), ``throughput:a100``, ``throughput:rtx3090``,
        ``throughput:tpuv2``, ``throughput:tpuv3``, ``throughput:zcu102``, ``throughput:vck190`` (images/s, maximised),
        ``latency:zcu102``, ``latency:vck190`` (ms), ``macs`` (M) and ``params`` (M), minimised; each with
        a limit perhaps, ``params<=4`` or ``throughput:a100>=10000``.

    Raises
    ------
    ValueError
        An unknown objective or one named twice.
    """
    return networks(chosen(offers(embedded("accel")), objectives))
