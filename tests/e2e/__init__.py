"""The real parts together: what a user would see."""
