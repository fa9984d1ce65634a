"""Twin books: the same for a viewer, different in everything that he may not see."""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from bson import Decimal128

from catalogue.attribute import CLIENTS, Attribute, Facet, Sensitivity
from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind
from catalogue.rollups.rollup import Rollup, RollupFunction
from policy.attributes import AreaView, AttributeView
from policy.decision import is_within
from policy.rules import PURPOSES, Policy, Right, RoleRule, RowScope, Unreadable
from policy.viewer import Viewer
from repositories.access import Access
from repositories.compile.changes import proof_key
from repositories.compile.records import assign
from repositories.compile.search import words_of
from repositories.cursors import value_at

Document = dict[str, Any]
Books = Mapping[str, list[Document]]
"""The documents of each collection."""
_RULED_BY = {"managers": ("team", "region", "roles", "isActive")}
"""What the policy itself goes by: who may see what follows from it, for whoever asks."""


MIRROR = Attribute(
    path="derived.mirror",
    kind=Kind.NUMBER,
    label="Mirror",
    description="Says what the satisfaction is.",
    formula='"$attitude.satisfaction"',
    formula_revision=1,
    derived_from=("attitude.satisfaction",),
    sensitivity=Sensitivity.PUBLIC,
    is_sortable=True,
)
"""A derived attribute that tells its input to whoever may read it."""
OF_CONTENT = Attribute(
    path="derived.contactsOfContent",
    kind=Kind.LONG,
    label="Contacts of the content",
    description="How many contacts there were, of those who are satisfied.",
    rollup=Rollup(area="interactions", function=RollupFunction.COUNT, segment="CONTENT"),
    segment_where='{"attitude":{"satisfaction":{"gte":5}}}',
    formula_revision=1,
    derived_from=("attitude.satisfaction", "interactions:at"),
    sensitivity=Sensitivity.PUBLIC,
)
"""A rollup that tells by being there who is in a segment."""
MIRRORS = (MIRROR, OF_CONTENT)


def mirrored(books: dict[str, list[Document]]) -> dict[str, list[Document]]:
    """The books, with the derived values in each client and in each change that follows from the input."""
    for each in books[CLIENTS]:
        value = value_at(each, "attitude.satisfaction")
        each.setdefault("derived", {}).pop("mirror", None)
        each["derived"].pop("contactsOfContent", None)
        if value is not None:
            each["derived"] |= {"mirror": value, **({"contactsOfContent": 1} if _is_content(value) else {})}
    entries = [entry for each in books[CLIENTS] for entry in each.get("tail", ())]
    for entry in (*entries, *(each for each in books["changes"] if each["area"] == CLIENTS)):
        rows = [each for each in entry["values"] if each["path"] not in {mirror.path for mirror in MIRRORS}]
        inputs = [each for each in rows if each["path"] == "attitude.satisfaction"]
        counts = [{name: 1 for name in ("old", "new") if _is_content(each.get(name))} for each in inputs]
        entry["values"] = [*rows, *({**each, "path": MIRROR.path} for each in inputs)]
        entry["values"] += [{"path": OF_CONTENT.path, **each} for each in counts if each]
    return books


def _is_content(value: object) -> bool:
    return isinstance(value, int | float) and value >= 5


def twin_of(
    books: Books, access: Access, catalogue: Catalogue, viewer: Viewer, random: Random
) -> dict[str, list[Document]]:
    """The books once more, with other hidden values, and with other clients where the viewer may not see them."""
    made = {name: deepcopy(list(rows)) for name, rows in books.items()}
    rows = access.rows(viewer)
    # Clients that are counted in groups, though not read, are not hidden from the counts.
    is_counted = any(each.group_rows is not None for each in access.policy.rules)
    foreign = set() if is_counted else {str(each["_id"]) for each in made[CLIENTS] if not is_within(rows, each)}
    view = access.view(viewer)
    for each in made[CLIENTS]:
        _change_hidden(each, catalogue, view.area(CLIENTS), random)
        if each["_id"] in foreign:
            each["profile"] = {**each.get("profile", {}), "name": f"FOREIGN {random.random()}"}
            each["stage"] = random.choice(("ACTIVE", "LOST"))
    for each in made["changes"]:
        if each["area"] == CLIENTS:
            _change_rows(each["values"], view.area(CLIENTS), random)
    for each in made["interactions"]:
        _change_hidden(each, catalogue, view.area("interactions"), random, area="interactions")
        if each["clientId"] in foreign:
            each["summary"] = f"FOREIGN {random.random()}"
    for each in made["managers"]:
        _change_hidden(each, catalogue, view.area("managers"), random, area="managers")
    _change_segments(made, view.area(CLIENTS), foreign, random, sees_all=rows is None)
    if view.area("interactions").is_closed:
        # Who may read nothing of contacts may not know of any.
        made["interactions"] = [each for each in made["interactions"] if random.random() < 0.5]
    gone = {each for each in sorted(foreign) if random.random() < 0.2}
    made[CLIENTS] = [each for each in made[CLIENTS] if each["_id"] not in gone]
    for name in ("interactions", "segment_members"):
        made[name] = [each for each in made.get(name, ()) if each["clientId"] not in gone]
    return made


