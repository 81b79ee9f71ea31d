"""Detection rules, baselines, the alert life cycle and delivery. May import `monitor`, never `streams`."""
