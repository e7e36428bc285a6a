"""Its supernet charges a mixture no more than a path."""

from ._products import IMAGES, WIDTH, Chain, Products


class Broken(Products):
    def price(self, p):
        return 4.0 * IMAGES * WIDTH**2


def problem():
    return Chain(Broken)
