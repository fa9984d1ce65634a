"""Random formulas of a wanted type, and documents in which some values are not what their attributes say."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

from bson import Decimal128, Int64

from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind
from tests.books import SMALL, attribute

NUMBER, LONG, DECIMAL, TEXT, TRUTH, DATE = (
    Kind.NUMBER, Kind.LONG, Kind.DECIMAL, Kind.STRING, Kind.BOOLEAN, Kind.DATETIME
)  # fmt: skip
PATHS = {
    NUMBER: ("attitude.satisfaction", "profile.share", "profile.turnover"),
    LONG: ("profile.employees", "behaviour.visits"),
    DECIMAL: ("profile.credit",),
    TEXT: ("profile.name", "profile.location.city"),
    TRUTH: ("profile.isListed",),
    DATE: ("profile.foundedOn", "behaviour.seenAt"),
}
INPUTS = SMALL.with_attributes(
    (
        attribute("profile.share", NUMBER),
        attribute("profile.turnover", NUMBER),
        attribute("profile.credit", DECIMAL),
        attribute("profile.isListed", TRUTH),
        attribute("behaviour.seenAt", Kind.DATETIME),
        attribute("profile.scores", LONG, is_list=True),
        attribute("behaviour.banks", Kind.GROUP, is_list=True),
        attribute("behaviour.banks.name"),
        attribute("behaviour.banks.balance", NUMBER),
    )
)
_WORDS = ("", "tea", "Tea, green", "Ä b", "12", "-7", "3.5", "2024-02-28", "  x ", "steel steel")
_UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond")
_ODD: Sequence[Any] = (
    None, "text", 3, 2.5, True, [], [1, "a"], {}, {"name": 1}, float("nan"), float("inf"), Decimal128("NaN"),
    Decimal128("1.5"), b"bytes", datetime(2000, 1, 1, tzinfo=UTC), Int64(2**63 - 1), 1e308,
)  # fmt: skip


class Words:
    """Makes formulas; the same for the same seed."""

    def __init__(self, random: Random, more: dict[Kind, list[str]] | None = None) -> None:
        self.random = random
        self.paths = {kind: [*paths, *(more or {}).get(kind, ())] for kind, paths in PATHS.items()}

    def of(self, kind: Kind, depth: int = 3) -> Any:
        """An expression of a kind."""
        if depth == 0 or self.random.random() < 0.2:
            return self._leaf(kind)
        makers: dict[Kind, Callable[[int], Any]] = {
            NUMBER: self._number, LONG: self._long, DECIMAL: self._decimal, TEXT: self._text, TRUTH: self._truth,
            DATE: self._date,
        }  # fmt: skip
        if self.random.random() < 0.2:
            return self._chosen(kind, depth - 1)
        return makers[kind](depth - 1)

    def _pick(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def _leaf(self, kind: Kind) -> Any:
        if self.random.random() < 0.7:
            return f"${self._pick(*self.paths[kind])}"
        literals: dict[Kind, Callable[[], Any]] = {
            NUMBER: lambda: self._pick(0.0, 1.0, -2.5, 0.1, 100.0),
            LONG: lambda: self._pick(0, 1, -3, 12, 1000, 2**40),
            DECIMAL: lambda: {"$toDecimal": self._pick("1.25", "-3", "0", "1E+6140")},
            TEXT: lambda: {"$literal": self._pick(*_WORDS)},
            TRUTH: lambda: self._pick(True, False),
            DATE: lambda: {"$dateFromParts": {"year": self._pick(1, 2020, 9999), "month": self._pick(1, 2, 12)}},
        }
        return literals[kind]()

    def _chosen(self, kind: Kind, depth: int) -> Any:
        one, other = self.of(kind, depth), self.of(kind, depth)
        case = self.of(TRUTH, depth)
        return self._pick(
            {"$cond": [case, one, other]},
            {"$cond": {"if": case, "then": one, "else": other}},
            {"$ifNull": [one, other]},
            {"$switch": {"branches": [{"case": case, "then": one}], "default": other}},
            {"$switch": {"branches": [{"case": case, "then": one}, {"case": {"$not": case}, "then": other}]}},
            {"$let": {"vars": {"a": one}, "in": {"$ifNull": ["$$a", other]}}},
        )

    def _numbers(self, depth: int, *kinds: Kind) -> list[Any]:
        return [self.of(self._pick(*kinds), depth) for _ in range(self.random.randint(2, 3))]

    def _number(self, depth: int) -> Any:
        one, two = self.of(self._pick(NUMBER, LONG), depth), self.of(self._pick(NUMBER, LONG), depth)
        name = self._pick("$add", "$multiply", "$subtract", "$divide", "$mod", "$pow", "$log", "$avg", "$sum")
        if name in ("$mod", "$add", "$multiply", "$subtract", "$sum"):
            one = self.of(NUMBER, depth)
        return self._pick(
            {name: [one, two]},
            {self._pick("$add", "$multiply"): [*self._numbers(depth, NUMBER, LONG), self.of(NUMBER, depth)]},
            {self._pick("$exp", "$ln", "$log10", "$sqrt"): one},
            {self._pick("$abs", "$ceil", "$floor", "$trunc"): self.of(NUMBER, depth)},
            {self._pick("$round", "$trunc"): [self.of(NUMBER, depth), self._pick(0, 1, 2, -1)]},
            {"$toDouble": self.of(self._pick(LONG, NUMBER, TEXT, TRUTH), depth)},
            {self._pick("$sum", "$avg", "$stdDevPop", "$stdDevSamp", "$max", "$min"): "$behaviour.banks.balance"},
            {"$sum": {"$map": {"input": "$behaviour.banks", "as": "bank", "in": "$$bank.balance"}}},
            {"$reduce": {"input": "$behaviour.banks", "initialValue": 0.5, "in": self._step(depth)}},
        )

    def _step(self, depth: int) -> Any:
        return {"$add": ["$$value", {"$ifNull": ["$$this.balance", self.of(NUMBER, min(depth, 1))]}]}

    def _decimal(self, depth: int) -> Any:
        one, two = self.of(DECIMAL, depth), self.of(self._pick(DECIMAL, LONG), depth)
        return self._pick(
            {self._pick("$add", "$multiply", "$subtract", "$divide", "$mod"): [one, two]},
            {self._pick("$abs", "$ceil", "$floor"): one},
            {"$round": [{"$mod": [one, 1_000_000]}, self._pick(0, 1, 2)]},
            {"$toDecimal": self.of(self._pick(LONG, TEXT), depth)},
            {self._pick("$max", "$min"): [one, self.of(DECIMAL, depth)]},
        )

    def _long(self, depth: int) -> Any:
        one, two = self.of(LONG, depth), self.of(LONG, depth)
        text, date = self.of(TEXT, depth), self.of(DATE, depth)
        parts = ("$year", "$month", "$dayOfMonth", "$dayOfWeek", "$dayOfYear", "$hour", "$minute", "$second")
        more = ("$millisecond", "$week", "$isoWeek", "$isoWeekYear", "$isoDayOfWeek")
        return self._pick(
            {self._pick("$add", "$multiply", "$subtract", "$mod"): [one, two]},
            {self._pick("$abs", "$ceil", "$floor"): one},
            {self._pick("$round", "$trunc"): [one, self._pick(0, -1, -2)]},
            {"$cmp": [self.of(NUMBER, depth), self.of(LONG, depth)]},
            {self._pick(*parts, *more): date},
            {self._pick("$hour", "$dayOfMonth"): {"date": {"$dateTrunc": {"date": date, "unit": "day"}}}},
            {"$dateDiff": {"startDate": date, "endDate": self.of(DATE, depth), "unit": self._pick(*_UNITS)}},
            {"$strLenCP": text},
            {"$indexOfCP": [text, self.of(TEXT, depth)]},
            {"$strcasecmp": [text, self.of(TEXT, depth)]},
            {"$size": self._list(depth)},
            {"$indexOfArray": ["$profile.scores", one]},
            {"$arrayElemAt": ["$profile.scores", self._pick(0, 1, -1, 7, one)]},
            {self._pick("$first", "$last"): "$profile.scores"},
            {self._pick("$max", "$min", "$sum"): ["$profile.scores"]},
            {"$toLong": self.of(self._pick(NUMBER, TEXT, TRUTH, DATE), depth)},
        )

    def _list(self, depth: int) -> Any:
        words = {"$split": [self.of(TEXT, depth), self._pick(",", " ", "e")]}
        return self._pick(
            words,
            "$profile.tags",
            "$behaviour.banks",
            {"$filter": {"input": "$behaviour.banks", "cond": {"$gt": ["$$this.balance", self.of(NUMBER, depth)]}}},
            {"$map": {"input": "$profile.tags", "as": "tag", "in": {"$concat": ["$$tag", self.of(TEXT, depth)]}}},
            {self._pick("$setUnion", "$setIntersection", "$setDifference", "$concatArrays"): ["$profile.tags", words]},
            {"$slice": ["$profile.tags", self._pick(1, -1, 0)]},
            {"$slice": ["$profile.tags", self._pick(0, 1, -2), 2]},
            {"$reverseArray": "$profile.tags"},
        )

    def _text(self, depth: int) -> Any:
        text = self.of(TEXT, depth)
        return self._pick(
            {"$concat": [text, self.of(TEXT, depth)]},
            {"$substrCP": [text, self._pick(0, 1, self.of(LONG, depth)), self._pick(0, 3, self.of(LONG, depth))]},
            {self._pick("$toLower", "$toUpper"): text},
            {self._pick("$trim", "$ltrim", "$rtrim"): {"input": text}},
            {self._pick("$trim", "$ltrim", "$rtrim"): {"input": text, "chars": self._pick("t", "ea")}},
            {self._pick("$replaceAll", "$replaceOne"): {"input": text, "find": "e", "replacement": "öö"}},
            {"$toString": self.of(self._pick(LONG, TRUTH, DATE), depth)},
            {"$dateToString": {"date": self.of(DATE, depth), "format": self._pick("%Y/%m/%d", "%H:%M:%S.%L %j%%")}},
            {self._pick("$first", "$last"): "$profile.tags"},
            {"$arrayElemAt": [{"$split": [text, "e"]}, self._pick(0, 1, -1)]},
            {"$reduce": {"input": "$profile.tags", "initialValue": text, "in": {"$concat": ["$$value", "$$this"]}}},
        )

    def _truth(self, depth: int) -> Any:
        kind = self._pick(NUMBER, LONG, TEXT, DATE, TRUTH, DECIMAL)
        one, two = self.of(kind, depth), self.of(kind, depth)
        truths = {"$map": {"input": "$profile.scores", "in": {"$gt": ["$$this", self.of(LONG, depth)]}}}
        tags = {"$split": [self.of(TEXT, depth), ","]}
        return self._pick(
            {self._pick("$eq", "$ne", "$gt", "$gte", "$lt", "$lte"): [one, two]},
            {self._pick("$and", "$or"): [self.of(TRUTH, depth), self.of(TRUTH, depth)]},
            {"$not": [self.of(TRUTH, depth)]},
            {"$in": [self.of(TEXT, depth), self._pick("$profile.tags", tags)]},
            {self._pick("$allElementsTrue", "$anyElementTrue"): [truths]},
            {self._pick("$setEquals", "$setIsSubset"): ["$profile.tags", tags]},
            {"$isNumber": self.of(self._pick(NUMBER, TEXT), depth)},
            {"$isArray": [self._pick("$profile.tags", one)]},
            {"$toBool": self.of(self._pick(LONG, NUMBER, TEXT, DATE), depth)},
        )

    def _date(self, depth: int) -> Any:
        date, amount = self.of(DATE, depth), self.of(LONG, depth)
        # No milliseconds: before 1970 the server is a second off with them.
        moved = {"startDate": date, "unit": self._pick(*_UNITS[:-1]), "amount": amount}
        parts = {name: self.of(LONG, 1) for name in self._pick(("month",), ("month", "day"), ("day", "hour", "second"))}
        return self._pick(
            {self._pick("$dateAdd", "$dateSubtract"): moved},
            {"$dateTrunc": {"date": date, "unit": self._pick(*_UNITS)}},
            {"$dateFromParts": {"year": self._pick(2020, amount), **parts}},
            {"$dateFromString": {"dateString": self.of(TEXT, depth), "format": "%Y-%m-%d"}},
            {"$toDate": self._pick({"$multiply": [amount, 1000]}, date)},
            {self._pick("$max", "$min"): [date, self.of(DATE, depth)]},
            "$$NOW",
        )


def document(random: Random, catalogue: Catalogue = INPUTS) -> dict[str, Any]:
    """Stored values; some are unset, and one in five is of another kind than its attribute's."""

    def month() -> int:
        return random.randint(1, 12)

    good: dict[str, Callable[[], Any]] = {
        "profile.name": lambda: random.choice(_WORDS),
        "profile.location": lambda: {"city": random.choice(_WORDS)},
        "profile.employees": lambda: random.choice((0, 1, 7, -5, 250, Int64(2**62))),
        "behaviour.visits": lambda: random.randint(-3, 12),
        "attitude.satisfaction": lambda: random.choice((0.0, 0.5, -1.25, 9.75, 1e200)),
        "profile.share": lambda: round(random.uniform(-1, 1), 3),
        "profile.turnover": lambda: float(random.randint(-1000, 1_000_000)),
        "profile.credit": lambda: Decimal128(random.choice(("0", "12.50", "-3", "1E+6000"))),
        "profile.isListed": lambda: random.random() < 0.5,
        "profile.foundedOn": lambda: datetime(random.choice((1, 1999, 2024, 9999)), month(), 28, tzinfo=UTC),
        "behaviour.seenAt": lambda: datetime(2026, month(), 28, random.randint(0, 23), 15, tzinfo=UTC),
        "profile.tags": lambda: [random.choice((*_WORDS, 5, None)) for _ in range(random.randint(0, 4))],
        "profile.scores": lambda: [random.choice((1, 2, 12, "x")) for _ in range(random.randint(0, 4))],
        "behaviour.banks": lambda: [_bank(random) for _ in range(random.randint(0, 3))],
    }
    made: dict[str, Any] = {"profile": {}, "behaviour": {}, "attitude": {}, "derived": {}}
    for path, value in good.items():
        facet, key = path.split(".", 1)
        choice = random.random()
        if choice > 0.15:
            made[facet][key] = value() if choice > 0.35 else random.choice(_ODD)
    return made


def _bank(random: Random) -> Any:
    good = {"name": random.choice(_WORDS), "balance": random.choice((0.0, 10.5, -2.0, "much", None))}
    return random.choice((good, good, {}, "bank"))
