"""Try everything that a device is needed for, in two minutes: what broke is a line of a table, and the rest goes on.

Passes of the supernet against those of the CPU in float64; latency in both modes; energy; every searcher that learns, a
few steps on Motif twice, whose logs have to be the same to the byte; last the tests of the torch part. What was well is
not tried again by the next call.

python scripts/gpu/first_call.py --device cuda --minutes 9 --to results/gpu/first_call.json
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

import mobench
from mobench.cli.main import main as mobench_command
from mobench.core.networks import Supernet
from mobench.live.energy import measure_energy
from mobench.plugins.catalogue import find, make_problem, plugins
from mobench.plugins.plugin import missing
from mobench.problems._cells.space import Skeleton
from mobench.problems._cells.supernet import CellSupernet, Options

TESTS = "tests/live tests/problems/_cells tests/searchers/test_another_device.py"
BUDGET = {"trainings": 0.01}
"""A few steps, and what is left of a reserve."""
FORMS: tuple[dict[str, bool], ...] = ({}, {"batched": True}, {"channels_last": True}, {"autocast": True})
PATH = (3, 2, 1, 4, 2, 3)
FAR, FAR_AUTOCAST = 0.02, 0.1
"""Relative differences from float64 at which a number is another one: TF32 rounds to three digits, bfloat16 to two."""
Check = Callable[[], str]
"""Says what it found, and raises where something is wrong."""


def learners() -> list[str]:
    """All searchers that learn with a supernet as Motif's."""
    problem, found = make_problem("motif"), []
    for name in plugins("searcher"):
        plugin = find("searcher", name)
        if any(Supernet in need.__mro__ for need in plugin.needs) and not missing(plugin, problem):
            found.append(name)
    return found


def checks(device: str, tests: str, seconds_left: Callable[[], float]) -> dict[str, Check]:
    """Everything that is tried, by name."""
    modes = ["eager", *(["graph"] if device.startswith("cuda") else [])]
    found: dict[str, Check] = {"device": partial(about, device)}
    found |= {f"passes, {', '.join(form) or 'plain'}": partial(passes, device, form) for form in FORMS}
    found |= {f"mobench latency, {mode}": partial(latency, device, mode) for mode in modes}
    found |= {"energy": partial(energy, device)}
    found |= {f"searcher {name}": partial(searcher, name, device) for name in learners()}
    return found | ({"tests": partial(run_tests, tests, seconds_left)} if tests else {})


def about(device: str) -> str:
    """Name the device, and compute something on it."""
    x = torch.ones(64, 64, device=device)
    if float((x @ x).sum()) != 64.0**3:
        raise ArithmeticError("a product of ones is wrong")
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else "cpu"
    return f"{name}, torch {torch.__version__}"


def passes(device: str, form: dict[str, bool]) -> str:
    """Compare the losses of a path and a mixture, and its gradient by alpha, with those of the CPU in float64."""
    skeleton, generator = Skeleton(size=16, channels=8, cells=2), torch.Generator().manual_seed(0)
    images, labels = torch.randn(32, 3, 16, 16, generator=generator), torch.arange(32) % 10
    worst = 0.0
    for mixture in (False, True):
        values = []
        for place, dtype, options in (("cpu", torch.float64, {}), (device, torch.float32, form)):
            half, settings = (images.to(dtype), labels), Options(batch=16, device=place, images_last=False, **options)
            network = CellSupernet(
                skeleton, train=half, valid=half, charge=lambda flops: None, seed=0, options=settings
            )
            alpha = (10.0 * network.initial_alpha()).detach().requires_grad_()
            p = torch.softmax(alpha, 1) if mixture else torch.nn.functional.one_hot(torch.tensor(PATH), 5).to(alpha)
            loss = network.train_loss(network.initial_weights(), p, network.train_batch())
            slope = torch.autograd.grad(loss, [alpha])[0].norm() if mixture else loss
            values.append([float(loss.detach()), float(slope.detach())])
        worst = max(worst, *(abs(found / wanted - 1.0) for wanted, found in zip(*values, strict=True)))
    if not worst < (limit := FAR_AUTOCAST if "autocast" in form else FAR):
        raise ArithmeticError(f"relative difference from float64 on the CPU {worst:.2g}, expected below {limit}")
    return f"relative difference from float64 on the CPU {worst:.1g}"


