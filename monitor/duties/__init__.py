"""What each agency must do by when, in which state its connection is, and how it stands in figures."""
