"""Gradient: descent of several objectives over a relaxed architecture."""
