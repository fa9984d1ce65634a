"""The query for records whose stored value a definition would refuse today."""

from typing import Any

from catalogue.attribute import CLIENTS, Attribute
from catalogue.bounds import bound_value
from repositories.values import bson_from

Query = dict[str, Any]

_END = r"(?![\s\S])"
"""The very end of a text: $ would also fit before a last line break."""


def misfit_query(attribute: Attribute, *, within: str = "", is_encrypted: bool = False) -> Query:
    """Records that break the rules of an attribute; none where it has no rules.

    `within` is the list of groups that the attribute stands in: then one item is enough that breaks a rule, for a
    condition on a path through a list would be met, or not, by all of its items together.
    Of encrypted values the database can tell no more than whether they are there.
    Shape: one branch a rule. A path inside lists looks at every item.
    """
    path = attribute.path.removeprefix(f"{within}.") if within else attribute.path
    branches = [] if is_encrypted else _value_branches(attribute, path)
    if not within:
        branches += _kind_branches(attribute)
        return {"$or": branches} if branches else {"_id": {"$in": []}}
    if attribute.required_for:
        branches.append({path: {"$eq": None}})
    inside: list[Query] = [{within: {"$elemMatch": each}} for each in branches]
    if attribute.area == CLIENTS and attribute.applies_to:
        others = {"kind": {"$nin": [str(each) for each in attribute.applies_to]}}
        inside.append({**others, within: {"$elemMatch": {path: {"$ne": None}}}})
    return {"$or": inside} if inside else {"_id": {"$in": []}}


def _kind_branches(attribute: Attribute) -> list[Query]:
    """What a kind of client must have and has not, and what it may not have and has."""
    branches: list[Query] = []
    if attribute.area == CLIENTS and attribute.required_for:
        branches.append(
            {"kind": {"$in": [str(each) for each in attribute.required_for]}, attribute.path: {"$eq": None}}
        )
    if attribute.area == CLIENTS and attribute.applies_to:
        branches.append({"kind": {"$nin": [str(each) for each in attribute.applies_to]}, attribute.path: {"$ne": None}})
    return branches


def _value_branches(attribute: Attribute, path: str) -> list[Query]:
    branches: list[Query] = []
    if attribute.minimum is not None:
        branches.append({path: {"$lt": bson_from(bound_value(attribute.kind, attribute.minimum))}})
    if attribute.maximum is not None:
        branches.append({path: {"$gt": bson_from(bound_value(attribute.kind, attribute.maximum))}})
    if attribute.options:
        codes = [option.code for option in attribute.options]
        branches.append(
            {path: {"$elemMatch": {"$nin": codes}}} if attribute.is_list else {path: {"$nin": codes, "$ne": None}}
        )
    return [*branches, *_text_branches(attribute, path)]


def _text_branches(attribute: Attribute, path: str) -> list[Query]:
    """By regular expression, because only that looks into every item of a list."""
    branches: list[Query] = []
    if attribute.max_length is not None:
        branches.append({path: {"$regex": f"^.{{{attribute.max_length + 1}}}", "$options": "s"}})
    if attribute.min_length:
        branches.append({path: {"$regex": f"^.{{0,{attribute.min_length - 1}}}{_END}", "$options": "s"}})
    if attribute.pattern is not None:
        misfit = {"$type": "string", "$not": {"$regex": f"^(?:{attribute.pattern}){_END}"}}
        branches.append({path: {"$elemMatch": misfit} if attribute.is_list else misfit})
    return branches
