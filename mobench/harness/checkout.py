"""Which commit of its checkout mobench is run from."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path

__all__ = ["commit"]


@functools.cache
def commit() -> str:
    """Commit of the checkout, with ``-dirty`` where tracked files were changed since; empty outside a checkout.

    Git is asked once a process.
    """
    git = ["git", "--no-optional-locks", "-C", str(Path(__file__).resolve().parents[1])]
    tracked = ["ls-files", "--error-unmatch", "__init__.py"]  # it is not where it is installed within other code
    describe = ["describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"]
    try:
        for arguments in (tracked, describe):
            done = subprocess.run([*git, *arguments], capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
