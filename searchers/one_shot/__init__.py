"""One-shot: a supernet trained once, then searched with inherited weights."""
