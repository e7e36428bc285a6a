"""Baselines: what any method has to beat."""
