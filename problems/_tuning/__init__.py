"""Data, grids of penalties, exact lower levels and networks of the tuning problems."""
