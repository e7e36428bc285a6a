"""`mobench new`: a small working searcher or problem with its test, to begin from."""

from __future__ import annotations

import argparse
import importlib.util
import string
from pathlib import Path
from typing import Any

from mobench.cli._terminal import show
from mobench.plugins.plugin import KINDS

TEMPLATES = Path(__file__).with_name("templates")

EXAMPLES = """examples:
  mobench new searcher climber              climber.py and test_climber.py in this folder
  mobench new problem layers                layers.py and test_layers.py
  mobench new problem my_net --network      a torch module with choices, trained live
  mobench new problem my_net --supernet     a problem with a supernet of its own
  mobench new searcher climber --package    a folder mobench-climber/ that pip installs
"""


def add(commands: Any) -> None:
    """Add the parser of `mobench new`."""
    parser = commands.add_parser(
        "new",
        help="begin a searcher or a problem of your own",
        description="Write a small working example with its test into the current folder; no file is overwritten.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("name", help="letters, digits and _; it becomes the file's name")
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--network", action="store_true", help="a problem made of a torch module with choices")
    forms.add_argument("--supernet", action="store_true", help="a problem with a supernet written by hand")
    parser.add_argument("--package", action="store_true", help="a folder with pyproject.toml and an entry point")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Write the files, and say what to do next."""
    from mobench.plugins.catalogue import plugins

    name = args.name
    if not name.isidentifier() or name.startswith(("_", "test_")) or not name.isascii():
        raise ValueError(f"name: expected letters, digits and _, beginning with a letter, found {name!r}")
    form = "_network" if args.network else "_supernet" if args.supernet else ""
    if form and args.kind != "problem":
        raise ValueError(f"--{form[1:]}: goes with a problem; for a searcher leave it out")
    folder = Path(f"mobench-{name}" if args.package else "")  # a folder of the module's own name would hide it
    files = {f"{name}.py": f"{args.kind}{form}.py.txt", f"test_{name}.py": "test.py.txt"}
    if args.package:
        files["pyproject.toml"] = "pyproject.toml.txt"
    for path in (folder / file for file in files):
        if path.exists():
            raise ValueError(f"{path}: exists already; choose another name")
    if _hides(name):
        raise ValueError(f"name: a module {name!r} can be imported here, and {name}.py would hide it; choose another")
    if name in plugins(args.kind):
        raise ValueError(f"name: there is a {args.kind} {name!r} already; choose another")
    folder.mkdir(exist_ok=True)
    words = {"name": name, "kind": args.kind, "title": name.replace("_", " ").capitalize()}
    for file, template in files.items():
        text = string.Template((TEMPLATES / template).read_text(encoding="utf-8")).substitute(words)
        with (folder / file).open("x", encoding="utf-8") as new:  # a link is there already, wherever it leads to
            new.write(text)
        show(f"wrote {folder / file}")
    show(f"next: mobench check {folder / name}.py")
    return 0


def _hides(name: str) -> bool:
    """Whether a file of this name hides a module, Python's own or an installed one; folders that lie here are none."""
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin is not None
