"""What one-shot searchers share: a supernet trained on sampled paths."""
