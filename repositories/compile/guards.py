"""What is put around an operator so that it is null where MongoDB would refuse the whole update."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from bson import Int64

from catalogue.formulas.operator import LIST_MOST, TEXT_MOST, Guard
from catalogue.formulas.tree import Call
from catalogue.kinds import Kind

Expression = object
Plain = Callable[[Sequence[Expression]], Expression]
"""From the arguments to the operator without a guard."""
Guarded = Callable[[Call, Sequence[Expression], Plain], Expression]

FIRST = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
_DAY = timedelta(days=1)
_INFINITE = float("inf")
_MILLION = 1_000_000
_PART_MOST = 32_767
_ROUNDED_MOST = 9 * 10**18


def with_values(arguments: Sequence[Expression], use: Callable[[list[Expression]], Expression]) -> Expression:
    """What is made of the arguments, each worked out once."""
    names = [f"a{at}_" for at in range(len(arguments))]
    values = dict(zip(names, arguments, strict=True))
    return {"$let": {"vars": values, "in": use([f"$${name}" for name in names])}}


def where(condition: Expression, value: Expression) -> Expression:
    """The value where the condition holds, otherwise null."""
    return {"$cond": [condition, value, None]}


def finite(value: Expression) -> Expression:
    """Whether it is a number that is finite: in MongoDB's order everything else stands outside of the infinities."""
    return {"$and": [{"$gt": [value, -_INFINITE]}, {"$lt": [value, _INFINITE]}]}


def in_years(value: Expression) -> Expression:
    """Whether it is a date that every driver can read."""
    return between(value, FIRST, LAST)


def between(value: Expression, least: object, most: object) -> Expression:
    """Whether it is of the kind of the bounds, and within them."""
    return {"$and": [{"$gte": [value, least]}, {"$lte": [value, most]}]}


def _checked(value: Expression, check: Callable[[Expression], Expression]) -> Expression:
    return with_values([value], lambda one: where(check(one[0]), one[0]))


def _none(_node: Call, arguments: Sequence[Expression], plain: Plain) -> Expression:
    return plain(arguments)


def _finite(node: Call, arguments: Sequence[Expression], plain: Plain) -> Expression:
    found = plain(arguments)
    return found if node.type.kind is Kind.LONG else _checked(found, finite)


def _divisor(node: Call, arguments: Sequence[Expression], plain: Plain) -> Expression:
    return with_values(arguments, lambda given: where({"$ne": [given[1], 0]}, _finite(node, given, plain)))


def _root(_node: Call, arguments: Sequence[Expression], plain: Plain) -> Expression:
    return with_values(arguments, lambda given: where({"$gte": [given[0], 0]}, plain(given)))


def _logarithm(_node: Call, arguments: Sequence[Expression], plain: Plain) -> Expression:
    return with_values(arguments, lambda given: where({"$gt": [given[0], 0]}, plain(given)))


def _base(_node: Call, arguments: Sequence[Expression], plain: Plain) -> Expression:
    def use(given: list[Expression]) -> Expression:
        value, base = given
        return where({"$and": [{"$gt": [value, 0]}, {"$gt": [base, 0]}, {"$ne": [base, 1]}]}, plain(given))

    return with_values(arguments, use)


def _power(node: Call, arguments: Sequence[Expression], plain: Plain) -> Expression:
    def use(given: list[Expression]) -> Expression:
        is_refused = {"$and": [{"$eq": [given[0], 0]}, {"$lt": [given[1], 0]}]}
        return {"$cond": [is_refused, None, _finite(node, given, plain)]}

    return with_values(arguments, use)


def _least(node: Call, arguments: Sequence[Expression], plain: Plain) -> Expression:
    if node.type.kind is not Kind.LONG:
        return plain([_as(node.type.kind, arguments[0])])
    return with_values(arguments, lambda given: where({"$ne": [given[0], Int64(-(2**63))]}, plain(given)))


def _rounded(node: Call, arguments: Sequence[Expression], plain: Plain) -> Expression:
    if node.type.kind is not Kind.LONG:
        return _finite(node, [_as(node.type.kind, arguments[0])], plain)
    most = Int64(_ROUNDED_MOST)
    return with_values(arguments, lambda given: where(between(given[0], Int64(-most), most), plain(given)))


def _as(kind: Kind | None, value: Expression) -> Expression:
    """The value as one of its kind: a LONG that stands for a wider one may be too great for what takes those."""
    return {"$toDecimal" if kind is Kind.DECIMAL else "$toDouble": value}


def _unset(_node: Call, arguments: Sequence[Expression], plain: Plain) -> Expression:
    def use(given: list[Expression]) -> Expression:
        return where({"$and": [{"$ne": [each, None]} for each in given]}, plain(given))

    return with_values(arguments, use)


def _compared(node: Call, arguments: Sequence[Expression], plain: Plain) -> Expression:
    if any(each.type.is_null for each in node.arguments):
        return plain(arguments)

    def use(given: list[Expression]) -> Expression:
        unsure = [value for value, each in zip(given, node.arguments, strict=True) if each.type.is_nullable]
        return where({"$and": [{"$ne": [value, None]} for value in unsure]}, plain(given))

    return with_values(arguments, use) if any(each.type.is_nullable for each in node.arguments) else plain(arguments)


