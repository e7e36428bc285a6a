"""A searcher and a problem that live outside the tree."""
