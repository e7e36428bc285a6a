"""What problems share whose networks are all trained: the reading of their tables, and the problem that they are."""
