"""Print how far the approximate hypervolume of many objectives is from the exact one, and what either takes."""

from __future__ import annotations

import time

import moocore
import numpy as np

from mobench.core.indicators import SAMPLES, is_exact

CASES = ((6, 300), (6, 900), (7, 150), (7, 400), (8, 80), (8, 160))
REFERENCE = 1.1


def sphere(n: int, m: int, rng: np.random.Generator) -> np.ndarray:
    """Points that do not dominate each other, (n, m): on the sphere around the nadir, towards the ideal."""
    x = np.abs(rng.normal(size=(n, m)))
    return 1.0 - 0.9 * x / np.linalg.norm(x, axis=1, keepdims=True)


def main() -> None:
    """One line a case: what mobench takes, relative difference, CPU seconds of both."""
    rng = np.random.default_rng(0)
    print(f"{'objectives':>10} {'points':>7} {'taken':>12} {'difference':>11} {'exact s':>8} {'approximate s':>14}")
    for m, n in CASES:
        F, point = sphere(n, m, rng), np.full(m, REFERENCE)
        start = time.process_time()
        exact = moocore.hypervolume(F, ref=point)
        middle = time.process_time()
        near = moocore.hv_approx(F, ref=point, nsamples=SAMPLES)
        end = time.process_time()
        taken = "exact" if is_exact(n, m) else "approximate"
        print(f"{m:>10} {n:>7} {taken:>12} {abs(near / exact - 1):>11.1e} {middle - start:>8.2f} {end - middle:>14.2f}")


if __name__ == "__main__":
    main()
