"""Live: architectures that are trained when they are asked for."""
