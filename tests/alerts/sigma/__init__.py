"""Specification of `alerts.sigma`: what rules match, what is refused and how it is said, cases, reloading."""
