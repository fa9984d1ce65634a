"""Every question of the schema for every role, about own, foreign, missing and malformed records: nothing gets out."""

import os
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx2

from api.app import Application, build_app
from api.settings import Settings
from api.tokens import LocalIssuer
from catalogue.attribute import CLIENTS, Attribute, Sensitivity
from catalogue.builtin import builtin_catalogue
from catalogue.kinds import Kind
from policy.attributes import TEXT_KINDS
from policy.decision import is_within
from policy.rules import BUILT_IN
from policy.viewer import ROLES, Viewer
from repositories.access import Access
from repositories.compile.records import assign
from repositories.compile.search import words_of
from repositories.managers import MANAGERS
from repositories.repositories import new_id
from schema.build import build_schema
from tests.figures import Figure
from tests.matrix import SEGMENT, Question, about, questions

IS_LONG = bool(os.environ.get("KEHU_TEST_LONG"))
SAMPLE = 180
"""Questions of each role in a short run, besides every root field."""
CATALOGUE = builtin_catalogue()
ACCESS = Access(BUILT_IN, CATALOGUE)
OWNED = {each.area: each.stored_in for each in CATALOGUE.owned()}
"""The areas whose records belong to clients, each with where a record says to whom."""
PLACES = [f"{each.area}:{each.path}".removeprefix(f"{CLIENTS}:") for each in CATALOGUE.attributes]
"""What the numbers in a canary count: clients, and these: the attributes of every area."""
CANARY = re.compile(r"CANARY-(\d{3})-(\d{3})", re.IGNORECASE)
_KINDS = TEXT_KINDS | {Kind.CODE}
TEAM = "canaries"


@dataclass(slots=True)
class World:
    """A served book whose every text says whose it is, and somebody for each role."""

    api: httpx2.AsyncClient
    viewers: Mapping[str, Viewer]
    tokens: Mapping[str, str]
    clients: list[dict[str, Any]]

    def targets(self, role: str) -> dict[str, tuple[str, str]]:
        """Id and number of a record of each sort."""
        rows = ACCESS.rows(self.viewers[role])
        found = {"missing": ("cl_" + "0" * 24, "NOBODY"), "malformed": ("%$where", "$ne")}
        for each in self.clients:
            found.setdefault("own" if is_within(rows, each) else "foreign", (str(each["_id"]), str(each["number"])))
        return found

    def leaks(self, role: str, query: str, body: str) -> list[str]:
        """The canaries in an answer that the role may not see, and did not send itself."""
        viewer = self.viewers[role]
        rows, view = ACCESS.rows(viewer), ACCESS.view(viewer)
        sent = set(CANARY.findall(query))
        found: list[str] = []
        for client, place in set(CANARY.findall(body)) - sent:
            area, _, path = PLACES[int(place)].rpartition(":")
            is_readable = path not in view.area(area or CLIENTS).unusable
            is_owned = not area or area in OWNED
            if not is_readable or (is_owned and not is_within(rows, self.clients[int(client)])):
                found.append(f"{PLACES[int(place)]} of client {client}")
        return found


def canary(client: int, place: str) -> str:
    return f"CANARY-{client:03d}-{PLACES.index(place):03d}"


def mark(document: dict[str, Any], client: int, area: str) -> None:
    """Puts a canary at every path that holds a text."""
    prefix = "" if area == CLIENTS else f"{area}:"
    words: dict[str, str | None] = {}
    for path, attribute in CATALOGUE.area(area).items():
        holder = CATALOGUE.list_group_of(attribute)
        if attribute.kind not in _KINDS or (holder is not None and holder.path != path):
            continue
        text = canary(client, f"{prefix}{path}")
        assign(document, path, [text] if attribute.is_list else text)
        if attribute.is_searchable:
            words[path] = text.lower()
    for path, attribute in CATALOGUE.area(area).items():
        if attribute.kind is Kind.GROUP and attribute.is_list:
            assign(document, path, [_item(client, prefix, attribute)])
    if area == CLIENTS:
        document["words"] = words_of(words)
        # Every value was set once more just now, so that what was is read from the history.
        rows = [{"path": path, "old": text, "new": text} for path, text in _texts(document, "")]
        document["tail"] = [{"version": 2, "at": document["updatedAt"], "by": "M001", "values": rows}]
        document |= {"createdAt": document["createdAt"] - timedelta(days=9), "version": 2, "sequence": 2}


def record_of(client: Mapping[str, Any], place: int, area: str) -> dict[str, Any]:
    """A record of an area, of a client: a moment where one is, the first of the options where there are such."""
    record: dict[str, Any] = {"_id": new_id(area), OWNED[area]: client["_id"], "version": 1}
    mark(record, place, area)
    for path, attribute in CATALOGUE.area(area).items():
        if CATALOGUE.list_group_of(attribute) is not None or attribute.is_list:
            continue
        if attribute.kind is Kind.DATETIME or attribute.options:
            assign(record, path, attribute.options[0].code if attribute.options else client["createdAt"])
    return record | {"createdAt": client["createdAt"], "updatedAt": client["createdAt"]}


def _item(client: int, prefix: str, group: Attribute) -> dict[str, Any]:
    return {
        each.key: canary(client, f"{prefix}{each.path}")
        for each in CATALOGUE.area(group.area).values()
        if each.parent == group.path and each.kind in _KINDS and not each.is_list
    }


def _texts(document: Mapping[str, Any], outer: str) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for path, attribute in CATALOGUE.area(CLIENTS).items():
        if attribute.kind in _KINDS and CATALOGUE.list_group_of(attribute) is None:
            value: Any = document
            for key in attribute.segments:
                value = value.get(key, {}) if isinstance(value, dict) else {}
            found.append((path, value))
    return found


