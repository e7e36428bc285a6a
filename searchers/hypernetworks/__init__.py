"""Hypernetworks: one network from preferences to architectures."""
