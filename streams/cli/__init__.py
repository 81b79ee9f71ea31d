"""The commands that need a broker."""
