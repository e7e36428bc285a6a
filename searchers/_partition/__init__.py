"""Partitions of a space that are learned from samples, shared by tree searchers."""
