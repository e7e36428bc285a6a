"""Tree search: statistics of parts of the space decide where to look next."""
