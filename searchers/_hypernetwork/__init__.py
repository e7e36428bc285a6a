"""What hypernetwork searchers share: the networks and their training."""
