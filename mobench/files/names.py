"""Labels as names of files and folders."""

from __future__ import annotations

import functools
import hashlib
import re

__all__ = ["slug"]

LONGEST = 80
"""Letters of a name: a file's has an ending and a word before it, too."""

_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?"
_OPTION = r"[A-Za-z0-9_]+=-?[A-Za-z0-9_.](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?"
_READABLE = re.compile(rf"(?!.*(?:--|-[0-9a-f]{{8}}$)){_NAME}(?::{_OPTION}(?:,{_OPTION})*)?(?<!\.)")
"""Labels that stay different where ``:`` and ``,`` become ``-``: an option's name stands between one and ``=``."""


@functools.lru_cache(maxsize=1024)  # a campaign names few pairs, many times
def slug(label: str) -> str:
    """A name for a file, a folder or an anchor: letters, digits and ``_ . = -`` only, never hidden, at most 80 long.

    Different labels get different names. Names and options in plain letters are what they are, with ``-`` for ``:`` and
    ``,``; where anything else was replaced, or the label is too long, a hash of the whole label stands at the end.

    Examples
    --------
    >>> slug("nsga2:population=50,rate=-0.5")
    'nsga2-population=50-rate=-0.5'
    >>> slug("t/one"), slug("t-one")
    ('t-one-7f2f1fe8', 't-one')
    """
    name = re.sub(r"[^A-Za-z0-9_.=]+", "-", label).strip("-.")
    if len(name) <= LONGEST and _READABLE.fullmatch(label):
        return name
    digest = hashlib.sha256(label.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{name[: LONGEST - 9]}-{digest}".lstrip("-")
