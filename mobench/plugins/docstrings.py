"""What numpy docstrings say of parameters and attributes, each by its name."""

from __future__ import annotations

import inspect
import re

__all__ = ["entries"]

_SECTIONS = ("Parameters", "Attributes")
_RULE = re.compile(r"-{3,}\s*")


def entries(text: str | None) -> dict[str, str]:
    r"""The entries of the sections Parameters and Attributes, each as one line; several names may share an entry.

    Examples
    --------
    >>> entries("Summary.\n\nParameters\n----------\nrate, decay : float\n    Of Adam;\n    ours.\n")
    {'rate': 'Of Adam; ours.', 'decay': 'Of Adam; ours.'}
    """
    lines = inspect.cleandoc(text or "").splitlines()
    heads = {i for i, line in enumerate(lines[1:]) if _RULE.fullmatch(line) and lines[i].strip()}
    found: dict[str, list[str]] = {}
    section, names = "", list[str]()
    for i, line in enumerate(lines):
        if i in heads:
            section, names = line.strip(), []
        elif section in _SECTIONS and line and not line[0].isspace() and not _RULE.fullmatch(line):
            names = [name.strip() for name in line.partition(":")[0].split(",")]
            found |= {name: [] for name in names}
        else:
            for name in names:
                found[name].append(line.strip())
    return {name: " ".join(filter(None, said)).replace("``", "`") for name, said in found.items()}
