"""The report that people sign: national, and the score card of one agency, summed from the ledger."""
