"""What is normal for a pair or an officer, by the hour of the week, and what departs from it."""
