"""Specification of the shipped rules: complete, tested by their own cases, and covering what the domain asks
for.
"""
