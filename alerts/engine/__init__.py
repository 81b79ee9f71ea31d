"""The rule engine: events in, detections out, with windows that survive a crash."""
