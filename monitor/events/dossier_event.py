"""A dossier event: one step of one dossier, at the agency that answers for it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, get_args

import msgspec

from monitor.events.exchange import Name, Time

Step = Literal[
    "received",
    "supplement_requested",
    "supplemented",
    "completed",
    "withdrawn",
    "paid",
    "rated",
    "digitised",
    "reused",
    "population_database_used",
    "complaint_received",
    "complaint_answered",
]
STEPS: tuple[str, ...] = get_args(Step)

# Codes have no blank and no @: names, prose and addresses have no place in them.
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[^\s@]+\Z")]
Rating = Annotated[int, msgspec.Meta(ge=1, le=5)]


class DossierEvent(msgspec.Struct, gc=False, kw_only=True):
    """One step of a dossier.

    `time` is RFC 3339 with an offset, or milliseconds since 1970. `agency` answers for the dossier, and
    `dossier` is its number there: a code, never a person. `procedure` and `promised` (the last day, local)
    are those of `received`, `rating` (1 to 5) that of `rated`. `online` says that it was filed online,
    `paid_online` that its fee was paid so; these, and `digitised`, `reused` and `population_database`, may
    stand on any step: what one step says was done is done, and what none says was not. The steps `digitised`,
    `reused` and `population_database_used` say the same as the fields.
    """

    id: Name
    time: Time
    agency: Name
    dossier: Code
    step: Step
    procedure: Code | None = None
    promised: date | None = None
    rating: Rating | None = None
    online: bool = False
    paid_online: bool = False
    digitised: bool = False
    reused: bool = False
    population_database: bool = False
