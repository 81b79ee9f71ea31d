"""Events as they arrive: their fields, their formats, and what makes one unacceptable."""
