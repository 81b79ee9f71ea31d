"""A score of risk for each agency, from what rules have detected lately."""
