"""Sets of words that code owns."""

from typing import Any

import strawberry

from catalogue.attribute import ClientKind, ClientStage, Facet, Sensitivity, Status
from catalogue.kinds import KINDS, Kind


def _enum(cls: Any, description: str, meanings: dict[str, str], name: str | None = None) -> Any:
    made = strawberry.enum(cls, name=name, description=description)
    for value in made.__strawberry_definition__.values:
        value.description = meanings[value.name]
    return made


ClientKindEnum = _enum(
    ClientKind,
    "Organisations and persons.",
    {"ORGANISATION": "A company, an authority, an association.", "PERSON": "A natural person."},
)
ClientStageEnum = _enum(
    ClientStage,
    "Where the relationship with a client stands.",
    {
        "PROSPECT": "Not a client yet.",
        "ACTIVE": "Does business with the bank.",
        "DORMANT": "A client without business at present.",
        "LOST": "No longer a client.",
    },
)
FACET_MEANINGS = {
    "PROFILE": "Who the client is: industry, size, place, people.",
    "BEHAVIOUR": "What the client does: contacts, finances, purchases, money flows.",
    "ATTITUDE": "What the client thinks: satisfaction, preferences, outlook.",
    "DERIVED": "What follows from the other three: ratios, rating, value, segment.",
}
FacetEnum = _enum(Facet, "The four sides of a client.", FACET_MEANINGS)
SensitivityEnum = _enum(
    Sensitivity,
    "How secret a value is, from open to most secret.",
    {
        "PUBLIC": "Anybody may know it.",
        "INTERNAL": "Everybody in the bank may know it.",
        "CONFIDENTIAL": "Those who work with the client may know it.",
        "RESTRICTED": "Only with a purpose.",
    },
)
AttributeStatusEnum = _enum(
    Status,
    "Where an attribute stands in its life.",
    {
        "DRAFT": "Defined, not in the schema yet.",
        "PUBLISHED": "In the schema.",
        "DEPRECATED": "In the schema, on its way out.",
        "RETIRED": "Out of the schema; stored values and history stay, and the path is never used again.",
    },
    "AttributeStatus",
)
AttributeKindEnum = _enum(
    Kind,
    "What a value of an attribute is.",
    {str(kind): f"{spec.expected[0].upper()}{spec.expected[1:]}." for kind, spec in KINDS.items()},
    "AttributeKind",
)
