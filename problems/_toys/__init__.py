"""Networks and constants of the bilevel toys."""
