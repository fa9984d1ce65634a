"""An attribute from its definition to its end, as those who query it see it."""

from typing import Any

import httpx2
import pytest

import acts.attributes
from acts.checks import now
from tests.servers import ask, attempt, do, retire

WORDS = {"label": "Words", "description": "What it means."}


async def define(api: httpx2.AsyncClient, key: str, kind: str = "STRING", **more: object) -> Any:
    return await attempt(
        api, "attributeDefine", "attribute { path status }", facet="ATTITUDE", key=key, kind=kind, **{**WORDS, **more}
    )


async def sdl(api: httpx2.AsyncClient) -> str:
    return (await api.get("/schema.graphql")).text


def field_of(text: str, type_name: str, field: str) -> str | None:
    """The line of a field in a type of the SDL."""
    body = text.split(f"type {type_name} ")[1].split("\n}")[0]
    return next((line.strip() for line in body.splitlines() if line.strip().startswith(f"{field}:")), None)


def codes(payload: Any) -> list[str]:
    return [each["code"] for each in payload["errors"]]


class TestLife:
    async def test_draft_published_deprecated_retired(
        self, api: httpx2.AsyncClient, steward: httpx2.AsyncClient
    ) -> None:
        assert codes(await define(api, "mood", status="DRAFT")) == []
        assert field_of(await sdl(api), "ClientAttitude", "mood") is None
        await do(api, "attributeChange", "attribute { status }", path="attitude.mood", status="PUBLISHED")
        assert field_of(await sdl(api), "ClientAttitude", "mood") == "mood: String"
        assert codes(await define(api, "outlook2")) == []
        made = await do(
            api,
            "clientCreate",
            "client { id }",
            number="L1",
            kind="PERSON",
            profile={"name": "Li"},
            attitude={"mood": "calm"},
        )
        selection, day = "attribute { status successor removalOn revision }", now().date().isoformat()
        done = await do(
            api,
            "attributeDeprecate",
            selection,
            path="attitude.mood",
            successor="attitude.outlook2",
            removalOn=day,
            expectedRevision=2,
        )
        expected = {"status": "DEPRECATED", "successor": "attitude.outlook2", "removalOn": day, "revision": 3}
        assert done["attribute"] == expected
        line = field_of(await sdl(api), "ClientAttitude", "mood") or ""
        assert "@deprecated" in line
        assert "attitude.outlook2" in line
        assert day in line
        query = "query($id: ID!) { client(id: $id) { version attitude { mood } } }"
        before = await ask(api, query, id=made["client"]["id"])
        assert before["client"]["attitude"] == {"mood": "calm"}
        await retire(api, steward, "attitude.mood")
        found = await ask(api, '{ attribute(path: "attitude.mood") { status } }')
        assert found["attribute"] == {"status": "RETIRED"}
        assert field_of(await sdl(api), "ClientAttitude", "mood") is None
        gone = await api.post("/graphql", json={"query": query, "variables": {"id": made["client"]["id"]}})
        assert gone.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        past = """query($id: ID!) { client(id: $id) { version
            history(first: 9, paths: ["attitude.mood"]) { nodes { values { path new } } } } }"""
        found = (await ask(api, past, id=made["client"]["id"]))["client"]
        assert found["version"] == 1
        assert found["history"]["nodes"] == [{"values": [{"path": "attitude.mood", "new": "calm"}]}]
        again = await define(api, "mood")
        assert (again["attribute"], codes(again)) == (None, ["NAME_TAKEN"])

    async def test_what_a_definition_may_not_be(self, api: httpx2.AsyncClient) -> None:
        before = await sdl(api)
        for key, more, expected in (
            ("satisfaction", {}, "NAME_TAKEN"),
            ("version", {}, "NAME_RESERVED"),
            ("a.id", {}, "NAME_RESERVED"),
            ("Upper", {}, "INVALID_VALUE"),
            ("a-b", {}, "INVALID_VALUE"),
            ("$where", {}, "INVALID_VALUE"),
            ("grade", {"kind": "CODE"}, "INVALID_VALUE"),
            ("mark", {"kind": "LONG", "minimum": 2, "maximum": 1}, "INVALID_VALUE"),
        ):
            refused = await define(api, key, **more)
            assert (key, refused["attribute"], codes(refused)[0]) == (key, None, expected)
        assert await sdl(api) == before

    async def test_a_key_is_carried_out_once(self, api: httpx2.AsyncClient) -> None:
        for _ in range(2):
            done = await define(api, "once", idempotencyKey="define once")
            assert done == {"attribute": {"path": "attitude.once", "status": "PUBLISHED"}, "errors": []}
        assert codes(await define(api, "twice", idempotencyKey="define once")) == ["KEY_REUSED"]

    async def test_kind_is_fixed_and_options_retire(self, api: httpx2.AsyncClient) -> None:
        options = [{"code": "HAPPY", "label": "Happy"}, {"code": "ANGRY", "label": "Angry"}]
        assert codes(await define(api, "grade", "CODE", options=options)) == []
        made = await do(
            api,
            "clientCreate",
            "client { id }",
            number="L2",
            kind="PERSON",
            profile={"name": "Li"},
            attitude={"grade": "ANGRY"},
        )
        lost = await attempt(api, "attributeChange", "attribute { kind }", path="attitude.grade", options=options[:1])
        assert "isRetired: true" in lost["errors"][0]["message"]
        retired = [options[0], options[1] | {"isRetired": True}]
        await do(api, "attributeChange", "attribute { kind }", path="attitude.grade", options=retired)
        again = {"id": made["client"]["id"], "changes": {"attitude": {"grade": "ANGRY"}}}
        assert (await attempt(api, "clientChange", "client { id }", **again))["errors"] == []
        other = {"number": "L3", "kind": "PERSON", "profile": {"name": "Wu"}, "attitude": {"grade": "ANGRY"}}
        refused = await attempt(api, "clientCreate", "client { id }", **other)
        assert refused["errors"][0]["expected"] == "one of HAPPY"
        query = "query($id: ID!) { client(id: $id) { version attitude { grade } } }"
        found = (await ask(api, query, id=made["client"]["id"]))["client"]
        assert found == {"version": 1, "attitude": {"grade": "ANGRY"}}
        mutation = 'mutation { attributeChange(input: {path: "attitude.grade", kind: STRING}) { errors { code } } }'
        answer = await api.post("/graphql", json={"query": mutation})
        assert answer.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"

    async def test_a_dry_run_says_what_it_would_do_and_does_nothing(self, api: httpx2.AsyncClient) -> None:
        before = await sdl(api)
        selection = """attribute { path } difference { level message }
            cost { makesIndex dropsIndex indexedDocuments failingDocuments }"""
        given = {"facet": "ATTITUDE", "key": "trial", "kind": "LONG", "isSortable": True, "dryRun": True, **WORDS}
        done = await do(api, "attributeDefine", selection, **given)
        assert done["cost"]["makesIndex"] is True
        assert {each["level"] for each in done["difference"]} <= {"SAFE", "DANGEROUS"}
        assert any("trial" in each["message"] for each in done["difference"])
        assert (await ask(api, '{ attribute(path: "attitude.trial") { path } }'))["attribute"] is None
        assert codes(await define(api, "leaving")) == []
        done = await do(api, "attributeRetire", selection, path="attitude.leaving", dryRun=True)
        assert done["difference"][0]["level"] == "BREAKING"
        assert field_of(await sdl(api), "ClientAttitude", "leaving") == "leaving: String"
        assert field_of(before, "ClientAttitude", "trial") is None

    async def test_every_index_taken_is_explained(
        self, api: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fields = (await ask(api, '{ __type(name: "ClientOrderField") { enumValues { name } } }'))["__type"][
            "enumValues"
        ]
        have = len([each for each in fields if each["name"] != "NUMBER"])
        monkeypatch.setattr(acts.attributes, "SORTABLE_LIMIT", have + 1)
        assert codes(await define(api, "sorted", "LONG", isSortable=True)) == []
        refused = await define(api, "sortedToo", "LONG", isSortable=True)
        assert (refused["attribute"], codes(refused)) == (None, ["INDEX_LIMIT"])
        assert "MongoDB allows 64" in refused["errors"][0]["message"]
        assert codes(await define(api, "sortedToo", "LONG")) == []
        await do(api, "attributeChange", "attribute { isSortable }", path="attitude.sorted", isSortable=False)
        assert codes(await define(api, "sortedLast", "LONG", isSortable=True)) == []
