"""Its supernet charges cheap paths more than dear ones."""

from ._products import Chain, Products


class Broken(Products):
    def price(self, p):
        return 1e13 / super().price(p)


def problem():
    return Chain(Broken)
