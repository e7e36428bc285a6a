"""The scripts of a folder as modules, for tests: they import each other from there."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).parents[1] / "scripts"


def scripts(folder: str, *names: str) -> list[Any]:
    """The named scripts of a folder of `SCRIPTS`, in an order in which they can be imported.

    Their names are free again afterwards: other folders have scripts of the same names.
    """
    place = str(SCRIPTS / folder)
    sys.path.insert(0, place)
    try:
        return [importlib.import_module(name) for name in names]
    finally:
        sys.path.remove(place)
        for name in names:
            sys.modules.pop(name, None)
