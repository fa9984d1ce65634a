"""One attribute: its path, its kind, its rules and its life."""

import json
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict

from catalogue.bounds import Bound
from catalogue.kinds import KINDS, LIST_OPERATORS, Kind, KindSpec, Operator
from catalogue.model_use import ModelUse
from catalogue.rollups.rollup import Rollup

CLIENTS = "clients"


class Facet(StrEnum):
    """The four sides of a client."""

    PROFILE = "profile"
    BEHAVIOUR = "behaviour"
    ATTITUDE = "attitude"
    DERIVED = "derived"


class ClientKind(StrEnum):
    """Organisations and persons."""

    ORGANISATION = "ORGANISATION"
    PERSON = "PERSON"


class ClientStage(StrEnum):
    """Where the relationship with a client stands."""

    PROSPECT = "PROSPECT"
    ACTIVE = "ACTIVE"
    DORMANT = "DORMANT"
    LOST = "LOST"


class Sensitivity(StrEnum):
    """How secret a value is, from open to most secret."""

    PUBLIC = "PUBLIC"
    INTERNAL = "INTERNAL"
    CONFIDENTIAL = "CONFIDENTIAL"
    RESTRICTED = "RESTRICTED"


class Status(StrEnum):
    """Where an attribute stands in its life."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    DEPRECATED = "DEPRECATED"
    RETIRED = "RETIRED"


class FormulaState(StrEnum):
    """How far the book has come with a formula; none of these where every value follows it."""

    FILLING = "FILLING"
    """The new values are put beside the old ones, which are still read."""
    SWITCHING = "SWITCHING"
    """The new values take the place of the old ones, client by client."""


OF_ITS_BOOK = (
    *("formula_revision", "formula_state", "formula_before", "formula_before_revision"),
    *("derived_from", "segment_where"),
)
"""Fields of a definition that say what a book has come to with its formula, and whom its segment stands for: nobody
gives them."""


class AttributeOption(BaseModel):
    """One code of a CODE attribute; a retired one stays readable and is refused in new values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    label: str
    is_retired: bool = False


class Attribute(BaseModel):
    """The definition of one attribute of one area."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    label: str
    description: str
    kind: Kind
    area: str = CLIENTS
    is_list: bool = False
    unit: str | None = None
    options: tuple[AttributeOption, ...] = ()
    minimum: Bound = None
    maximum: Bound = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    required_for: tuple[ClientKind, ...] = ()
    applies_to: tuple[ClientKind, ...] = ()
    """Empty: both kinds of client."""
    sensitivity: Sensitivity = Sensitivity.CONFIDENTIAL
    max_age_hours: int | None = None
    is_expected: bool = True
    """Whether a client without a value is incomplete; of a group: whether any value in it may be expected."""
    is_sortable: bool = False
    is_searchable: bool = False
    is_lookup: bool = False
    """Whether a RESTRICTED value is found by its keyed hash: equal or not, and nothing else."""
    retain_days: int | None = None
    """How long a value is kept after it was observed; None: as long as the client."""
    formula: str | None = None
    """A derived attribute is computed by it: an expression as JSON, in one form for the same expression."""
    formula_revision: int = 0
    """The revision of the definition that brought the formula, or the rollup."""
    formula_state: FormulaState | None = None
    formula_before: str | None = None
    """While new values are put beside the old ones: the formula that those follow."""
    formula_before_revision: int = 0
    model: ModelUse | None = None
    """A derived attribute takes its values from it: they are scored by the worker."""
    derived_from: tuple[str, ...] = ()
    """Paths that this formula or model or an earlier one reads: who may not read them does not read the value.
    Those of a rollup have their area before them: `interactions:at`."""
    rollup: Rollup | None = None
    """A derived attribute without a formula may come from the records that point at a client."""
    segment_where: str | None = None
    """Where the rollup is for the members of a segment: its `where` as JSON text, as it was when this definition was
    written. A segment that changes writes it anew."""
    owner: str | None = None
    status: Status = Status.PUBLISHED
    successor: str | None = None
    removal_on: date | None = None
    revision: int = 1

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The path, word by word."""
        return tuple(self.path.split("."))

    @property
    def key(self) -> str:
        """The last word of the path: the name of the field in GraphQL."""
        return self.segments[-1]

    @cached_property
    def parent(self) -> str:
        """The path of what holds this attribute: a group, a facet, or nothing."""
        return ".".join(self.segments[:-1])

    @cached_property
    def qualified(self) -> str:
        """The path, behind its area where that is another than the clients': `interactions:outcome`."""
        return self.path if self.area == CLIENTS else f"{self.area}:{self.path}"

    @property
    def facet(self) -> Facet:
        """The facet of a client attribute."""
        return Facet(self.segments[0])

    @property
    def spec(self) -> KindSpec:
        return KINDS[self.kind]

    @property
    def is_live(self) -> bool:
        """Whether the attribute is in the GraphQL schema."""
        return self.status in (Status.PUBLISHED, Status.DEPRECATED)

    @property
    def is_computed(self) -> bool:
        """Whether its values come from a formula, a model or related records, and from nobody else."""
        return self.formula is not None or self.model is not None or self.rollup is not None

    @property
    def operators(self) -> tuple[Operator, ...]:
        """What a filter may do with the attribute; contains needs a searchable one."""
        offered = LIST_OPERATORS if self.is_list and self.kind is not Kind.GROUP else self.spec.operators
        return tuple(each for each in offered if each is not Operator.CONTAINS or self.is_searchable)

    @cached_property
    def enum_name(self) -> str:
        """The name in ClientOrderField and the other lists of fields: PROFILE_LOCATION_CITY."""
        return enum_name_from(self.path)

    @cached_property
    def canonical_text(self) -> str:
        """The definition as JSON text, made once: every new catalogue is named by the texts of all its attributes."""
        return json.dumps(self.canonical(), sort_keys=True, separators=(",", ":"))

    def canonical(self) -> dict[str, Any]:
        """The definition as JSON values, defaults left out, so that equal definitions are equal text."""
        return self.model_dump(mode="json", exclude_defaults=True)


def enum_name_from(path: str) -> str:
    """The path in upper snake case: `_` at each dot and before each capital."""
    return "".join("_" if letter == "." else f"_{letter}" if letter.isupper() else letter.upper() for letter in path)
