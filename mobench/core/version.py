"""The version of mobench, in its one place (packaging reads it here, too), and which code it is that runs."""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path

__all__ = ["__version__", "code_checksum"]

__version__ = "0.1.0"


@functools.cache
def code_checksum() -> str:
    """Checksum of all of mobench's Python files, 16 hexadecimal digits: a version's number says less."""
    home = Path(__file__).parents[1]
    walk = os.walk(home, followlinks=True)  # in a checkout, searchers and problems are links
    files = (Path(folder, name) for folder, _, names in walk for name in names if name.endswith(".py"))
    total = hashlib.sha256()
    for name, path in sorted((path.relative_to(home).as_posix(), path) for path in files):
        total.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()[:16]
