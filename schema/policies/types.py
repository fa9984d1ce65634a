"""The policy as GraphQL shows it, and as it is given."""

from collections.abc import Mapping
from typing import Any

from acts.policies import RoleEffect
from catalogue.attribute import Facet, Sensitivity
from policy.rules import Policy, Right, RoleRule, RowScope, Unreadable
from schema.enums import FacetEnum, RightEnum, RowScopeEnum, SensitivityEnum, UnreadableEnum
from schema.fields import input_type, output_type, plain

_AREA = "Those of other areas than clients stand behind the area: interactions:outcome."
_RULE: tuple[tuple[str, Any, str], ...] = (
    ("role", str, "The role, as it stands in the directory."),
    ("rows", RowScopeEnum, "The clients that are read; and changed, where there is a right to."),
    ("groupRows", RowScopeEnum | None, "The clients that are counted in groups; the same as rows, if null."),
    ("sensitivity", SensitivityEnum | None, "The highest level that is read; null: no attribute. Never RESTRICTED."),
    ("allow", list[str], "Paths that are read whatever their level; RESTRICTED ones with a purpose still. " + _AREA),
    ("deny", list[str], "Paths that are not read, whatever their level, with all that is under them. " + _AREA),
    ("mask", list[str], "Paths of texts that are shown by their last four signs where they are not read. " + _AREA),
    ("enter", list[str], "Paths that may be written where they are not read, with all that is under them. " + _AREA),
    ("purposes", list[str], "The purposes with which RESTRICTED attributes are read."),
    ("rights", list[RightEnum], "What may be done."),
)

BY_TWO = (
    "Whether a second person has to agree where somebody has values computed (by a formula, a rollup or a model) from "
    "what they may not read."
)

FacetLevel: Any = output_type(
    "FacetLevel",
    "The highest level that is read in one facet.",
    (
        ("facet", FacetEnum, plain("facet", "The facet.")),
        ("sensitivity", SensitivityEnum | None, plain("sensitivity", "The level; null: nothing of the facet.")),
    ),
)
PolicyRule: Any = output_type(
    "PolicyRule",
    "What one role may read and do.",
    (
        *((name, annotation, plain(name, text)) for name, annotation, text in _RULE),
        ("facets", list[FacetLevel], plain("facets", "Levels of single facets, instead of the one for all.")),
    ),
)
PolicyPurpose: Any = output_type(
    "PolicyPurpose",
    "What somebody may want RESTRICTED attributes for.",
    (
        ("code", str, plain("code", "The code, for the header Kehu-Purpose.")),
        ("label", str, plain("label", "What it means.")),
    ),
)
PolicyType: Any = output_type(
    "Policy",
    "The rule table: what each role may read and do.",
    (
        ("revision", int, plain("revision", "Counts the tables that were put in force; 0 is the built-in one.")),
        ("rules", list[PolicyRule], plain("rules", "One rule a role; a role without one may do nothing.")),
        ("purposes", list[PolicyPurpose], plain("purposes", "The purposes that there are.")),
        (
            "unreadable",
            UnreadableEnum,
            plain("unreadable", "What becomes of selected attributes that may not be read."),
        ),
        ("groupFloor", int, plain("groupFloor", "Smaller groups are left out where clients may only be counted.")),
        ("secretInputsByTwo", bool, plain("secretInputsByTwo", BY_TWO)),
    ),
)
EffectType: Any = output_type(
    "PolicyEffect",
    "What a change of the policy means for those who hold one role.",
    (
        ("role", str, plain("role", "The role.")),
        ("people", int, plain("people", "How many people in the directory hold it.")),
        ("rowsBefore", RowScopeEnum | None, plain("rowsBefore", "Their clients so far; null: the role has no rule.")),
        ("rowsAfter", RowScopeEnum | None, plain("rowsAfter", "Their clients from then on.")),
        ("readable", list[str], plain("readable", "Paths of attributes that they read from then on.")),
        ("unreadable", list[str], plain("unreadable", "Paths of attributes that they read no more.")),
        ("masked", list[str], plain("masked", "Paths of attributes of which they see the last signs from then on.")),
        ("rightsGained", list[RightEnum], plain("rightsGained", "What they may do from then on.")),
        ("rightsLost", list[RightEnum], plain("rightsLost", "What they may do no more.")),
    ),
)

