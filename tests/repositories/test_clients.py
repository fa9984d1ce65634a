"""The collection of clients: its indexes, its validator and the reads that a plan cannot say."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from repositories.clients import client_validator, differences
from repositories.errors import RepositoryFault
from repositories.plan import ID
from repositories.repositories import Repositories
from repositories.values import bson_from
from tests.books import AT, change, everything, insert, record, stored
from tests.conftest import CommandLog


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

    async def test_the_validator_asks_for_what_a_new_client_has(self, book: Repositories) -> None:
        one = await stored(book, await insert(book, "A", {}))
        assert set(client_validator()["required"]) <= set(one)
        assert set(one) - set(client_validator()["properties"]) == {"proof"}


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
        assert await book.clients.move_team("mg_1", "south") == 2
        assert [(await stored(book, each))["team"] for each in (*mine, other)] == ["south", "south", "north"]
        await book.clients.move_team("mg_1", None)
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
        await book.clients.write(one, change(differences(await stored(book, one), values)), ())
        assert differences(await stored(book, one), values) == {}
        assert bson_from(None) is None
