"""Judging: what an exchange was allowed to do, and in which ways it departed from that."""
