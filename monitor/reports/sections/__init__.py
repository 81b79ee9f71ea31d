"""From what was gathered to the parts of a report; plain functions without a database or a clock."""
