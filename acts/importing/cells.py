"""From the cell of a file to a value of a kind: one compiled function for each mapped column."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from acts.importing.errors import ImportRefused, Unreadable
from acts.importing.mapping import Recipe
from acts.importing.source import ShownNumber
from catalogue.errors import shown
from catalogue.kinds import KINDS, Kind

Convert = Callable[[object], object]
TRUE_WORDS = ("true", "yes", "y", "t", "1")
FALSE_WORDS = ("false", "no", "n", "f", "0")
SERIAL = "serial"
"""The format of dates that a spreadsheet has left behind as numbers: days since the last of 1899."""
EXACT_LIMIT = 10**15
"""From here on a spreadsheet, and every reader that takes numbers as floats, no longer keeps each digit."""
_WHOLE = re.compile(r"[+-]?[0-9]+(\.0*)?")
_EXACT = Context(prec=100, traps=[Inexact, InvalidOperation, Overflow])
_LIKE_SERIAL = range(20_000, 80_000)
"""Days from 1954 to 2119."""
_TRIAL = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)


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
    if isinstance(cell, ShownNumber):
        return cell.words
    if isinstance(cell, float) and abs(cell) >= EXACT_LIMIT:
        raise Unreadable(
            f"takes {KINDS[kind].expected}; got the number {cell!r}, of which the file keeps 15 digits only: "
            "format the column as text before it is filled"
        )
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
            return _native_number(kind, cell, scale, is_percent=recipe.percent)
        if recipe.percent and not cell.strip().endswith("%"):
            _refuse_unlike(kind, cell)
        text = (cell if clean is None else clean(cell)).strip()
        if not text.isascii():
            _refuse(kind, cell, ", in the digits 0 to 9")
        if "_" in text or (kind is Kind.LONG and not _WHOLE.fullmatch(text)):
            _refuse(kind, cell)
        if scale is None:
            try:
                # A whole number may be written as 12.0 too.
                return parse(text.partition(".")[0] if kind is Kind.LONG else text)
            except (ValueError, ArithmeticError):
                _refuse(kind, cell, " (or say percent in the map)" if text.endswith("%") else "")
        return _scaled(kind, text, cell, scale)

    return convert


def _refuse_unlike(kind: Kind, cell: object) -> None:
    raise Unreadable(
        f"takes {KINDS[kind].expected} with a % sign, because the map says percent and without one a column "
        f"would have two scales; got {shown(getattr(cell, 'words', cell))}"
    )


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


def _scaled(kind: Kind, text: str, cell: object, scale: Decimal | None) -> object:
    try:
        exact = Decimal(text)
        return _of_kind(kind, exact if scale is None else _EXACT.multiply(exact, scale), cell)
    except ArithmeticError:
        # 1e999999 is a number that cannot be multiplied, and one of 5,000 digits would be rounded.
        return _refuse(kind, cell)


def _of_kind(kind: Kind, exact: Decimal, cell: object) -> object:
    if not exact.is_finite():
        return _refuse(kind, cell)
    if kind is Kind.DECIMAL:
        return exact
    if kind is Kind.NUMBER:
        return float(exact)
    return int(exact) if exact.adjusted() < 20 and exact == int(exact) else _refuse(kind, cell)


def _native_number(kind: Kind, cell: object, scale: Decimal | None, *, is_percent: bool) -> object:
    if is_percent:
        if not isinstance(cell, ShownNumber) or not cell.is_percent:
            _refuse_unlike(kind, cell)
            return None
        return _scaled(kind, cell.words.rstrip("%"), cell.words, scale)
    if isinstance(cell, ShownNumber):
        cell = cell.value
    if isinstance(cell, bool) or not isinstance(cell, int | float | Decimal):
        return _refuse(kind, cell)
    if kind is not Kind.NUMBER and isinstance(cell, float) and abs(cell) >= EXACT_LIMIT:
        return _refuse(kind, cell, ", of which each digit is kept; format the column as text before it is filled")
    if scale is None and (kind is Kind.NUMBER or isinstance(cell, int)):
        return cell if isinstance(cell, int | float) else float(cell)
    return _scaled(kind, str(cell), cell, scale)


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


@dataclass(frozen=True, slots=True)
class _Formats:
    """How dates are written, as the map says."""

    texts: tuple[str, ...]
    century: int | None
    has_serial: bool

    def read(self, text: str) -> datetime:
        """Raises: Unreadable."""
        for each in self.texts:
            try:
                moment = datetime.strptime(text, each)  # noqa: DTZ007 the caller adds the zone of the map
            except ValueError:
                continue
            if self.century is None or "%y" not in each:
                return moment
            try:
                return moment.replace(year=self.century + moment.year % 100)
            except ValueError:
                break
        if self.has_serial and text.isdecimal() and text.isascii():
            return _from_serial(int(text[:9]), text)
        raise Unreadable(f"takes a date as {' or '.join((*self.texts, *self.own))}; got {shown(text)}")

    @property
    def own(self) -> tuple[str, ...]:
        return (SERIAL,) if self.has_serial else ()


def _formats(recipe: Recipe) -> _Formats | None:
    """Raises: ImportRefused for a format that could not be read by, or whose year could be of any century."""
    given = (recipe.format,) if isinstance(recipe.format, str) else recipe.format or ()
    texts = tuple(each for each in given if each != SERIAL)
    for each in texts:
        if "%y" in each and recipe.century is None:
            raise ImportRefused(
                f'format "{each}" reads years of two digits, which could be of any century; say which in the map, such '
                "as century = 1900, or write years with four digits (%Y)."
            )
        try:
            datetime.strptime(_TRIAL.strftime(each), each)  # noqa: DTZ007 only tried
        except (ValueError, re.error, OverflowError, RecursionError) as error:
            message = f'format takes one such as "%d.%m.%Y", with each part once; got "{each}": {str(error)[:200]}.'
            raise ImportRefused(message) from None
    return _Formats(texts, recipe.century, len(texts) < len(given)) if given else None


def _from_serial(days: float, cell: object) -> datetime:
    """The moment of a number that a spreadsheet counts days by.

    Raises: Unreadable.
    """
    if not 61 <= days < 2_958_466:
        raise Unreadable(f"takes a date, or its number in a spreadsheet, from 61 (1900-03-01) on; got {shown(cell)}")
    return datetime(1899, 12, 30) + timedelta(days=int(days), seconds=round(days % 1 * 86_400))  # noqa: DTZ001 as above


def _number_hint(cell: object) -> str:
    """What to do about a number where a date is taken."""
    text = str(cell)
    if text.isdecimal() and len(text) < 9 and int(text) in _LIKE_SERIAL:
        day = date(1899, 12, 30) + timedelta(days=int(text))
        return f' (it may be {day} as a spreadsheet counts days: format the column as a date, or say format = "serial")'
    return ""


def _date_converter(recipe: Recipe) -> Convert:
    formats = _formats(recipe)

    def convert(cell: object) -> object:
        if type(cell) is str:
            if formats is not None:
                return _day_of(formats.read(cell), cell)
            try:
                return date.fromisoformat(cell)
            except ValueError:
                return _refuse(Kind.DATE, cell, _number_hint(cell) or " (or say format in the map)")
        if isinstance(cell, datetime):
            return _day_of(cell, cell)
        if isinstance(cell, date):
            return cell
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            if formats is not None and formats.has_serial:
                return _day_of(_from_serial(cell, cell), cell)
            return _refuse(Kind.DATE, cell, _number_hint(cell))
        return _refuse(Kind.DATE, cell)

    return convert


def _day_of(moment: datetime, cell: object) -> object:
    return moment.date() if moment.time() == time() else _refuse(Kind.DATE, cell, " without a time")


def _datetime_converter(recipe: Recipe) -> Convert:
    formats, zone = _formats(recipe), _zone(recipe.zone)

    def convert(cell: object) -> object:
        moment = cell
        if isinstance(cell, str):
            try:
                moment = datetime.fromisoformat(cell) if formats is None else formats.read(cell)
            except Unreadable:
                raise
            except ValueError:
                return _refuse(Kind.DATETIME, cell, _number_hint(cell) or " (or say format in the map)")
        elif isinstance(cell, int | float) and not isinstance(cell, bool):
            if formats is None or not formats.has_serial:
                return _refuse(Kind.DATETIME, cell, _number_hint(cell))
            moment = _from_serial(cell, cell)
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
