"""Labels as names of files and folders."""

from __future__ import annotations

import functools
import hashlib
import re

__all__ = ["slug"]


@functools.lru_cache(maxsize=1024)  # a campaign names few pairs, many times
def slug(label: str) -> str:
    """A name for a file, a folder or an anchor: letters, digits and ``_ . = -`` only, never hidden, at most 80 long."""
    name = re.sub(r"[^A-Za-z0-9_.=]+", "-", label).strip("-.") or "x"
    if len(name) > 80:
        name = f"{name[:71]}-{hashlib.sha256(label.encode()).hexdigest()[:8]}"
    return name
