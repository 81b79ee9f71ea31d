"""From the database: what a period's figures are made of. One transaction reads all."""