def secret_segments() -> Iterator[dict[str, Any]]:
    """Segments over each level, that say what the first client, who is in every book, has there.

    Those over what is most secret come first, so that they would be on the first page of whoever is shown too much.
    """
    levels = list(reversed(Sensitivity))
    texts = [each for each in CATALOGUE.area(CLIENTS).values() if each.kind in TEXT_KINDS and not each.is_list]
    outside = [each for each in texts if CATALOGUE.list_group_of(each) is None]
    for rank, level in enumerate(levels):
        for place, each in enumerate([each for each in outside if each.sensitivity is level][:3]):
            code = SEGMENT if (level, place) == (Sensitivity.CONFIDENTIAL, 0) else f"A_{rank}_{place}"
            text = canary(0, each.path)
            where: dict[str, Any] = {"eq": text}
            for key in reversed(each.segments):
                where = {key: where}
            words = dict.fromkeys(("label", "description", "playbook", "owner", "definedBy"), text)
            paths = {"paths": [each.path], "everPaths": [each.path]}
            moments = {name: datetime(2026, 1, 1, tzinfo=UTC) for name in ("createdAt", "updatedAt")}
            row = {"_id": f"sg_{code}", "code": code, "where": where, "status": "ACTIVE", "version": 1}
            yield {**row, **words, **paths, **moments}


@asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[World]:
    unlimited: dict[str, Any] = {
        "missed_lookups_per_minute": 0,
        "cost_per_minute": 0,
        "restricted_values_per_minute": 0,
    }
    settings = Settings(data_dir=directory, mongodb_driver="memory", demo=12, **unlimited)
    app = build_app(settings)
    assert isinstance(app, Application)
    async with app.router.lifespan_context(app):
        store = app.server.store
        assert store is not None
        managers, clients = store.collection("managers"), store.collection(CLIENTS)
        rm = await managers.find_one({"roles": "relationship_manager"})
        assert rm is not None
        viewers = {}
        for role in ROLES:
            manager = str(rm["_id"]) if role == "relationship_manager" else f"mg_{role}"
            record = {"person": f"p-{role}", "name": role, "roles": [role], "team": TEAM, "isActive": True}
            await managers.update_one({"_id": manager}, {"$set": record | {"version": 1}}, upsert=True)
            viewers[role] = Viewer(f"p-{role}", frozenset((role,)), TEAM, manager)
        rows = await clients.find({}, sort=[("_id", 1)])
        for place, each in enumerate(rows):
            mark(each, place, CLIENTS)
            each["managerId"] = str(rm["_id"]) if place % 3 == 0 else "mg_other"
            each["team"] = TEAM if place % 2 == 0 else "others"
            await clients.update_one({"_id": each["_id"]}, {"$set": {key: each[key] for key in each if key != "_id"}})
            for area in OWNED:
                await store.collection(area).insert_one(record_of(each, place, area))
        for place, each in enumerate(await managers.find({}, sort=[("_id", 1)])):
            marked = dict(each)
            mark(marked, place, MANAGERS)
            # What decides who sees what stays, and everybody is shown it of themselves.
            own = ("_id", "person", "roles", "team", "region")
            words = {key: value for key, value in marked.items() if key not in own}
            await managers.update_one({"_id": each["_id"]}, {"$set": words})
        await store.collection("segments").insert_many(list(secret_segments()))
        issuer = LocalIssuer(settings)
        tokens = {role: issuer.issue(viewers[role].person, role, None, 60) for role in ROLES}
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://kehu.test") as api:
            yield World(api, viewers, tokens, rows)


def chosen(random: Random) -> list[Question]:
    """All questions, or as many as a short run has time for; another choice for each role."""
    every = list(questions(build_schema(CATALOGUE)._schema))
    if IS_LONG:
        return every
    kept = set(random.sample(range(len(every)), SAMPLE))
    return [each for place, each in enumerate(every) if place in kept or each.place.startswith(("Query.", "mutation "))]


async def test_nothing_gets_out(tmp_path: Path, figure: Figure) -> None:
    requests = pairs = 0
    leaks: list[str] = []
    differences: list[str] = []
    answered = 0
    async with serving(tmp_path) as world:
        for role in ROLES:
            headers = {"authorization": f"Bearer {world.tokens[role]}"}
            targets = world.targets(role)
            assert role == "integration" or "own" in targets
            for question in chosen(Random(role)):
                bodies: dict[str, str] = {}
                for sort, (record_id, number) in targets.items() if question.is_about_one else (("any", ("", "")),):
                    query = about(question.text, record_id, number)
                    response = await world.api.post("/graphql", json={"query": query}, headers=headers)
                    requests += 1
                    answered += '"data":' in response.text
                    got_out = world.leaks(role, query, response.text)
                    leaks += [f"{role} {sort} {question.place}: {each}" for each in got_out]
                    bodies[sort] = response.text.replace(record_id, "ID").replace(number, "NUMBER") if number else ""
                if "foreign" in bodies and not question.text.startswith("mutation { clientCreate"):
                    pairs += 1
                    if bodies["foreign"] != bodies["missing"]:
                        differences.append(f"{role} {question.place}: {bodies['foreign']} {bodies['missing']}")
    equal = f"{pairs - len(differences)} of {pairs} foreign answers equal to missing ones"
    figure(f"matrix: {requests} requests, {len(leaks)} canaries leaked, {equal}")
    assert leaks == []
    assert differences == []
    assert requests >= (2_000 if IS_LONG else 1_500)
    assert answered > requests / 3
