"""Tables: architectures that were trained once and for all."""
