"""The operators that a formula may use: one table, from which checks, guards and documentation follow."""

from collections.abc import Mapping, Sequence

from catalogue.formulas.operator import Argument, Guard, Operator, Result, Takes
from catalogue.formulas.results import (
    agreeing,
    always,
    as_set,
    assembled,
    average,
    compared,
    dated,
    fixed,
    fraction,
    gathered,
    item,
    joined,
    like_first,
    member,
    nullable,
    one_of,
    total,
    truncated,
    widest,
)
from catalogue.formulas.types import BOOLEAN, DATETIME, LONG, NUMBER, STRING, Type, certain
from catalogue.kinds import Kind


def _row(
    group: str,
    name: str,
    takes: Sequence[Takes],
    result: Result,
    gives: str,
    guard: Guard = Guard.NONE,
    *,
    optional: int = 0,
    repeats: bool = False,
) -> Operator:
    first = len(takes) - optional
    arguments = tuple(Argument(each, "", place >= first) for place, each in enumerate(takes))
    return Operator(name, group, arguments, result, gives, guard, repeats)


def _named(
    group: str,
    name: str,
    arguments: Mapping[str, Takes],
    result: Result,
    gives: str,
    guard: Guard = Guard.NONE,
    *,
    is_bare: bool = False,
    is_special: bool = False,
) -> Operator:
    """An optional argument has a `?` behind its name."""
    rows = tuple(Argument(takes, name.rstrip("?"), name.endswith("?")) for name, takes in arguments.items())
    return Operator(name, group, rows, result, gives, guard, is_bare=is_bare, is_special=is_special)


_N, _W, _T, _M, _B, _L, _A = (
    Takes.NUMBER, Takes.WHOLE, Takes.TEXT, Takes.MOMENT, Takes.TRUTH, Takes.LIST, Takes.ANY
)  # fmt: skip
_WIDEST = "the widest kind of its arguments"
_FRACTION = "NUMBER; DECIMAL with a DECIMAL"
_SAME = "the kind of its argument"
_COMMON = "the kind of its arguments"
_TRUE = certain(BOOLEAN)
_AT = {"date": _M, "timezone?": Takes.OFFSET}

