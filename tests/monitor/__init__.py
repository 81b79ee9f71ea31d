"""Tests of the domain package, in the folders of the package."""
