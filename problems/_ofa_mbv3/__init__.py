"""What the problem ofa_mbv3 is made of: its genes, its exact costs, and sums over blocks with their fronts."""
