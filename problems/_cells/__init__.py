"""The NAS-Bench-201 cell: its space, its networks, its supernet and its trainings."""
