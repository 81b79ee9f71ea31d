"""The life of an alert, from the first detection to its resolution, in SQL."""
