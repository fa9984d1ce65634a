"""The past against a shadow copy: whatever was changed by then, and nothing that came later."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest

from catalogue.attribute import Sensitivity
from catalogue.catalogue import Catalogue
from catalogue.filters import And, Compare, Filter, Not, Search
from catalogue.kinds import Operator
from repositories.access import Access, AuthorisedPlan
from repositories.changes import TAIL_LIMIT
from repositories.client_groups import GroupPlan
from repositories.compile.groups import GroupBy, Grouping
from repositories.cursors import value_at
from repositories.errors import BadCursor, NotAsOf, TooManyChanged
from repositories.mongo import Store
from repositories.past import moment_of
from repositories.plan import ID, Order, Page, Proof, ReadPlan
from repositories.repositories import Repositories
from repositories.values import bson_from
from tests.books import ACCESS, AT, SMALL, VIEWER, attribute, change, insert, open_book, record, seen
from tests.conftest import CommandLog
from tests.figures import Figure
from tests.repositories.compile.test_filters import selects
from tests.shadow import ORDERS, POOLS, STEP, copied, ordered, random_filter, size_for


def then(
    moment: datetime | None,
    *paths: str,
    where: Filter | None = None,
    order: tuple[Order, ...] = (),
    page: Page | None = None,
    access: Access = ACCESS,
) -> AuthorisedPlan:
    """A question about a moment."""
    return access.authorise(ReadPlan("clients", frozenset(paths), where, order, page, as_of=moment), VIEWER)


def one(client_id: str, moment: datetime, *paths: str) -> AuthorisedPlan:
    return then(moment, *paths, where=Compare(ID, Operator.EQ, client_id))


async def walk(book: Repositories, question: AuthorisedPlan, size: int, *, backward: bool) -> list[str]:
    """The ids on all pages of a question, page after page, from the start."""
    found: list[str] = []
    cursor = None
    for _ in range(2 + size_for(book.store.driver).clients // size):
        page = Page(size, backward, before=cursor) if backward else Page(size, after=cursor)
        authorised = replace(question, plan=replace(question.plan, page=page))
        part = await book.clients.read_page(authorised)
        ids = [str(each[ID]) for each in part.documents]
        found = [*ids, *found] if backward else [*found, *ids]
        if not (part.has_previous if backward else part.has_next):
            break
        cursor = book.clients.seal(authorised, part.documents)[0 if backward else -1]
    return found


async def grouped(book: Repositories, moment: datetime, where: Filter) -> dict[str, int]:
    """How many clients there were at each stage."""
    asked = ReadPlan("clients", frozenset(), where, page=Page(9), grouped=frozenset(("stage",)), as_of=moment)
    plan = GroupPlan(ACCESS.authorise(asked, VIEWER), Grouping((GroupBy("stage"),)), SMALL.version)
    return {str(each.keys[0]): each.count for each in (await book.client_groups.read_page(plan)).groups}


class TestShadow:
    async def test_clients_filters_orders_and_counts(self, book: Repositories, figure: Figure) -> None:
        random = Random(20261126)
        size, made = size_for(book.store.driver), await copied(book, random)
        moved = await book.clients.collection.count({"moved": {"$gt": 1}})
        assert moved, "some clients have more changes than their tails keep"
        pairs = 0
        for moment in made.moments(random, size.pairs):
            client_id = random.choice(sorted(made.shadows))
            expected = made.shadows[client_id].then(moment)
            found = await book.clients.find_one(one(client_id, moment, *POOLS, "number", "version", "updatedAt"))
            assert (found is None) == (expected is None), (client_id, moment)
            if found is not None and expected is not None:
                shown, values = expected
                assert (found["version"], found["updatedAt"]) == shown
                read = {path: each for path in POOLS if (each := value_at(found, path)) is not None}
                assert read == {path: bson_from(each) for path, each in values.items()}, (client_id, moment)
            pairs += 1
        met = 0
        for moment in made.moments(random, size.filters):
            where, order = random_filter(random), random.choice(ORDERS)
            fitting = {key: each for key, each in made.nested(moment).items() if selects(where, each)}
            question = then(moment, "number", where=where, order=order, page=Page(3))
            wanted = ordered(fitting, order)
            rows = max(3, len(wanted) // 3)
            for backward in (False, True):
                assert await walk(book, question, rows, backward=backward) == wanted, (where, order, moment)
            assert await book.clients.count(question) == len(wanted)
            stages = Counter(str(each["stage"]) for each in fitting.values())
            assert await grouped(book, moment, where) == stages, (where, moment)
            met += len(wanted)
        assert met
        tried = f"{pairs:,} (client, moment) pairs and {size.filters} filters with orders"
        figure(f"as of, {book.store.driver}: {tried} equal the shadow copy")

    async def test_as_of_now_is_the_present(self, book: Repositories) -> None:
        random = Random(7)
        made = await copied(book, random)
        paths = (
            *POOLS,
            "number",
            "version",
            "updatedAt",
            "proof.profile/name",
            "proof.first",
            "tail",
            "sequence",
            "storedAt",
        )
        for where, order in ((None, ()), (random_filter(random), ORDERS[2])):
            was = then(made.until, *paths, where=where, order=order, page=Page(200))
            now = then(None, *paths, where=where, order=order, page=Page(200))
            assert (await book.clients.read_page(was)).documents == (await book.clients.read_page(now)).documents
            assert await book.clients.count(was) == await book.clients.count(now)


async def two_versions(book: Repositories) -> str:
    """A client whose first change is at AT and whose second one a step later."""
    client_id = await insert(book, "C1", {"profile.name": "first", "profile.employees": 5})
    later = replace(change({"profile.name": "second", "profile.location.city": "Xi'an"}), at=AT + STEP)
    await book.clients.write(client_id, later, seen(ID))
    return client_id


class TestFindOne:
    async def test_a_change_counts_from_its_own_moment_on(self, book: Repositories) -> None:
        client_id = await two_versions(book)
        names = []
        for moment in (AT, AT + STEP - timedelta(milliseconds=1), AT + STEP):
            found = await book.clients.find_one(one(client_id, moment, "profile.name"))
            assert found is not None
            names.append((found["profile"]["name"], found["version"]))
        assert names == [("first", 1), ("first", 1), ("second", 2)]

    async def test_before_the_client_was_made(self, book: Repositories) -> None:
        client_id = await two_versions(book)
        assert await book.clients.find_one(one(client_id, AT - STEP, "profile.name")) is None

    async def test_a_group_of_which_nothing_was_set_was_not_there(self, book: Repositories) -> None:
        client_id = await two_versions(book)
        found = await book.clients.find_one(one(client_id, AT, "profile.location", "profile.name"))
        assert found is not None
        assert found["profile"] == {"name": "first"}

    async def test_nothing_but_what_is_selected_is_read(self, book: Repositories) -> None:
        client_id = await two_versions(book)
        found = await book.clients.find_one(one(client_id, AT, "profile.employees"))
        assert found == {ID: client_id, "version": 1, "profile": {"employees": 5}}

    async def test_what_hangs_on_it_knows_the_moment(self, book: Repositories) -> None:
        client_id = await two_versions(book)
        found = await book.clients.find_one(one(client_id, AT, "profile.name"))
        assert found is not None
        assert (moment_of(found), moment_of(found["profile"]), moment_of({})) == (AT, AT, None)

    @pytest.mark.parametrize("changes", [1, TAIL_LIMIT + 5])
    async def test_dates_and_proofs_of_the_version(self, book: Repositories, changes: int) -> None:
        client_id = await insert(book, "C1", {"profile.name": "first"})
        observed = Proof("a visit", observed_at=AT - timedelta(days=9))
        second = replace(change({"profile.name": "second"}, proof=observed), at=AT + STEP)
        await book.clients.write(client_id, second, seen(ID))
        for at in range(changes):
            later = replace(change({"profile.name": f"n{at}"}), at=AT + (3 + at) * STEP)
            await book.clients.write(client_id, later, seen(ID))
        paths = ("profile.name", "updatedAt", "proof.profile/name", "proof.first")
        found = await book.clients.find_one(one(client_id, AT + 2 * STEP, *paths))
        assert found is not None
        assert (found["version"], found["updatedAt"]) == (2, AT + STEP)
        assert found["proof"]["profile/name"] == {"v": 2, "o": AT - timedelta(days=9)}
        first = await book.clients.find_one(one(client_id, AT, *paths))
        assert first is not None
        assert (first["updatedAt"], first["proof"]["first"]["v"]) == (AT, 1)
        assert first["proof"].get("profile/name", {"v": 1})["v"] == 1

    async def test_a_clock_that_is_behind_dates_no_change_before_the_last(self, book: Repositories) -> None:
        client_id = await two_versions(book)
        await book.clients.write(client_id, change({"profile.name": "third"}), seen(ID))
        found = await book.clients.find_one(one(client_id, AT, "profile.name"))
        assert found is not None
        assert found["profile"]["name"] == "first"
        entries = (await book.clients.collection.find_one({ID: client_id}) or {})["tail"]
        assert [each["at"] for each in entries] == [AT, AT + STEP, AT + STEP]

    async def test_a_move_that_was_interrupted(self, book: Repositories) -> None:
        client_id = await two_versions(book)
        whole = await book.clients.collection.find_one({ID: client_id})
        assert whole is not None
        rows = [
            {ID: f"{client_id}:{e['version']}", "recordId": client_id, "area": "clients", **e} for e in whole["tail"]
        ]
        await book.store.collection("changes").insert_many(rows)
        found = await book.clients.find_one(one(client_id, AT, "profile.name"))
        assert found is not None
        assert (found["profile"]["name"], found["version"]) == ("first", 1)


class TestLoadMany:
    async def test_those_that_were_there(self, book: Repositories) -> None:
        client_id = await two_versions(book)
        later = replace(change({"stage": "ACTIVE"}), at=AT + STEP)
        new = record("C2")
        await book.clients.insert(new, later)
        found = await book.clients.load_many(then(AT, "profile.name"), [client_id, str(new[ID])])
        assert {key: each["profile"]["name"] for key, each in found.items()} == {client_id: "first"}


class TestReadPage:
    async def test_a_cursor_belongs_to_its_moment(self, book: Repositories) -> None:
        await two_versions(book)
        question = then(AT, "number", page=Page(1))
        cursor = book.clients.seal(question, (await book.clients.read_page(question)).documents)[0]
        same = then(AT, "number", page=Page(1, after=cursor))
        assert (await book.clients.read_page(same)).documents == []
        for moment in (AT + STEP, None):
            with pytest.raises(BadCursor):
                await book.clients.read_page(then(moment, "number", page=Page(1, after=cursor)))

    async def test_too_many_changed_since(self, book: Repositories) -> None:
        client_id = await two_versions(book)
        await insert(book, "C2", {})
        book.clients.past.limit_clients = 0
        question = then(AT, "number", page=Page(5))
        for read in (book.clients.read_page, book.clients.count):
            with pytest.raises(TooManyChanged, match="More than 0 clients"):
                await read(question)
        assert len((await book.clients.read_page(then(AT + STEP, "number", page=Page(5)))).documents) == 2
        assert await book.clients.find_one(one(client_id, AT, "number"))

    async def test_what_is_computed_out_of_sight_decides_no_refusal(self, book: Repositories) -> None:
        client_id = await insert(book, "C1", {"profile.name": "first"})
        later = replace(change({"attitude.remarks": "x"}), at=AT + STEP, is_silent=True)
        await book.clients.write(client_id, later, seen(ID))
        book.clients.past.limit_clients = 0
        steward = replace(VIEWER, roles=frozenset(("data_steward",)))
        question = ACCESS.authorise(ReadPlan("clients", frozenset(("number",)), page=Page(5), as_of=AT), steward)
        assert len((await book.clients.read_page(question)).documents) == 1
        assert await book.clients.count(question) == 1
        with pytest.raises(TooManyChanged):
            await book.clients.count(then(AT, "number", page=Page(5)))
        await book.clients.write(client_id, replace(later, is_silent=False), seen(ID))
        with pytest.raises(TooManyChanged):
            await book.clients.count(question)

    @pytest.mark.real_drivers
    async def test_commands(self, book: Repositories, command_log: CommandLog) -> None:
        await two_versions(book)
        command_log.clear()
        await book.clients.read_page(then(AT + STEP, "profile.name", page=Page(5)))
        unchanged = command_log.names[:]
        command_log.clear()
        await book.clients.read_page(then(AT, "profile.name", page=Page(5)))
        assert (unchanged, command_log.names) == (["aggregate", "find"], ["aggregate", "aggregate"])

    async def test_rows_are_those_of_now(self, book: Repositories) -> None:
        mine = await insert(book, "C1", {"managerId": "mg_1", "profile.name": "then mine"})
        theirs = await insert(book, "C2", {"managerId": "mg_2", "profile.name": "then theirs"})
        for client_id, manager in ((mine, "mg_2"), (theirs, "mg_1")):
            await book.clients.write(client_id, replace(change({"managerId": manager}), at=AT + STEP), seen(ID))
        viewer = replace(VIEWER, roles=frozenset(("relationship_manager",)), manager_id="mg_1")
        question = ACCESS.authorise(ReadPlan("clients", frozenset(("managerId",)), page=Page(5), as_of=AT), viewer)
        part = await book.clients.read_page(question)
        assert [(each[ID], each["managerId"]) for each in part.documents] == [(theirs, "mg_2")]


class TestRefused:
    def test_a_search(self) -> None:
        search = Search("li", ("profile.name",))
        for where in (search, And((search, Compare("number", Operator.EQ, "C1"))), Not(search)):
            with pytest.raises(NotAsOf, match="search"):
                then(AT, "number", where=where)

    def test_what_is_restricted(self) -> None:
        more = [attribute("profile.taxId", sensitivity=Sensitivity.RESTRICTED, is_lookup=True)]
        access = Access(ACCESS.policy, Catalogue([*SMALL.attributes, *more], SMALL.relations))
        viewer = replace(VIEWER, roles=frozenset(("risk_officer",)), purpose="CREDIT_REVIEW")
        where = Compare("profile.taxId", Operator.EQ, "91")
        assert access.authorise(ReadPlan("clients", frozenset(), where), viewer).past is None
        with pytest.raises(NotAsOf, match=r"profile\.taxId is RESTRICTED"):
            access.authorise(ReadPlan("clients", frozenset(), where, as_of=AT), viewer)


class TestRestricted:
    async def test_what_a_value_was_is_decrypted_for_those_who_may_read_it(self, store: Store) -> None:
        more = [attribute("profile.taxId", sensitivity=Sensitivity.RESTRICTED)]
        book = await open_book(store, Catalogue([*SMALL.attributes, *more], SMALL.relations))
        client_id = await insert(book, "C1", {"profile.taxId": "91-A", "profile.name": "first"})
        await book.clients.write(client_id, replace(change({"profile.taxId": "92-B"}), at=AT + STEP), seen(ID))
        officer = replace(VIEWER, roles=frozenset(("risk_officer",)), purpose="CREDIT_REVIEW")
        paths = frozenset(("profile.taxId",))
        for viewer, expected in ((officer, {"taxId": "91-A"}), (VIEWER, None)):
            question = book.access.authorise(ReadPlan("clients", paths, page=Page(5), as_of=AT), viewer)
            (found,) = (await book.clients.read_page(question)).documents
            assert found.get("profile") == expected
