"""Vision transformers for `motif_transformer`: space, network, supernet and table."""
