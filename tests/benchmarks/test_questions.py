"""Questions in two languages, and answers made comparable."""

import json
import random

import pytest
from graphql import parse, validate

from benchmarks.questions import (
    HABITS,
    KEHU_QUERIES,
    WORK,
    bodies,
    in_peer_words,
    kehu_variables,
    normalised,
    peer_id,
    peer_variables,
)
from catalogue.builtin import builtin_catalogue
from schema.build import build_schema

# Their fields come with a later area than clients and managers.
OFFERED = ("Q1", "Q2", "Q4", "W1")


class TestKehuQueries:
    @pytest.mark.parametrize("work", WORK)
    def test_is_one_operation_of_that_name(self, work: str) -> None:
        (operation,) = parse(KEHU_QUERIES[work]).definitions
        assert operation.name.value == work  # type: ignore[attr-defined]

    @pytest.mark.parametrize("work", OFFERED)
    def test_fits_the_built_in_schema(self, work: str) -> None:
        schema = build_schema(builtin_catalogue())._schema
        assert [each.message for each in validate(schema, parse(KEHU_QUERIES[work]))] == []

    def test_each_has_a_habit(self) -> None:
        assert set(HABITS) == set(WORK)


class TestPeerId:
    def test_is_the_place_in_hexadecimal(self) -> None:
        assert peer_id(258) == "650000000100000000000102"

    def test_ids_stand_in_the_order_of_their_places(self) -> None:
        ids = [peer_id(place) for place in (0, 9, 10, 255, 256, 99_999)]
        assert ids == sorted(ids)


class TestBodies:
    def test_ask_the_same_in_both_languages(self) -> None:
        theirs = [json.loads(each)["variables"] for each in bodies("Q1", "query Q1 { a }", 50, is_kehu=False)]
        ours = [json.loads(each)["variables"] for each in bodies("Q1", "query Q1 { a }", 50, is_kehu=True)]
        assert [kehu_variables(each) for each in theirs] == ours
        assert {each["id"][:3] for each in ours} == {"cl_"}

    def test_stand_on_one_line_each(self) -> None:
        assert all("\n" not in each for each in bodies("Q2", KEHU_QUERIES["Q2"], 50, is_kehu=True))

    def test_are_the_same_in_every_run(self) -> None:
        assert bodies("Q4", "q", 50, is_kehu=True) == bodies("Q4", "q", 50, is_kehu=True)

    def test_take_another_page_size(self) -> None:
        assert json.loads(bodies("Q4", "q", 50, is_kehu=True, first=10)[0])["variables"]["first"] == 10


class TestPeerVariables:
    @pytest.mark.parametrize("work", ["Q1", "W1"])
    def test_ids_are_of_clients_that_are_there(self, work: str) -> None:
        draw = random.Random(1)
        there = {peer_id(place) for place in range(3)}
        assert {peer_variables(work, draw, 3)["id"] for _ in range(50)} == there


class TestNormalised:
    def test_a_whole_fraction_is_a_whole_number(self) -> None:
        assert normalised({"a": [2.0, 0.1 + 0.2]}) == {"a": [2, 0.3]}

    def test_moments_are_cut_to_seconds(self) -> None:
        assert normalised("2026-11-01T10:00:00.000Z") == normalised("2026-11-01T10:00:00+00:00")

    def test_cursors_are_left_out(self) -> None:
        assert normalised({"endCursor": "x", "hasNextPage": True}) == {"hasNextPage": True}

    def test_different_values_stay_different(self) -> None:
        assert normalised(1.01) != normalised(1.02)


class TestInPeerWords:
    def test_point_read(self) -> None:
        client = {"profile": {"name": "A"}}
        assert in_peer_words("Q1", {"client": client}) == {"client": client}

    def test_list_with_edges(self) -> None:
        page = {"edges": [{"node": {"id": "cl_1", "number": "7"}}], "pageInfo": {"hasNextPage": False}}
        wanted = {"edges": [{"node": {"id": "1", "clientNo": 7}}], "pageInfo": {"hasNextPage": False}}
        assert in_peer_words("Q2", {"clients": page}) == {"clients": wanted}

    def test_size_moves_into_its_group(self) -> None:
        nodes = [{"profile": {"name": "A", "employees": 5, "sizeBand": "micro"}}]
        (found,) = in_peer_words("Q4", {"clients": {"nodes": nodes}})["clients"]["nodes"]
        assert found == {"profile": {"name": "A", "companySize": {"employees": 5, "band": "micro"}}}

    def test_interactions_are_a_plain_list(self) -> None:
        nodes = [{"id": "cl_1", "interactions": {"nodes": [{"summary": "s"}]}}]
        (found,) = in_peer_words("Q3", {"clients": {"nodes": nodes}})["clients"]["nodes"]
        assert found == {"id": "1", "interactions": [{"summary": "s"}]}

    def test_groups(self) -> None:
        nodes = [{"keys": [{"value": "key"}, {"value": "retail"}], "count": 3, "average": 1.5}]
        wanted = [{"segment": "key", "industry": "retail", "count": 3, "avgClientValue": 1.5}]
        assert in_peer_words("Q5", {"clientGroups": {"nodes": nodes}}) == {"clientStats": wanted}

    def test_change(self) -> None:
        client = {"id": "cl_9", "attitude": {"satisfaction": 4}}
        wanted = {"updateSatisfaction": {"id": "9", "attitude": {"satisfaction": 4}}}
        assert in_peer_words("W1", {"clientChange": {"client": client, "errors": []}}) == wanted
