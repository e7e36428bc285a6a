"""The lowest versions that pyproject.toml allows, as requirements for pip: what `make floor` installs."""

import re
import tomllib
from pathlib import Path

EXTRAS = ("import", "agemoea2", "aggregators", "parquet", "live")
TOOLS = ("hypothesis", "psutil", "pytest")
"""Of the extra ``dev``, what the tests need."""


def main() -> None:
    """Print a line a library; torch is the Makefile's."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    tools = [line for line in extras["dev"] if line.startswith(TOOLS)]
    wanted = [*project["dependencies"], *(line for extra in EXTRAS for line in extras[extra]), *tools]
    for line in wanted:
        if not line.startswith("torch>"):
            print(re.sub(r">=([\d.]+).*", r"==\1", line))


if __name__ == "__main__":
    main()
