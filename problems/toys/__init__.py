"""Toys: known answers in milliseconds."""
