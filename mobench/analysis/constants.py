"""What the numbers of a study rest on: ideal, nadir, reference and volume of each problem, as one document."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pandas as pd

from mobench.files.writing import written_whole
from mobench.plugins.catalogue import make_problem
from mobench.scoring.contract import Contract, contract_for

__all__ = ["CONTRACT_FILE", "constants_table", "contract_document", "contracts_of", "write_contract"]

CONTRACT_FILE = "contract.json"


def contracts_of(problems: Mapping[str, tuple[str, Mapping[str, Any]]], contract: str) -> dict[str, Contract]:
    """The contract of each problem by its label.

    Parameters
    ----------
    problems : mapping
        Label to name and options.
    contract : str
        A key of `mobench.scoring.contracts.CONTRACTS`.

    Raises
    ------
    ValueError
        A problem lacks what the contract needs.
    """
    return {label: contract_for(make_problem(*given), contract) for label, given in problems.items()}


def contract_document(contracts: dict[str, Contract]) -> tuple[bytes, str]:
    """The constants of each problem as JSON, sorted by key, and its SHA-256: equal constants give equal bytes."""
    options = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    text = orjson.dumps({label: dict(contract.constants) for label, contract in contracts.items()}, option=options)
    return text, hashlib.sha256(text).hexdigest()


def write_contract(contracts: dict[str, Contract], folder: Path, *, below: Path | None = None) -> Path:
    """Write the document into a folder (`below` as in `mobench.files.writing.written_whole`); its path."""
    path = folder / CONTRACT_FILE
    with written_whole(path, below=below or folder) as file:
        file.write(contract_document(contracts)[0])
    return path


def constants_table(contracts: dict[str, Contract]) -> pd.DataFrame:
    """A row an objective of each problem: problem, objective, ideal, nadir, logarithm, reference, volume, limit if any.

    A limit is in natural units, and has its direction.
    """
    rows = [
        (label, o.label, ideal, ideal + span, o.scale == "log", contract.reference, contract.volume, o.bound)
        for label, contract in contracts.items()
        for o, ideal, span in zip(contract.objectives, contract.ideal, contract.span, strict=True)
    ]
    columns = ["problem", "objective", "ideal", "nadir", "logarithm", "reference", "volume", "limit"]
    table = pd.DataFrame(rows, columns=columns)
    return table if (table["limit"] != "").any() else table.drop(columns="limit")
