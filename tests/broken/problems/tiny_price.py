"""Its supernet charges a thousandth of what it computes."""

from ._products import Chain, Products


class Broken(Products):
    def price(self, p):
        return super().price(p) / 1000


def problem():
    return Chain(Broken)
