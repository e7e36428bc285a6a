"""What searchers over a relaxed architecture share: variables, gradients, relaxations, the loop."""
