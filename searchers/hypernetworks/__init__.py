"""Hypernetworks: one network from preferences to architectures, or from architectures to weights."""
