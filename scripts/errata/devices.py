"""Numbers of docs/errata.md: measured latencies, energies and training times."""

from pathlib import Path

import numpy as np
import pandas as pd

from mobench import Array

GPUS = ("P100", "v100", "rtx2080", "rtx3080", "a6000", "a40", "a100", "h100")
CPUS = ("cpu_a6000", "cpu_alldlc", "cpu_meta", "cpu_mlgpu", "cpu_p100", "helix_cpu")
SCALES = ("s", "m", "l")


def columns(path: Path, *names: str) -> dict[str, Array]:
    """Arrays of an .npz file, all where none is named."""
    with np.load(path) as arrays:
        return {name: arrays[name] for name in names or arrays.files}


def hw_gpt(shared: Path, *names: str) -> dict[str, dict[str, Array]]:
    """HW-GPT-Bench's columns of these names by scale, each of 10,000 networks; of repeats, the median."""
    return {scale: columns(shared / "hw_gpt_bench" / f"table_{scale}.npz", *names) for scale in SCALES}


def energy_units(shared: Path) -> dict[str, float]:
    """Median power of each GPU, in W, if energies were Wh for one latency; the least and the greatest of a scale."""
    found: dict[str, float] = {}
    names = [f"{metric}_{gpu}" for metric in ("energy", "latency") for gpu in GPUS]
    for scale, table in hw_gpt(shared, *names).items():
        watts = [np.median(3.6e6 * table[f"energy_{gpu}"] / table[f"latency_{gpu}"]) for gpu in GPUS]
        found |= {f"{scale}_least": float(min(watts)), f"{scale}_most": float(max(watts))}
    return found


def a100_energy(shared: Path) -> dict[str, float]:
    """Interquartile range over median, in %, of the A100's energy; the median of the networks of a scale."""
    tables = hw_gpt(shared, "energy_a100", "energy_a100_iqr")
    return {scale: 100 * float(np.median(t["energy_a100_iqr"] / t["energy_a100"])) for scale, t in tables.items()}


def p100_energy(shared: Path) -> dict[str, int]:
    """Energies on the host of the P100, of all scales, and how many are not zero."""
    energy = np.concatenate([table["energy_cpu_p100"] for table in hw_gpt(shared, "energy_cpu_p100").values()])
    return {"all": len(energy), "not_zero": int((energy != 0).sum())}


def scales(shared: Path) -> dict[str, float]:
    """Median latency and params of scale l over those of scale m: the least and the greatest of 14 devices."""
    latencies = [f"latency_{device}" for device in GPUS + CPUS]
    tables = hw_gpt(shared, "params", *latencies)
    large, middle = tables["l"], tables["m"]
    ratios = [np.median(large[name]) / np.median(middle[name]) for name in latencies]
    return {
        "least": float(min(ratios)),
        "most": float(max(ratios)),
        "params": float(np.median(large["params"]) / np.median(middle["params"])),
    }


def batch_one(shared: Path) -> dict[str, float]:
    """Five-fold R2 of latency as a sum over stages' blocks and the resolution: once-for-all networks, by batch size."""
    table = columns(shared / "ofa_mbv3" / "help_ofa_latency.npz")
    names = [name for name in table if name.startswith("latency_")]
    Y = np.stack([table[name] for name in names], axis=1).astype(float)
    A, left = sum_over_blocks(table), np.empty_like(Y)
    for fold in range(5):
        test = np.arange(len(Y)) % 5 == fold
        left[test] = Y[test] - A[test] @ np.linalg.lstsq(A[~test], Y[~test], rcond=None)[0]
    r2 = dict(zip(names, 1 - (left**2).sum(axis=0) / ((Y - Y.mean(axis=0)) ** 2).sum(axis=0), strict=True))
    found: dict[str, float] = {}
    for batch in (1, 32, 64):
        of = [value for name, value in r2.items() if name.endswith(f"_{batch}")]
        found |= {f"least_{batch}": min(of), f"most_{batch}": max(of)}
    return found


def sum_over_blocks(table: dict[str, Array]) -> Array:
    """Resolution, and of each of 20 blocks its kernel and width, alone and times the pixels; (n, 385)."""
    n, r = len(table["r"]), table["r"].astype(float)
    active = (np.arange(4) < table["d"][:, :, None]).reshape(n, 20, 1, 1)
    kernel, width = table["ks"][..., None] == [3, 5, 7], table["e"][..., None] == [3, 4, 6]
    blocks = (kernel[..., :, None] & width[..., None, :] & active).reshape(n, 180).astype(float)
    sizes = (r[:, None] == np.unique(r)).astype(float)
    return np.hstack([sizes, blocks, blocks * (r[:, None] / 224) ** 2])


def energy_of_training(shared: Path) -> dict[str, float]:
    """Trainings of EC-NAS on an RTX 3090 that took longer, beside the same ones on a Quadro RTX 6000, than others."""
    table, quadro = (columns(shared / "ec_nas" / f"ec_4v_{name}.npz") for name in ("rtx3090", "quadrortx6000"))
    ratio = table["total_seconds"] / quadro["total_seconds"]
    longer = ratio / np.median(ratio)
    return {
        "seconds": float(table["total_seconds"].max()),
        "kwh": float(table["energy_kwh"].max()),
        "longer": float(longer.max()),
        "twice": int((longer > 2).sum()),
        "all": len(longer),
    }


def carbon(shared: Path) -> dict[str, float]:
    """Grams of CO2 a kWh of EC-NAS's trainings on Quadro RTX 6000: the least and the greatest."""
    table = columns(shared / "ec_nas" / "ec_4v.npz")
    intensity = table["co2eq_g"] / table["energy_kwh"]
    return {"least": float(intensity.min()), "most": float(intensity.max())}


def image_sizes(shared: Path) -> dict[str, int]:
    """Models of timm whose architecture is listed with several image sizes, but with one throughput."""
    models = pd.read_parquet(shared / "timm_results" / "timm.parquet")
    architecture = models.index.str.split(".").str[0]
    sizes = models["img_size"].groupby(architecture)
    several = sizes.nunique()[lambda counts: counts > 1].index
    speeds = models["infer-amp-nchw-pt291-cu130-5090:infer_samples_per_sec"].groupby(architecture).nunique()
    return {
        "all": len(models),
        "speeds": int(speeds.max()),
        "architectures": len(several),
        "rows": int(sum(len(sizes.get_group(name)) for name in several)),
        "wrong": int(sum(len(sizes.get_group(name)) - sizes.get_group(name).value_counts().max() for name in several)),
    }


def repeated_rows(shared: Path) -> dict[str, float]:
    """Networks of Accel-NASBench that have two rows, and how far these lie apart in top-1 accuracy."""
    table = columns(shared / "accel_nasbench" / "accel_nasbench.npz")
    distinct, member, counts = np.unique(table["genes"], axis=0, return_inverse=True, return_counts=True)
    apart = [np.ptp(table["val_top1"][member.ravel() == i]) for i in np.flatnonzero(counts > 1)]
    return {"rows": len(table["genes"]), "networks": len(distinct), "most": float(max(apart))}