def _all(node: Call, arguments: Sequence[Expression], plain: Plain) -> Expression:
    return _decided(node, arguments, plain, by=False)


def _any(node: Call, arguments: Sequence[Expression], plain: Plain) -> Expression:
    return _decided(node, arguments, plain, by=True)


def _decided(node: Call, arguments: Sequence[Expression], plain: Plain, *, by: bool) -> Expression:
    """One such truth decides, whatever the others are; otherwise one that is unset leaves it open."""
    if not any(each.type.is_nullable for each in node.arguments):
        return plain(arguments)

    def use(given: list[Expression]) -> Expression:
        return {"$cond": [{"$in": [by, given]}, by, {"$cond": [{"$in": [None, given]}, None, not by]}]}

    return with_values(arguments, use)


def _place(_node: Call, arguments: Sequence[Expression], plain: Plain) -> Expression:
    def use(given: list[Expression]) -> Expression:
        text, *places = given
        right = [{"$ne": [text, None]}, *(between(each, 0, _MILLION) for each in places)]
        return where({"$and": right}, plain(given))

    return with_values(arguments, use)


def _index(_node: Call, arguments: Sequence[Expression], plain: Plain) -> Expression:
    # An item that is not there is nothing at all, which compares otherwise than null.
    if len(arguments) == 1:
        return {"$ifNull": [plain(arguments), None]}
    return with_values(
        arguments, lambda given: where(between(given[1], -_MILLION, _MILLION), {"$ifNull": [plain(given), None]})
    )


def _text(_node: Call, arguments: Sequence[Expression], plain: Plain) -> Expression:
    return with_values(
        [plain(arguments)],
        lambda one: where({"$ne": [one[0], None]}, where({"$lte": [{"$strLenCP": one[0]}, TEXT_MOST]}, one[0])),
    )


def _list_items(_node: Call, arguments: Sequence[Expression], plain: Plain) -> Expression:
    return with_values(
        [plain(arguments)],
        lambda one: where({"$isArray": [one[0]]}, where({"$lte": [{"$size": one[0]}, LIST_MOST]}, one[0])),
    )


_TARGETS = {
    "$toBool": "bool",
    "$toDate": "date",
    "$toDecimal": "decimal",
    "$toDouble": "double",
    "$toLong": "long",
    "$toString": "string",
}


def _converted(node: Call, arguments: Sequence[Expression], _plain: Plain) -> Expression:
    if node.operator == "$dateFromString":
        named = {"dateString": arguments[0], **node.constants, "onError": None, "onNull": None}
        return _checked({"$dateFromString": named}, in_years)
    target = _TARGETS[node.operator]
    given = arguments[0]
    if target == "date" and node.arguments[0].type.is_number:
        # Of whole numbers only those of 64 bits are milliseconds.
        given = {"$convert": {"input": given, "to": "long", "onError": None, "onNull": None}}
    found = {"$convert": {"input": given, "to": target, "onError": None, "onNull": None}}
    if target == "date":
        return _checked(found, in_years)
    return _checked(found, finite) if target in ("decimal", "double") else found


def _amount(node: Call, arguments: Sequence[Expression], plain: Plain) -> Expression:
    place = node.names.index("amount")
    return with_values(
        arguments,
        lambda given: where(between(given[place], -_MILLION, _MILLION), _checked(plain(given), in_years)),
    )


def _years(_node: Call, arguments: Sequence[Expression], plain: Plain) -> Expression:
    return _checked(plain(arguments), in_years)


def _parts(_node: Call, arguments: Sequence[Expression], plain: Plain) -> Expression:
    def use(given: list[Expression]) -> Expression:
        year, *others = given
        right = [between(year, 1, LAST.year), *(between(each, -_PART_MOST, _PART_MOST) for each in others)]
        return where({"$and": right}, _checked(plain(given), in_years))

    return with_values(arguments, use)


def _edge(node: Call, arguments: Sequence[Expression], plain: Plain) -> Expression:
    if "timezone" not in node.constants:
        return plain(arguments)
    return with_values(arguments, lambda given: where(between(given[0], FIRST + _DAY, LAST - _DAY), plain(given)))


GUARDS: Mapping[Guard, Guarded] = {
    Guard.NONE: _none,
    Guard.FINITE: _finite,
    Guard.DIVISOR: _divisor,
    Guard.ROOT: _root,
    Guard.LOGARITHM: _logarithm,
    Guard.BASE: _base,
    Guard.POWER: _power,
    Guard.LEAST: _least,
    Guard.ROUNDED: _rounded,
    Guard.UNSET: _unset,
    Guard.COMPARED: _compared,
    Guard.ALL: _all,
    Guard.ANY: _any,
    Guard.PLACE: _place,
    Guard.INDEX: _index,
    Guard.TEXT: _text,
    Guard.ITEMS: _list_items,
    Guard.CONVERTED: _converted,
    Guard.AMOUNT: _amount,
    Guard.YEARS: _years,
    Guard.PARTS: _parts,
    Guard.EDGE: _edge,
    Guard.DEFAULT: _none,
    Guard.CASE: _none,
}
"""What each guard of the table of operators does."""
