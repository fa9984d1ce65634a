"""From the cell of a file to a value of a kind: one compiled function for each mapped column."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, tzinfo
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from acts.importing.errors import ImportRefused, Unreadable
from acts.importing.mapping import Recipe
from catalogue.errors import shown
from catalogue.kinds import KINDS, Kind

Convert = Callable[[object], object]
TRUE_WORDS = ("true", "yes", "y", "t", "1")
FALSE_WORDS = ("false", "no", "n", "f", "0")


def converter_for(kind: Kind, recipe: Recipe) -> Convert:
    """The function that turns a cell that is not empty into a value of the kind.

    Raises: ImportRefused if the recipe names a time zone that does not exist; the function raises Unreadable.
    """
    if kind in (Kind.LONG, Kind.NUMBER, Kind.DECIMAL):
        return _number_converter(kind, recipe)
    if kind is Kind.BOOLEAN:
        return _boolean_converter(recipe)
    if kind is Kind.DATE:
        return _date_converter(recipe)
    if kind is Kind.DATETIME:
        return _datetime_converter(recipe)
    if kind is Kind.GROUP:
        return lambda cell: cell if isinstance(cell, dict) else _refuse(kind, cell)
    return _text_converter(kind)


def _refuse(kind: Kind, cell: object, hint: str = "") -> object:
    raise Unreadable(f"takes {KINDS[kind].expected}{hint}; got {shown(cell)}")


def _text_converter(kind: Kind) -> Convert:
    def convert(cell: object) -> object:
        return cell if type(cell) is str else text_from(cell, kind)

    return convert


def text_from(cell: object, kind: Kind = Kind.STRING) -> str:
    """A native cell (a number or a date of a workbook) as the text that a person would type for it."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, int | float | Decimal) and not isinstance(cell, bool):
        return str(cell)
    raise Unreadable(f"takes {KINDS[kind].expected}; got {shown(cell)}")


_FROM_TEXT: Mapping[Kind, Callable[[str], object]] = {Kind.LONG: int, Kind.NUMBER: float, Kind.DECIMAL: Decimal}


def _number_converter(kind: Kind, recipe: Recipe) -> Convert:
    parse = _FROM_TEXT[kind]
    clean = _cleaner(recipe)
    scale = None if recipe.scale is None else Decimal(str(recipe.scale))

    def convert(cell: object) -> object:
        if type(cell) is not str:
            return _native_number(kind, cell, scale)
        text = cell if clean is None else clean(cell)
        if scale is None and "_" not in text:
            try:
                return parse(text)
            except (ValueError, InvalidOperation):
                # a whole number may still be written as 12.0 or 1e6, which Decimal reads
                if kind is not Kind.LONG:
                    _refuse(kind, cell)
        return _exact(kind, text, cell, scale)

    return convert


def _cleaner(recipe: Recipe) -> Callable[[str], str] | None:
    thousands, decimal, signs = recipe.thousands, recipe.decimal, recipe.strip + ("%" if recipe.percent else "")
    if not thousands and decimal == "." and not signs:
        return None

    def clean(text: str) -> str:
        text = text.strip(signs + " ")
        for separator in thousands:
            text = text.replace(separator, "")
        return text if decimal == "." else text.replace(decimal, ".")

    return clean


def _exact(kind: Kind, text: str, cell: object, scale: Decimal | None) -> object:
    try:
        exact = Decimal("not a number" if "_" in text else text)
    except InvalidOperation:
        return _refuse(kind, cell)
    return _of_kind(kind, exact if scale is None else exact * scale, cell)


def _of_kind(kind: Kind, exact: Decimal, cell: object) -> object:
    if not exact.is_finite():
        return _refuse(kind, cell)
    if kind is Kind.DECIMAL:
        return exact
    if kind is Kind.NUMBER:
        return float(exact)
    return int(exact) if exact.adjusted() < 20 and exact == int(exact) else _refuse(kind, cell)


def _native_number(kind: Kind, cell: object, scale: Decimal | None) -> object:
    if isinstance(cell, bool) or not isinstance(cell, int | float | Decimal):
        return _refuse(kind, cell)
    if scale is None and (kind is Kind.NUMBER or isinstance(cell, int)):
        return cell if isinstance(cell, int | float) else float(cell)
    exact = Decimal(str(cell))
    return _of_kind(kind, exact if scale is None else exact * scale, cell)


def _boolean_converter(recipe: Recipe) -> Convert:
    yes, no = recipe.true_words or TRUE_WORDS, recipe.false_words or FALSE_WORDS
    words = dict.fromkeys((word.casefold() for word in yes), True)
    words |= dict.fromkeys((word.casefold() for word in no), False)

    def convert(cell: object) -> object:
        if isinstance(cell, bool):
            return cell
        found = words.get(text_from(cell, Kind.BOOLEAN).casefold())
        if found is None:
            raise Unreadable(f"takes one of the words {', '.join(words)}; got {shown(cell)}")
        return found

    return convert


def _formats(recipe: Recipe) -> tuple[str, ...]:
    return (recipe.format,) if isinstance(recipe.format, str) else recipe.format or ()


def _by_formats(text: str, formats: tuple[str, ...]) -> datetime:
    for each in formats:
        try:
            return datetime.strptime(text, each)  # noqa: DTZ007 the caller adds the zone of the map
        except ValueError:
            continue
    raise Unreadable(f"takes a date as {' or '.join(formats)}; got {shown(text)}")


def _date_converter(recipe: Recipe) -> Convert:
    formats = _formats(recipe)

    def convert(cell: object) -> object:
        if type(cell) is str:
            if formats:
                return _by_formats(cell, formats).date()
            try:
                return date.fromisoformat(cell)
            except ValueError:
                return _refuse(Kind.DATE, cell, " (or say format in the map)")
        if isinstance(cell, datetime):
            return cell.date() if cell.time() == time() else _refuse(Kind.DATE, cell, " without a time")
        return cell if isinstance(cell, date) else _refuse(Kind.DATE, cell)

    return convert


def _datetime_converter(recipe: Recipe) -> Convert:
    formats, zone = _formats(recipe), _zone(recipe.zone)

    def convert(cell: object) -> object:
        moment = cell
        if isinstance(cell, str):
            try:
                moment = _by_formats(cell, formats) if formats else datetime.fromisoformat(cell)
            except Unreadable:
                raise
            except ValueError:
                return _refuse(Kind.DATETIME, cell, " (or say format in the map)")
        if not isinstance(moment, datetime):
            return _refuse(Kind.DATETIME, cell)
        if moment.tzinfo is None:
            if zone is None:
                return _refuse(Kind.DATETIME, cell, ' (or say zone in the map, such as "Asia/Shanghai")')
            moment = moment.replace(tzinfo=zone)
        return moment

    return convert


def _zone(name: str | None) -> tzinfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ImportRefused(f'zone takes the name of a time zone such as "Asia/Shanghai"; got "{name}".') from None
