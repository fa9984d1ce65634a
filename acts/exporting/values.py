"""From stored values to those of a file: native ones first, then the texts of CSV and JSON Lines."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

from acts.exporting.columns import Column
from acts.formula_cells import neutral
from catalogue.attribute import CLIENTS
from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind
from repositories.cursors import value_at

Native = Any
"""None, a text, int, float, Decimal, bool, date, aware datetime, or a list or dict of such."""
Document = Mapping[str, Any]
Row = list[Native]


def row_from(catalogue: Catalogue, columns: Sequence[Column], document: Document) -> Row:
    """The values of a client, column by column."""
    return [_native(catalogue, each, value_at(document, each.path)) for each in columns]


def _native(catalogue: Catalogue, column: Column, value: Any) -> Native:
    if column.kind is not Kind.GROUP:
        return _of_kind(column.kind, value)
    if isinstance(value, list):
        return [_group(catalogue, column.path, each) for each in value]
    return None if value is None else _group(catalogue, column.path, value)


def _group(catalogue: Catalogue, path: str, given: Any) -> Native:
    if not isinstance(given, dict):
        return None
    area, found = catalogue.area(CLIENTS), {}
    for key, value in given.items():
        attribute = area.get(f"{path}.{key}")
        # What no attribute describes is nobody's to take out.
        if attribute is not None and value is not None:
            column = Column(key, attribute.path, attribute.kind, attribute.is_list)
            found[key] = _native(catalogue, column, value)
    return found


def _of_kind(kind: Kind, value: Any) -> Native:
    if isinstance(value, list):
        return [_of_kind(kind, each) for each in value]
    if value is None:
        return None
    if kind is Kind.DATE and isinstance(value, datetime):
        return value.date()
    if kind is Kind.DECIMAL and not isinstance(value, str):
        return Decimal(str(value))
    return value


def plain_text(value: Native) -> str:
    """A value that is no list, as text that an import reads again."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}" if abs(value.adjusted()) < 40 else str(value)
    return str(value)


def _moment(value: datetime) -> str:
    moment = value.astimezone(UTC)
    text = moment.replace(tzinfo=None).isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return f"{text}Z"


def json_text(value: Native) -> str:
    """A value as JSON; dates, moments and decimals are texts."""
    return json.dumps(value, ensure_ascii=False, default=plain_text, separators=(",", ":"))


def cell_text(value: Native) -> str:
    """A value as the cell of a CSV file: texts that a spreadsheet would run are made neutral, numbers stay numbers."""
    if value is None:
        return ""
    if isinstance(value, str):
        return neutral(value)
    return json_text(value) if isinstance(value, list | dict) else plain_text(value)


Line = Callable[[Sequence[Native]], bytes]


def csv_line(values: Sequence[Native]) -> bytes:
    """One line of a CSV file."""
    text = StringIO(newline="")
    csv.writer(text).writerow([cell_text(each) for each in values])
    return text.getvalue().encode()


def json_line(columns: Sequence[Column], *, has_group_texts: bool = False) -> Line:
    """The function that makes one line of JSON Lines of a row; every column is in each, so that all of them are seen.

    With group texts what holds groups is JSON text in it, for formats that have no such values.
    """
    headers = [each.header for each in columns]
    places = [place for place, each in enumerate(columns) if each.kind is Kind.GROUP and has_group_texts]

    def line(values: Sequence[Native]) -> bytes:
        row = [*values]
        for place in places:
            row[place] = None if row[place] is None else json_text(row[place])
        return f"{json_text(dict(zip(headers, row, strict=True)))}\n".encode()

    return line
