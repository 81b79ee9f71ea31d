"""What is deployed beside the monitor."""
