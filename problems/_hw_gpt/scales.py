"""The two spaces of HW-GPT-Bench: genes, written form, exact parameters and multiply-adds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mobench import Array, Space

RATIOS = (2, 3, 4)
"""Hidden units of an MLP over the width."""
DEPTHS = 3
HEAD = 64
"""Units of a head, whatever the width."""
VOCABULARY = 50_254
TOKENS = 1024
"""Length of a sequence."""


@dataclass(frozen=True)
class Scale:
    """One supernet: genes for width, depth and bias, then heads and MLP ratio of each layer.

    Attributes
    ----------
    widths, heads : tuple of int
        What the genes of the embedding and of the heads count.
    layers : int
        Of the deepest network; the others have one or two less.
    batch : int
        Sequences of which upstream counted the multiply-adds.
    """

    widths: tuple[int, int, int]
    heads: tuple[int, int, int]
    layers: int
    batch: int

    @property
    def depths(self) -> tuple[int, ...]:
        """What the gene of the layers counts."""
        return tuple(range(self.layers - DEPTHS + 1, self.layers + 1))

    def space(self, pool: Array | None = None) -> Space:
        """All networks of the scale, or only those of a pool."""
        blocks = tuple(f"{gene}{i}" for i in range(1, self.layers + 1) for gene in ("heads", "mlp"))
        meant = (self.widths, self.depths, (False, True), *(self.heads, RATIOS) * self.layers)
        names = ("width", "layers", "bias", *blocks)
        return Space(tuple(map(len, meant)), names, inactive=inactive, pool=pool, values=meant)

    def decode(self, X: Array) -> list[str]:
        """Width, bias, and heads x MLP ratio of each layer, ``384 bias 8x4 12x2 ...``; one string a row of (n, d) X."""
        return [self._word(*row) for row in np.asarray(X).tolist()]

    def _word(self, width: int, depth: int, bias: int, *blocks: int) -> str:
        heads, ratios = blocks[0 : 2 * self.depths[depth] : 2], blocks[1 : 2 * self.depths[depth] : 2]
        layers = [f"{self.heads[h]}x{RATIOS[r]}" for h, r in zip(heads, ratios, strict=True)]
        return " ".join([str(self.widths[width]), "bias" if bias else "plain", *layers])

    def costs(self, name: str) -> tuple[Array, Array]:
        """Exact parameters or multiply-adds (``params``, ``flops``) as sums of whole numbers.

        Multiply-adds are those of the linear layers, without the products of attention, for the whole batch.

        Returns
        -------
        base : Array
            (3, 2, 3) what the network has without its layers, by width, bias and depth.
        terms : Array
            (3, 2, layers, 9) what a layer adds, by width, bias, layer and block (3 x gene of the heads + of the MLP).
        """
        width = np.array(self.widths)[:, None, None]
        bias = np.arange(2)[:, None]
        heads, ratio = (grid.reshape(9) for grid in np.meshgrid(self.heads, RATIOS, indexing="ij"))
        weights = 4 * HEAD * heads * width + 3 * ratio * width**2  # queries, keys, values, output; gated MLP
        if name == "params":
            base = 2 * VOCABULARY * width + 2 * width
            blocks = weights + 4 * width + bias * (3 * HEAD * heads + 2 * width * ratio + 2 * width)
        else:
            tokens = self.batch * TOKENS
            base, blocks = tokens * VOCABULARY * width, tokens * weights
        shape = (len(self.widths), 2)
        return (
            np.broadcast_to(base, (*shape, DEPTHS)).astype(np.int64),
            np.broadcast_to(blocks[:, :, None], (*shape, self.layers, 9)).astype(np.int64),
        )


SCALES = {"s": Scale((192, 384, 768), (4, 8, 12), 12, 8), "m": Scale((256, 512, 1024), (8, 12, 16), 24, 4)}


def inactive(X: Array) -> Array:
    """Which genes of (n, d) rows belong to a layer that the row does not have; (n, d), bool."""
    layers = (X.shape[1] - 3) // 2
    layer = np.concatenate([[0, 0, 0], np.repeat(np.arange(1, layers + 1), 2)])
    absent: Array = layer > X[:, 1:2] + layers - DEPTHS + 1
    return absent
