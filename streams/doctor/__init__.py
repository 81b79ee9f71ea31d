"""The doctor: looks at everything the monitor depends on, and says in plain words what is wrong."""
