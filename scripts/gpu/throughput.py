"""Measure images a second of the cell supernet's steps, paths and mixtures, in several forms, and what limits each.

A step is a batch, its forward pass and the gradient by all weights. Beside its rate stand the operations that it makes
and what they reach of the device's own rates, measured in the same run: the bytes that they read and write, as if no
cache were there, of a copy's, and their multiply-adds of a matrix product's. What the file has is not measured again.

python scripts/gpu/throughput.py --device cuda --minutes 9 --to results/gpu/throughput.json
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mobench.live.batch import Batch
from mobench.live.latency import synchronise
from mobench.problems._cells import plans
from mobench.problems._cells.space import Skeleton
from mobench.problems._cells.supernet import CellSupernet, Options

BF16 = {"autocast": True}
LAST = {"channels_last": True}
FORMS: dict[str, tuple[dict[str, bool], str]] = {
    "float32": ({}, "eager"),
    "channels last": (LAST, "eager"),
    "bfloat16": (BF16, "eager"),
    "bfloat16, channels last": (BF16 | LAST, "eager"),
    "batched": ({"batched": True}, "eager"),
    "batched, bfloat16": (BF16 | {"batched": True}, "eager"),
    "graph": ({}, "graph"),
    "graph, bfloat16": (BF16, "graph"),
    "graph, batched, bfloat16": (BF16 | {"batched": True}, "graph"),
    "images last": ({"images_last": True}, "eager"),
    "compile, bfloat16": (BF16, "compile"),
}
"""Options of the supernet, and how its step is launched; the last takes minutes to begin with."""
PATH = (3, 2, 1, 4, 2, 3)
"""One cell with all operations, about as dear as the mean of all cells."""
LIMITED = 0.5
"""A step that reaches half of a rate of the device is limited by it, any other by its launches."""
Step = Callable[[], Any]


def supernet(skeleton: Skeleton, batch: int, options: dict[str, bool], device: str, charge: Any) -> CellSupernet:
    """A supernet on random images."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2 * batch, skeleton.inputs, skeleton.size, skeleton.size, generator=generator)
    half = (images, torch.arange(2 * batch) % skeleton.classes)
    settings = Options(batch=batch, device=device, **{"images_last": False, **options})
    return CellSupernet(skeleton, train=half, valid=half, charge=charge, seed=0, options=settings)


def step_of(network: CellSupernet, *, mixture: bool, launch: str) -> Step:
    """A step of the supernet, launched one by one, as a captured graph, or compiled.

    Outside the first form the batch stays the same and the shares are not looked at: a graph cannot wait.
    """
    weights, alpha = network.initial_weights(), network.initial_alpha()
    path = torch.nn.functional.one_hot(torch.tensor(PATH), 5).to(alpha)
    leaves = [*weights.values()]

    def shares() -> Tensor:
        return torch.softmax(alpha, dim=1) if mixture else path

    def eager() -> Any:
        loss = network.train_loss(weights, shares(), network.train_batch())
        return torch.autograd.grad(loss, leaves, allow_unused=True)

    if launch == "eager":
        return eager
    loss_of = fixed_loss(network, shares(), network.train_batch(), mixture=mixture)

    def fixed() -> Any:
        return torch.autograd.grad(loss_of(weights, shares()), leaves, allow_unused=True)

    if launch == "graph":
        return captured(fixed)
    compiled = torch.compile(loss_of)
    return lambda: torch.autograd.grad(compiled(weights, shares()), leaves, allow_unused=True)


def fixed_loss(
    network: CellSupernet, p: Tensor, batch: Batch, *, mixture: bool
) -> Callable[[dict[str, Tensor], Tensor], Tensor]:
    """The loss of one batch under the plan of p, as a function of weights and shares that asks nobody for anything."""
    (images, labels), plan = network._images(batch), plans.plan(plans.support_of(p)[0])

    def loss(weights: dict[str, Tensor], p: Tensor) -> Tensor:
        logits = network._logits(weights, p if mixture else None, images, plan)
        return functional.cross_entropy(logits.to(images.dtype), labels)

    return loss


def captured(step: Step) -> Step:
    """The step as a CUDA graph, after three calls on a side stream, which capture asks for."""
    stream: Any = torch.cuda.Stream
    side = stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return partial(_replay, graph, step)


def _replay(graph: Any, step: Step) -> None:
    """Replay a graph; the step, whose tensors it reads, lives as long."""
    graph.replay()


class Traffic(TorchDispatchMode):
    """Counts operations that compute, and the bytes of what they read and write; views are neither."""

    def __init__(self) -> None:
        super().__init__()
        self.operations = self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        if not func.is_view:
            self.operations += 1
            tensors = [it for it in tree_leaves((args, kwargs, found)) if isinstance(it, Tensor)]
            self.bytes += sum(it.numel() * it.element_size() for it in tensors)
        return found


def seconds(step: Step, device: torch.device, *, steps: int, repeats: int) -> float:
    """Time one step: the best of the repeats, after three steps."""

    def run(count: int) -> float:
        synchronise(device)
        start = time.perf_counter()
        for _ in range(count):
            step()
        synchronise(device)
        return time.perf_counter() - start

    run(3)
    return min(run(steps) for _ in range(repeats)) / steps


