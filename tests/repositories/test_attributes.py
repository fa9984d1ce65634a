"""Stored definitions: one sequence of writes, the indexes they ask for, and what they would refuse."""

from datetime import date
from typing import Any

import anyio
import pytest

from catalogue.attribute import Attribute, AttributeOption, ClientKind
from catalogue.kinds import Kind
from repositories.attributes import DefinitionChange, OutrunByAnother
from repositories.errors import IndexLimit
from repositories.mongo import IndexSpec
from repositories.repositories import AREAS, Repositories
from tests.books import AT, SMALL, attribute, change, everything, insert, record
from tests.conftest import CommandLog

BY_ME = DefinitionChange("M001", AT)
SCORE = attribute("profile.score", Kind.LONG, is_sortable=True, minimum=0, unit="points")


class TestWrite:
    async def test_counts_in_one_sequence(self, book: Repositories) -> None:
        assert await book.attributes.head() == 0
        await book.attributes.write(SCORE, BY_ME, 0)
        await book.attributes.write(attribute("profile.other"), BY_ME, 1)
        revised = SCORE.model_copy(update={"label": "New words", "revision": 2})
        await book.attributes.write(revised, BY_ME, 2)
        assert await book.attributes.head() == 3
        assert await book.attributes.read_since(2) == ([revised], 3)
        found, newest = await book.attributes.read_since(0)
        assert {each.path for each in found} == {"profile.score", "profile.other"}
        assert newest == 3
        assert await book.attributes.read_since(3) == ([], 3)

    async def test_keeps_every_revision(self, book: Repositories) -> None:
        await book.attributes.write(SCORE, DefinitionChange("M001", AT, "M001:k", "hash"), 0)
        revised = SCORE.model_copy(update={"minimum": 1.0, "revision": 2})
        await book.attributes.write(revised, DefinitionChange("M002", AT), 1)
        rows = (await everything(book))["attributes"]
        assert [(each["revision"], each["by"], each["definition"]) for each in rows[0]["changes"]] == [
            (1, "M001", SCORE.canonical()),
            (2, "M002", revised.canonical()),
        ]
        assert await book.attributes.find_by_key("M001:k") == (SCORE, "hash")
        assert await book.attributes.find_by_key("M001:other") is None

    @pytest.mark.parametrize("path", ["profile.score", "profile.other"])
    async def test_a_taken_number(self, book: Repositories, path: str) -> None:
        await book.attributes.write(SCORE, BY_ME, 0)
        before = await everything(book)
        with pytest.raises(OutrunByAnother):
            await book.attributes.write(attribute(path, Kind.TEXT), BY_ME, 0)
        assert await everything(book) == before

    async def test_of_many_at_once_one_gets_the_number(self, book: Repositories) -> None:
        outcomes: list[bool] = []

        async def write(number: int) -> None:
            try:
                await book.attributes.write(attribute(f"profile.a{number % 3}"), BY_ME, 0)
                outcomes.append(True)
            except OutrunByAnother:
                outcomes.append(False)

        async with anyio.create_task_group() as group:
            for number in range(12):
                group.start_soon(write, number)
        assert sorted(outcomes) == [False] * 11 + [True]
        assert await book.attributes.head() == 1

    async def test_everything_of_a_definition_comes_back(self, book: Repositories) -> None:
        whole = attribute(
            "profile.grade",
            Kind.CODE,
            is_list=True,
            options=(AttributeOption(code="$A", label="$label"), AttributeOption(code="B", label="b", is_retired=True)),
            required_for=(ClientKind.PERSON,),
            max_age_hours=24,
            owner="$owner",
            removal_on=date(2027, 1, 1),
            successor="profile.name",
        )
        await book.attributes.write(whole, BY_ME, 0)
        assert await book.attributes.read_since(0) == ([whole], 1)


