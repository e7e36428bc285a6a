"""Which code and which data a run is about: stated in its specification, and compared where it is carried out."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from mobench.core.capabilities import Fingerprinted, ProxiesFingerprinted
from mobench.core.problem import Problem
from mobench.files.reading import read_file
from mobench.harness.spec import IDENTITY, RunSpec
from mobench.plugins.catalogue import find
from mobench.plugins.sources import Sources

__all__ = ["data_of", "files_at_hand", "files_of", "identified", "proxies_data_of", "strangers", "subjects"]


def subjects(spec: RunSpec) -> dict[str, str]:
    """Entry of a specification to what it is about, as records of campaigns name it."""
    about: tuple[str, ...] = (f"searcher {spec.searcher}", f"problem {spec.problem}", f"data {spec.problem_label}")
    about += (f"file of {spec.searcher_label}",)
    return dict(zip(IDENTITY, about, strict=True))


def data_of(problem: Problem) -> str:
    """Checksum of the data that a problem answers from, and the limits by which it is scored; empty if it says none.

    A file may change its limits as it may change its data: numbers from other ones do not mix.
    """
    if not isinstance(problem, Fingerprinted):
        return ""
    bounds = " and ".join(objective.bound for objective in problem.objectives if objective.limit is not None)
    return f"{problem.fingerprint} within {bounds}" if bounds else problem.fingerprint


def proxies_data_of(problem: Problem) -> str:
    """Checksum of the data that a problem's proxies come from; empty if it says none."""
    return problem.proxies_fingerprint if isinstance(problem, ProxiesFingerprinted) else ""


def files_of(spec: RunSpec, sources: Sources) -> str:
    """Checksum of what the files hold that the searcher's options name (paths of folders are not looked at).

    Raises
    ------
    ValueError
        There is no such file, or it cannot be read.
    """
    texts = {name: value for name, value in sorted(spec.searcher_options.items()) if isinstance(value, str | Path)}
    if not texts:
        return ""
    options, total = find("searcher", spec.searcher, sources).options, hashlib.sha256()
    named = {name: Path(value) for name, value in texts.items() if name in options and options[name].names_file}
    files = {name: path for name, path in named.items() if not path.is_dir()}
    for name, path in files.items():
        try:
            total.update(f"{name} {hashlib.sha256(read_file(path)).hexdigest()}\n".encode())
        except OSError as error:
            raise ValueError(f"searcher {spec.searcher!r}: option {name!r}: {path}: {error.strerror}") from None
    return f"sha256:{total.hexdigest()[:16]}" if files else ""


def files_at_hand(spec: RunSpec, sources: Sources) -> bool:
    """Whether the files that the searcher's options name hold here what the specification states."""
    try:
        return files_of(spec, sources) == spec.files
    except ValueError:
        return False


def identified(spec: RunSpec, problem: Problem, sources: Sources) -> RunSpec:
    """The same specification, with the code and the data that are at hand here."""
    return replace(
        spec,
        searcher_code=sources.code("searcher", spec.searcher),
        problem_code=sources.code("problem", spec.problem),
        data=data_of(problem),
        files=files_of(spec, sources),
    )


def strangers(spec: RunSpec, problem: Problem, sources: Sources) -> str:
    """What of the code and the data that a specification states is another here, with both; empty where nothing is."""
    here = identified(spec, problem, sources)
    stated = {name: value for name in IDENTITY if (value := getattr(spec, name))}
    return "; ".join(
        f"{name.replace('_', ' ')} is {getattr(here, name) or 'none'}, expected {value}"
        for name, value in stated.items()
        if getattr(here, name) != value
    )