def latency(device: str, mode: str) -> str:
    """Run `mobench latency` on a small module."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        command = ["latency", "torch.nn:ReLU", "--shape", "3,32,32", "--batch", "1,64"]
        code = mobench_command([*command, "--device", device, "--mode", mode, "--repeats", "9"])
    if code:
        raise RuntimeError(said.getvalue().strip())
    return said.getvalue().strip().splitlines()[-1].strip()


def energy(device: str) -> str:
    """Measure the energy of a small module."""
    found = measure_energy(torch.nn.Conv2d(16, 16, 3), (16, 32, 32), batch=64, device=device)
    return "no counter here" if found is None else f"{found:.3g} mJ a call"


def searcher(name: str, device: str) -> str:
    """Run a searcher twice for a few steps, and compare the logs byte by byte."""
    logs = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(2):
            place = Path(folder) / str(number)
            mobench.run(name, f"motif:batch=16,device={device}", budget=BUDGET, folder=place, progress=False)
            logs.append(next(place.rglob("log.jsonl")).read_bytes())
    if logs[0] != logs[1]:
        first = next((i for i, (a, b) in enumerate(zip(*map(bytes.splitlines, logs), strict=False)) if a != b), "end")
        raise ArithmeticError(f"two runs of one seed differ from line {first} on")
    return f"{len(logs[0].splitlines())} lines twice"


def run_tests(paths: str, seconds_left: Callable[[], float]) -> str:
    """Run tests in a process of their own, for as long as there is time."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *paths.split()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=max(seconds_left(), 1.0), check=False)
    last = [line for line in done.stdout.splitlines() if line.strip()][-1:] or [done.stderr.strip()[-200:]]
    if done.returncode:
        failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        raise RuntimeError("; ".join([*failed[:5], *last]))
    return last[0]


def tried(check: Check) -> dict[str, Any]:
    """Make a check; what it said, or what broke."""
    start = time.monotonic()
    try:
        state, said = "well", check()
    except (Exception, SystemExit) as error:  # noqa: BLE001 (whatever breaks is what this is for)
        state, said = "broke", " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return {"state": state, "seconds": round(time.monotonic() - start, 1), "said": said}


def main(arguments: list[str] | None = None) -> int:
    """Try what is not known to be well, print the table, and return how many checks broke or were not reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--minutes", type=float, default=9.0, help="begin nothing after so long (9)")
    parser.add_argument("--only", default="", help="checks whose name holds this word")
    parser.add_argument("--tests", default=TESTS, help="paths of tests to run at the end; empty: none")
    parser.add_argument("--to", type=Path, default=Path("results/gpu/first_call.json"))
    options = parser.parse_args(arguments)
    until = time.monotonic() + 60 * options.minutes
    known = json.loads(options.to.read_text()) if options.to.exists() else {}
    wanted = checks(options.device, options.tests, lambda: until - time.monotonic())
    wanted = {name: check for name, check in wanted.items() if options.only in name}
    for name, check in wanted.items():
        if known.get(name, {}).get("state") == "well" or time.monotonic() > until:
            continue
        known[name] = tried(check)
        print(
            f"{known[name]['state']:<6} {known[name]['seconds']:6.1f} s  {name:<28} {known[name]['said']}", flush=True
        )
        options.to.parent.mkdir(parents=True, exist_ok=True)
        options.to.write_text(json.dumps(known, indent=1) + "\n")
    states = [known.get(name, {}).get("state", "not reached") for name in wanted]
    print(", ".join(f"{states.count(state)} {state}" for state in ("well", "broke", "not reached")))
    return len(states) - states.count("well")


if __name__ == "__main__":
    sys.exit(main() > 0)
