"""Starts the real programs that tests need, and says plainly when one is missing."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing_part(what: str, remedy: str) -> NoReturn:
    """Skip the test where `what` is not installed; under CI=true fail it: there nothing goes untested."""
    message = f"{what} is missing: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)
