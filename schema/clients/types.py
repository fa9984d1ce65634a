"""What a client answers beyond its plain attributes: values with proof, and the history."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import strawberry

from acts.checks import now
from catalogue.attribute import CLIENTS, Attribute
from catalogue.filters import Compare
from catalogue.kinds import Kind, Operator
from policy.attributes import AreaView
from repositories.changes import Place
from repositories.compile.changes import proof_key, shown_version
from repositories.compile.references import ids_in, shown_row
from repositories.cursors import value_at
from repositories.histories import Positions, read_histories
from repositories.models import MODELS
from repositories.past import moment_of
from repositories.plan import ID, ReadPlan
from repositories.veil import seen_source, seen_value
from schema.clients.explain import Shown, explanation, explanation_type, rollup_explanation
from schema.context import Context, Document
from schema.derived.values import value_json
from schema.fields import output_type, plain
from schema.planning.paths import EXPLAIN, FROM_CHANGE, NODE, named_attributes
from schema.planning.selection import Selected, place_of, record_fields
from schema.scalars import Json


@strawberry.type(description="One value that a change set or cleared.")
class ClientValueChange:
    """The value before and after; null stands for unset."""

    path: str = strawberry.field(description="The path of the attribute, or of a core field such as stage.")
    old: Json | None = strawberry.field(description="The value before.")
    new: Json | None = strawberry.field(description="The value after.")


@strawberry.type(description="A client who has become part of another one.")
class MergedClient:
    """His changes and records are those of the other one now, and his number finds that one."""

    id: strawberry.ID = strawberry.field(description="The id that he had.")
    number: str = strawberry.field(description="The number that he had; it still finds the client.")
    version: int = strawberry.field(description="The version of his last change, which says what all values were.")
    at: datetime = strawberry.field(description="When the two became one.")
    by: str = strawberry.field(description="Who agreed to it.")


@strawberry.type(description="One accepted change of a client: who, when, from which source, and the values.")
class ClientChange:
    """A change is never altered or removed; a correction is another change."""

    version: int = strawberry.field(
        description="The version of the client behind the change; what is only computed leaves it as it was."
    )
    by: str = strawberry.field(description="The person or program that made the change.")
    at: datetime = strawberry.field(description="When the change was entered.")
    source: str | None = strawberry.field(description="Where the values came from.")
    observer: str | None = strawberry.field(description="Who observed them.")
    observedAt: datetime | None = strawberry.field(name="observedAt", description="When they were observed.")
    confidence: float | None = strawberry.field(description="How sure the source is, 0 to 1.")
    values: list[ClientValueChange] = strawberry.field(description="The values, at the paths that were asked for.")
    mergedFrom: MergedClient | None = strawberry.field(
        name="mergedFrom",
        description="The client who has become part of this one, if it is a change of his; null for the client's own.",
    )


def change_value(catalogue_kind: Mapping[str, Kind], entry: Document, paths: Collection[str]) -> Document:
    """A change as its fields are read from it."""
    rows = [row for row in entry["values"] if not paths or row["path"] in paths]
    return {
        "version": shown_version(entry),
        **{name: entry.get(name) for name in ("by", "at", "source", "observer", "observedAt", "confidence")},
        "values": [
            {
                "path": row["path"],
                "old": value_json(catalogue_kind.get(row["path"]), row.get("old")),
                "new": value_json(catalogue_kind.get(row["path"]), row.get("new")),
            }
            for row in rows
        ],
    }


def attribute_value_type(attribute_type: Any) -> type:
    """`AttributeValue`: a value with its definition and its proof."""
    explained: Any = explanation_type(attribute_type)
    return output_type(
        "AttributeValue",
        "A value of one attribute, with its definition and with the proof of where it came from.",
        (
            ("path", str, plain("path", "The path of the attribute.")),
            ("value", Json | None, plain("value", "The value; null where there is none.")),
            ("definition", attribute_type, plain("definition", "The definition of the attribute.")),
            ("source", str | None, plain("source", "Where the value came from.")),
            ("observer", str | None, plain("observer", "Who observed it.")),
            (
                "observedAt",
                datetime | None,
                plain("observedAt", "When it was observed; when it was entered, if nobody said."),
            ),
            ("enteredAt", datetime | None, plain("enteredAt", "When it was entered.")),
            ("confidence", float | None, plain("confidence", "How sure the source is, 0 to 1.")),
            ("isStale", bool, plain("isStale", "Whether the value is older than its attribute allows.")),
            (EXPLAIN, explained | None, plain(EXPLAIN, "How a derived value came about; null for others.")),
        ),
    )


async def read_values(context: Context, client: Document, field: Selected, shown: Shown) -> list[Document]:
    """The values that `attribute` or `attributes` asks for, with as much proof as was selected."""
    seen = context.seen(CLIENTS)
    catalogue = context.repositories.access.catalogue(context.viewer)
    named = named_attributes(catalogue, field.arguments, seen.hidden)
    attributes = [each for each in named if each.path not in seen.hidden]
    names = {each.name for each in field.fields("AttributeValue")}
    wants_change = bool(names & FROM_CHANGE)
    changes = await _changes_of(context, client, attributes) if wants_change else {}
    moment = moment_of(client) or now()
    found = []
    for each in attributes:
        value = _value(client, each, changes, moment) | {"definition": shown(context, each)}
        value["source"] = seen_source(value["source"], context.seen(CLIENTS).hidden)
        if EXPLAIN in names:
            proof = proof_of(client, each) or {}
            if each.rollup is not None:
                value[EXPLAIN] = await rollup_explanation(context, client, each, changes, proof, shown)
            else:
                model = await _model_of(context, each)
                value[EXPLAIN] = explanation(context, client, each, changes, proof, shown, model)
        found.append(value)
    return found


async def _model_of(context: Context, attribute: Attribute) -> Document | None:
    """The registered version behind an attribute, read once for all who are explained at the same time."""
    if attribute.model is None:
        return None
    loader = context.loader((MODELS,), context.repositories.models.find_many)
    found: Document | None = await loader.load(attribute.model)
    return found


async def _changes_of(context: Context, client: Document, attributes: list[Attribute]) -> dict[int, Document]:
    """The changes that set the values, by version: from the tail, and one command for those that have moved out."""
    changes = {int(entry["version"]): entry for entry in client.get("tail", ())}
    versions = {int(proof["v"]) for each in attributes if (proof := proof_of(client, each))}
    missing = [(str(client[ID]), version) for version in sorted(versions - changes.keys())]
    moved = await context.repositories.clients.history.find_entries(missing)
    return changes | {version: entry for (_, version), entry in moved.items()}


def proof_of(client: Document, attribute: Attribute) -> Document | None:
    """Which change set a value, and when it was observed; a group has as many proofs as values, so none of its own."""
    if attribute.kind is Kind.GROUP and not attribute.is_list:
        return None
    proofs = client.get("proof") or {}
    found: Document | None = proofs.get(proof_key(attribute.path)) or proofs.get("first")
    return found if value_at(client, attribute.path) is not None else None


def _value(client: Document, attribute: Attribute, changes: Mapping[int, Document], moment: datetime) -> Document:
    value = value_at(client, attribute.path)
    proof = proof_of(client, attribute) or {}
    change = changes.get(int(proof.get("v", 0)), {})
    seen: datetime | None = proof.get("o")
    limit = attribute.max_age_hours
    return {
        "path": attribute.path,
        "value": value_json(attribute.kind, value),
        "source": change.get("source"),
        "observer": change.get("observer"),
        "observedAt": seen,
        "enteredAt": change.get("at"),
        "confidence": change.get("confidence"),
        "isStale": bool(limit is not None and seen is not None and seen + timedelta(hours=limit) < moment),
    }


async def read_history(
    context: Context,
    client: Document,
    paths: list[str] | None,
    since: datetime | None,
    limit: int,
    before: Positions,
) -> list[Document]:
    """Changes of a client, and of those who have become part of him, newest first, one more than the limit.

    Of a client who was read as of a moment it is those up to it.
    """
    moment = moment_of(client)
    if moment is not None:
        before = (before[0] if before and before[0].at <= moment else Place(moment), *before[1:])
        client = {**client, "merged": [each for each in client.get("merged") or () if each["at"] <= moment]}
    wanted, hidden = history_paths(context, paths), context.seen(CLIENTS).hidden
    history = context.repositories.clients.history
    told: list[Document] = []
    while True:
        found = await read_histories(
            history, client, limit + 1, before=before, paths=wanted, since=since, hidden=hidden
        )
        changes = await shown_changes(context, [each.change for each in found], wanted)
        told += [
            change | {"mergedFrom": entry.merged, "positions": entry.positions}
            for change, entry in zip(changes, found, strict=True)
            # Of a change of hidden references nothing is left.
            if change["values"] or not entry.change["values"]
        ]
        if len(told) > limit or len(found) <= limit:
            return told[: limit + 1]
        before = found[-1].positions


def history_paths(context: Context, paths: Collection[str] | None) -> set[str]:
    """The paths by which the history knows what is named; none where nothing is named."""
    catalogue = context.repositories.catalogue
    wanted: set[str] = set()
    for path in paths or ():
        attribute = catalogue.find(path)
        is_group = attribute is None or (attribute.kind is Kind.GROUP and not attribute.is_list)
        wanted |= {path, *(leaf.path for leaf in catalogue.leaves(path))} if is_group else {path}
    return wanted


async def shown_changes(context: Context, entries: Sequence[Document], wanted: Collection[str]) -> list[Document]:
    """Changes as their fields are read from them, with as much of each value as may be seen."""
    catalogue, seen = context.repositories.catalogue, context.seen(CLIENTS)
    kinds = {path: each.kind for path, each in catalogue.area(CLIENTS).items()}
    shown = await _without_hidden(context, [_shown_rows(each, seen, wanted) for each in entries])
    secret = context.repositories.access.restricted(CLIENTS)
    context.touched.restricted += sum(row["path"] in secret for rows in shown for row in rows)
    opened = await context.repositories.vault.opened(shown)
    return [
        change_value(kinds, entry | _seen_facts(entry, rows, seen), wanted)
        for entry, rows in zip(entries, opened, strict=True)
    ]


async def _without_hidden(context: Context, changes: list[list[Document]]) -> list[list[Document]]:
    """Rows of changes as if clients who may not be seen were not there.

    Cost: one command where something points at a client; none for whoever sees all of them.
    """
    access = context.repositories.access
    keys = access.reference_keys(context.viewer)
    pointing = [row for rows in changes for row in rows if row["path"] in keys]
    if not pointing:
        return changes
    found = (ids_in((row.get("old"), row.get("new")), keys[row["path"]]) for row in pointing)
    ids = frozenset().union(*found)
    visible = await context.repositories.clients.references.visible(access.rows(context.viewer), ids)
    shown = (
        [shown_row(row, keys[row["path"]], visible) if row["path"] in keys else row for row in rows] for rows in changes
    )
    return [[dict(row) for row in rows if row is not None] for rows in shown]


def _shown_rows(entry: Document, seen: AreaView, wanted: Collection[str]) -> list[Document]:
    """The rows of a change that are looked at, and may be: no others are decrypted."""
    rows = [row for row in entry["values"] if row["path"] not in seen.hidden]
    return [row for row in rows if row["path"] in wanted] if wanted else rows


def _seen_facts(entry: Document, rows: Sequence[Document], seen: AreaView) -> Document:
    source = seen_source(entry.get("source"), seen.hidden)
    return {"values": [_seen_row(row, seen) for row in rows], "source": source}


def _seen_row(row: Document, seen: AreaView) -> Document:
    path = row["path"]
    if path not in seen.closed:
        return row
    parts = {name: row[name] for name in ("old", "new") if name in row}
    for name, value in parts.items():
        parts[name] = seen_value(value, path, seen)
    return row | parts


async def read_references(key: str, info: strawberry.Info, holders: Sequence[Any]) -> list[Any]:
    """The client, or the clients, that the value of kind CLIENT in each holder points at; null if not to be seen.

    What was read as of a moment points at clients as of that moment.
    Cost: one command for all holders of one moment; all of one answer mostly are.
    """
    wanted: dict[datetime | None, set[str]] = {}
    for holder in holders:
        ids = holder.get(key)
        some = wanted.setdefault(moment_of(holder), set())
        some.update(ids if isinstance(ids, list) else () if ids is None else (ids,))
    found = {moment: await read_clients(info, ids, moment) for moment, ids in wanted.items()}
    return [_pointed_at(holder.get(key), found[moment_of(holder)]) for holder in holders]


def _pointed_at(ids: Any, found: Mapping[str, Document]) -> Any:
    if isinstance(ids, list):
        return [found[each] for each in ids if each in found]
    return found.get(ids)


async def read_clients(
    info: strawberry.Info, ids: Collection[str], moment: datetime | None = None
) -> Mapping[str, Document]:
    """Clients by id, with the paths selected under a field, as they are or as they were."""
    context: Context = info.context
    plan = context.authorise(ReadPlan(CLIENTS, selected_paths(info), as_of=moment))
    return await context.repositories.clients.load_many(plan, ids)


async def load_client(info: strawberry.Info, client_id: str, moment: datetime | None = None) -> Document | None:
    """One client by id, with the paths selected under a field; read together with what others want just now."""
    context: Context = info.context
    plan = context.authorise(ReadPlan(CLIENTS, selected_paths(info), as_of=moment))
    return await context.repositories.clients.load(plan, client_id)


def selected_paths(info: strawberry.Info, payload: str | None = None) -> frozenset[str]:
    """The paths of a client that are selected under a field, or under `client` in a payload.

    Cost: worked out once for all items of a list.
    """
    context: Context = info.context

    def paths() -> frozenset[str]:
        fields = record_fields(info, "Client", NODE, payload=payload, noun="client")
        return context.client_paths(fields)

    return context.planned(place_of(info), paths)


def by_number(number: str) -> Compare:
    """The predicate for a client's number."""
    return Compare("number", Operator.EQ, number)
