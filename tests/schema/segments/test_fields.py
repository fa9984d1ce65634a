"""Segments over the whole path, by the compiled answer and by ordinary execution."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from graphql import execute, parse

from acts.segments import change_segment, retire_segment
from api.editions import Edition, build_edition
from api.execution import Documents, answer_from, core_schema, run
from api.graphql_request import GraphQLRequest
from catalogue.attribute import Status
from catalogue.filters import Compare
from catalogue.kinds import Operator
from policy.viewer import Viewer
from repositories.mongo import MongoSettings, connect
from repositories.repositories import Repositories
from schema.context import Context
from tests.books import SMALL, VIEWER, insert, open_book
from tests.segmented import HAPPY, define, set_values, snapshot

RM = Viewer("RM", frozenset({"relationship_manager"}), manager_id="mg_1")
STEWARD = Viewer("ST", frozenset({"data_steward"}))
BY_STAGE = Compare("stage", Operator.EQ, "PROSPECT")
ROWS = (("C0", "TEA", 9.0), ("C1", "TEA", 3.0), ("C2", "STEEL", 9.0), ("C3", "TEA", None))


@pytest.fixture
async def book() -> Repositories:
    """Four clients, every second one the manager's, and two segments with three days behind them."""
    book = await open_book(connect(MongoSettings(driver="memory")))
    ids = [
        await insert(
            book,
            number,
            {
                "profile.industry": industry,
                "attitude.satisfaction": mood,
                "managerId": f"mg_{place % 2 + 1}",
            },
        )
        for place, (number, industry, mood) in enumerate(ROWS)
    ]
    await define(book, "HAPPY", HAPPY, playbook="Ask for a reference.")
    await define(book, "TEA", description="Tea houses")
    await snapshot(book, 0)
    await set_values(book, ids[2], industry="TEA")
    await snapshot(book, 1)
    await set_values(book, ids[2], industry="STEEL")
    await snapshot(book, 2)
    return book


@pytest.fixture
async def edition(book: Repositories) -> Edition:
    return build_edition(book)