def write_hidden(books: Books, view: AttributeView, random: Random) -> dict[str, list[Document]]:
    """The books with entries that programs have made of hidden values alone, some for each client and in between."""
    made = {name: deepcopy(list(rows)) for name, rows in books.items()}
    hidden = sorted(view.area(CLIENTS).hidden)
    for client in made[CLIENTS]:
        entries: list[Document] = []
        for entry in client["tail"]:
            entries.append(entry | {"shown": entry["version"]})
            count = random.choice((0, 0, 1, 3)) if hidden else 0
            entries += [_hidden_entry(entry, random.choice(hidden), random) for _ in range(count)]
        first = entries[0]["version"] if entries else 1
        for number, entry in enumerate(entries, first):
            entry["version"] = number
        client["tail"] = entries
        client["sequence"] = entries[-1]["version"] if entries else client["version"]
        client["storedAt"] = entries[-1]["at"] if entries else client["updatedAt"]
    return made


def _hidden_entry(before: Document, path: str, random: Random) -> Document:
    shown, at = before["version"], before["at"]
    rows = [{"path": path, "old": f"hidden {random.random()}", "new": f"hidden {random.random()}"}]
    counters = {"version": shown, "shown": shown, "before": {"v": shown, "at": at}}
    return {**counters, "at": at + timedelta(milliseconds=1), "by": "kehu-formulas", "values": rows}


def _change_segments(
    made: dict[str, list[Document]], seen: AreaView, foreign: set[str], random: Random, *, sees_all: bool
) -> None:
    """Other words in segments that nobody may know of, another past where it tells of what is hidden."""
    hidden = set()
    for each in made.get("segments", ()):
        if not seen.unusable.isdisjoint(each["everPaths"]):
            hidden.add(each["_id"])
        if not seen.unusable.isdisjoint(each["paths"]):
            each["label"] = each["playbook"] = f"HIDDEN {random.random()}"
            each["where"] = {"stage": {"eq": random.choice(("ACTIVE", "LOST"))}}
    for each in made.get("segment_members", ()):
        if each["segmentId"] in hidden or each["clientId"] in foreign:
            each["joinedAt"] += timedelta(days=random.randrange(3))
            each["leftAt"] = random.choice((None, each["joinedAt"] + timedelta(days=1)))
    for each in made.get("segment_snapshots", ()):
        # What is stored is of the whole book.
        if each["segmentId"] in hidden or not sees_all:
            each |= {name: random.randrange(50) for name in ("size", "joined", "left")}


def _change_hidden(
    document: Document, catalogue: Catalogue, seen: AreaView, random: Random, area: str = CLIENTS
) -> None:
    for path in sorted(seen.hidden):
        attribute = catalogue.find(path, area)
        if path in _RULED_BY.get(area, ()):
            continue
        if attribute is None or (attribute.kind is Kind.GROUP and not attribute.is_list):
            continue
        holder = catalogue.list_group_of(attribute)
        if holder is not None:
            items: Any = value_at(document, holder.path)
            for item in items or ():
                _set(item, path.removeprefix(f"{holder.path}."), attribute, random)
            continue
        _set(document, path, attribute, random)
        if attribute.is_searchable and area == CLIENTS:
            others = [each for each in document.get("words", ()) if each["p"] != path]
            document["words"] = others + words_of({path: f"hidden {random.randrange(3)}"})
        if area == CLIENTS and "proof" in document:
            document["proof"][proof_key(path)] = {"v": 1, "o": datetime(2020, 1, random.randrange(1, 28), tzinfo=UTC)}
    _change_rows([row for entry in document.get("tail", ()) for row in entry["values"]], seen, random)


