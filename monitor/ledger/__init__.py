"""The ledger: hourly cells that everything reported is summed from."""
