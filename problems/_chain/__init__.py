"""Chains of residual blocks for `motif_chain`: space, network, supernet and table, which problems share."""
