"""A sound supernet whose operations differ in price: nothing is broken."""

from ._products import Chain, Products


def problem():
    return Chain(Products)
