"""A platform's weeks, made up: what happens on it, what somebody does to it, and what the rules say to
that.
"""
