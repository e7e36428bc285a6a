"""How data are drawn: each figure a function of tidy data."""
