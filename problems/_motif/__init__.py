"""Motif's trainings, which problems share: the table and how to read it."""
