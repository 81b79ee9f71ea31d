"""Rules as files: Sigma read, checked and compiled to closures."""
