"""All transformers as one module with choices, and one of them as a plain torch module."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from mobench.live import (
    Choice,
    ElasticConstant,
    ElasticConv2d,
    ElasticHeads,
    ElasticLayerNorm,
    ElasticLinear,
    ElasticMLP,
    Gene,
)
from mobench.problems._modules.blocks import Residual
from mobench.problems._modules.tokens import Max, Mean, Tokens
from mobench.problems._trained.supernet import space_of
from mobench.problems._transformer.space import CLASSES, HEAD_SIZE, HEADS, KERNEL, NAMES, PARTS, RATIOS, TOKENS, WIDTHS


def transformers() -> nn.Module:
    """All networks at once: one elastic width, each part a choice of all its sizes, each of its own weights."""
    width = Gene("width", *WIDTHS)

    def residual(body: nn.Module) -> Residual:
        return Residual(nn.Sequential(ElasticLayerNorm(width), body), keeps=True)

    def attention(name: str) -> Choice:
        made = {str(heads): residual(ElasticHeads(width, heads, size=HEAD_SIZE)) for heads in HEADS if heads}
        return Choice(name, **{"0": nn.Identity()}, **made)

    def perceptron(name: str) -> Choice:
        made = {str(r): residual(ElasticMLP(width, r * width, activation=nn.ReLU)) for r in RATIOS if r}
        return Choice(name, **{"0": nn.Identity()}, **made)

    parts = [perceptron(name) if i % 2 else attention(name) for i, name in enumerate(NAMES[1 : 1 + PARTS])]
    return Tokens(
        ElasticConv2d(1, width, kernel=KERNEL, stride=2, bias=True),
        ElasticConstant(TOKENS, width),
        nn.Sequential(*parts, ElasticLayerNorm(width)),
        Choice(NAMES[-1], mean=Mean(), max=Max()),
        ElasticLinear(width, CLASSES),
    )


def transformer(genes: Sequence[int]) -> nn.Module:
    """The network of one genotype, with some weights: (n, 1, 8, 8) images to (n, 40) logits."""
    return space_of(transformers).extract(genes)
