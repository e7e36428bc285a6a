"""Measure the latency of all networks of all spaces on one device, setting by setting, the most valuable first.

Every call goes on where the last one ended and stops by itself, so that a machine can be borrowed for minutes:

python scripts/gpu/latency.py --device cuda --minutes 9 --out results/gpu            # until nothing is left
python scripts/gpu/latency.py --only motif,motif_chain --limit 500                   # some spaces, a fair sample

Networks come in a random order. A reference network is measured again every 25 networks, to see drift; after all of
them a random subset is measured again, to see reliability, with its energy where the driver counts it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from measurement import Measurement, Setting, reliability
from spaces import SPACES

from mobench import load_table

NASBENCH201 = (("graph", "float32"), ("graph", "bfloat16"), ("eager", "float32"))
TRUTHS = ("motif", "motif_chain", "motif_transformer")
SETTINGS = (
    *(Setting("nasbench201", mode, dtype, batch) for mode, dtype in NASBENCH201 for batch in (1, 256)),
    *(Setting(space, "graph", "float32", batch) for space in TRUTHS for batch in (1, 64)),
    Setting("hw_gpt", "eager", "float32", 8),
)
"""In the order in which they are measured; HW-GPT-Bench's networks cast to bfloat16 themselves."""


def wanted(device: str, only: Sequence[str] = ()) -> list[Setting]:
    """The settings on a device, of some spaces; the CPU knows no graphs, so that those become eager there."""
    on_cuda = device.startswith("cuda")
    chosen = [replace(it, device=device, mode=it.mode if on_cuda else "eager") for it in SETTINGS]
    return list(dict.fromkeys(it for it in chosen if not only or it.space in only))


def main(arguments: list[str] | None = None) -> int:
    """Go on; return how many measurements are left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--only", default="", help=f"some of the spaces, with commas: {','.join(SPACES)}")
    parser.add_argument("--dtype", default="", help="settings of this type alone")
    parser.add_argument("--mode", default="", help="settings of this mode alone")
    parser.add_argument("--minutes", type=float, default=9.0, help="stop after so long; the next call goes on (9)")
    parser.add_argument("--limit", type=int, help="the first so many networks of each random order only")
    parser.add_argument("--out", type=Path, default=Path("results/gpu"))
    options = parser.parse_args(arguments)
    only = options.only.split(",") if options.only else []
    if unknown := set(only) - set(SPACES):
        parser.error(f"--only: expected any of {', '.join(SPACES)}, found {', '.join(sorted(unknown))}")
    until, total = time.monotonic() + 60 * options.minutes, 0
    for setting in wanted(options.device, only):
        if options.dtype not in ("", setting.dtype) or options.mode not in ("", setting.mode):
            continue
        measurement = Measurement(options.out, setting, SPACES[setting.space]())
        left = measurement.go_on(until=until, limit=options.limit)
        total += left
        print(f"{setting.file}: {left} measurements left{said(measurement.path)}", flush=True)
    print(f"{total} measurements left" if total else "nothing is left")
    return total


def said(path: Path) -> str:
    """What is known of a file's reliability; the aims are .99 and 1 %."""
    if not path.exists():
        return ""
    found = reliability(load_table(path))
    return (
        f"; {found['twice']} networks twice: rank correlation {found['rank_correlation']:.4f}, "
        f"median difference {100 * found['median_relative_difference']:.2f} %, drift {100 * found['drift']:.1f} %"
    )


if __name__ == "__main__":
    main()
