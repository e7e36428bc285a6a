"""`mobench latency`: the latency of any torch module on the device at hand."""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path
from typing import Any

from mobench.cli._terminal import say, show
from mobench.files.writing import written_whole

MEASURE = "mobench.live.named_latency"
"""Where the measuring is done; it needs torch, so it is imported when it is asked for."""
EXAMPLES = """examples:
  mobench latency mynets:small --shape 3,32,32
  mobench latency torchvision.models:resnet18 --shape 3,224,224 --batch 1,32 --device cuda --mode eager,graph
"""


def add(commands: Any) -> None:
    """Add the parser of `mobench latency`."""
    parser = commands.add_parser(
        "latency",
        help="measure the latency of a torch module on this machine",
        description="Measure the latency of a torch module on this machine: warm-up, many repeats, median, quartiles.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="MODULE:FUNCTION", help="a function without arguments that returns a module")
    parser.add_argument("--shape", type=_numbers, required=True, help="of one input, without the batch: 3,32,32")
    parser.add_argument("--batch", type=_numbers, default=[1], help="inputs a call, several with commas (1)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N (cpu)")
    parser.add_argument("--dtype", default="float32", help="of weights and input (float32)")
    parser.add_argument("--mode", default="eager", help="eager, graph (CUDA only), or both with a comma (eager)")
    parser.add_argument("--repeats", type=int, default=50, help="measurements behind a median, at least 5 (50)")
    parser.add_argument("--to", type=Path, metavar="FILE", help="write everything measured as JSON")
    parser.set_defaults(command=run)


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected numbers with commas, 3,32,32 for example, found {text!r}") from None


def run(args: argparse.Namespace) -> int:
    """Measure, print a table, write the file."""
    modes = args.mode.split(",")
    if not set(modes) <= {"eager", "graph"}:
        raise ValueError(f"--mode: expected eager, graph or eager,graph, found {args.mode!r}")
    rows = importlib.import_module(MEASURE).measure_named(
        args.name,
        args.shape,
        batches=args.batch,
        device=args.device,
        dtype=args.dtype,
        modes=modes,
        repeats=args.repeats,
    )
    show(f"{args.name} on {rows[0]['device']}, {rows[0]['dtype']}, {args.repeats} repeats; ms a call")
    show(f"{'mode':<6} {'batch':>6} {'median':>10} {'quartiles':>21} {'ms an input':>12}")
    for row in rows:
        quartiles = f"{row['low']:.4f} - {row['high']:.4f}"
        each = row["median"] / row["batch"]
        show(f"{row['mode']:<6} {row['batch']:>6} {row['median']:>10.4f} {quartiles:>21} {each:>12.4f}")
    if args.to:
        with written_whole(args.to) as file:
            file.write((json.dumps(rows, indent=1) + "\n").encode())
        say(f"written: {args.to}")
    return 0
