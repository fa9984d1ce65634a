"""The operators of formulas in plain Python, but for those of dates: from MongoDB's manual, with Kehu's guards."""

import decimal
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.formula_dates import EPOCH, MILLION, MILLISECOND, moved, written

CONTEXT = decimal.Context(prec=34, Emax=6144, Emin=-6143, traps=[])
TEXT_MOST = 20_000
LIST_MOST = 1_000


def number(value: Any) -> Any:
    """A number as MongoDB has it: finite, or none; whole numbers beyond 64 bits are floating."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if -(2**63) <= value < 2**63 else float(value)
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    return value if value is None or math.isfinite(value) else None


def _decimal(value: Any) -> Decimal:
    return Decimal(f"{value:.15g}") if isinstance(value, float) else Decimal(value)


def _alike(values: Sequence[Any]) -> list[Any]:
    return [_decimal(each) for each in values] if any(isinstance(each, Decimal) for each in values) else list(values)


def arithmetic(work: Callable[..., Any]) -> Callable[..., Any]:
    """Null with a null; numbers of one sort; what overflows is null."""

    def worked(*given: Any) -> Any:
        if any(each is None for each in given):
            return None
        try:
            with decimal.localcontext(CONTEXT):
                found = work(*_alike(given))
        except (OverflowError, ZeroDivisionError, ValueError):
            return None
        return None if isinstance(found, complex) else number(found)

    return worked


def _sum(values: Sequence[Any]) -> Any:
    is_float = any(isinstance(each, float) for each in values)
    return math.fsum(values) if is_float else sum(values)


def _product(*values: Any) -> Any:
    found = values[0]
    for each in values[1:]:
        found = number(found * each)
        if found is None:
            return None
    return found


def _mod(value: Any, by: Any) -> Any:
    if by == 0:
        return None
    if isinstance(value, Decimal):
        with decimal.localcontext(prec=13_000):
            return value % by
    is_whole = isinstance(value, int) and isinstance(by, int)
    return int(math.copysign(abs(value) % abs(by), value)) if is_whole else math.fmod(value, by)


def _power(base: Any, exponent: Any) -> Any:
    if base == 0 and exponent < 0:
        return None
    return base**exponent if isinstance(base, Decimal) else float(base) ** float(exponent)


def _log(value: Any, base: Any = None) -> Any:
    if value <= 0 or (base is not None and (base <= 0 or base == 1)):
        return None
    of = (lambda each: each.ln()) if isinstance(value, Decimal) else math.log
    return of(value) if base is None else of(value) / of(base)


def _abs(value: Any) -> Any:
    return None if isinstance(value, int) and value == -(2**63) else abs(value)


def _round(value: Any, places: int = 0) -> Any:
    if isinstance(value, int) and abs(value) > 9 * 10**18:
        return None
    return _placed(value, places, decimal.ROUND_HALF_EVEN)


def _placed(value: Any, places: int, how: str) -> Any:
    exact = value if isinstance(value, Decimal) else Decimal(value)
    with decimal.localcontext(CONTEXT if isinstance(value, Decimal) else decimal.Context(prec=400)):
        found = exact.quantize(Decimal(1).scaleb(-places), how)
    return found if isinstance(value, Decimal) else type(value)(found)


def _whole(value: Any, how: str) -> Any:
    return value if isinstance(value, int) else _placed(value, 0, how)


def amounts(work: Callable[[list[Any]], Any]) -> Callable[..., Any]:
    """Of one list or of several values; null does not count."""

    def worked(*given: Any) -> Any:
        items = given[0] if len(given) == 1 and isinstance(given[0], list) else given
        try:
            with decimal.localcontext(CONTEXT):
                found = work(_alike([each for each in items if each is not None]))
        except OverflowError:
            return None
        return number(found) if isinstance(found, int | float | Decimal) and not isinstance(found, bool) else found

    return worked


def _deviation(items: list[Any], less: int) -> Any:
    values = [float(each) for each in items]
    if len(values) <= less:
        return None
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((each - mean) ** 2 for each in values) / (len(values) - less))


def compare(one: Any, other: Any) -> int:
    """-1, 0 or 1; null stands before everything."""
    if one is None or other is None:
        return (one is not None) - (other is not None)
    return int(one > other) - int(one < other)


def strict(work: Callable[..., Any]) -> Callable[..., Any]:
    """Null with a null."""
    return lambda *given: None if any(each is None for each in given) else work(*given)


def _ascii(value: str | None, change: Callable[[str], str]) -> str:
    return "".join(change(each) if each.isascii() else each for each in value or "")


def _short(value: Any, most: int) -> Any:
    return value if value is None or len(value) <= most else None


def _substring(text: str, start: int, count: int) -> str | None:
    return text[start : start + count] if 0 <= start <= MILLION and 0 <= count <= MILLION else None


def _element(items: list[Any] | None, place: Any) -> Any:
    if items is None or place is None or not -len(items) <= place < len(items):
        return None
    return items[int(place)]


def _slice(items: list[Any], *given: int) -> list[Any]:
    if len(given) == 1:
        return items[: given[0]] if given[0] >= 0 else items[given[0] :]
    start = given[0] if given[0] >= 0 else max(0, len(items) + given[0])
    return items[start : start + given[1]]


def _unique(items: list[Any]) -> list[Any]:
    found: list[Any] = []
    for each in items:
        if each not in found:
            found.append(each)
    return found


def converted(to: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What can be converted; null otherwise."""

    def worked(value: Any) -> Any:
        if value is None or (isinstance(value, str) and value.strip() != value):
            return None
        try:
            with decimal.localcontext(CONTEXT):
                return to(value)
        except (ValueError, OverflowError, ArithmeticError, TypeError):
            return None

    return worked


