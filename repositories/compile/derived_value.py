"""What a formula gives as its attribute keeps it: cast to the kind that is stored, and null where it breaks a rule."""

from collections.abc import Sequence

from catalogue.attribute import Attribute, ClientKind
from catalogue.bounds import EARLIEST_ZONE_HOURS, LEEWAY_SECONDS, TODAY, bound_value
from catalogue.catalogue import BOTH_KINDS
from catalogue.formulas.tree import Node
from catalogue.kinds import Kind
from catalogue.values import LIST_LIMIT
from repositories.compile.formula import expression_from
from repositories.compile.guards import finite, in_years, where, with_values
from repositories.values import bson_from

Expression = object

LIST_BYTES = 100_000
"""Of the texts of one computed list. Many changes of it stand in the same document, with what was and what is: once it
grew past 16 MB, every later change of the client would be refused.
"""


def value_expression(attribute: Attribute, kinds: frozenset[ClientKind], tree: Node) -> Expression:
    """The value of an attribute for a client of one of the kinds; null for others, and where it breaks a rule."""
    found = _listed(attribute, tree) if attribute.is_list else _kept(attribute, expression_from(tree))
    return _for_kinds(kinds, found)


def kept_value(attribute: Attribute, kinds: frozenset[ClientKind], value: Expression) -> Expression:
    """The same for a single value that no formula gives."""
    return _for_kinds(kinds, _kept(attribute, value))


def _for_kinds(kinds: frozenset[ClientKind], found: Expression) -> Expression:
    return found if kinds == BOTH_KINDS else where({"$in": ["$kind", sorted(map(str, kinds))]}, found)


def _listed(attribute: Attribute, tree: Node) -> Expression:
    def items(given: list[Expression]) -> Expression:
        kept = {"$map": {"input": given[0], "as": "item_", "in": _kept(attribute, "$$item_")}}
        right = {"$filter": {"input": kept, "as": "kept_", "cond": {"$ne": ["$$kept_", None]}}}
        return where({"$isArray": [given[0]]}, with_values([right], short))

    def short(given: list[Expression]) -> Expression:
        return where({"$lte": [{"$size": given[0]}, LIST_LIMIT]}, _light(attribute, given[0]))

    return with_values([expression_from(tree)], items)


def _light(attribute: Attribute, texts: Expression) -> Expression:
    """The list, if its texts together are no longer than a list may be."""
    if not attribute.spec.is_text:
        return texts
    lengths = {"$sum": {"$map": {"input": texts, "as": "text_", "in": {"$strLenBytes": "$$text_"}}}}
    return where({"$lte": [lengths, LIST_BYTES]}, texts)


def _kept(attribute: Attribute, value: Expression) -> Expression:
    stored = _cast(attribute.kind, value)
    return with_values([stored], lambda one: _ruled(one[0], _rules(attribute, one[0])))


def _ruled(value: Expression, rules: Sequence[Expression]) -> Expression:
    # One after the other: the length of what is no text would be an error.
    for rule in reversed(rules):
        value = where(rule, value)
    return value


def _cast(kind: Kind, value: Expression) -> Expression:
    target = {Kind.LONG: "long", Kind.NUMBER: "double", Kind.DECIMAL: "decimal"}.get(kind)
    if target is not None:
        return {"$convert": {"input": value, "to": target, "onError": None, "onNull": None}}
    return {"$dateTrunc": {"date": value, "unit": "day"}} if kind is Kind.DATE else value


def _rules(attribute: Attribute, value: Expression) -> list[Expression]:
    rules: list[Expression] = [{"$ne": [value, None]}]
    match attribute.kind:
        case Kind.NUMBER | Kind.DECIMAL:
            rules.append(finite(value))
        case Kind.DATE | Kind.DATETIME:
            rules.append(in_years(value))
        case Kind.CODE:
            rules.append({"$in": [value, [{"$literal": each.code} for each in attribute.options]]})
    if attribute.spec.is_text and attribute.kind is not Kind.CODE:
        most = min(attribute.max_length or attribute.spec.length_limit, attribute.spec.length_limit)
        rules.append({"$lte": [{"$strLenCP": value}, most]})
        if attribute.min_length:
            rules.append({"$gte": [{"$strLenCP": value}, attribute.min_length]})
    bounds = (("$gte", attribute.minimum), ("$lte", attribute.maximum))
    return [*rules, *({name: [value, _bound(attribute, limit)]} for name, limit in bounds if limit is not None)]


def _bound(attribute: Attribute, bound: float | str) -> object:
    """A bound as a value of the database, which knows what day it is by itself."""
    if bound != TODAY:
        return bson_from(bound_value(attribute.kind, bound))
    if attribute.kind is Kind.DATETIME:
        return {"$add": ["$$NOW", LEEWAY_SECONDS * 1_000]}
    return {"$dateTrunc": {"date": {"$add": ["$$NOW", EARLIEST_ZONE_HOURS * 3_600_000]}, "unit": "day"}}
