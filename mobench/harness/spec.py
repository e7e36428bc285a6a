"""The documents of a run's folder: its specification, and what its end says at least."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from mobench.core.budget import Cost, parse_budget
from mobench.files.documents import FORMAT, read_document
from mobench.files.names import slug
from mobench.harness.clock import whole_workers
from mobench.plugins.references import describe, versioned

END: Mapping[str, type] = {"reason": str, "spent": dict, "versions": dict, "host": dict}
"""What ``end.json`` holds at least."""

IDENTITY = ("searcher_code", "problem_code", "data", "files")
"""Entries of a specification that say which code and data it is about; left out where there is nothing to say."""


@dataclass(frozen=True)
class RunSpec:
    """Everything that decides the outcome of a run, and nothing else.

    Attributes
    ----------
    problem, searcher : str
        Names of plugins.
    seed : int
        The one number from which all of the run's randomness derives.
    budget : mapping
        See `mobench.core.budget.parse_budget`.
    problem_options, searcher_options : mapping
        Options as given; what is left out takes the plugin's default.
    searcher_code, problem_code : str
        Which version of them, as `mobench.plugins.sources.Sources.code` says it; empty for what mobench brings along.
    data : str
        Checksum of the data that the problem answers from; empty where it has none.
    files : str
        Checksum of what the files hold that the searcher's options name; empty where they name none.
    simulated_workers : int
        How many trainings run at a time on a simulated clock (`mobench.harness.clock`); 0 where the run has none.
    """

    problem: str
    searcher: str
    seed: int
    budget: Mapping[str, float]
    problem_options: Mapping[str, Any] = field(default_factory=dict)
    searcher_options: Mapping[str, Any] = field(default_factory=dict)
    searcher_code: str = ""
    problem_code: str = ""
    data: str = ""
    files: str = ""
    simulated_workers: int = 0

    @functools.cached_property
    def problem_label(self) -> str:
        """The problem with its options, as tables and figures name it."""
        return describe(self.problem, self.problem_options)

    @functools.cached_property
    def searcher_label(self) -> str:
        """The searcher with its version and its options, as tables and figures name it."""
        return describe(versioned(self.searcher, self.searcher_code), self.searcher_options)

    @property
    def document(self) -> dict[str, Any]:
        """The specification as it is written to ``spec.json``."""
        names = ("problem", "problem_options", "searcher", "searcher_options", "seed", "budget")
        identity = {name: value for name in IDENTITY if (value := getattr(self, name))}
        clocked = {"simulated_workers": self.simulated_workers} if self.simulated_workers else {}
        return {"format": FORMAT} | {name: getattr(self, name) for name in names} | identity | clocked

    @property
    def id(self) -> str:
        """Readable and unique: budget, seed and a hash of all that decides the outcome."""
        text = orjson.dumps(self.document, option=orjson.OPT_SORT_KEYS)
        budget = "-".join(f"{amount:g}{axis}" for axis, amount in sorted(self.budget.items()))
        return f"{budget}-seed{self.seed}-{hashlib.sha256(text).hexdigest()[:8]}"

    @property
    def folder(self) -> Path:
        """Where the run lives, relative to its campaign's ``runs`` folder."""
        return Path(slug(self.problem_label), slug(self.searcher_label), self.id)


def read_spec(path: Path) -> RunSpec:
    """Read a run's ``spec.json``; whether its plugins are at hand is not asked.

    Raises
    ------
    ValueError
        The file is damaged, or of another format.
    """
    kinds = {"problem": str, "searcher": str, "seed": int, "problem_options": dict, "searcher_options": dict}
    entries = read_document(path, kinds | {"budget": dict})
    try:
        spec = RunSpec(**{key: value for key, value in entries.items() if key != "format"})
        if not all(isinstance(getattr(spec, name), str) for name in IDENTITY):
            raise TypeError(f"{', '.join(IDENTITY)} are texts")
        if "simulated_workers" in entries:
            whole_workers(spec.simulated_workers)
        parse_budget(spec.budget, Cost(1, 1, 1, 1), workers=spec.simulated_workers)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: not the specification of a run ({error})") from None
    return spec
