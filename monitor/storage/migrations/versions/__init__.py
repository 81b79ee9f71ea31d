"""Schema migrations, in order; run by `monitor migrate`."""
