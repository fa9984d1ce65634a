"""The map of an import: a TOML file that says which column becomes which attribute."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from catalogue.attribute import AttributeOption, ClientKind, Facet, Sensitivity
from catalogue.bounds import Bound
from catalogue.kinds import Kind

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".xlsx": "excel",
    ".xls": "excel",
    ".xlsb": "excel",
    ".ods": "excel",
}
Format = Literal["csv", "jsonl", "parquet", "excel"]
Empty = Literal["leave", "clear"]
WIDEST = 1_000
"""Units: characters that a part of a template may be filled up to."""
FORMAT_LIMIT = 100
"""Units: characters of a format of dates."""
VALUES_LIMIT = 2_000
Merged = Literal["refuse", "fill", "empty"]
Mode = Literal["update", "upsert", "create"]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Column(_Table):
    """One column of the file; the occurrence tells headers of the same name apart."""

    name: str
    occurrence: int | None = Field(default=None, ge=1)

    def __str__(self) -> str:
        return self.name if self.occurrence is None else f"{self.name}#{self.occurrence}"


def _column_from(given: object) -> object:
    return {"name": given} if isinstance(given, str) else given


AnyColumn = Annotated[Column, BeforeValidator(_column_from)]


class DateParts(_Table):
    """A date put together from columns, or from fixed numbers."""

    year: int | AnyColumn
    month: int | AnyColumn
    day: int | AnyColumn = 1
    century: int | None = Field(default=None, ge=1000, le=9900, multiple_of=100)


class Recipe(_Table):
    """How one value is read: exactly one source, then the steps in the order in which they stand here."""

    column: AnyColumn | None = None
    constant: Any = None
    template: str | None = None
    date: DateParts | None = None
    items: tuple[Mapping[str, "AnyRecipe"], ...] | None = None

    unset: tuple[str, ...] | None = None
    empty: Empty | None = None
    optional: bool = False
    match: str | None = None
    json_text: bool = Field(default=False, alias="json")
    split: str | None = Field(default=None, min_length=1)
    part: int | None = None
    codes: str | Mapping[str, Any] | None = None
    otherwise: Literal["refuse", "keep", "unset"] | Mapping[Literal["constant"], Any] = "refuse"
    strip: str = ""
    thousands: str = ""
    decimal: str = "."
    percent: bool = False
    scale: float | None = None
    format: str | tuple[str, ...] | None = None
    century: int | None = Field(default=None, ge=1000, le=9900, multiple_of=100)
    zone: str | None = None
    true_words: tuple[str, ...] | None = Field(default=None, alias="true", min_length=1)
    false_words: tuple[str, ...] | None = Field(default=None, alias="false", min_length=1)
    by: Literal["id", "person", "email", "name"] | None = None

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        sources = (self.column, self.constant, self.template, self.date, self.items)
        if sum(each is not None for each in sources) != 1:
            raise ValueError("takes exactly one of column, constant, template, date, items")
        if self.part == 0:
            raise ValueError("counts parts from 1, or from the end with -1; part = 0 is no part")
        if self.json_text and self.split is not None:
            raise ValueError("takes json or split, not both: JSON text says itself where its parts begin")
        if self.part is not None and self.split is None:
            raise ValueError('takes part together with split, such as split = ",", part = 1')
        return self

    @field_validator("template")
    @classmethod
    def _is_short(cls, given: str | None) -> str | None:
        widths = [int(each[:9]) for each in re.findall(r"[0-9]+", " ".join(re.findall(r":([^{}]*)}", given or "")))]
        if any(each > WIDEST for each in widths):
            raise ValueError(f"takes widths up to {WIDEST} in a template; got {max(widths)}")
        return given

    @field_validator("format")
    @classmethod
    def _formats_are_short(cls, given: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        formats = (given,) if isinstance(given, str) else given or ()
        if len(formats) > FORMAT_LIMIT or any(len(each) > FORMAT_LIMIT for each in formats):
            raise ValueError(f"takes up to {FORMAT_LIMIT} formats of dates, of up to {FORMAT_LIMIT} characters each")
        return given


def _recipe_from(given: object) -> object:
    return {"column": given} if isinstance(given, str) else given


AnyRecipe = Annotated[Recipe, BeforeValidator(_recipe_from)]


def _code_from(given: object) -> object:
    return {"constant": given} if isinstance(given, str) else given


AnyCode = Annotated[Recipe, BeforeValidator(_code_from)]


class ReadSettings(_Table):
    """How the file is read, where its name and its first line do not say."""

    format: Format | None = None
    encoding: str = "utf-8-sig"
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    sheet: str | int | None = None
    header: int | None = Field(default=None, ge=1, le=1_000)
    end: str | int | None = None
    merged: Merged = "refuse"
    unset: tuple[str, ...] = ("",)
    empty: Empty = "leave"


class JoinSettings(ReadSettings):
    """A second file whose columns stand beside those of the first, as "join.NAME"."""

    file: str
    on: AnyColumn
    key: AnyColumn | None = None


class ClientSettings(_Table):
    """What every client has besides attributes."""

    number: AnyRecipe
    kind: AnyCode | None = None
    stage: AnyCode | None = None
    manager: AnyRecipe | None = None

    @field_validator("number", mode="before")
    @classmethod
    def _template(cls, given: object) -> object:
        return {"template": given} if isinstance(given, str) and "{" in given else given


class ProofSettings(_Table):
    """Where the values come from; the same for the whole file."""

    source: str
    observer: str | None = None
    observed_at: AwareDatetime | None = None
    confidence: float | None = Field(default=None, ge=0, le=1)
    keeps_newer: bool = False

    @field_validator("observed_at", mode="before")
    @classmethod
    def _has_zone(cls, given: object) -> object:
        if (isinstance(given, datetime) and given.tzinfo is None) or not isinstance(given, str | datetime | None):
            raise ValueError("takes a moment with its time zone, such as 2026-11-23T18:00:00Z")
        return given


def _facet(given: object) -> object:
    """The facet, also as the API spells it."""
    return given.lower() if isinstance(given, str) and given.isupper() else given


class Definition(_Table):
    """An attribute that the map brings along; the fields of attributeDefine."""

    facet: Annotated[Facet, BeforeValidator(_facet)]
    key: str
    kind: Kind
    label: str
    description: str | None = None
    is_list: bool = False
    unit: str | None = None
    options: tuple[AttributeOption, ...] = ()
    minimum: Bound = None
    maximum: Bound = None
    max_length: int | None = None
    pattern: str | None = None
    sensitivity: Sensitivity = Sensitivity.CONFIDENTIAL
    applies_to: tuple[ClientKind, ...] = ()
    max_age_hours: int | None = None
    is_expected: bool = True
    is_sortable: bool = False
    is_searchable: bool = False


class ImportMap(_Table):
    """A whole map file."""

    mode: Mode = "upsert"
    confirms: bool = False
    read: ReadSettings = ReadSettings()
    join: JoinSettings | None = None
    client: ClientSettings
    proof: ProofSettings
    define: tuple[Definition, ...] = ()
    codes: Mapping[str, Mapping[str, Any]] = {}
    values: Mapping[str, AnyRecipe]

    @field_validator("values", mode="before")
    @classmethod
    def _paths_are_quoted(cls, given: object) -> object:
        bare = [key for key in given if key in tuple(Facet)] if isinstance(given, Mapping) else []
        if bare:
            raise ValueError(f'takes paths in quotes, such as "{bare[0]}.name" = "Name"; got {bare[0]} without quotes')
        if isinstance(given, Mapping) and len(given) > VALUES_LIMIT:
            raise ValueError(f"takes up to {VALUES_LIMIT:,} attributes; got {len(given):,}")
        return given

    @model_validator(mode="after")
    def _code_tables_exist(self) -> Self:
        for path, recipe in self.values.items():
            if isinstance(recipe.codes, str) and recipe.codes not in self.codes:
                there = ", ".join(self.codes) or "none"
                raise ValueError(f'has no table [codes.{recipe.codes}], which "{path}" names; there are: {there}')
        return self
