"""The overview page and the figures behind it."""
