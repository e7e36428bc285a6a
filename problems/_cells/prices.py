"""What zero-cost proxies of cells cost, for problems that read them from a table and do without torch."""

from __future__ import annotations

from collections.abc import Sequence

from mobench import Array

__all__ = ["IMAGES", "PASSES", "PROXY_NAMES", "proxy_prices"]

IMAGES = 32
"""Images of a batch: fewer than Motif's have pixels, for else jacob_cov has eigenvalues of 0."""
PASSES = {
    "grad_norm": 3.0 * IMAGES,
    "snip": 3.0 * IMAGES,
    "grasp": 9.0 * IMAGES,
    "fisher": 3.0 * IMAGES,
    "synflow": 3.0,
    "jacob_cov": 3.0 * IMAGES,
    "naswot": 1.0 * IMAGES,
    "flops": 0.0,
}
"""Forward passes of one image that each takes: a gradient is 3, a Hessian-vector product 6 more; flops are counted."""
PROXY_NAMES = tuple(PASSES)


def proxy_prices(macs: Array, names: Sequence[str]) -> Array:
    """Multiply-adds, (n,), of these scores of networks whose forward pass of an image takes (n,) `macs`."""
    prices: Array = macs * sum(PASSES[name] for name in names)
    return prices
