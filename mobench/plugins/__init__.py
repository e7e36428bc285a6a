"""Names to searchers and problems, with checked options."""
