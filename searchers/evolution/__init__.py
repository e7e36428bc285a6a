"""Evolution: populations under selection, crossover and mutation."""