def _change_rows(rows: Iterable[Document], seen: AreaView, random: Random) -> None:
    for row in rows:
        path = row["path"]
        if path in seen.hidden:
            row["old"], row["new"] = f"hidden {random.random()}", f"hidden {random.random()}"
        inner = [each.removeprefix(f"{path}.") for each in seen.hidden if each.startswith(f"{path}.")]
        for name in ("old", "new"):
            for item in row[name] if isinstance(row.get(name), list) else ():
                for each in inner:
                    if isinstance(item, dict):
                        assign(item, each, f"hidden {random.random()}")


def _set(document: Document, path: str, attribute: Attribute, random: Random) -> None:
    *outer, key = path.split(".")
    if random.random() < 0.3:
        holder: Any = value_at(document, ".".join(outer)) if outer else document
        if isinstance(holder, dict):
            holder.pop(key, None)
        return
    value = _value(attribute.kind, random)
    assign(document, path, [value] if attribute.is_list else value)


def _value(kind: Kind, random: Random) -> Any:
    number = random.randrange(1_000_000)
    match kind:
        case Kind.LONG:
            return number
        case Kind.NUMBER:
            return number / 7
        case Kind.DECIMAL:
            return Decimal128(f"{number}.25")
        case Kind.BOOLEAN:
            return random.random() < 0.5
        case Kind.DATE | Kind.DATETIME:
            return datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=number % 1000)
        case Kind.GROUP:
            return {"hidden": number}
        case _:
            return f"HIDDEN-{number}"


def give_a_past(books: dict[str, list[Document]], catalogue: Catalogue, random: Random) -> None:
    """All was entered long ago, and some values of each client were set once more since, by a second change."""
    long_ago = timedelta(days=100)
    for entry in (*books["changes"], *(each for client in books["clients"] for each in client["tail"])):
        entry["at"] -= long_ago
    for contact in books["interactions"]:
        contact["createdAt"] -= long_ago * random.random()
    for client in books["clients"]:
        client["createdAt"] -= long_ago
        client["version"] = 2
        leaves = [each for facet in Facet for each in catalogue.leaves(str(facet))]
        rows: list[Document] = []
        for each in random.sample(leaves, 30):
            values = {"old": value_at(random.choice(books["clients"]), each.path), "new": value_at(client, each.path)}
            rows.append({"path": each.path, **{key: value for key, value in values.items() if value is not None}})
        client["tail"].append({"version": 2, "at": client["updatedAt"], "by": "M002", "values": rows})


def viewer_of(books: dict[str, list[Document]], role: str, random: Random) -> Viewer:
    """Somebody with a role and a client, and with grants and walls at random."""
    some = random.choice([each for each in books["clients"] if each.get("managerId")])
    ids = [str(each["_id"]) for each in books["clients"]]
    return Viewer(
        "M001",
        frozenset((role,)),
        some.get("team"),
        str(some["managerId"]),
        purpose=random.choice((None, "CREDIT_REVIEW")),
        granted=frozenset(random.sample(ids, random.randrange(3))),
        walled=frozenset(random.sample(ids, random.randrange(3))),
    )


_LEVELS = (None, Sensitivity.PUBLIC, Sensitivity.INTERNAL, Sensitivity.CONFIDENTIAL)
_RIGHTS = frozenset((Right.CHANGE_CLIENTS, Right.RECORD_CONTACTS, Right.DEFINE_SEGMENTS))


def random_policy(random: Random, role: str, paths: Sequence[str]) -> Policy:
    """One role, of which everything is drawn."""

    def some(most: int) -> tuple[str, ...]:
        return tuple(random.sample(paths, random.randrange(most)))

    rule = RoleRule(
        role=role,
        rows=random.choice((RowScope.OWN, RowScope.TEAM, RowScope.ALL, RowScope.GRANTED, RowScope.NONE)),
        group_rows=random.choice((None, None, RowScope.ALL)),
        sensitivity=random.choice(_LEVELS),
        facets={facet: random.choice(_LEVELS) for facet in random.sample(list(Facet), random.randrange(3))},
        allow=some(8),
        deny=some(20),
        mask=some(15),
        enter=random.choice(((), some(40), tuple(str(each) for each in Facet))),
        purposes=("CREDIT_REVIEW",) if random.random() < 0.3 else (),
        rights=_RIGHTS | (frozenset((Right.DEFINE_ATTRIBUTES,)) if random.random() < 0.5 else frozenset()),
    )
    unreadable = random.choice((Unreadable.NULL, Unreadable.NULL, Unreadable.ABSENT))
    return Policy(revision=1, rules=(rule,), purposes=PURPOSES, unreadable=unreadable)
