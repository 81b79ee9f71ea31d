"""The ways in which an exchange can depart from its agreement."""

from __future__ import annotations

from enum import StrEnum


class Breach(StrEnum):
    """The contract's breaches; also the values of a metric label, so the set is closed."""

    NO_AGREEMENT = "no_agreement"
    AGREEMENT_INACTIVE = "agreement_inactive"
    AGREEMENT_EXPIRED = "agreement_expired"
    AGREEMENT_NOT_STARTED = "agreement_not_started"
    PURPOSE_MISSING = "purpose_missing"
    PURPOSE_NOT_PERMITTED = "purpose_not_permitted"
    FIELDS_EXCEEDED = "fields_exceeded"
    RECORDS_EXCEEDED = "records_exceeded"
    OUTSIDE_HOURS = "outside_hours"
    QUOTA_EXCEEDED = "quota_exceeded"
    CASE_MISSING = "case_missing"
    UNSIGNED = "unsigned"
    UNKNOWN_AGENCY = "unknown_agency"
    UNKNOWN_SERVICE = "unknown_service"
    DUPLICATE_ID = "duplicate_id"
