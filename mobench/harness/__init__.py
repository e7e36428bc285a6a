"""One run: its specification, doors, ledger, log and replay."""
