"""Surrogates: answers of a model fitted to measurements."""
