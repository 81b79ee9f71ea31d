"""Who acknowledges is a desk, whose work an alert is a unit's: no person is kept in either."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from alerts.lifecycle.desk import LONGEST_REASON, desk, reason
from alerts.lifecycle.owner import owner_of
from alerts.model import Group
from monitor.errors import UsageProblem
from tests.alerts.lifecycle.parts import info
from tests.builders import AGENCIES, MOMENT, agency, agreement, made

PAIR: Group = (("consumer", "MOH"), ("service", "population.verify-identity"))


@pytest.mark.parametrize(
    "name", ["soc", "soc/night", "soc-duty", "MOH", "MOH/data-office", "HA-NOI/desk2", "SOC"]
)
def test_a_desk_is_named_by_its_office_first(name: str) -> None:
    """`soc` or a code in capitals, then words in small letters."""
    assert desk(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "nvan",
        "an.nguyen",
        "nguyen-van-a",
        "Nguyen Van A",
        "Nguyễn Văn A",
        "MOH/Nguyen",
        "MOH data office",
        "office@moh.example",
        "soc/",
        "soc/night\n",
        "sock",
        "MOH/" + "a" * 60,
    ],
)
def test_what_may_be_a_person_is_refused(name: str) -> None:
    """A login, a name, an address; the message says what is expected."""
    with pytest.raises(UsageProblem, match="soc/night, MOH/data-office"):
        desk(name)


def test_a_reason_is_one_line_without_addresses() -> None:
    """It is bounded and never empty."""
    assert reason("  asked\tthe \x1b[31mprovider\n") == "asked the [31mprovider"
    assert len(reason("x" * LONGEST_REASON)) == LONGEST_REASON
    for wrong, why in (
        (" \n", "needs a reason"),
        ("x" * (LONGEST_REASON + 1), "500 are kept"),
        ("told a@b", "e-mail"),
    ):
        with pytest.raises(UsageProblem, match=why):
            reason(wrong)


@pytest.mark.parametrize(
    ("owner", "about", "group", "at", "expected"),
    [
        ("soc", "consumer", PAIR, MOMENT, "soc"),
        # The agreement's contact goes before the agency's, while it is in force.
        ("consumer", "consumer", PAIR, MOMENT, "asking@example.vn"),
        ("provider", "consumer", PAIR, MOMENT, "answering@example.vn"),
        ("consumer", "consumer", PAIR, datetime(2027, 1, 2, tzinfo=UTC), "moh@example.vn"),
        # Its days are local ones: this is New Year's Day in Hanoi.
        ("consumer", "consumer", PAIR, datetime(2026, 12, 31, 18, tzinfo=UTC), "moh@example.vn"),
        # What the group does not name, the alert's agency may be.
        ("consumer", "agency", (), MOMENT, "moh@example.vn"),
        ("provider", "provider", (), MOMENT, "moh@example.vn"),
        # Nobody known: it is still somebody's.
        ("provider", "consumer", (), MOMENT, "soc"),
        ("consumer", "consumer", (("consumer", "VSS"),), MOMENT, "soc"),
    ],
)
def test_the_owner_is_a_unit_that_the_registry_knows(
    owner: str, about: str, group: Group, at: datetime, expected: str
) -> None:
    """From the rule, the agreement in force and the agency."""
    from tests.builders import ZONE

    contacts: dict[str, Any] = {
        "contact_consumer": "asking@example.vn",
        "contact_provider": "answering@example.vn",
    }
    agencies = [one for one in AGENCIES if one["code"] != "MOH"] + [agency("MOH", contact="moh@example.vn")]
    registry = made(agreement(**contacts), agencies=agencies)
    rule = info(owner=owner, agency=about)
    assert owner_of(rule, "MOH", group, at, registry, ZONE) == expected
