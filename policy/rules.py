"""The rule table: what each role may read and do. Data, with a built-in default; the database may hold another one."""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, model_validator

from catalogue.attribute import Facet, Sensitivity
from policy.viewer import SYSTEM

LEVELS = tuple(Sensitivity)
"""From open to most secret."""


class RowScope(StrEnum):
    """Which clients a rule is about."""

    NONE = "NONE"
    GRANTED = "GRANTED"
    OWN = "OWN"
    TEAM = "TEAM"
    REGION = "REGION"
    ALL = "ALL"


class Right(StrEnum):
    """What a person may do besides reading."""

    CHANGE_CLIENTS = "CHANGE_CLIENTS"
    RECORD_CONTACTS = "RECORD_CONTACTS"
    DEFINE_ATTRIBUTES = "DEFINE_ATTRIBUTES"
    DEFINE_SEGMENTS = "DEFINE_SEGMENTS"
    CHANGE_DIRECTORY = "CHANGE_DIRECTORY"
    GRANT_ACCESS = "GRANT_ACCESS"
    CHANGE_POLICY = "CHANGE_POLICY"
    READ_AUDIT = "READ_AUDIT"
    ERASE_CLIENTS = "ERASE_CLIENTS"
    EXPORT_CLIENTS = "EXPORT_CLIENTS"
    MANAGE_JOBS = "MANAGE_JOBS"
    HAND_OVER_CLIENTS = "HAND_OVER_CLIENTS"


class Unreadable(StrEnum):
    """What becomes of a selected attribute that may not be read."""

    NULL = "NULL"
    ABSENT = "ABSENT"


class RoleRule(BaseModel):
    """What one role may read and do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: str
    rows: RowScope
    """The clients that are read, and those that are changed where there is a right to."""
    group_rows: RowScope | None = None
    """The clients that are counted in groups; the same, if left out."""
    sensitivity: Sensitivity | None
    """The highest level that is read; None: no attribute at all."""
    facets: Mapping[Facet, Sensitivity | None] = Field(default_factory=dict)
    """A level of its own for a facet."""
    allow: tuple[str, ...] = ()
    """Paths that are read whatever their level, but for RESTRICTED ones, which need a purpose.

    Here and below, a path of another area than the clients' stands behind its area: `interactions:outcome`.
    """
    deny: tuple[str, ...] = ()
    """Paths that are not read, whatever their level; with all that is under them."""
    mask: tuple[str, ...] = ()
    """Paths of text kinds that are shown by their last four signs where they could not be read otherwise."""
    enter: tuple[str, ...] = ()
    """Paths that are written where they are not read, with all that is under them; facets too."""
    purposes: tuple[str, ...] = ()
    """The purposes with which RESTRICTED attributes are read."""
    rights: frozenset[Right] = frozenset()


class Policy(BaseModel):
    """The whole table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    revision: int = 0
    """0 is the built-in table; each stored one is one more."""
    rules: tuple[RoleRule, ...]
    purposes: Mapping[str, str]
    """What somebody may want RESTRICTED attributes for, with words."""
    unreadable: Unreadable = Unreadable.NULL
    secret_inputs_by_two: bool = False
    """Whether one person alone may not have values computed from what they may not read."""
    group_floor: int = 5
    """Groups of fewer clients are left out where the clients themselves may not be read."""

    @model_validator(mode="after")
    def _consistent(self) -> "Policy":
        roles = [each.role for each in self.rules]
        if len(set(roles)) != len(roles):
            raise ValueError("every role has one rule; one of them has two")
        for each in self.rules:
            if each.role == SYSTEM:
                raise ValueError("the role system is Kehu's own and has no rule in a table")
            if Sensitivity.RESTRICTED in (each.sensitivity, *each.facets.values()):
                raise ValueError(f"{each.role}: RESTRICTED is read by purpose only; name purposes instead")
        unknown = {purpose for each in self.rules for purpose in each.purposes} - set(self.purposes)
        if unknown:
            raise ValueError(f"purposes that are not in the list: {', '.join(sorted(unknown))}")
        if self.group_floor < 1:
            raise ValueError("group_floor is at least 1")
        return self

    def rule(self, role: str) -> RoleRule | None:
        """The rule of a role; None where there is none, which means: nothing."""
        return next((each for each in self.rules if each.role == role), None)


PURPOSES = {
    "CREDIT_REVIEW": "Decide on credit, or review it",
    "FINANCIAL_CRIME": "Prevent or investigate financial crime",
    "AUDIT": "Audit the bank's own work",
    "LEGAL_CLAIM": "Make or answer a legal claim",
    "DATA_SUBJECT_REQUEST": "Answer a client who asks for his own data",
}

_FACETS = tuple(str(each) for each in Facet)
_RECORDS = frozenset((Right.CHANGE_CLIENTS, Right.RECORD_CONTACTS))

SYSTEM_RULE = RoleRule(role=SYSTEM, rows=RowScope.ALL, sensitivity=Sensitivity.RESTRICTED, rights=frozenset(Right))
"""What Kehu's own commands may do."""

BUILT_IN = Policy(
    rules=(
        RoleRule(
            role="relationship_manager",
            rows=RowScope.OWN,
            sensitivity=Sensitivity.CONFIDENTIAL,
            enter=_FACETS,
            rights=_RECORDS | {Right.EXPORT_CLIENTS},
        ),
        RoleRule(
            role="team_lead",
            rows=RowScope.TEAM,
            sensitivity=Sensitivity.CONFIDENTIAL,
            enter=_FACETS,
            rights=_RECORDS | {Right.EXPORT_CLIENTS, Right.HAND_OVER_CLIENTS},
        ),
        RoleRule(
            role="data_steward",
            rows=RowScope.ALL,
            sensitivity=Sensitivity.INTERNAL,
            rights=frozenset((Right.DEFINE_ATTRIBUTES, Right.DEFINE_SEGMENTS, Right.CHANGE_CLIENTS, Right.MANAGE_JOBS)),
        ),
        RoleRule(
            role="risk_officer",
            rows=RowScope.ALL,
            sensitivity=Sensitivity.CONFIDENTIAL,
            purposes=("CREDIT_REVIEW", "FINANCIAL_CRIME", "LEGAL_CLAIM"),
            rights=frozenset((Right.EXPORT_CLIENTS,)),
        ),
        RoleRule(
            role="auditor",
            rows=RowScope.ALL,
            sensitivity=Sensitivity.CONFIDENTIAL,
            purposes=("AUDIT", "FINANCIAL_CRIME", "LEGAL_CLAIM", "DATA_SUBJECT_REQUEST"),
            rights=frozenset((Right.READ_AUDIT,)),
        ),
        RoleRule(
            role="administrator",
            rows=RowScope.ALL,
            sensitivity=Sensitivity.CONFIDENTIAL,
            enter=_FACETS,
            rights=frozenset(Right) - {Right.READ_AUDIT},
        ),
    ),
    purposes=PURPOSES,
)
"""The table of a bank that has not written one of its own."""