def _long(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value - EPOCH) // MILLISECOND
    found = int(value)
    return found if -(2**63) <= found < 2**63 else None


def _double(value: Any) -> Any:
    found = float(_long(value)) if isinstance(value, datetime) else float(value)
    return found if math.isfinite(found) else None


def to_decimal(value: Any) -> Any:
    if isinstance(value, datetime):
        value = _long(value)
    found = _decimal(int(value) if isinstance(value, bool) else value)
    return found if found.is_finite() else None


def _to_date(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    return None if isinstance(value, bool) else moved(EPOCH, int(value))


def _string(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return str(written({"date": value}))
    # a whole number that has left 64 bits, and six digits are what the server writes of those
    return f"{value:g}" if isinstance(value, float) else str(value)


def _sets(work: Callable[[list[Any], list[Any]], Any]) -> Callable[..., Any]:
    return strict(lambda one, other: work(_unique(one), _unique(other)))


def _joined(*lists: Any) -> Any:
    return None if any(each is None for each in lists) else [item for each in lists for item in each]


def _log10(value: Any) -> Any:
    return value.log10() if isinstance(value, Decimal) else math.log10(value)


def _root(value: Any) -> Any:
    return value.sqrt() if isinstance(value, Decimal) else math.sqrt(value)


_same: Mapping[str, Callable[[int], bool]] = {
    "$eq": lambda found: found == 0,
    "$ne": lambda found: found != 0,
    "$gt": lambda found: found > 0,
    "$gte": lambda found: found >= 0,
    "$lt": lambda found: found < 0,
    "$lte": lambda found: found <= 0,
}


def _comparing(holds: Callable[[int], bool]) -> Callable[[Any, Any], bool | None]:
    return lambda one, other: None if one is None or other is None else holds(compare(one, other))


def present(name: str, one: Any, other: Any) -> Any:
    """What a comparison with null written out says: whether there is a value; null stands before everything."""
    found = compare(one, other)
    return found if name == "$cmp" else _same[name](found)


def _all(*given: Any) -> bool | None:
    return False if False in given else None if None in given else True


def _any(*given: Any) -> bool | None:
    return True if True in given else None if None in given else False


COMPARISONS = frozenset((*_same, "$cmp"))
PLAIN: Mapping[str, Callable[..., Any]] = {
    **{name: _comparing(holds) for name, holds in _same.items()},
    "$cmp": strict(compare),
    "$and": _all,
    "$or": _any,
    "$not": strict(lambda given: not given),
    "$abs": arithmetic(_abs),
    "$add": arithmetic(lambda *given: _sum(given)),
    "$ceil": arithmetic(lambda value: _whole(value, decimal.ROUND_CEILING)),
    "$divide": arithmetic(lambda value, by: None if by == 0 else value / by),
    "$exp": arithmetic(lambda value: value.exp() if isinstance(value, Decimal) else math.exp(value)),
    "$floor": arithmetic(lambda value: _whole(value, decimal.ROUND_FLOOR)),
    "$ln": arithmetic(_log),
    "$log": arithmetic(_log),
    "$log10": arithmetic(lambda value: None if value <= 0 else _log10(value)),
    "$mod": arithmetic(_mod),
    "$multiply": arithmetic(_product),
    "$pow": arithmetic(_power),
    "$round": arithmetic(_round),
    "$sqrt": arithmetic(lambda value: None if value < 0 else _root(value)),
    "$subtract": arithmetic(lambda one, other: one - other),
    "$trunc": arithmetic(lambda value, places=0: _placed(value, places, decimal.ROUND_DOWN)),
    "$concat": lambda *given: None if None in given else _short("".join(given), TEXT_MOST),
    "$indexOfCP": strict(lambda text, part: text.find(part)),
    "$split": strict(lambda text, by: _short(text.split(by), LIST_MOST)),
    "$strcasecmp": strict(lambda one, other: compare(_ascii(one, str.upper), _ascii(other, str.upper))),
    "$strLenCP": strict(len),
    "$substrCP": strict(_substring),
    "$toLower": strict(lambda text: _ascii(text, str.lower)),
    "$toUpper": strict(lambda text: _ascii(text, str.upper)),
    "$arrayElemAt": _element,
    "$first": lambda items: _element(items, 0),
    "$last": lambda items: _element(items, -1),
    "$concatArrays": lambda *lists: _short(_joined(*lists), LIST_MOST),
    "$in": strict(lambda value, items: value in items),
    "$indexOfArray": lambda items, value: None if items is None else items.index(value) if value in items else -1,
    "$isArray": lambda value: isinstance(value, list),
    "$reverseArray": strict(lambda items: items[::-1]),
    "$size": strict(len),
    "$slice": strict(_slice),
    "$avg": amounts(lambda items: _sum(items) / len(items) if items else None),
    "$max": amounts(lambda items: max(items, default=None)),
    "$min": amounts(lambda items: min(items, default=None)),
    "$stdDevPop": amounts(lambda items: _deviation(items, 0)),
    "$stdDevSamp": amounts(lambda items: _deviation(items, 1)),
    "$sum": amounts(_sum),
    "$allElementsTrue": strict(all),
    "$anyElementTrue": strict(any),
    "$setDifference": _sets(lambda one, other: [each for each in one if each not in other]),
    "$setEquals": _sets(lambda one, other: all(map(one.__contains__, other)) and len(one) == len(other)),
    "$setIntersection": _sets(lambda one, other: [each for each in one if each in other]),
    "$setIsSubset": _sets(lambda one, other: all(each in other for each in one)),
    "$setUnion": _sets(lambda one, other: _unique(one + other)),
    "$isNumber": lambda value: isinstance(value, int | float | Decimal) and not isinstance(value, bool),
    "$toBool": strict(lambda value: isinstance(value, str | datetime) or bool(value)),
    "$toDate": converted(_to_date),
    "$toDecimal": converted(to_decimal),
    "$toDouble": converted(_double),
    "$toLong": converted(_long),
    "$toString": converted(_string),
}
