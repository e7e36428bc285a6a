"""The problems that ship with mobench: one file, one source of truth."""
