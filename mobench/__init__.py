"""mobench: multi-objective neural architecture search, measured honestly.

One harness runs black-box, gradient-based and bilevel searchers on tabular and live problems under one cost ledger.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mobench.adapters import as_pymoo as as_pymoo
    from mobench.budget import BudgetExhausted as BudgetExhausted
    from mobench.budget import Cost as Cost
    from mobench.campaign import Campaign as Campaign
    from mobench.campaign import make_campaign as make_campaign
    from mobench.campaign import read_campaign as read_campaign
    from mobench.capabilities import Decodable as Decodable
    from mobench.capabilities import Drawable as Drawable
    from mobench.capabilities import Enumerable as Enumerable
    from mobench.capabilities import Fingerprinted as Fingerprinted
    from mobench.capabilities import MultiFidelity as MultiFidelity
    from mobench.capabilities import Network as Network
    from mobench.capabilities import Published as Published
    from mobench.capabilities import Supernet as Supernet
    from mobench.data import Column as Column
    from mobench.data import Table as Table
    from mobench.data import data_folder as data_folder
    from mobench.data import fingerprint as fingerprint
    from mobench.data import load_table as load_table
    from mobench.data import save_table as save_table
    from mobench.doors import Run as Run
    from mobench.engine import run_campaign as run_campaign
    from mobench.fronts import nondominated as nondominated
    from mobench.history import History as History
    from mobench.pickles import load_pickle as load_pickle
    from mobench.plugins import make_problem as make_problem
    from mobench.plugins import nearest as nearest
    from mobench.problem import Array as Array
    from mobench.problem import Objective as Objective
    from mobench.problem import Problem as Problem
    from mobench.problem import Space as Space
    from mobench.problem import Values as Values
    from mobench.problem import minimised as minimised
    from mobench.progress import Progress as Progress
    from mobench.report import write_report as write_report
    from mobench.result import Result as Result
    from mobench.result import load as load
    from mobench.result import run as run
    from mobench.sources import use_plugins as use_plugins

__version__ = "0.1.0"

_HOMES = {
    "adapters": ("as_pymoo",),
    "budget": ("BudgetExhausted", "Cost"),
    "campaign": ("Campaign", "make_campaign", "read_campaign"),
    "capabilities": (
        "Decodable",
        "Drawable",
        "Enumerable",
        "Fingerprinted",
        "MultiFidelity",
        "Network",
        "Published",
        "Supernet",
    ),
    "data": ("Column", "Table", "data_folder", "fingerprint", "load_table", "save_table"),
    "doors": ("Run",),
    "engine": ("run_campaign",),
    "fronts": ("nondominated",),
    "history": ("History",),
    "pickles": ("load_pickle",),
    "plugins": ("make_problem", "nearest"),
    "problem": (
        "Array",
        "Objective",
        "Problem",
        "Space",
        "Values",
        "minimised",
    ),
    "progress": ("Progress",),
    "report": ("write_report",),
    "result": ("Result", "load", "run"),
    "sources": ("use_plugins",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is first asked for: ``import mobench`` itself loads nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'mobench' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"mobench.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
