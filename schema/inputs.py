"""Inputs that several areas share."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry

from acts.checks import Guard
from repositories.plan import Proof
from schema.fields import input_type

ProofInput = input_type(
    "ProofInput",
    "Where values come from.",
    (
        ("source", str | None, "The source: a document, a system, a conversation."),
        ("observer", str | None, "Who observed the values."),
        ("observedAt", datetime | None, "When they were observed; now, if left out."),
        ("confidence", float | None, "How sure the source is, 0 to 1."),
        (
            "keepsNewer",
            bool | None,
            "Whether values that a client has from after observedAt stay: clientChange is refused then, rows of "
            "clientsUpsert leave them out. If left out, what is entered last stands, whenever it was observed.",
        ),
    ),
)

VERSION_ROW = (
    "expectedVersion",
    int | None,
    "The version that was read: the change is refused if it is no longer that.",
)
KEY_ROW = (
    "idempotencyKey",
    str | None,
    "A text of your own for this request: sent again with the same key, it is carried out once.",
)
ID_ROW = ("id", strawberry.ID, "The id of the record.")


def proof_from(given: Mapping[str, Any]) -> Proof:
    """The proof in an input; an empty one where none is given."""
    proof = given.get("proof") or {}
    source, observer, observed_at = proof.get("source"), proof.get("observer"), proof.get("observedAt")
    return Proof(source, observer, observed_at, proof.get("confidence"), bool(proof.get("keepsNewer")))


def guard_from(given: Mapping[str, Any], version: str = "expectedVersion") -> Guard:
    """The version and the idempotency key in an input."""
    return Guard(given.get(version), given.get("idempotencyKey"))
