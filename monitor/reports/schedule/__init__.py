"""Reports that are made by themselves: when each is due, which were made, and what is still to be made."""