_FacetLevelInput: Any = input_type(
    "FacetLevelInput",
    "The highest level that is read in one facet.",
    (
        ("facet", FacetEnum, "The facet."),
        ("sensitivity", SensitivityEnum | None, "The level; null: nothing of the facet."),
    ),
)
RuleInput: Any = input_type(
    "PolicyRuleInput",
    "The whole rule of one role; what is left out is none.",
    (
        ("role", str, "The role, as it stands in the directory."),
        ("rows", RowScopeEnum, "The clients that are read; and changed, where there is a right to."),
        *((name, annotation | None, text) for name, annotation, text in _RULE[2:]),
        ("facets", list[_FacetLevelInput] | None, "Levels of single facets, instead of the one for all."),
    ),
)
PurposeInput: Any = input_type(
    "PolicyPurposeInput",
    "What somebody may want RESTRICTED attributes for.",
    (("code", str, "The code, in capitals, such as CREDIT_REVIEW."), ("label", str, "What it means.")),
)


def policy_value(policy: Policy) -> dict[str, Any]:
    """A policy as its fields are read from it."""
    return {
        "revision": policy.revision,
        "rules": [_rule_value(each) for each in policy.rules],
        "purposes": [{"code": code, "label": label} for code, label in policy.purposes.items()],
        "unreadable": policy.unreadable,
        "groupFloor": policy.group_floor,
        "secretInputsByTwo": policy.secret_inputs_by_two,
    }


def _rule_value(rule: RoleRule) -> dict[str, Any]:
    return {
        "role": rule.role,
        "rows": rule.rows,
        "groupRows": rule.group_rows,
        "sensitivity": rule.sensitivity,
        "facets": [{"facet": facet, "sensitivity": level} for facet, level in rule.facets.items()],
        "allow": list(rule.allow),
        "deny": list(rule.deny),
        "mask": list(rule.mask),
        "enter": list(rule.enter),
        "purposes": list(rule.purposes),
        "rights": sorted(rule.rights),
    }


def effect_value(effect: RoleEffect) -> dict[str, Any]:
    """An effect as its fields are read from it."""
    return {
        "role": effect.role,
        "people": effect.people,
        "rowsBefore": effect.rows_before and RowScope(effect.rows_before),
        "rowsAfter": effect.rows_after and RowScope(effect.rows_after),
        "readable": list(effect.readable),
        "unreadable": list(effect.unreadable),
        "masked": list(effect.masked),
        "rightsGained": [Right(each) for each in effect.rights_gained],
        "rightsLost": [Right(each) for each in effect.rights_lost],
    }


def changes_from(given: Mapping[str, Any]) -> dict[str, object]:
    """The changes of the table in an input."""
    changes: dict[str, object] = {}
    if given.get("rules") is not None:
        changes["rules"] = [_rule_from(each) for each in given["rules"]]
    if given.get("purposes") is not None:
        changes["purposes"] = {each["code"]: each["label"] for each in given["purposes"]}
    if given.get("unreadable") is not None:
        changes["unreadable"] = Unreadable(given["unreadable"])
    if given.get("groupFloor") is not None:
        changes["group_floor"] = given["groupFloor"]
    if given.get("secretInputsByTwo") is not None:
        changes["secret_inputs_by_two"] = given["secretInputsByTwo"]
    return changes


def _rule_from(given: Mapping[str, Any]) -> dict[str, object]:
    levels = {Facet(each["facet"]): each.get("sensitivity") for each in given.get("facets") or ()}
    return {
        "role": given["role"],
        "rows": RowScope(given["rows"]),
        "group_rows": given.get("groupRows") and RowScope(given["groupRows"]),
        "sensitivity": given.get("sensitivity") and Sensitivity(given["sensitivity"]),
        "facets": {facet: level and Sensitivity(level) for facet, level in levels.items()},
        "rights": frozenset(Right(each) for each in given.get("rights") or ()),
        **{name: tuple(given.get(name) or ()) for name in ("allow", "deny", "mask", "enter", "purposes")},
    }
