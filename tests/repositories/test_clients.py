"""The collection of clients: its indexes, its validator and the reads that a plan cannot say."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from catalogue.attribute import Facet
from catalogue.filters import And, AnyItem, Compare, Filter, Or
from catalogue.kinds import Kind, Operator
from repositories.attributes import DefinitionChange
from repositories.clients import MERGED, MERGED_ID, client_validator, differences
from repositories.clients import NUMBERS as NUMBERS_OF_ALL
from repositories.compile.filters import query_from
from repositories.errors import IndexLimit, RepositoryFault, StaleVersion
from repositories.mongo import IndexSpec, Store
from repositories.plan import ID
from repositories.repositories import Repositories
from repositories.values import bson_from
from tests.books import AT, attribute, change, everything, insert, record, seen, stored
from tests.conftest import CommandLog

WILD = attribute("profile.wild", Kind.STRING)
NUMBERS = attribute("profile.numbers", Kind.LONG, is_list=True)
BY_ME = DefinitionChange("M001", AT)
QUESTIONS: tuple[tuple[Filter, int], ...] = (
    (Compare(WILD.path, Operator.EQ, "w7"), 3),
    (Compare(WILD.path, Operator.IN, ("w7", "w9")), 6),
    (And((Compare(WILD.path, Operator.GTE, "w98"), Compare(WILD.path, Operator.LT, "w990"))), 6),
    (Compare(WILD.path, Operator.STARTS_WITH, "w98"), 3),
    (Compare(WILD.path, Operator.IS_NULL, False), 300),
    (Compare(NUMBERS.path, Operator.CONTAINS_ANY, (7,)), 6),
    (Compare(NUMBERS.path, Operator.CONTAINS_ALL, (7, 8)), 3),
    (AnyItem("profile.keyPeople", Compare("name", Operator.EQ, "Li 7")), 3),
    (Or((Compare(WILD.path, Operator.EQ, "w7"), Compare("profile.tags", Operator.CONTAINS_ANY, ("t8",)))), 6),
)
"""A filter on what no index of its own serves, and how many clients it finds."""


class TestPrepare:
    async def test_makes_the_indexes_that_code_owns_and_may_run_again(self, book: Repositories) -> None:
        before = await book.clients.collection.indexes()
        assert {"_id_", "number", "manager", "team"} <= set(before)
        assert before["number"].unique
        await book.clients.prepare()
        assert await book.clients.collection.indexes() == before

    @pytest.mark.real_drivers
    @pytest.mark.parametrize(
        "wrong", [{"number": ""}, {"kind": "FIRM"}, {"stage": "GONE"}, {"version": 0}, {"profile": "x"}, {"tail": {}}]
    )
    async def test_the_database_refuses_another_shape(self, book: Repositories, wrong: dict[str, object]) -> None:
        good = record("A") | {"stage": "ACTIVE", "version": 1, "createdAt": AT, "updatedAt": AT, "tail": []}
        await book.clients.collection.insert_one(dict(good))
        before = await everything(book)
        with pytest.raises(RepositoryFault):
            await book.clients.collection.insert_one(good | {ID: "cl_2", "number": "B"} | wrong)
        with pytest.raises(RepositoryFault):
            await book.clients.collection.update_one({ID: good[ID]}, {"$set": wrong})
        assert await everything(book) == before

    async def test_clients_of_before_there_were_two_counters_get_the_one_that_is_not_shown(
        self, book: Repositories
    ) -> None:
        one = await insert(book, "A", {"profile.name": "first"})
        await book.clients.write(one, change({"profile.name": "second"}), seen())
        without = {"$unset": {"sequence": "", "storedAt": ""}}
        await book.clients.collection.update_one({"_id": one}, without)
        await book.clients.prepare()
        found = await stored(book, one)
        assert (found["version"], found["sequence"], found["storedAt"]) == (2, 2, found["updatedAt"])
        await book.clients.collection.update_one({"_id": one}, without)
        await book.clients.write(one, replace(change({"profile.name": "third"}), expected_sequence=2), seen())
        found = await stored(book, one)
        assert (found["version"], found["sequence"], found["tail"][-1]["version"]) == (3, 3, 3)
        with pytest.raises(StaleVersion):
            await book.clients.write(one, replace(change({"profile.name": "x"}), expected_sequence=2), seen())

    async def test_an_index_of_an_earlier_release_goes(self, book: Repositories) -> None:
        await book.clients.collection.create_index((("updatedAt", 1), ("createdAt", 1)), "changed")
        await book.clients.prepare()
        assert not {"changed"} & (await book.clients.collection.indexes()).keys()

    async def test_the_validator_asks_for_what_a_new_client_has(self, book: Repositories) -> None:
        one = await stored(book, await insert(book, "A", {}))
        assert set(client_validator()["required"]) <= set(one)
        assert set(one) - set(client_validator()["properties"]) == {"proof"}


class TestSyncFacetIndexes:
    async def test_makes_those_wanted_and_drops_those_no_longer(self, book: Repositories) -> None:
        clients = book.clients
        await clients.collection.create_index([("mine", 1)], "facet_mine")
        before = await clients.collection.indexes()
        await clients.sync_facet_indexes([Facet.PROFILE, Facet.DERIVED])
        made = {"facet_profile": IndexSpec((("profile.$**", 1),)), "facet_derived": IndexSpec((("derived.$**", 1),))}
        assert await clients.collection.indexes() == before | made
        await clients.sync_facet_indexes([Facet.DERIVED, Facet.ATTITUDE])
        assert (await clients.collection.indexes()).keys() == before.keys() | {"facet_derived", "facet_attitude"}
        await clients.sync_facet_indexes([])
        assert await clients.collection.indexes() == before

    @pytest.mark.real_drivers
    async def test_a_second_time_nothing_is_made(self, book: Repositories, command_log: CommandLog) -> None:
        await book.clients.sync_facet_indexes(list(Facet))
        command_log.clear()
        await book.clients.sync_facet_indexes(list(Facet))
        assert command_log.names == ["listIndexes"]

    async def test_no_place_left_is_explained(self, book: Repositories) -> None:
        have = len(await book.clients.collection.indexes())
        specs = {f"mine_{number}": IndexSpec(((f"mine{number}", 1),)) for number in range(64 - have)}
        await book.clients.collection.create_indexes(specs)
        before = await book.clients.collection.indexes()
        with pytest.raises(IndexLimit, match=r"facet_profile cannot be made.*leave facets out of KEHU_WILDCARD_FACETS"):
            await book.clients.sync_facet_indexes([Facet.PROFILE])
        assert await book.clients.collection.indexes() == before

    @pytest.mark.real_drivers
    async def test_a_filter_no_longer_scans_the_book(self, book: Repositories, store: Store) -> None:
        for sequence, each in enumerate((WILD, NUMBERS)):
            await book.attributes.write(each, BY_ME, sequence)
        for number in range(300):
            group = number // 3
            people = [{"name": f"Li {group}"}]
            values = {WILD.path: f"w{group}", NUMBERS.path: [group, group + 1], "profile.keyPeople": people}
            await insert(book, f"K{number}", values | {"profile.tags": [f"t{group}"]})
        for facets, stage in (([], "COLLSCAN"), ([Facet.PROFILE], "IXSCAN")):
            await book.clients.sync_facet_indexes(facets)
            for where, count in QUESTIONS:
                command = {"find": "clients", "filter": query_from(where)}
                plan = await store.explain(command, "executionStats")
                used, found = str(plan["queryPlanner"]["winningPlan"]), plan["executionStats"]
                assert found["nReturned"] == count, where
                assert stage in used, where
                assert ("facet_profile" in used) == bool(facets)
                assert found["totalDocsExamined"] <= (count * 2 if facets else 300), where


class TestFormerNames:
    @pytest.mark.real_drivers
    @pytest.mark.parametrize(("path", "index"), [(NUMBERS_OF_ALL, NUMBERS_OF_ALL), (MERGED_ID, MERGED)])
    async def test_are_found_by_an_index(self, book: Repositories, store: Store, path: str, index: str) -> None:
        where = query_from(Compare(path, Operator.EQ, "cl_1"))
        plan = str((await store.explain({"find": "clients", "filter": where}))["queryPlanner"]["winningPlan"])
        assert f"'indexName': '{index}'" in plan


class TestFindByNumbers:
    async def test_answers_clients_without_their_history(self, book: Repositories, command_log: CommandLog) -> None:
        one = await insert(book, "A", {"profile.name": "Steel"})
        await insert(book, "B", {})
        command_log.clear()
        found = await book.clients.find_by_numbers({"A", "C"})
        assert list(found) == ["A"]
        assert found["A"][ID] == one
        assert found["A"]["profile"] == {"name": "Steel"}
        assert not {"tail", "proof"} & set(found["A"])
        if book.store.driver != "memory":
            assert command_log.names == ["find"]

    async def test_nothing_asks_nothing(self, book: Repositories, command_log: CommandLog) -> None:
        command_log.clear()
        assert await book.clients.find_by_numbers(()) == {}
        assert command_log.commands == []


class TestMoveTeam:
    async def test_moves_the_clients_of_one_manager(self, book: Repositories) -> None:
        mine = [await insert(book, f"A{n}", {"managerId": "mg_1", "team": "north"}) for n in range(2)]
        other = await insert(book, "B", {"managerId": "mg_2", "team": "north"})
        assert await book.clients.move_with("mg_1", {"team": "south"}) == 2
        assert [(await stored(book, each))["team"] for each in (*mine, other)] == ["south", "south", "north"]
        await book.clients.move_with("mg_1", {"team": None})
        assert "team" not in await stored(book, mine[0])


class TestDifferences:
    async def test_of_what_is_stored_and_the_same_values(self, book: Repositories) -> None:
        values: dict[str, object] = {
            "profile.name": "Steel",
            "profile.foundedOn": date(1886, 5, 8),
            "profile.tags": ["x", "y"],
            "derived.clientValue": Decimal("12.50"),
            "attitude.satisfaction": 7.0,
            "profile.keyPeople": [{"name": "Li", "born": date(1970, 1, 2)}],
            "profile.seenAt": datetime(2026, 1, 1, tzinfo=UTC),
        }
        one = await insert(book, "A", values)
        document = await stored(book, one)
        assert differences(document, values) == {}
        assert differences(document, {"profile.employees": None, "profile.location.city": None}) == {}
        changed = {"profile.name": "steel", "profile.tags": ["y", "x"], "derived.clientValue": Decimal("12.51")}
        assert differences(document, values | changed) == changed
        assert differences(document, {"profile.name": None}) == {"profile.name": None}

    async def test_a_write_of_the_differences_leaves_none(self, book: Repositories) -> None:
        one = await insert(book, "A", {"profile.name": "Steel"})
        values: dict[str, object] = {"profile.name": None, "profile.employees": 4}
        await book.clients.write(one, change(differences(await stored(book, one), values)), seen())
        assert differences(await stored(book, one), values) == {}
        assert bson_from(None) is None
