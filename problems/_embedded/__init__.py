"""The embedded tables: made by scripts/embedded/, loaded when they are asked for."""
