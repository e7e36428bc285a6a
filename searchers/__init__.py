"""The searchers that ship with mobench: one file, one method, one paper."""