class TestIndexes:
    async def test_one_a_sortable_path(self, book: Repositories) -> None:
        await book.attributes.sync_indexes(SMALL, AREAS)
        present = await book.clients.collection.indexes()
        assert {name for name in present if name.startswith("order_")} == {
            "order_profile.name",
            "order_profile.employees",
            "order_attitude.satisfaction",
        }
        assert present["order_profile.name"] == IndexSpec((("profile.name", 1), ("_id", 1)))
        assert "order_name" in await book.managers.collection.indexes()

    async def test_those_no_longer_sortable_go_and_others_stay(self, book: Repositories) -> None:
        await book.attributes.sync_indexes(SMALL.with_attributes([SCORE]), AREAS)
        await book.clients.collection.create_index([("mine", 1)], "mine")
        await book.attributes.sync_indexes(SMALL, AREAS)
        names = set(await book.clients.collection.indexes())
        assert "order_profile.score" not in names
        assert {"mine", "number", "manager", "team", "order_profile.name"} <= names

    @pytest.mark.real_drivers
    async def test_a_second_time_nothing_is_made(self, book: Repositories, command_log: CommandLog) -> None:
        await book.attributes.sync_indexes(SMALL, AREAS)
        command_log.clear()
        await book.attributes.sync_indexes(SMALL, AREAS)
        assert set(command_log.names) == {"listIndexes"}

    async def test_made_and_dropped_twice(self, book: Repositories) -> None:
        for _ in range(2):
            await book.attributes.make_index(SCORE)
        assert "order_profile.score" in await book.clients.collection.indexes()
        for _ in range(2):
            await book.attributes.drop_index(SCORE)
        assert "order_profile.score" not in await book.clients.collection.indexes()

    async def test_one_too_many_is_explained(self, book: Repositories) -> None:
        have = len(await book.clients.collection.indexes())
        specs = {f"filler_{number}": IndexSpec(((f"filler{number}", 1),)) for number in range(64 - have)}
        await book.clients.collection.create_indexes(specs)
        with pytest.raises(
            IndexLimit, match=r"order_profile\.score cannot be made: clients would have more than 64 indexes"
        ):
            await book.attributes.make_index(SCORE)
        assert len(await book.clients.collection.indexes()) == 64


RULES: tuple[tuple[dict[str, Any], Kind, list[object], list[object]], ...] = (
    ({"minimum": 1, "maximum": 5}, Kind.LONG, [1, 5, None], [0, 6]),
    ({"minimum": 0.5}, Kind.NUMBER, [0.5, 100.0], [0.25, -1.0]),
    ({"options": ("A", "B")}, Kind.CODE, ["A", None], ["C", "a"]),
    ({"options": ("A", "B"), "is_list": True}, Kind.CODE, [["A", "B"], [], None], [["A", "C"]]),
    ({"max_length": 3}, Kind.STRING, ["abc", "", None], ["abcd", "a\nbcd"]),
    ({"max_length": 3, "is_list": True}, Kind.STRING, [["abc"], []], [["a", "abcd"]]),
    ({"min_length": 2}, Kind.STRING, ["ab", None], ["a", ""]),
    ({"pattern": "[A-Z]{2}[0-9]"}, Kind.STRING, ["AB1", None], ["AB12", "ab1", "xAB1"]),
    ({"pattern": "a|b"}, Kind.STRING, ["a", "b"], ["ab", "xb"]),
    ({"required_for": (ClientKind.ORGANISATION,)}, Kind.STRING, ["x"], [None]),
    ({"applies_to": (ClientKind.PERSON,)}, Kind.STRING, [None], ["x"]),
    ({}, Kind.STRING, ["x", None], []),
)
"""A rule, a kind, values that keep it and values that break it."""


class TestCountMisfits:
    async def test_of_each_rule(self, book: Repositories) -> None:
        for place, (rules, kind, good, bad) in enumerate(RULES):
            if codes := rules.get("options"):
                rules = rules | {"options": tuple(AttributeOption(code=each, label=each) for each in codes)}
            wanted = attribute(f"profile.tried{place}", kind, **rules)
            for number, value in enumerate((*good, *bad)):
                await insert(book, f"C{place}-{number}", {wanted.path: value})
            found = await book.attributes.count_misfits(wanted)
            await book.clients.collection.delete_many({})
            assert (rules, found) == (rules, len(bad))

    async def test_inside_a_list_of_groups(self, book: Repositories) -> None:
        people = [{"name": "Li"}, {"name": "A much longer name"}]
        await insert(book, "A", {"profile.keyPeople": people})
        await insert(book, "B", {"profile.keyPeople": people[:1]})
        assert await book.attributes.count_misfits(attribute("profile.keyPeople.name", max_length=5)) == 1

    async def test_a_person_need_not_have_what_organisations_must(self, book: Repositories) -> None:
        await book.clients.insert(record("P", ClientKind.PERSON), change({"stage": "ACTIVE"}))
        wanted: Attribute = attribute("profile.tried", required_for=(ClientKind.ORGANISATION,))
        assert await book.attributes.count_misfits(wanted) == 0
