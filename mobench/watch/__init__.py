"""Campaigns looked at in a browser while they go on."""