_ARITHMETIC = (
    _row("arithmetic", "$abs", (_N,), like_first, _SAME, Guard.LEAST),
    _row("arithmetic", "$add", (_N,), widest, _WIDEST, Guard.FINITE, repeats=True),
    _row("arithmetic", "$ceil", (_N,), like_first, _SAME, Guard.FINITE),
    _row("arithmetic", "$divide", (_N, _N), fraction, _FRACTION, Guard.DIVISOR),
    _row("arithmetic", "$exp", (_N,), fraction, _FRACTION, Guard.FINITE),
    _row("arithmetic", "$floor", (_N,), like_first, _SAME, Guard.FINITE),
    _row("arithmetic", "$ln", (_N,), fraction, _FRACTION, Guard.LOGARITHM),
    _row("arithmetic", "$log", (_N, _N), fraction, _FRACTION, Guard.BASE),
    _row("arithmetic", "$log10", (_N,), fraction, _FRACTION, Guard.LOGARITHM),
    _row("arithmetic", "$mod", (_N, _N), lambda t, c: nullable(widest(t, c)), _WIDEST, Guard.DIVISOR),
    _row("arithmetic", "$multiply", (_N,), widest, _WIDEST, Guard.FINITE, repeats=True),
    _row("arithmetic", "$pow", (_N, _N), fraction, _FRACTION, Guard.POWER),
    _row("arithmetic", "$round", (_N, Takes.PLACES), like_first, _SAME, Guard.ROUNDED, optional=1),
    _row("arithmetic", "$sqrt", (_N,), fraction, _FRACTION, Guard.ROOT),
    _row("arithmetic", "$subtract", (_N, _N), widest, _WIDEST, Guard.FINITE),
    _row("arithmetic", "$trunc", (_N, Takes.PLACES), like_first, _SAME, Guard.FINITE, optional=1),
)
_COMPARISON = (
    _row("comparison", "$cmp", (_A, _A), compared(LONG), "LONG: -1, 0 or 1", Guard.COMPARED),
    *(
        _row("comparison", name, (_A, _A), compared(BOOLEAN), "BOOLEAN", Guard.COMPARED)
        for name in ("$eq", "$gt", "$gte", "$lt", "$lte", "$ne")
    ),
    _row("comparison", "$and", (_B,), fixed(BOOLEAN), "BOOLEAN", Guard.ALL, repeats=True),
    _row("comparison", "$or", (_B,), fixed(BOOLEAN), "BOOLEAN", Guard.ANY, repeats=True),
    _row("comparison", "$not", (_B,), fixed(BOOLEAN), "BOOLEAN", Guard.UNSET),
)
_CONDITIONAL = (
    _named(
        "conditional", "$cond", {"if": _B, "then": _A, "else": _A}, like_first, _COMMON, Guard.CASE, is_special=True
    ),
    _row("conditional", "$ifNull", (_A, _A), one_of, _COMMON, repeats=True),
    _named(
        "conditional", "$switch", {"branches": Takes.BRANCHES, "default?": _A}, like_first, "the kind of its branches",
        Guard.DEFAULT, is_special=True,
    ),
)  # fmt: skip
_DATES = (
    *(
        _named("date", name, _AT, fixed(LONG), "LONG", is_bare=True)
        for name in (
            *("$year", "$month", "$dayOfMonth", "$dayOfWeek", "$dayOfYear", "$hour", "$minute", "$second"),
            *("$millisecond", "$week", "$isoWeek", "$isoWeekYear", "$isoDayOfWeek"),
        )
    ),
    *(
        _named(
            "date", name, {"startDate": _M, "unit": Takes.UNIT, "amount": _W, "timezone?": Takes.OFFSET}, dated,
            "DATE for whole days of a DATE; otherwise DATETIME", Guard.AMOUNT,
        )
        for name in ("$dateAdd", "$dateSubtract")
    ),
    _named(
        "date", "$dateDiff",
        {
            "startDate": _M, "endDate": _M, "unit": Takes.UNIT, "timezone?": Takes.OFFSET,
            "startOfWeek?": Takes.WEEKDAY,
        },
        fixed(LONG), "LONG",
    ),
    _named(
        "date", "$dateTrunc",
        {"date": _M, "unit": Takes.UNIT, "timezone?": Takes.OFFSET, "startOfWeek?": Takes.WEEKDAY},
        truncated, "DATE for days and longer; otherwise DATETIME", Guard.YEARS,
    ),
    _named(
        "date", "$dateFromParts",
        {
            "year": _W, "month?": _W, "day?": _W, "hour?": _W, "minute?": _W, "second?": _W, "millisecond?": _W,
            "timezone?": Takes.OFFSET,
        },
        assembled, "DATE of year, month and day; otherwise DATETIME", Guard.PARTS,
    ),
    _named(
        "date", "$dateFromString", {"dateString": _T, "format?": Takes.PARSED}, always(DATETIME), "DATETIME",
        Guard.CONVERTED,
    ),
    _named(
        "date", "$dateToString", {"date": _M, "format?": Takes.FORMAT, "timezone?": Takes.OFFSET}, always(STRING),
        "STRING", Guard.EDGE,
    ),
)  # fmt: skip
_TEXTS = (
    _row("string", "$concat", (_T,), always(STRING), "STRING", Guard.TEXT, repeats=True),
    _row("string", "$indexOfCP", (_T, _T), fixed(LONG), "LONG", Guard.UNSET),
    *(
        _named("string", name, {"input": _T, "chars?": Takes.SEPARATOR}, fixed(STRING), "STRING")
        for name in ("$ltrim", "$rtrim", "$trim")
    ),
    *(
        _named(
            "string", name, {"input": _T, "find": Takes.SEPARATOR, "replacement": Takes.SHORT_TEXT}, always(STRING),
            "STRING", Guard.TEXT,
        )
        for name in ("$replaceAll", "$replaceOne")
    ),
    _row("string", "$split", (_T, Takes.SEPARATOR), always(STRING.listed.nullable), "list of STRING", Guard.ITEMS),
    _row("string", "$strcasecmp", (_T, _T), fixed(LONG), "LONG: -1, 0 or 1", Guard.UNSET),
    _row("string", "$strLenCP", (_T,), fixed(LONG), "LONG", Guard.UNSET),
    _row("string", "$substrCP", (_T, _W, _W), always(STRING), "STRING", Guard.PLACE),
    _row("string", "$toLower", (_T,), fixed(STRING), "STRING", Guard.UNSET),
    _row("string", "$toUpper", (_T,), fixed(STRING), "STRING", Guard.UNSET),
)  # fmt: skip
_LISTS = (
    _row("array", "$arrayElemAt", (_L, _W), item, "the kind of the items", Guard.INDEX),
    _row("array", "$first", (_L,), item, "the kind of the items", Guard.INDEX),
    _row("array", "$last", (_L,), item, "the kind of the items", Guard.INDEX),
    _row(
        "array", "$concatArrays", (_L,), joined, "a list", Guard.ITEMS, repeats=True
    ),
    _named("array", "$filter", {"input": _L, "as?": Takes.NAME, "cond": _B}, like_first, "a list", is_special=True),
    _row("array", "$in", (_A, _L), member(BOOLEAN), "BOOLEAN", Guard.UNSET),
    _row("array", "$indexOfArray", (_L, _A), member(LONG), "LONG"),
    _row("array", "$isArray", (_A,), always(_TRUE), "BOOLEAN"),
    _named("array", "$map", {"input": _L, "as?": Takes.NAME, "in": _A}, like_first, "a list", is_special=True),
    _named(
        "array", "$reduce", {"input": _L, "initialValue": _A, "in": _A}, like_first, "the kind of initialValue and in",
        is_special=True,
    ),
    _row("array", "$reverseArray", (_L,), like_first, "a list"),
    _row("array", "$size", (_L,), fixed(LONG), "LONG", Guard.UNSET),
    _row("array", "$slice", (_L, Takes.COUNT, Takes.COUNT), like_first, "a list", optional=1),
)  # fmt: skip
_FIGURES = (
    _row(
        "figures", "$avg", (Takes.AMOUNTS,), gathered(average), _FRACTION, Guard.FINITE, repeats=True
    ),
    *(
        _row(
            "figures", name, (Takes.COMPARABLES,), gathered(lambda t: t.nullable), "the kind of the items",
            repeats=True,
        )
        for name in ("$max", "$min")
    ),
    *(
        _row("figures", name, (Takes.AMOUNTS,), gathered(lambda _: NUMBER), "NUMBER", Guard.FINITE, repeats=True)
        for name in ("$stdDevPop", "$stdDevSamp")
    ),
    _row(
        "figures", "$sum", (Takes.AMOUNTS,), gathered(total), "the widest kind of the items",
        Guard.FINITE, repeats=True,
    ),
)  # fmt: skip
_SETS = (
    _row("set", "$allElementsTrue", (Takes.TRUTHS,), fixed(BOOLEAN), "BOOLEAN", Guard.UNSET),
    _row("set", "$anyElementTrue", (Takes.TRUTHS,), fixed(BOOLEAN), "BOOLEAN", Guard.UNSET),
    _row("set", "$setDifference", (_L, _L), as_set, "a list"),
    _row("set", "$setEquals", (_L, _L), agreeing(BOOLEAN), "BOOLEAN", Guard.UNSET),
    _row("set", "$setIntersection", (_L,), as_set, "a list", repeats=True),
    _row("set", "$setIsSubset", (_L, _L), agreeing(BOOLEAN), "BOOLEAN", Guard.UNSET),
    _row("set", "$setUnion", (_L,), as_set, "a list", Guard.ITEMS, repeats=True),
)
_CONVERSIONS = (
    _row("type", "$isNumber", (_A,), always(_TRUE), "BOOLEAN"),
    _row("type", "$toBool", (Takes.SCALAR,), always(BOOLEAN), "BOOLEAN", Guard.CONVERTED),
    _row("type", "$toDate", (Takes.SCALAR,), always(DATETIME), "DATETIME", Guard.CONVERTED),
    _row("type", "$toDecimal", (Takes.SCALAR,), always(Type(Kind.DECIMAL)), "DECIMAL", Guard.CONVERTED),
    _row("type", "$toDouble", (Takes.SCALAR,), always(NUMBER), "NUMBER", Guard.CONVERTED),
    _row("type", "$toLong", (Takes.SCALAR,), always(LONG), "LONG", Guard.CONVERTED),
    _row("type", "$toString", (Takes.SCALAR,), always(STRING), "STRING", Guard.CONVERTED),
)
_VARIABLES = (
    _named("variable", "$let", {"vars": Takes.VARIABLES, "in": _A}, like_first, "the kind of in", is_special=True),
    Operator("$literal", "variable", (Argument(Takes.CONSTANT),), like_first, "the kind of the value", is_special=True),
)


OPERATORS: Mapping[str, Operator] = {
    each.name: each
    for rows in (
        _ARITHMETIC, _COMPARISON, _CONDITIONAL, _DATES, _TEXTS, _LISTS, _FIGURES, _SETS, _CONVERSIONS, _VARIABLES
    )
    for each in rows
}  # fmt: skip
"""By name."""
