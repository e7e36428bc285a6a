"""C sources compiled for this processor on first use, and the weights and orders that every trainer draws.

The trainers of this folder share it, and Motif's in `scripts/motif`.
"""

import ctypes
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np

from mobench import Array

FLAGS = ("-O3", "-march=native", "-ffast-math", "-mprefer-vector-width=512", "-fPIC", "-shared")
WEIGHTS_STREAM, ORDER_STREAM = 3, 2


@cache
def compiled(
    source: Path, *, real: str = "float", batch: int = 64, flags: tuple[str, ...] = FLAGS, compiler: str | None = None
) -> ctypes.CDLL:
    """Compile a trainer in C, or find it compiled, and load it.

    Raises
    ------
    RuntimeError
        If there is no C compiler (`cc`, or the one named by the variable CC) or it fails.
    """
    name = compiler or os.environ.get("CC") or "cc"
    if shutil.which(name) is None:
        raise RuntimeError(f"the trainer needs a C compiler with GNU vector types (gcc or clang); {name!r} not found")
    command = [name, *flags, f"-DREAL={real}", f"-DBATCH={batch}"]
    key = sha256("\n".join([*command, source.read_text()]).encode()).hexdigest()[:16]
    target = Path(tempfile.gettempdir()) / f"motif-{source.stem}-{os.getuid()}-{key}.so"
    if not target.exists():
        part = target.with_suffix(f".{os.getpid()}")
        done = subprocess.run([*command, "-o", str(part), str(source), "-lm"], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed: {done.stderr[:2000]}")
        part.replace(target)
    return ctypes.CDLL(str(target))


def compiled_by(flags: tuple[str, ...] = FLAGS) -> str:
    """Name this machine's compiler and the flags, for the header of a table."""
    done = subprocess.run(["cc", "--version"], capture_output=True, text=True, check=True)
    return f"{done.stdout.splitlines()[0]}, {' '.join(flags)}"


def processor() -> str:
    """Name this machine's processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def pointer(array: Array) -> ctypes.c_void_p:
    """Address of a contiguous array, for C."""
    return ctypes.c_void_p(array.ctypes.data)


def batch_order(*, seed: int, row: int, images: int, batch: int, epochs: int) -> Array:
    """Draw the image numbers of every batch, (steps, batch) int32 in all, at the address [seed, 2, row]."""
    rng = np.random.default_rng([seed, ORDER_STREAM, row])
    return np.concatenate([rng.permutation(images) for _ in range(epochs)]).reshape(-1, batch).astype(np.int32)


def drawn(tensors: Sequence[tuple[str, tuple[int, ...], int]], *, seed: int, row: int) -> Array:
    """Draw initial parameters at the address [seed, 3, row]: a flat float32 vector of tensors (kind, shape, fan-in).

    A ``kernel`` is normal with variance 2 / fan-in (He et al. 2015), a ``weight`` uniform within 1/sqrt(fan-in), a
    ``position`` normal with deviation 0.02; a ``scale`` is one and a ``shift`` zero.
    """
    rng = np.random.default_rng([seed, WEIGHTS_STREAM, row])
    parts = []
    for kind, shape, fan_in in tensors:
        size = int(np.prod(shape))
        if kind == "kernel":
            parts.append(rng.standard_normal(size) * np.sqrt(2.0 / fan_in))
        elif kind == "weight":
            parts.append(rng.uniform(-1.0, 1.0, size=size) / np.sqrt(fan_in))
        elif kind == "position":
            parts.append(0.02 * rng.standard_normal(size))
        else:
            parts.append(np.full(size, float(kind == "scale")))
    return np.concatenate(parts).astype(np.float32)
