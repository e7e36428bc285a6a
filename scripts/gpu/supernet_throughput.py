"""Measure images a second of the cell supernet's training steps: paths and mixtures in several forms of arithmetic.

python scripts/gpu/supernet_throughput.py --device cuda --batch 64,256 --to results/gpu/throughput.json
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch

from mobench.problems._cells.space import Skeleton
from mobench.problems._cells.supernet import CellSupernet, Options

FORMS = {
    "float32": {},
    "channels last": {"channels_last": True},
    "bfloat16": {"autocast": True},
    "bfloat16, channels last": {"autocast": True, "channels_last": True},
    "images last": {"images_last": True},
}
PATH = (3, 2, 1, 4, 2, 3)
"""One cell with all operations, about as dear as the mean of all cells."""


def supernet(skeleton: Skeleton, batch: int, options: dict[str, bool], device: str) -> CellSupernet:
    """A supernet on random images."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2 * batch, skeleton.inputs, skeleton.size, skeleton.size, generator=generator)
    half = (images, torch.arange(2 * batch) % skeleton.classes)
    settings = Options(batch=batch, device=device, **{"images_last": False, **options})
    return CellSupernet(skeleton, train=half, valid=half, charge=lambda *_: None, seed=0, options=settings)


def rate(network: CellSupernet, *, mixture: bool, steps: int, repeats: int) -> float:
    """Images a second: forward and backward pass and the drawing of the batch; the best of the repeats."""
    weights, alpha = network.initial_weights(), network.initial_alpha()
    path = torch.nn.functional.one_hot(torch.tensor(PATH), 5).to(alpha)

    def run(count: int) -> float:
        start = time.perf_counter()
        for _ in range(count):
            p = torch.softmax(alpha, dim=1) if mixture else path
            loss = network.train_loss(weights, p, network.train_batch())
            torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
        if alpha.is_cuda:
            torch.cuda.synchronize()
        return time.perf_counter() - start

    run(3)
    return network.options.batch * steps / min(run(steps) for _ in range(repeats))


def main(arguments: list[str] | None = None) -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--batch", default="64,256", help="batch sizes with commas (64,256)")
    parser.add_argument("--size", type=int, default=32, help="height of the images; images last up to 8 only (32)")
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--cells", type=int, default=5, help="cells a stage (5)")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--to", type=Path)
    options = parser.parse_args(arguments)
    skeleton = Skeleton(size=options.size, channels=options.channels, cells=options.cells)
    rows = []
    for batch in map(int, options.batch.split(",")):
        for form, settings in FORMS.items():
            if "images_last" in settings and options.size > 8:
                continue
            network = supernet(skeleton, batch, settings, options.device)
            both = [rate(network, mixture=m, steps=options.steps, repeats=options.repeats) for m in (False, True)]
            rows.append({"batch": batch, "form": form, "path": both[0], "mixture": both[1]})
            print(f"batch {batch:4d}  {form:<24} path {both[0]:10.0f} images/s   mixture {both[1]:10.0f} images/s")
    if options.to:
        about = {"device": options.device, "torch": torch.__version__, "skeleton": vars(skeleton)}
        if options.device.startswith("cuda"):
            about["name"] = torch.cuda.get_device_name(options.device)
        options.to.parent.mkdir(parents=True, exist_ok=True)
        options.to.write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
