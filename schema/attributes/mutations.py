"""Define, change, deprecate and retire attributes."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import Any

import strawberry
from anyio import to_thread

from acts.attributes import (
    Definition,
    definition_cost,
    deprecate_attribute,
)
from acts.attributes_approved import change_or_propose, define_or_propose, propose_retirement
from acts.models.registry import use_of
from catalogue.attribute import Attribute, AttributeOption, Facet
from catalogue.catalogue import Catalogue
from catalogue.errors import Refused
from catalogue.formulas.text import formula_text
from policy.rules import Right
from schema.attributes.differences import SchemaChange, schema_changes
from schema.attributes.types import AttributeType, attribute_value
from schema.context import Context
from schema.derived.rollups import RollupInput, rollup_from
from schema.enums import AttributeKindEnum, AttributeStatusEnum, ClientKindEnum, FacetEnum, SensitivityEnum
from schema.errors import UserError, payload
from schema.fields import Fields, described, input_type, output_type, plain, resolved
from schema.inputs import KEY_ROW, guard_from
from schema.scalars import BoundText, Json

OptionInput: Any = input_type(
    "AttributeOptionInput",
    "One code of a CODE attribute.",
    (
        ("code", str, "Letters, digits and _ . + -, up to 64."),
        ("label", str, "What people read instead of the code."),
        ("isRetired", bool | None, "True to refuse the code in new values; stored ones stay."),
    ),
)
_DRY_RUN = ("dryRun", bool, "Check everything and say what it would do to the schema and the database; write nothing.")
_FORMULA = (
    "Derived attributes only: a MongoDB aggregation expression over paths of attributes, as JSON or as a text of JSON; "
    "the values are computed by it, and null takes it away."
)
_MODEL = "Derived attributes only: the registered model that gives the values; null takes it away, and they stay."
ModelUseInput: Any = input_type(
    "ModelUseInput",
    "A version of a registered model, and which of its outputs.",
    (
        ("name", str, "The name of the model."),
        ("version", str | None, "The version; the one registered last, if left out."),
        ("output", str | None, "The output; the first, if left out."),
        ("column", int | None, "The column of an output with several, counted from 0."),
    ),
)
_RULES: tuple[tuple[str, Any, str], ...] = (
    ("unit", str | None, "The unit of a number: CNY, %, days."),
    ("options", list[OptionInput] | None, "The codes of a CODE attribute."),
    ("minimum", BoundText | None, "The least number, date or moment allowed."),
    ("maximum", BoundText | None, "The greatest number, date or moment allowed."),
    ("minLength", int | None, "The least number of characters."),
    ("maxLength", int | None, "The greatest number of characters."),
    ("pattern", str | None, "A regular expression that a whole text must match."),
    ("requiredFor", list[ClientKindEnum] | None, "Kinds of client that must have a value."),
    ("appliesTo", list[ClientKindEnum] | None, "Kinds of client that may have a value; both, if left out."),
    ("maxAgeHours", int | None, "After how many hours a value is stale."),
    ("retainDays", int | None, "After how many days a value is cleared, with what the history has of it."),
    ("formula", Json | None, _FORMULA),
    ("model", ModelUseInput | None, _MODEL),
    (
        "rollup",
        RollupInput | None,
        "Of the facets behaviour and derived only, instead of a formula: the values come from related records; null "
        "takes it away.",
    ),
    ("owner", str | None, "Who answers for the definition."),
)
_REVISION = ("expectedRevision", int | None, "The revision that was read: refused if it is no longer that.")
_EXPECTED = "Whether a client without a value is incomplete; false for a group: none of its values is expected."
_LOOKUP = "Whether a RESTRICTED value is found by `eq` and `in`: a keyed hash is kept."
_PATH = ("path", str, "The path of the attribute.")
_REASON = ("reason", str | None, "Why, for whoever decides where a second person has to.")


@strawberry.type(description="What a definition costs the database.")
class DefinitionCostType:
    """Indexes and documents."""

    recomputedDocuments: int = strawberry.field(
        name="recomputedDocuments", description="Documents whose values a new formula computes."
    )
    valuesDespiteUnset: int | None = strawberry.field(
        name="valuesDespiteUnset",
        description="Clients, of those that you may see, for whom a new formula gives a value though something that it "
        "reads is unset. Null where you may not read all of that, and where there is no new formula.",
    )
    makesIndex: bool = strawberry.field(name="makesIndex", description="Whether an index is made.")
    dropsIndex: bool = strawberry.field(name="dropsIndex", description="Whether an index is dropped.")
    indexedDocuments: int = strawberry.field(
        name="indexedDocuments", description="Documents that a new index must read."
    )
    failingDocuments: int | None = strawberry.field(
        name="failingDocuments",
        description="Documents, of those that you may see, whose values do not fit the rule; they stay as they are. "
        "Null where you may not read the values.",
    )


DefinitionCostType.__strawberry_definition__.name = "DefinitionCost"  # type: ignore[attr-defined]


_EDITION = "The edition of this server as it answers, as in the header Kehu-Edition; null where nothing was written."
_LIVE = (
    "Whether that edition has the definition: then the next request to this server may use it. False after half a "
    "minute, where something was only proposed, and in a dry run."
)
BuildSchema = Callable[[Catalogue], Any]
Act = Callable[[Context, Mapping[str, Any]], Awaitable[Definition]]


def attribute_mutations(build_schema: BuildSchema, approval: Any) -> Fields:
    """The fields of Mutation about attributes; `build_schema` makes the schema that a dry run compares with.

    `approval` is the type of what those verbs answer that one person may only propose.
    """
    for name, text, given, act in _VERBS:
        text_of_it = _WAITS_FOR.get(name)
        waiting = [("approval", approval | None, plain("approval", text_of_it))] if text_of_it is not None else []
        yield _mutation(name, text, given, act, build_schema, waiting)


def _mutation(
    name: str, text: str, given: Any, act: Act, build_schema: BuildSchema, waiting: Fields
) -> tuple[str, Any, Any]:
    async def resolve(info: strawberry.Info, input: Mapping[str, Any]) -> Any:
        answer = await payload(info.context, "attribute", lambda: _carry_out(info, input, act, build_schema))
        return {"isLive": False, **answer}

    answer: Any = _payload(f"{name[0].upper()}{name[1:]}Payload", waiting)
    arguments = {"input": described(given, "What is wanted.")}
    return name, None, resolved(resolve, name, answer | None, text, arguments, rights=(Right.DEFINE_ATTRIBUTES,))


def _payload(name: str, waiting: Fields) -> Any:
    difference = "What a dry run would do to the schema, the worst first; null otherwise."
    return output_type(
        name,
        "What became, or would become, of the attribute.",
        (
            ("attribute", AttributeType | None, plain("attribute", "The definition; null if the request was refused.")),
            *waiting,
            ("difference", list[SchemaChange] | None, plain("difference", difference)),
            ("edition", str | None, plain("edition", _EDITION)),
            ("isLive", bool, plain("isLive", _LIVE)),
            ("cost", DefinitionCostType | None, plain("cost", "What a dry run would cost; null otherwise.")),
            ("errors", list[UserError], plain("errors", "Every problem at once; empty if there is none.")),
        ),
    )


async def _carry_out(
    info: strawberry.Info, given: Mapping[str, Any], act: Act, build_schema: BuildSchema
) -> dict[str, Any]:
    context: Context = info.context
    done = await act(context, given)
    answer: dict[str, Any] = {"attribute": attribute_value(done.after, done.attribute)}
    if done.approval is not None:
        return answer | {"approval": done.approval}
    if not given.get("dryRun"):
        live = await context.settle(lambda catalogue: _is_in(catalogue, done.attribute))
        return answer | {"edition": live.edition, "isLive": live.is_live}
    # Both whole: beside the caller's own view of the schema everything hidden from him would be a difference.
    before, after = [await to_thread.run_sync(build_schema, each) for each in (done.before, done.after)]
    changes = await to_thread.run_sync(schema_changes, before._schema, after._schema)
    return answer | {
        "difference": changes,
        "cost": _cost(await definition_cost(context.viewer, context.repositories, done)),
    }


def _is_in(catalogue: Catalogue, attribute: Attribute) -> bool:
    """Whether a catalogue has a definition, or a later one of the same path."""
    current = catalogue.find(attribute.path, attribute.area)
    return current is not None and current.revision >= attribute.revision


def _cost(cost: Any) -> dict[str, Any]:
    return {
        "makesIndex": cost.makes_index,
        "dropsIndex": cost.drops_index,
        "indexedDocuments": cost.indexed_documents,
        "failingDocuments": cost.failing_documents,
        "recomputedDocuments": cost.recomputed_documents,
        "valuesDespiteUnset": cost.despite_unset,
    }


async def _define(context: Context, given: Mapping[str, Any]) -> Definition:
    own = _snake(
        {key: value for key, value in given.items() if key not in ("facet", "key", "dryRun", "idempotencyKey")}
    )
    facet: Facet = Facet(given["facet"])
    own["formula"], own["rollup"] = _formula(own.get("formula")), rollup_from(own.get("rollup"))
    own["model"] = await _model(context, own.get("model"))
    definition = {"description": own["label"]} | {key: value for key, value in own.items() if value is not None}
    attribute = Attribute.model_validate({"path": f"{facet}.{given['key']}", **definition})
    return await define_or_propose(
        context.viewer, context.repositories, attribute, guard_from(given), dry_run=given["dryRun"]
    )


async def _change(context: Context, given: Mapping[str, Any]) -> Definition:
    own = {
        key: value
        for key, value in given.items()
        if key not in ("path", "reason", "dryRun", "idempotencyKey", "expectedRevision")
    }
    if "formula" in own:
        own["formula"] = _formula(own["formula"])
    if "model" in own:
        own["model"] = await _model(context, own["model"])
    if "rollup" in own:
        own["rollup"] = rollup_from(own["rollup"])
    return await change_or_propose(
        context.viewer,
        context.repositories,
        given["path"],
        _snake(own),
        guard_from(given, "expectedRevision"),
        reason=given.get("reason"),
        dry_run=given["dryRun"],
    )


async def _deprecate(context: Context, given: Mapping[str, Any]) -> Definition:
    return await deprecate_attribute(
        context.viewer,
        context.repositories,
        given["path"],
        successor=given.get("successor"),
        removal_on=given.get("removalOn"),
        guard=guard_from(given, "expectedRevision"),
        dry_run=given["dryRun"],
    )


async def _retire(context: Context, given: Mapping[str, Any]) -> Definition:
    return await propose_retirement(
        context.viewer,
        context.repositories,
        given["path"],
        guard=guard_from(given, "expectedRevision"),
        reason=given.get("reason"),
        dry_run=given["dryRun"],
    )


def _formula(given: object) -> str | None:
    """Raises: Refused for what is no JSON of a formula's size."""
    if given is None:
        return None
    text, problems = formula_text(given)
    if problems:
        raise Refused(problems)
    return text