async def ask(
    edition: Edition, query: str, viewer: Viewer = VIEWER, variables: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The answer both ways, which must be one."""
    given = dict(variables or {})
    seen = edition.seen_by(viewer)
    prepared = Documents(10, 1_000).prepare(seen, query)
    request = GraphQLRequest(query, given)
    answer = answer_from(await run(seen, prepared, request, Context(viewer, edition.repositories)))
    if query.startswith("mutation"):
        return answer
    ordinary: Any = execute(
        core_schema(seen),
        parse(query),
        context_value=Context(viewer, edition.repositories),
        variable_values=given,
        executor_class=edition.schema.execution_context_class,
    )
    again = answer_from(await ordinary)
    for each in (answer, again):
        for error in each.get("errors", ()):
            error.get("extensions", {}).pop("id", None)
    assert answer == again
    return answer


async def data(edition: Edition, query: str, viewer: Viewer = VIEWER, **variables: Any) -> Any:
    answer = await ask(edition, query, viewer, variables)
    assert "errors" not in answer, answer
    return answer["data"]


def numbers(connection: Any) -> list[str]:
    return sorted(each["number"] for each in connection["nodes"])


class TestSegment:
    async def test_says_everything_of_itself(self, edition: Edition) -> None:
        query = """{ segment(code: "TEA") {
          id code label description playbook owner status where size migrated definedBy definedAt updatedAt version
          problems { message } members(first: 1) { totalCount nodes { number profile { industry } } }
        } }"""
        found = (await data(edition, query))["segment"]
        assert found.pop("definedAt") == found.pop("updatedAt")
        members = found.pop("members")
        assert (members["totalCount"], members["nodes"][0]["profile"]) == (3, {"industry": "TEA"})
        assert found == {
            "id": "sg_TEA",
            "code": "TEA",
            "label": "Segment TEA",
            "description": "Tea houses",
            "playbook": None,
            "owner": None,
            "status": "ACTIVE",
            "where": {"profile": {"industry": {"eq": "TEA"}}},
            "size": 3,
            "migrated": None,
            "definedBy": "M001",
            "version": 1,
            "problems": [],
        }

    async def test_members_and_size_are_of_ones_own_clients(self, edition: Edition) -> None:
        query = '{ segment(code: "TEA") { size members(first: 9) { totalCount nodes { number } } } }'
        found = (await data(edition, query, RM))["segment"]
        assert found == {"size": 1, "members": {"totalCount": 1, "nodes": [{"number": "C0"}]}}

    async def test_a_walk_through_the_members(self, edition: Edition) -> None:
        query = """query ($after: String) { segment(code: "TEA") {
          members(first: 1, after: $after) { nodes { number } pageInfo { hasNextPage endCursor } } } }"""
        seen: list[str] = []
        after = None
        while True:
            page = (await data(edition, query, after=after))["segment"]["members"]
            seen += numbers(page)
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert sorted(seen) == ["C0", "C1", "C3"]

    async def test_is_a_node(self, edition: Edition) -> None:
        query = '{ node(id: "sg_TEA") { __typename id ... on Segment { code size } } }'
        assert (await data(edition, query))["node"] == {
            "__typename": "Segment",
            "id": "sg_TEA",
            "code": "TEA",
            "size": 3,
        }

    async def test_who_may_not_use_its_attributes_knows_of_none(self, edition: Edition) -> None:
        everywhere = """{ segment(code: "CODE") { code size } node(id: "sg_CODE") { id }
          segments(first: 9) { totalCount nodes { code } } }"""
        hidden = await ask(edition, everywhere.replace("CODE", "TEA"), STEWARD)
        missing = await ask(edition, everywhere.replace("CODE", "NONE"), STEWARD)
        assert hidden == missing
        assert hidden["data"]["segments"] == {"totalCount": 0, "nodes": []}
        for field in ("clients(first: 9, segment: %s) { totalCount }", "clientGroups(by: [], first: 9, segment: %s)"):
            named = [field % json.dumps(code) for code in ("TEA", "NONE")]
            if "clientGroups" in field:
                named = [each.replace("[]", "[{ field: STAGE }]") + " { nodes { count } }" for each in named]
            texts = [json.dumps(await ask(edition, f"{{ {each} }}", STEWARD)) for each in named]
            assert texts[0].replace("TEA", "NONE") == texts[1]
            assert "errors" in texts[0]


class TestHistory:
    async def test_day_by_day(self, edition: Edition) -> None:
        query = """query ($after: String) { segment(code: "TEA") { history(first: 2, after: $after) {
          nodes { size joined left version } pageInfo { hasNextPage endCursor } } } }"""
        first = (await data(edition, query))["segment"]["history"]
        assert [(each["size"], each["joined"], each["left"]) for each in first["nodes"]] == [(3, 0, 1), (4, 1, 0)]
        assert first["pageInfo"]["hasNextPage"]
        rest = (await data(edition, query, after=first["pageInfo"]["endCursor"]))["segment"]["history"]
        assert [(each["size"], each["joined"], each["left"]) for each in rest["nodes"]] == [(3, 3, 0)]

    async def test_of_ones_own_clients(self, edition: Edition) -> None:
        query = '{ segment(code: "TEA") { history(first: 9) { nodes { size joined left } } } }'
        found = (await data(edition, query, RM))["segment"]["history"]["nodes"]
        assert [tuple(each.values()) for each in found] == [(1, 0, 1), (2, 1, 0), (1, 1, 0)]

    async def test_who_came_and_went(self, edition: Edition) -> None:
        query = """query ($after: String, $since: DateTime) { segment(code: "TEA") {
          memberChanges(first: 2, after: $after, since: $since) {
            nodes { at change client { number } } pageInfo { hasNextPage endCursor } } } }"""
        first = (await data(edition, query))["segment"]["memberChanges"]
        assert [(each["change"], each["client"]["number"]) for each in first["nodes"]] == [
            ("LEFT", "C2"),
            ("JOINED", "C2"),
        ]
        more = (await data(edition, query, after=first["pageInfo"]["endCursor"]))["segment"]["memberChanges"]
        assert [each["change"] for each in more["nodes"]] == ["JOINED", "JOINED"]
        newest = (await data(edition, query, since="2026-11-25T00:00:00Z"))["segment"]["memberChanges"]
        assert [each["change"] for each in newest["nodes"]] == ["LEFT"]
        mine = (await data(edition, query, RM, after=None))["segment"]["memberChanges"]
        assert {each["client"]["number"] for each in mine["nodes"]} == {"C2"}

    async def test_is_null_where_it_tells_of_what_one_may_not_use(self, edition: Edition, book: Repositories) -> None:
        await change_segment(VIEWER, book, "TEA", {}, BY_STAGE)
        query = """{ segment(code: "TEA") {
          code history(first: 9) { nodes { size } } memberChanges(first: 9) { nodes { at } } } }"""
        found = (await data(edition, query, STEWARD))["segment"]
        assert found == {"code": "TEA", "history": None, "memberChanges": None}

    async def test_another_cursor_is_refused(self, edition: Edition) -> None:
        for field in ("history", "memberChanges"):
            query = f'{{ segment(code: "TEA") {{ {field}(first: 1, after: "sx") {{ pageInfo {{ endCursor }} }} }} }}'
            assert (await ask(edition, query))["errors"][0]["extensions"]["code"] == "BAD_CURSOR"


class TestSegments:
    async def test_the_active_ones_and_others(self, edition: Edition, book: Repositories) -> None:
        await retire_segment(VIEWER, book, "HAPPY")
        query = """{ active: segments(first: 9) { totalCount nodes { code size } }
          retired: segments(first: 9, status: [RETIRED]) {
            nodes { code size retiredAt members(first: 1) { totalCount } } }
          all: segments(first: 1, status: [ACTIVE, RETIRED]) { totalCount pageInfo { hasNextPage } } }"""
        found = await data(edition, query)
        assert found["active"] == {"totalCount": 1, "nodes": [{"code": "TEA", "size": 3}]}
        (gone,) = found["retired"]["nodes"]
        assert gone.pop("retiredAt")
        assert gone == {"code": "HAPPY", "size": None, "members": None}
        assert found["all"] == {"totalCount": 2, "pageInfo": {"hasNextPage": True}}


class TestClients:
    async def test_a_segment_is_its_filter(self, edition: Edition) -> None:
        wheres = {
            "TEA": '{ profile: { industry: { eq: "TEA" } } }',
            "HAPPY": "{ attitude: { satisfaction: { gte: 8 } } }",
        }
        for viewer in (VIEWER, RM):
            for code, where in wheres.items():
                for more in ("", ", orderBy: [{ field: PROFILE_NAME, direction: DESC }]"):
                    inner = f"first: 9{more}) {{ totalCount nodes {{ number }} }}"
                    query = f'{{ a: clients(segment: "{code}", {inner} b: clients(where: {where}, {inner} }}'
                    found = await data(edition, query, viewer)
                    assert found["a"] == found["b"]
                    assert found["a"]["totalCount"] > 0

    async def test_with_a_filter_besides(self, edition: Edition) -> None:
        where = "{ attitude: { satisfaction: { gte: 8 } } }"
        query = f'{{ clients(first: 9, segment: "TEA", where: {where}) {{ nodes {{ number }} }} }}'
        assert numbers((await data(edition, query))["clients"]) == ["C0"]

    async def test_groups_of_a_segment(self, edition: Edition) -> None:
        query = """{ clientGroups(by: [{ field: PROFILE_INDUSTRY }], first: 9, segment: "HAPPY") {
          nodes { keys { value } count } } }"""
        nodes = (await data(edition, query))["clientGroups"]["nodes"]
        assert [(each["keys"][0]["value"], each["count"]) for each in nodes] == [("STEEL", 1), ("TEA", 1)]

    async def test_a_cursor_belongs_to_the_filter_of_the_moment(self, edition: Edition, book: Repositories) -> None:
        query = """query ($after: String) { clients(first: 1, segment: "TEA", after: $after) {
          nodes { number } pageInfo { endCursor } } }"""
        cursor = (await data(edition, query))["clients"]["pageInfo"]["endCursor"]
        await change_segment(VIEWER, book, "TEA", {"label": "Teas"})
        assert (await data(edition, query, after=cursor))["clients"]["nodes"]
        await change_segment(VIEWER, book, "TEA", {}, HAPPY)
        answer = await ask(edition, query, variables={"after": cursor})
        assert answer["errors"][0]["extensions"]["code"] == "BAD_CURSOR"

    async def test_as_of_a_moment_by_the_snapshot_before_it(self, edition: Edition) -> None:
        query = """query ($at: DateTime) {
          clients(first: 9, segment: "TEA", asOf: $at) { totalCount nodes { number } }
          clientGroups(by: [{ field: KIND }], first: 9, segment: "TEA", asOf: $at) { nodes { count } } }"""
        for viewer, at, members in (
            (VIEWER, "2026-11-23T10:00:00Z", ["C0", "C1", "C3"]),
            (VIEWER, "2026-11-25T09:00:00Z", ["C0", "C1", "C2", "C3"]),
            (VIEWER, "2026-11-25T10:00:00Z", ["C0", "C1", "C3"]),
            (RM, "2026-11-25T09:00:00Z", ["C0", "C2"]),
        ):
            found = await data(edition, query, viewer, at=at)
            assert numbers(found["clients"]) == members
            assert found["clients"]["totalCount"] == found["clientGroups"]["nodes"][0]["count"] == len(members)
        answer = await ask(edition, query, variables={"at": "2026-11-23T09:59:00Z"})
        assert answer["errors"][0]["extensions"]["code"] == "SEGMENT_NOT_USABLE"

    async def test_a_retired_or_broken_one_is_refused(self, edition: Edition, book: Repositories) -> None:
        await retire_segment(VIEWER, book, "HAPPY")
        industry = SMALL.get_live("profile.industry").model_copy(update={"status": Status.RETIRED})
        broken = build_edition(book.on(SMALL.with_attributes([industry])))
        for code in ("HAPPY", "TEA"):
            answer = await ask(broken, f'{{ clients(first: 9, segment: "{code}") {{ totalCount }} }}')
            assert answer["errors"][0]["extensions"]["code"] == "SEGMENT_NOT_USABLE"
        query = '{ segment(code: "TEA") { size members(first: 1) { totalCount } problems { isBreaking path } } }'
        assert (await data(broken, query))["segment"] == {
            "size": None,
            "members": None,
            "problems": [{"isBreaking": True, "path": "where.profile.industry"}],
        }


DEFINE = """mutation ($input: SegmentDefineInput!) { segmentDefine(input: $input) {
  segment { code size version where } errors { code path message } } }"""


class TestMutations:
    async def test_define_change_and_retire(self, edition: Edition) -> None:
        where = {"or": [{"profile": {"industry": {"in": ["TEA"]}}}, {"stage": {"eq": "LOST"}}]}
        given = {"code": "NEW", "label": "New", "where": where}
        dry = (await data(edition, DEFINE, input={**given, "dryRun": True}))["segmentDefine"]
        assert dry == {"segment": {"code": "NEW", "size": 3, "version": 1, "where": where}, "errors": []}
        assert (await data(edition, '{ segment(code: "NEW") { code } }'))["segment"] is None
        assert (await data(edition, DEFINE, input=given))["segmentDefine"] == dry
        change = """mutation { segmentChange(input: { code: "NEW", expectedVersion: 1, playbook: "Do.",
          where: { kind: { eq: PERSON } } }) { segment { playbook size version } errors { code } } }"""
        changed = (await data(edition, change))["segmentChange"]
        assert changed == {"segment": {"playbook": "Do.", "size": 0, "version": 2}, "errors": []}
        retire = 'mutation { segmentRetire(input: { code: "NEW" }) { segment { status size } errors { code } } }'
        retired = (await data(edition, retire))["segmentRetire"]
        assert retired == {"segment": {"status": "RETIRED", "size": None}, "errors": []}

    async def test_what_is_wrong_is_data(self, edition: Edition) -> None:
        for given, code in (
            ({"where": {}}, "EMPTY_FILTER"),
            ({"where": {"profile": {}}}, "EMPTY_FILTER"),
            ({"code": "TEA"}, "ALREADY_EXISTS"),
            ({"code": "1"}, "INVALID_VALUE"),
        ):
            asked = {"code": "X", "label": "X", "where": {"stage": {"eq": "LOST"}}, **given}
            answer = (await data(edition, DEFINE, input=asked))["segmentDefine"]
            assert answer["segment"] is None
            assert [each["code"] for each in answer["errors"]] == [code]

    async def test_who_may_not_is_refused(self, edition: Edition) -> None:
        asked = {"code": "X", "label": "X", "where": {"stage": {"eq": "LOST"}}}
        answer = (await data(edition, DEFINE, RM, input=asked))["segmentDefine"]
        assert answer["errors"][0]["code"] == "NOT_ALLOWED"
