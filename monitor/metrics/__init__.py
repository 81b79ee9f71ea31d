"""Every metric, declared once: its name, what it counts and its labels."""
