"""NAS-Bench-201's official files: sources, readers, columns."""
