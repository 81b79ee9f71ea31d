"""Errors that a person can act on. Everything expected is one of these; anything else is a defect."""


class MonitorError(Exception):
    """Something outside is wrong (exit status 1); the message says what, where and what to do."""


class UsageProblem(MonitorError):
    """A setting or an argument is wrong (exit status 2); the message names it and the accepted values."""
