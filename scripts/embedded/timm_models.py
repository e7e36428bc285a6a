"""Make the table of timm: errors on six test sets, size and speed of 1,266 pretrained models.

python scripts/embedded/timm_models.py --shared PATH

`--shared` holds timm_results/timm.parquet: results/*.csv of huggingface/pytorch-image-models, joined by names. Upstream
times an architecture at all image sizes of its weights, and the join has the fastest row, that of the smallest size. So
speeds and multiply-adds are kept where the weights were tested at that size. The sizes come from the package itself:
this needs timm 1.0.31.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from _packing import write

from mobench import Array, Column, Table
from mobench.problems.tables.timm import GPUS, TESTS

SPEED = "infer-amp-nchw-{}:infer_samples_per_sec"
GMACS = "infer-amp-nchw-pt291-cu130-5090:infer_gmacs"
ABOUT = {
    "title": "timm: pretrained image models",
    "rows": "models, in the order of their names",
    "source": "github.com/huggingface/pytorch-image-models aa4b585 (2026-08-08), results/*.csv",
    "paper": "Wightman: PyTorch Image Models, 2019",
    "licence": "Apache-2.0",
    "timed": "PyTorch 2.9.1, mixed precision, the largest batches that fit, at most 1,024",
    "errata": ["upstream times an architecture, not its weights: NaN where these were tested at another image size"],
}


def smallest_sizes(models: Array) -> Array:
    """The smallest image size of any weights of each model's architecture, in pixels, (n,)."""
    from timm.models import get_arch_pretrained_cfgs

    def smallest(architecture: str) -> int:
        weights = get_arch_pretrained_cfgs(architecture).values()
        return min(size[-1] for one in weights for size in (one.input_size, one.test_input_size) if size)

    return np.array([smallest(model.partition(".")[0]) for model in models])


def decimal(numbers: "pd.Series[float]", places: int, unit: str) -> Column:
    """A column of numbers as upstream writes them, with so many decimal places; NaN stays."""
    return Column(numbers.to_numpy(dtype=np.float64).round(places), unit)


def make(shared: Path) -> dict[str, Table]:
    """The table, from the joined results."""
    source = pd.read_parquet(shared / "timm_results" / "timm.parquet").sort_index()
    models = source.index.to_numpy(dtype=str)
    same = source["img_size"].to_numpy() == smallest_sizes(models)
    columns = {"model": Column(models), "size": Column(source["img_size"].to_numpy(dtype=np.uint16), "pixels")}
    for name, theirs in TESTS.items():
        columns[name] = decimal(100 - source[theirs], 3, "%")
    columns["params"] = decimal(source["param_count"], 2, "M")
    columns["gmacs"] = decimal(source[GMACS].where(same), 2, "G")
    for gpu, theirs in GPUS.items():
        columns[f"throughput:{gpu}"] = decimal(source[SPEED.format(theirs)].where(same), 2, "images/s")
    print(f"{same.sum()} of {len(same)} models were timed at the image size at which they were tested")
    return {"timm": Table(columns, ABOUT)}


if __name__ == "__main__":
    write(__doc__, make)
