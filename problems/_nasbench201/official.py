"""Reads what official files of NATS-Bench (topology) and NAS-Bench-201 say of architectures into arrays, safely."""

from __future__ import annotations

import bz2
import importlib
import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from tqdm import tqdm

from mobench import Array, check_pickles, load_pickle
from mobench.problems._cells.space import from_strings

DATASETS = ("cifar10", "cifar100", "ImageNet16-120")
SEEDS = {12: (111, 777), 200: (777, 888, 999)}
"""Seeds of the trials that exist, by epochs; not every architecture has all of them."""
MEMORY = 28
"""GB of memory that the one-file forms need."""


def _names() -> list[str]:
    names = []
    for dataset in DATASETS:
        for epochs, seeds in SEEDS.items():
            kinds = ("valid", "test", "seconds", *(f"valid/{seed}" for seed in seeds))
            names += [f"{dataset}/{epochs}/{kind}" for kind in kinds]
        names += [f"{dataset}/{kind}" for kind in ("flops", "params", "latency:nats_gpu")]
    return names


FIELDS = tuple(_names())
"""Names of the numbers taken from each architecture: accuracies in per cent, training seconds, stored costs."""


def seen_split(dataset: str) -> str:
    """Split whose training has a validation set: CIFAR-10 is trained on one half and validated on the other."""
    return "cifar10-valid" if dataset == "cifar10" else dataset


def numbers(results: Mapping[int, Any]) -> Array:
    """Numbers of one architecture, by `FIELDS`; NaN where a trial or a measurement does not exist.

    Parameters
    ----------
    results : mapping
        Epochs to ``ArchResults`` of `nats_bench` or of `nas_201_api`, which do all the arithmetic.

    Raises
    ------
    ValueError
        A trial with a seed that no published file has.
    """
    found: dict[str, float] = {}
    for epochs, result in results.items():
        for dataset in DATASETS:
            split, at = seen_split(dataset), f"{dataset}/{epochs}"
            found[f"{at}/valid"] = _metric(result, split, "x-valid", "accuracy")
            found[f"{at}/seconds"] = _metric(result, split, "train", "all_time")
            found[f"{at}/test"] = _metric(result, dataset, "ori-test" if dataset == "cifar10" else "x-test", "accuracy")
            for seed in result.dataset_seed.get(split, ()):
                if seed not in SEEDS[epochs]:
                    raise ValueError(f"trial with seed {seed} at {epochs} epochs, expected one of {SEEDS[epochs]}")
                found[f"{at}/valid/{seed}"] = _metric(result, split, "x-valid", "accuracy", seed)
            if epochs == 200 and dataset in result.dataset_seed:
                costs = result.get_compute_costs(dataset)
                found |= {f"{dataset}/flops": costs["flops"], f"{dataset}/params": costs["params"]}
                found[f"{dataset}/latency:nats_gpu"] = 1000 * (costs["latency"] or np.nan)
    return np.array([found.get(name, np.nan) for name in FIELDS], dtype=np.float64)


def _metric(result: Any, split: str, subset: str, name: str, seed: int | bool = False) -> float:
    """One number of `get_metrics`: the mean of the trials, or the trial with `seed`; never a random one."""
    try:
        value = result.get_metrics(split, subset, is_random=seed)[name]
    except KeyError:
        return float("nan")
    return float("nan") if value is None else float(value)


def results_class(package: str) -> Any:
    """``ArchResults`` of `package`.

    Raises
    ------
    ValueError
        The package is not installed; the message says how to get it.
    """
    try:
        return importlib.import_module(f"{package}.api_utils").ArchResults
    except ImportError:
        raise ValueError(
            f"reading official files needs {package}, which is not installed; pip install 'mobench[import]'"
        ) from None