async def _model(context: Context, given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Raises: Refused, NotFound."""
    if given is None:
        return None
    context.repositories.access.require(context.viewer, Right.DEFINE_ATTRIBUTES)
    return (await use_of(context.repositories, given)).model_dump(mode="json")


def _snake(given: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a definition under their Python names; an empty list where null clears one."""
    named = {"".join(f"_{c.lower()}" if c.isupper() else c for c in key): value for key, value in given.items()}
    for key in ("options", "required_for", "applies_to"):
        if key in named:
            named[key] = tuple(named[key] or ())
    if "options" in named:
        named["options"] = tuple(AttributeOption(**_option(each)) for each in named["options"])
    return named


def _option(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"code": given["code"], "label": given["label"], "is_retired": bool(given.get("isRetired"))}


_DEFINE = (
    ("facet", FacetEnum, "The facet it belongs to."),
    ("key", str, 'The path without the facet: "esgScore", or nested "location.postcode".'),
    ("kind", AttributeKindEnum, "What a value is; it never changes."),
    ("isList", bool, "Whether a client has a list of values; it never changes."),
    ("label", str, "What people read as the name."),
    ("description", str | None, "What a value means; the label, if left out."),
    *_RULES,
    ("sensitivity", SensitivityEnum, "How secret a value is."),
    ("isSortable", bool, "Whether clients can be sorted by it: an index is kept."),
    ("isSearchable", bool, "Whether `contains` and search look into it."),
    ("isLookup", bool, _LOOKUP),
    ("isExpected", bool, _EXPECTED),
    ("status", AttributeStatusEnum, "PUBLISHED puts it into the schema, DRAFT does not yet."),
    _DRY_RUN,
    KEY_ROW,
)
_CHANGE = (
    _PATH,
    _REVISION,
    ("label", str | None, "What people read as the name."),
    ("description", str | None, "What a value means."),
    *_RULES,
    ("sensitivity", SensitivityEnum | None, "How secret a value is."),
    ("isSortable", bool | None, "Whether clients can be sorted by it: an index is kept."),
    ("isSearchable", bool | None, "Whether `contains` and search look into it."),
    ("isLookup", bool | None, _LOOKUP),
    ("isExpected", bool | None, _EXPECTED),
    ("status", AttributeStatusEnum | None, "PUBLISHED puts a draft into the schema; attributeRetire retires."),
    _REASON,
    _DRY_RUN,
    KEY_ROW,
)
_DEPRECATE = (
    _PATH,
    _REVISION,
    ("successor", str | None, "The path to use instead."),
    ("removalOn", date | None, "The day it goes."),
    _DRY_RUN,
    KEY_ROW,
)
_RETIRE = (_PATH, _REVISION, _REASON, _DRY_RUN, KEY_ROW)
_WAITS_FOR = {
    "attributeDefine": "What the definition waits for, if it computes values from what you may not read and the policy "
    "asks for a second person; there is no such attribute yet then.",
    "attributeChange": "What the change waits for, if it would lower the sensitivity; the attribute is as it was then.",
    "attributeRetire": "What the retirement waits for; the attribute is as it was. Null in a dry run.",
}
"""The verbs that may answer an approval, and what it says."""
_DEFAULTS = {
    "isList": False,
    "sensitivity": SensitivityEnum.CONFIDENTIAL,
    "isSortable": False,
    "isSearchable": False,
    "isLookup": False,
    "isExpected": True,
    "status": AttributeStatusEnum.PUBLISHED,
    "dryRun": False,
}
_VERBS: tuple[tuple[str, str, Any, Act], ...] = (
    (
        "attributeDefine",
        "A new attribute; typed and live on every node within two seconds. No client document is touched.",
        input_type("AttributeDefineInput", "A new attribute.", _DEFINE, _DEFAULTS),
        _define,
    ),
    (
        "attributeChange",
        "Change the words, rules or status of an attribute; kind and list-ness stay. A change that lowers the "
        "sensitivity is proposed, and carried out when a second person approves it.",
        input_type("AttributeChangeInput", "What is to change: left out stays.", _CHANGE, {"dryRun": False}),
        _change,
    ),
    (
        "attributeDeprecate",
        "Mark an attribute as on its way out, with its successor and the day it goes.",
        input_type(
            "AttributeDeprecateInput",
            "Which attribute goes, when, and what comes instead.",
            _DEPRECATE,
            {"dryRun": False},
        ),
        _deprecate,
    ),
    (
        "attributeRetire",
        "Propose to take an attribute out of the schema, which is done when a second person approves it; stored values "
        "and history stay, the path is never used again.",
        input_type("AttributeRetireInput", "Which attribute goes.", _RETIRE, {"dryRun": False}),
        _retire,
    ),
)
