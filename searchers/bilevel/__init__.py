"""Bilevel: the architecture above, the weights below, each in its own way."""
