"""The command line: `main`, and the parser that the modules of `mobench.cli` make up."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from mobench.cli._terminal import EXAMPLES, say
from mobench.core.threads import one_thread
from mobench.core.version import __version__

__all__ = ["main"]

COMMANDS = (
    *("run", "status", "watch", "report", "plot", "paper", "insight", "choose", "export", "verify"),
    *("list", "data", "latency", "new", "check"),
)
"""Modules of `mobench.cli`, in the order of the help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code: 0 well, 1 some runs failed, 2 a mistake, 130 interrupted."""
    one_thread()
    parser = _parser()
    args = parser.parse_args(arguments)
    if not getattr(args, "command", None):
        parser.print_help()
        return 0
    try:
        return _carry_out(args)
    except KeyboardInterrupt:
        again = " without --rerun" * bool(getattr(args, "rerun", ()))
        say(f"interrupted; the same command{again} goes on where it stopped")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, TypeError, OSError, ImportError, MemoryError) as error:
        if os.environ.get("MOBENCH_DEBUG"):
            raise
        say("error: " + (" ".join(str(error).split()) or type(error).__name__))
        return 2


def _carry_out(args: argparse.Namespace) -> int:
    """The command, to which the files that it names are known, and to nothing after it."""
    from mobench.plugins.sources import using

    with using(getattr(args, "plugins", ())):
        return int(args.command(args))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mobench",
        description="Multi-objective neural architecture search, measured honestly.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mobench {__version__}")
    commands = parser.add_subparsers(metavar=f"{{{','.join(COMMANDS)}}}")
    for name in COMMANDS:
        importlib.import_module(f"mobench.cli.{name}").add(commands)
    return parser