def read_member(path: Path, content: bytes | None = None) -> Any:
    """Unpickle a bzip2-compressed pickle of plain data: the file at `path`, or what was read from it.

    Raises
    ------
    ValueError
        The file is truncated, damaged or asks for more than plain data.
    """
    try:
        with bz2.open(path if content is None else io.BytesIO(content), "rb") as file:
            size = path.stat().st_size if content is None else len(content)
            return load_pickle(cast(BinaryIO, file), memory=2**30 + 64 * size)
    except (EOFError, OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        cause = str(error).removeprefix("pickle: ")
        raise ValueError(f"{path}: damaged or no NATS-Bench file ({cause}); download it again") from None


def from_state(state: Any, where: str) -> tuple[str, Array]:
    """Architecture string and numbers of one member's content."""
    make = results_class("nats_bench").create_from_state_dict
    try:
        results = {int(hp): make(content) for hp, content in state.items() if int(hp) in SEEDS}
        string = next(iter(results.values())).arch_str
        from_strings([string])
        return string, numbers(results)
    except Exception as error:  # noqa: BLE001 - on damaged content, nats_bench can raise anything
        raise ValueError(f"{where}: no architecture of NATS-Bench's topology space ({error})") from None


def listed(content: Mapping[str, Any], where: Path) -> list[str]:
    """The architecture strings that a file lists as ``meta_archs``; ValueError where it lists no strings."""
    strings = content.get("meta_archs")
    if not isinstance(strings, list | tuple) or not all(isinstance(string, str) for string in strings):
        raise ValueError(f"{where}: expected a list of architecture strings 'meta_archs'; download it again")
    return list(strings)


def read_one_file(path: Path, *, progress: bool) -> tuple[list[str], list[str], Array]:
    """Read NATS-Bench's single ``.pickle.pbz2`` or NAS-Bench-201's ``.pth``.

    Returns
    -------
    order, strings, numbers
        All architecture strings in the benchmark's order; then k strings and (k, len(FIELDS)) numbers.
    """
    if progress:
        tqdm.write(f"{path.name}: reading it takes about {MEMORY} GB of memory and some minutes, once; the NATS-Bench")
        tqdm.write("folder NATS-tss-v1_0-3ffb9-simple has the same content and needs less than 1 GB")
    is_torch = path.suffix == ".pth"
    content = _load_pth(path) if is_torch else read_member(path)
    make = results_class("nas_201_api" if is_torch else "nats_bench").create_from_state_dict
    names = {12: "less", 200: "full"} if is_torch else {12: "12", 200: "200"}
    try:
        order = listed(content, path)
        chosen = sorted(content["arch2infos"])
        bar = tqdm(chosen, unit=" architectures", desc=path.name, disable=not progress)
        values = _each(bar, content["arch2infos"], lambda state: {e: make(state[n]) for e, n in names.items()})
        return order, [order[i] for i in chosen], values
    except Exception as error:  # noqa: BLE001 - on damaged content, their readers can raise anything
        raise ValueError(f"{path}: not the content of a NAS-Bench-201 or NATS-Bench file ({error!r})") from None


def _each(chosen: Iterable[int], infos: Any, read: Callable[[Any], Mapping[int, Any]]) -> Array:
    rows = [numbers(read(infos.pop(i))) for i in chosen]  # popped: memory goes back as we read
    return np.array(rows, dtype=np.float64).reshape(-1, len(FIELDS))


def _load_pth(path: Path) -> Any:
    """Load a torch file that holds plain data, and nothing else."""
    results_class("nas_201_api")
    import torch

    check_pickles(path)
    multiarray = importlib.import_module("numpy._core.multiarray" if np.__version__ >= "2" else "numpy.core.multiarray")
    safe = [set, np.dtype, np.dtypes.Float64DType, np.dtypes.Int64DType, multiarray.scalar]
    spellings = [(multiarray.scalar, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")]
    try:
        with torch.serialization.safe_globals([*safe, *spellings]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except Exception as error:  # noqa: BLE001 - torch raises many kinds
        cause = str(error).strip().partition("\n")[0]
        raise ValueError(f"{path}: damaged, or holds more than plain data ({cause}); download it again") from None
