"""The package `evoxbench`: made, asked, and its errors said again with their cure."""
