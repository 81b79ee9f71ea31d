"""History files into the ledger: each is a partition whose offset is the number of its next line."""
