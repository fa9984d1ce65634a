"""What invented clients have agreed to; it follows from a number of theirs, so that nothing else is drawn otherwise."""

from datetime import date
from typing import Any


def privacy_of(mark: int) -> dict[str, Any]:
    """The group profile.privacy: half of the clients agreed to offers, a few took it back or objected."""
    values: dict[str, Any] = {
        "lawfulBasis": "CONTRACT",
        "processingPurposes": ["ACCOUNTS", "RISK", "FINANCIAL_CRIME", *(["MARKETING"] if mark % 2 == 0 else [])],
    }
    if mark % 2 == 0:
        values["consentScopes"] = ["CONTACT", "PROFILING"] if mark % 4 == 0 else ["CONTACT"]
        values["consentGivenOn"] = date(2020 + mark % 5, 1 + mark % 12, 1 + mark % 28)
        values["consentText"] = "Consent to offers, edition 3"
    if mark % 10 == 0:
        values["consentWithdrawnOn"] = date(2026, 1 + mark % 6, 1 + mark % 28)
    if mark % 7 == 0:
        values["objectedOn"] = date(2025, 1 + mark % 12, 1 + mark % 28)
    return values
