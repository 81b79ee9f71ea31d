"""Indicators: by what agencies are compared, each with what it is a share of and how much it covers."""