def rates(device: torch.device, *, values: int, side: int) -> dict[str, float]:
    """Bytes a second of a copy, read and written, and multiply-adds a second of square products, of the device."""
    source = torch.ones(values, device=device)
    target = torch.empty_like(source)
    found = {"copy": 8.0 * values / seconds(lambda: target.copy_(source), device, steps=10, repeats=5)}
    for dtype in (torch.float32, torch.bfloat16):
        a, b = (torch.randn(side, side).to(device, dtype) for _ in range(2))
        taken = seconds(lambda a=a, b=b: a @ b, device, steps=5, repeats=5)
        found[str(dtype).removeprefix("torch.")] = side**3 / taken
    return found


def measure(
    network: CellSupernet, charged: list[float], *, mixture: bool, launch: str, how: dict[str, int]
) -> dict[str, float]:
    """Rate, operations, bytes and multiply-adds of a step; those of a graph or a compiled one are its eager form's."""
    eager = step_of(network, mixture=mixture, launch="eager")
    charged.clear()
    with Traffic() as traffic:
        eager()
    step = eager if launch == "eager" else step_of(network, mixture=mixture, launch=launch)
    taken = seconds(step, torch.device(network.options.device), **how)
    found = {"images_per_second": network.options.batch / taken, "operations": traffic.operations}
    return found | {"bytes": traffic.bytes / taken, "multiply_adds": sum(charged) / taken}


def judged(row: dict[str, Any], device: dict[str, float]) -> dict[str, Any]:
    """Shares of the device's rates, and what limits: the nearer one from `LIMITED` on, or the launches."""
    dtype = "bfloat16" if "bfloat16" in row["form"] else "float32"
    shares = {"memory": row["bytes"] / device["copy"], "matrix": row["multiply_adds"] / device[dtype]}
    nearest = max(shares, key=lambda name: shares[name])
    return row | shares | {"limit": nearest if shares[nearest] >= LIMITED else "launches"}


def main(arguments: list[str] | None = None) -> None:
    """Measure what the file lacks, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--batch", default="64,256", help="batch sizes with commas (64,256)")
    parser.add_argument("--size", type=int, default=32, help="height of the images; images last up to 8 only (32)")
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--cells", type=int, default=5, help="cells a stage (5)")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=9.0, help="begin nothing after so long (9)")
    parser.add_argument("--to", type=Path)
    options = parser.parse_args(arguments)
    skeleton, until = Skeleton(size=options.size, channels=options.channels, cells=options.cells), time.monotonic()
    until += 60 * options.minutes
    device, cuda = torch.device(options.device), options.device.startswith("cuda")
    found = json.loads(options.to.read_text()) if options.to and options.to.exists() else {"rows": []}
    about = {"device": options.device, "torch": torch.__version__, "skeleton": vars(skeleton)}
    about["name"] = torch.cuda.get_device_name(device) if cuda else "cpu"
    if found["rows"] and found["about"] != json.loads(json.dumps(about)):
        parser.error(f"{options.to}: of another device, torch or skeleton; give another file")
    own = rates(device, values=2**28 if cuda else 2**22, side=8192 if cuda else 512)
    print(", ".join(f"{name} {rate:.3g}" for name, rate in own.items()), "a second")
    found["rows"] = [row for row in found["rows"] if "broke" not in row]
    there = {(row["batch"], row["form"], row["pass"]) for row in found["rows"]}
    how = {"steps": options.steps, "repeats": options.repeats}
    for form, (settings, launch) in FORMS.items():
        for batch in map(int, options.batch.split(",")):
            fits = options.size <= 8 if "images_last" in settings else cuda or launch == "eager"
            for kind in ("mixture", "path"):
                if not fits or (batch, form, kind) in there or time.monotonic() > until:
                    continue
                charged: list[float] = []
                row: dict[str, Any] = {"batch": batch, "form": form, "pass": kind}
                try:
                    network = supernet(skeleton, batch, settings, options.device, charged.append)
                    row |= measure(network, charged, mixture=kind == "mixture", launch=launch, how=how)
                    row = judged(row, own)
                except Exception as error:  # noqa: BLE001 (a form that a device refuses is a row that says so)
                    row["broke"] = f"{type(error).__name__}: {error}".splitlines()[0]
                found["rows"].append(row)
                print(said(row), flush=True)
                if options.to:
                    options.to.parent.mkdir(parents=True, exist_ok=True)
                    options.to.write_text(json.dumps(found | {"about": about, "rates": own}, indent=1) + "\n")
    well = [row for row in found["rows"] if "broke" not in row]
    for batch in sorted({row["batch"] for row in well if (row["form"], row["pass"]) == ("bfloat16", "mixture")}):
        print(fastest(well, batch))


def fastest(rows: list[dict[str, Any]], batch: int) -> str:
    """The fastest form of mixtures, and how many times as fast as eager bfloat16 it is; the aim is 3."""
    rates = {row["form"]: row["images_per_second"] for row in rows if (row["batch"], row["pass"]) == (batch, "mixture")}
    best = max(rates, key=lambda form: rates[form])
    return (
        f"batch {batch:4d}  mixtures are fastest as {best}, {rates[best] / rates['bfloat16']:.2f} times eager bfloat16"
    )


def said(row: dict[str, Any]) -> str:
    """A line of the table."""
    head = f"batch {row['batch']:4d}  {row['form']:<24} {row['pass']:<8}"
    if "broke" in row:
        return f"{head} broke: {row['broke']}"
    return (
        f"{head} {row['images_per_second']:10.0f} images/s  {row['operations']:6d} operations  "
        f"memory {row['memory']:6.1%}  matrix {row['matrix']:6.1%}  limit: {row['limit']}"
    )


if __name__ == "__main__":
    main()
