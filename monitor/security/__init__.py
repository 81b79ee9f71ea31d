"""Security events once they are decoded: made anonymous, counted, and stored."""
