"""Tables of users: their files and headers."""
