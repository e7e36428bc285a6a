"""The makers of tables whose networks are all trained, as tests load and start them."""

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[3] / "scripts" / "trained"
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler (cc) to build the trainer with")


def script(name):
    """One of the scripts as a module; they import each other as Python's start from their folder lets them."""
    sys.path.insert(0, str(SCRIPTS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(SCRIPTS))


def start_maker(name, journal, *options):
    """Start `make.py`, in a group of processes of its own."""
    command = [sys.executable, SCRIPTS / "make.py", name, "--journal", journal, *options]
    return subprocess.Popen([str(word) for word in command], stderr=subprocess.DEVNULL, start_new_session=True)
