"""The parts of a report as plain data; monitor.reports.model has all of them and the whole."""
