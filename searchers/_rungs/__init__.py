"""What searchers at several fidelities share: rungs, brackets, and who is promoted."""
