"""RESTRICTED values: never in clear in the database, readable by key, found by hash."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

import bson
import pytest
from bson import Binary

from catalogue.attribute import Sensitivity
from catalogue.catalogue import Catalogue
from catalogue.filters import And, Compare, Filter, Not, Or
from catalogue.kinds import Kind, Operator
from policy.viewer import program
from repositories.cursors import value_at
from repositories.errors import KeyReused, NotFound
from repositories.mongo import Store
from repositories.plan import ID, Page, ReadPlan
from repositories.repositories import Repositories, open_repositories
from repositories.vault import KEYS, LOCAL_KEY_BYTES, Kms, local_kms
from repositories.vault.errors import VaultAway
from tests.books import SECRET, SMALL, change, insert, master_key, open_book, record, stored
from tests.conftest import CommandLog
from tests.definitions import defined, one_of_every_kind

RESTRICTED = Sensitivity.RESTRICTED
ENCRYPTED = [each for each in one_of_every_kind() if each.kind is not Kind.CLIENT]
CATALOGUE = SMALL.with_attributes(
    (
        defined("profile.taxId", sensitivity=RESTRICTED, is_lookup=True),
        defined("profile.passport", sensitivity=RESTRICTED),
        defined("profile.secrets", Kind.GROUP, sensitivity=RESTRICTED),
        *(each.model_copy(update={"path": each.path.replace("profile.", "profile.secrets.")}) for each in ENCRYPTED),
        defined("profile.keyPeople.passport", sensitivity=RESTRICTED),
    )
)
READER = program("reader")
CANARY = "CANARY-TAX"
VALUES: dict[str, Any] = {
    "stage": "PROSPECT",
    "profile.taxId": f"{CANARY}-1",
    "profile.passport": f"{CANARY}-2",
    "profile.keyPeople": [{"name": "Li", "passport": f"{CANARY}-3"}, {"name": "Wu", "passport": None}],
}


@pytest.fixture
async def book(store: Store) -> Repositories:
    """A book whose catalogue has RESTRICTED values of every kind."""
    return await open_book(store, CATALOGUE)


async def read(book: Repositories, *paths: str, where: Filter | None = None) -> list[dict[str, Any]]:
    """Those paths of the clients that a predicate selects."""
    plan = ReadPlan("clients", frozenset((*paths, ID, "number")), where, page=Page(200))
    found = await book.clients.read_page(book.access.authorise(plan, READER))
    return sorted(found.documents, key=lambda each: str(each["number"]))


async def numbers(book: Repositories, where: Filter) -> list[Any]:
    return [each["number"] for each in await read(book, where=where)]


async def write(book: Repositories, client_id: str, values: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    answer = book.access.authorise(ReadPlan("clients", frozenset(values)), READER)
    return (await book.clients.write(client_id, change(values, **more), answer)).document


async def whole(store: Store) -> bytes:
    """Everything that the database holds, as one text of bytes."""
    parts = []
    for name in await store.collection_names():
        parts += [bson.encode(each) for each in await store.collection(name).find({})]
    return b"".join(parts)


class TestSealed:
    async def test_nothing_is_in_clear_and_all_is_read(self, book: Repositories, store: Store) -> None:
        one = await insert(book, "C1", VALUES)
        two = record("C2")
        await book.clients.insert_many([(two, change(VALUES))])
        await write(book, one, {"profile.taxId": f"{CANARY}-4"})
        assert (
            await book.clients.write_many([(str(two[ID]), change({"profile.taxId": f"{CANARY}-5"}, key="b"))]) == set()
        )
        assert CANARY.encode() not in await whole(store)
        found = await read(book, *VALUES)
        assert [value_at(each, "profile.taxId") for each in found] == [f"{CANARY}-4", f"{CANARY}-5"]
        assert [value_at(each, "profile.keyPeople") for each in found] == [VALUES["profile.keyPeople"]] * 2

    async def test_what_is_beside_it_stays_in_clear(self, book: Repositories) -> None:
        document = await stored(book, await insert(book, "C1", VALUES | {"profile.name": "Li & Co"}))
        assert document["profile"]["name"] == "Li & Co"
        assert [set(each) for each in document["profile"]["keyPeople"]] == [{"name", "passport"}] * 2
        assert document["profile"]["keyPeople"][0]["name"] == "Li"
        assert document["profile"]["taxId"].subtype == 6

    @pytest.mark.parametrize("attribute", ENCRYPTED, ids=lambda each: each.path)
    async def test_a_value_of_every_kind(self, attribute: Any, book: Repositories) -> None:
        path = attribute.path.replace("profile.", "profile.secrets.")
        given = _SAMPLES[attribute.kind]
        value = [given, given] if attribute.is_list else given
        plain = await insert(book, "C0", {"profile.plain": value})
        client = await insert(book, "C1", {path: value})
        assert isinstance(value_at(await stored(book, client), path), Binary)
        (_, found) = await read(book, path)
        assert value_at(found, path) == value_at(await stored(book, plain), "profile.plain")

    async def test_a_secret_is_not_among_the_words_though_an_older_catalogue_searched_it(
        self, book: Repositories, store: Store
    ) -> None:
        words = {"profile.taxId": CANARY.lower(), "profile.name": "li & co"}
        await insert(book, "C1", VALUES | {"profile.name": "Li & Co"}, words=words)
        one = await insert(book, "C2", {"profile.name": "Wu"})
        await write(book, one, {"profile.taxId": f"{CANARY}-1"}, words={"profile.taxId": CANARY.lower()})
        everything = await whole(store)
        assert CANARY.lower().encode() not in everything
        assert b"li & co" in everything

    async def test_the_same_value_is_never_the_same_ciphertext(self, book: Repositories) -> None:
        one = await insert(book, "C1", VALUES | {"profile.passport": f"{CANARY}-1"})
        profile = (await stored(book, one))["profile"]
        assert profile["passport"] != profile["taxId"]

    async def test_no_key_is_made_for_who_has_no_secret(self, book: Repositories, store: Store) -> None:
        one = await insert(book, "C1", {"profile.name": "Li & Co"})
        await write(book, one, {"profile.taxId": None})
        assert await store.collection(KEYS).count({"keyAltNames": one}) == 0
        assert "sealed" not in await stored(book, one)
        await write(book, one, {"profile.taxId": f"{CANARY}-1"})
        assert await store.collection(KEYS).count({"keyAltNames": one}) == 1

    async def test_writers_of_a_first_secret_agree_on_one_key(self, book: Repositories, store: Store) -> None:
        one = await insert(book, "C1", {"profile.name": "Li & Co"})
        await asyncio.gather(*(write(book, one, {"profile.taxId": f"{CANARY}-{place}"}) for place in range(8)))
        assert await store.collection(KEYS).count({"keyAltNames": one}) == 1
        (found,) = await read(book, "profile.taxId")
        assert str(value_at(found, "profile.taxId")).startswith(CANARY)

    async def test_the_answer_of_a_write_is_readable(self, book: Repositories) -> None:
        one = await insert(book, "C1", VALUES)
        answer = await write(book, one, {"profile.taxId": f"{CANARY}-6"})
        assert answer["profile"] == {"taxId": f"{CANARY}-6"}

    async def test_a_key_of_a_request_is_good_for_the_same_secret_only(self, book: Repositories) -> None:
        one = await insert(book, "C1", VALUES)
        first: dict[str, Any] = {"key": "M001:k", "request_hash": "a" * 64}
        await write(book, one, {"profile.taxId": f"{CANARY}-6"}, **first)
        again = await write(book, one, {"profile.taxId": f"{CANARY}-6"}, **first)
        assert (again["version"], again["profile"]) == (2, {"taxId": f"{CANARY}-6"})
        with pytest.raises(KeyReused):
            await write(book, one, {"profile.taxId": f"{CANARY}-7"}, key="M001:k", request_hash="b" * 64)
        # The hash of a request is over its values, which few may guess from it.
        assert (await stored(book, one))["tail"][-1]["hash"] != "a" * 64


_SAMPLES: dict[Kind, Any] = {
    Kind.STRING: "a text",
    Kind.TEXT: "a long text\nof two lines",
    Kind.LONG: 2**40,
    Kind.NUMBER: 1.5,
    Kind.DECIMAL: Decimal("12.50"),
    Kind.BOOLEAN: False,
    Kind.DATE: date(2026, 11, 26),
    Kind.DATETIME: datetime(2026, 11, 26, 8, tzinfo=UTC),
    Kind.CODE: "A",
    Kind.EMAIL: "li@example.com",
    Kind.PHONE: "+86 10 6655 4433",
    Kind.URL: "https://example.com",
}


class TestHistory:
    async def test_old_values_are_encrypted_too_and_readable(self, book: Repositories, store: Store) -> None:
        one = await insert(book, "C1", VALUES)
        for place in range(25):
            await write(book, one, {"profile.taxId": f"{CANARY}-{place}"})
        assert CANARY.encode() not in await whole(store)
        assert await store.collection("changes").count({"recordId": one}) > 0
        tail = (await stored(book, one))["tail"]
        entries = await book.clients.history.read(one, tail, 30, before=None, paths=["profile.taxId"], since=None)
        rows = [row for entry in await book.vault.opened(entries) for row in entry["values"]]
        assert [row["new"] for row in rows if row["path"] == "profile.taxId"] == [
            *(f"{CANARY}-{place}" for place in reversed(range(25))),
            f"{CANARY}-1",
        ]


class TestResolved:
    @pytest.fixture
    async def book(self, store: Store) -> Repositories:
        book = await open_book(store, CATALOGUE)
        for number, secret in (("A", "1"), ("B", "2"), ("C", "1")):
            await insert(book, number, {"profile.taxId": secret, "profile.passport": secret})
        await insert(book, "D", {"profile.name": "no secrets"})
        return book

    @pytest.mark.parametrize(
        ("where", "expected"),
        [
            (Compare("profile.taxId", Operator.EQ, "1"), ["A", "C"]),
            (Compare("profile.taxId", Operator.EQ, "3"), []),
            (Compare("profile.taxId", Operator.IN, ("2", "3")), ["B"]),
            (Compare("profile.taxId", Operator.IS_NULL, True), ["D"]),
            (Compare("profile.passport", Operator.IS_NULL, False), ["A", "B", "C"]),
            (Not(Compare("profile.taxId", Operator.EQ, "1")), ["B", "D"]),
            (
                And((Compare("profile.taxId", Operator.EQ, "1"), Compare("number", Operator.EQ, "C"))),
                ["C"],
            ),
            (
                Or((Compare("profile.taxId", Operator.EQ, "2"), Compare("number", Operator.EQ, "D"))),
                ["B", "D"],
            ),
        ],
    )
    async def test_equal_values_are_found(self, where: Filter, expected: list[str], book: Repositories) -> None:
        assert await numbers(book, where) == expected
        counted = book.access.authorise(ReadPlan("clients", frozenset(), where), READER)
        assert await book.clients.count(counted) == len(expected)

    async def test_a_cleared_or_changed_value_is_found_no_more(self, book: Repositories) -> None:
        found = {each["number"]: each[ID] for each in await read(book)}
        await write(book, found["A"], {"profile.taxId": None})
        await write(book, found["C"], {"profile.taxId": "4"})
        assert await numbers(book, Compare("profile.taxId", Operator.EQ, "1")) == []
        assert await numbers(book, Compare("profile.taxId", Operator.EQ, "4")) == ["C"]
        assert (await stored(book, found["A"]))["lookups"] == {}

    @pytest.mark.real_drivers
    async def test_an_index_answers(self, book: Repositories, command_log: CommandLog, store: Store) -> None:
        command_log.clear()
        await numbers(book, Compare("profile.taxId", Operator.EQ, "1"))
        command = next(each for each in command_log.commands if each.get("find") == "clients")
        assert list(dict(cast("dict[str, Any]", command["filter"]))) == ["lookups.profile/taxId"]
        plan = await store.explain(command)
        assert "lookups" in repr(plan["queryPlanner"]["winningPlan"])

    async def test_hashes_of_one_value_differ_between_paths(self, book: Repositories) -> None:
        assert await book.vault.digest("profile.taxId", "1") != await book.vault.digest("profile.passport", "1")
        assert await book.vault.digest("profile.taxId", "1") != await book.vault.digest("profile.taxId", "2")

    async def test_another_process_finds_by_the_same_hash(self, book: Repositories, store: Store) -> None:
        other = await open_repositories(store, CATALOGUE, SECRET, kms=master_key)
        assert await numbers(other, Compare("profile.taxId", Operator.EQ, "1")) == ["A", "C"]


class TestAway:
    """The vault is away, or a key is gone."""

    async def test_a_lost_key_hides_its_values_and_no_others(self, book: Repositories, store: Store) -> None:
        one, _ = await insert(book, "C1", VALUES), await insert(book, "C2", VALUES)
        await store.collection(KEYS).delete_many({"keyAltNames": one})
        fresh = await open_repositories(store, CATALOGUE, SECRET, kms=master_key)
        first, second = await read(fresh, "profile.taxId", "profile.keyPeople")
        assert first["profile"] == {"keyPeople": [{"name": "Li"}, {"name": "Wu", "passport": None}]}
        assert second["profile"]["taxId"] == f"{CANARY}-1"
        assert fresh.vault.unreadable_values == 2

    async def test_no_other_key_takes_the_place_of_a_lost_one(self, book: Repositories, store: Store) -> None:
        one = await insert(book, "C1", VALUES)
        await store.collection(KEYS).delete_many({"keyAltNames": one})
        before = await stored(book, one)
        with pytest.raises(VaultAway, match=one):
            await write(book, one, {"profile.taxId": "new"})
        assert await stored(book, one) == before
        await write(book, one, {"profile.name": "still written"})

    async def test_who_has_another_master_key_neither_reads_nor_writes(self, book: Repositories, store: Store) -> None:
        one = await insert(book, "C1", VALUES)
        before = await whole(store)
        other = await open_repositories(store, CATALOGUE, SECRET, kms=lambda: local_kms(b"x" * LOCAL_KEY_BYTES))
        (found,) = await read(other, "profile.taxId", "profile.name")
        assert found["profile"] == {}
        for values in ({"profile.taxId": "new"}, {"profile.passport": "new"}):
            with pytest.raises(VaultAway):
                await write(other, one, values)
            with pytest.raises(VaultAway):
                await insert(other, "C2", values)
        with pytest.raises(VaultAway):
            await numbers(other, Compare("profile.taxId", Operator.EQ, "1"))
        assert await whole(store) == before

    async def test_without_a_master_key_nothing_is_written_in_clear(self, store: Store) -> None:
        bare = await open_repositories(store, CATALOGUE, SECRET)
        await bare.clients.prepare()
        with pytest.raises(VaultAway, match="KEHU_KMS"):
            await insert(bare, "C1", VALUES)
        with pytest.raises(VaultAway):
            await bare.clients.insert_many([(record("C2"), change(VALUES))])
        assert await store.collection("clients").count({}) == 0
        await insert(bare, "C3", {"profile.name": "no secrets"})

    async def test_a_damaged_value_hides_itself_alone(self, book: Repositories) -> None:
        one = await insert(book, "C1", VALUES)
        secret = (await stored(book, one))["profile"]["taxId"]
        broken = Binary(bytes(secret[:-1]) + bytes([secret[-1] ^ 1]), 6)
        await book.clients.collection.update_one({ID: one}, {"$set": {"profile.taxId": broken}})
        (found,) = await read(book, "profile.taxId", "profile.passport")
        assert found["profile"] == {"passport": f"{CANARY}-2"}

    async def test_values_to_compare_with_must_be_readable(self, book: Repositories, store: Store) -> None:
        one = await insert(book, "C1", VALUES)
        found = await book.clients.find_by_numbers({"C1"}, opened=["profile.taxId", "profile.keyPeople"])
        assert value_at(found["C1"], "profile.taxId") == f"{CANARY}-1"
        assert value_at(found["C1"], "profile.keyPeople") == VALUES["profile.keyPeople"]
        await store.collection(KEYS).delete_many({"keyAltNames": one})
        fresh = await open_repositories(store, CATALOGUE, SECRET, kms=master_key)
        with pytest.raises(VaultAway):
            await fresh.clients.find_by_numbers({"C1"}, opened=["profile.taxId"])


class TestKeys:
    async def test_a_deleted_key_is_forgotten_after_the_life_of_the_cache(self, store: Store) -> None:
        book = await open_repositories(store, CATALOGUE, SECRET, kms=master_key, key_cache_seconds=0.5)
        await book.clients.prepare()
        one = await insert(book, "C1", VALUES)
        assert len((await read(book, "profile.taxId"))[0]["profile"]) == 1
        await store.collection(KEYS).delete_many({"keyAltNames": one})
        await asyncio.sleep(0.6)
        assert (await read(book, "profile.taxId"))[0]["profile"] == {}

    @pytest.mark.real_drivers
    async def test_a_page_of_200_clients_asks_for_their_keys_once(self, store: Store, command_log: CommandLog) -> None:
        book = await open_book(store, CATALOGUE)
        await book.clients.insert_many([(record(f"C{place:03}"), change(VALUES)) for place in range(200)])
        fresh = await open_repositories(store, CATALOGUE, SECRET, kms=master_key)
        command_log.clear()
        assert len(await read(fresh, "profile.taxId", "profile.passport")) == 200
        assert command_log.names == ["find", "find"]
        command_log.clear()
        await read(fresh, "profile.taxId", "profile.passport")
        assert command_log.names == ["find"]

    async def test_new_wrappings_disturb_no_reader(self, book: Repositories, store: Store) -> None:
        await book.clients.insert_many([(record(f"C{place}"), change(VALUES)) for place in range(120)])
        before = await store.collection(KEYS).find({}, sort=[("_id", 1)])
        is_done = asyncio.Event()

        async def reads() -> int:
            count = 0
            while not (is_done.is_set() and count):
                fresh = await open_repositories(store, CATALOGUE, SECRET, kms=master_key)
                found = await read(fresh, "profile.taxId")
                assert {value_at(each, "profile.taxId") for each in found} == {f"{CANARY}-1"}
                count += 1
                # The memory driver never waits by itself.
                await asyncio.sleep(0)
            return count

        reader = asyncio.create_task(reads())
        assert await book.vault.rewrap() == 121
        is_done.set()
        assert await reader > 0
        after = await store.collection(KEYS).find({}, sort=[("_id", 1)])
        assert [each["_id"] for each in after] == [each["_id"] for each in before]
        assert not {bytes(each["keyMaterial"]) for each in after} & {bytes(each["keyMaterial"]) for each in before}
        assert len(await read(book, "profile.taxId", where=Compare("profile.taxId", Operator.EQ, f"{CANARY}-1"))) == 120

    async def test_who_was_erased_gets_no_key_again(self, book: Repositories, store: Store) -> None:
        gone = record("C1")
        await store.collection("erasures").insert_one({"_id": gone[ID]})
        with pytest.raises(NotFound):
            await book.clients.insert(gone, change(VALUES))
        assert await store.collection("clients").count({}) == 0

    def test_no_master_key_is_in_what_is_printed(self) -> None:
        assert "only tests" not in repr(master_key())
        assert "secret" not in repr(Kms("aws", {"secretAccessKey": "secret"}))


def test_the_catalogue_of_these_tests_has_restricted_values_of_every_kind() -> None:
    assert isinstance(CATALOGUE, Catalogue)
    assert len(CATALOGUE.restricted()) == 2 * (len(Kind) - 2) + 3
