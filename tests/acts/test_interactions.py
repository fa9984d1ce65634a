"""Recording a contact: whole, once, and with every problem at once."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from acts.checks import UNGUARDED, Guard, now
from acts.interactions import NewInteraction, record_interaction
from acts.managers import create_manager
from catalogue.builtin import builtin_catalogue
from catalogue.errors import Refused
from repositories.errors import KeyReused
from repositories.mongo import Store
from repositories.repositories import Repositories
from tests.books import OTHER, VIEWER, everything, make_client, open_book

AT = datetime(2026, 11, 20, 9, 30, 0, 123456, tzinfo=UTC)


@pytest.fixture
async def full_book(store: Store) -> Repositories:
    """An empty book with the built-in catalogue."""
    return await open_book(store, builtin_catalogue())


def new(client_id: str, manager_id: str | None = None, **values: object) -> NewInteraction:
    return NewInteraction(client_id, manager_id, {"at": AT, "channel": "VISIT"} | values)


async def all_of(book: Repositories) -> list[dict[str, Any]]:
    return await book.interactions.collection.find({})


class TestRecordInteraction:
    async def test_everything_that_is_said(self, full_book: Repositories) -> None:
        client = await make_client(full_book)
        manager = await create_manager(VIEWER, full_book, "M001", {"name": "Li"}, UNGUARDED)
        attendees = [{"name": "Wang", "side": "CLIENT"}, {"name": "Li", "side": "BANK"}]
        signals = [{"kind": "NEED", "words": "Asked about leasing."}]
        given = {"attendees": attendees, "signals": signals, "outcome": "INTERESTED", "nextStepOn": date(2026, 12, 1)}
        asked = new(client, str(manager.document["_id"]), duration=45, **given)
        written = await record_interaction(VIEWER, full_book, asked, UNGUARDED)
        (stored,) = await all_of(full_book)
        assert stored == written.document | {"at": stored["at"], "nextStepOn": stored["nextStepOn"]}
        assert stored["_id"].startswith("in_")
        assert (stored["clientId"], stored["managerId"], stored["version"]) == (client, manager.document["_id"], 1)
        assert stored["at"] == datetime(2026, 11, 20, 9, 30, 0, 123000, tzinfo=UTC)
        assert (stored["attendees"], stored["signals"], stored["duration"]) == (attendees, signals, 45)
        assert stored["tail"][0]["by"] == VIEWER.person

    @pytest.mark.parametrize(
        "at", [datetime(1700, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC), now() + timedelta(hours=5)]
    )
    async def test_no_contact_is_to_come_or_was_in_another_age(self, full_book: Repositories, at: datetime) -> None:
        client = await make_client(full_book)
        with pytest.raises(Refused, match="at takes a moment from 1900-01-01T00:00:00Z to TODAY"):
            await record_interaction(VIEWER, full_book, new(client, at=at), UNGUARDED)
        assert await all_of(full_book) == []

    async def test_clocks_may_be_apart(self, full_book: Repositories) -> None:
        client = await make_client(full_book)
        await record_interaction(VIEWER, full_book, new(client, at=now() + timedelta(seconds=50)), UNGUARDED)
        assert len(await all_of(full_book)) == 1

    async def test_the_same_request_twice_is_one_contact(self, full_book: Repositories) -> None:
        client = await make_client(full_book)
        first = await record_interaction(VIEWER, full_book, new(client), Guard(idempotency_key="k"))
        again = await record_interaction(VIEWER, full_book, new(client), Guard(idempotency_key="k"))
        assert (again.is_replay, again.document["_id"]) == (True, first.document["_id"])
        other = await record_interaction(OTHER, full_book, new(client), Guard(idempotency_key="k"))
        assert not other.is_replay
        assert len(await all_of(full_book)) == 2

    async def test_a_key_of_another_request(self, full_book: Repositories) -> None:
        client = await make_client(full_book)
        await record_interaction(VIEWER, full_book, new(client), Guard(idempotency_key="k"))
        before = await everything(full_book)
        with pytest.raises(KeyReused):
            await record_interaction(VIEWER, full_book, new(client, channel="EMAIL"), Guard(idempotency_key="k"))
        assert await everything(full_book) == before

    async def test_without_a_key_it_is_another_contact(self, full_book: Repositories) -> None:
        client = await make_client(full_book)
        for _ in range(2):
            await record_interaction(VIEWER, full_book, new(client), UNGUARDED)
        assert len(await all_of(full_book)) == 2

    async def test_every_problem_at_once_and_nothing_written(self, full_book: Repositories) -> None:
        before = await everything(full_book)
        asked = NewInteraction("cl_gone", "mg_gone", {"channel": "PIGEON", "duration": -5, "mood": "good"})
        with pytest.raises(Refused) as refused:
            await record_interaction(VIEWER, full_book, asked, Guard(idempotency_key=""))
        named = {each.path[0] for each in refused.value.problems()}
        assert named == {"idempotencyKey", "channel", "duration", "mood", "at", "clientId", "managerId"}
        assert await everything(full_book) == before

    @pytest.mark.parametrize("missing", ["at", "channel"])
    async def test_what_every_contact_has(self, full_book: Repositories, missing: str) -> None:
        client = await make_client(full_book)
        for values in ({missing: None}, {}):
            given = {key: each for key, each in {"at": AT, "channel": "VISIT"}.items() if key != missing} | values
            with pytest.raises(Refused, match=f"{missing} takes a value in every record"):
                await record_interaction(VIEWER, full_book, NewInteraction(client, None, given), UNGUARDED)
        assert await all_of(full_book) == []
