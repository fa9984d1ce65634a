"""The collection of entries: what is put in, what is found, and that nothing else is ever sent."""

from datetime import UTC, datetime, timedelta

import pytest

from repositories.audit import AUDIT, CHANGED, CHANGED_INDEX, CLIENT_INDEX, READ
from repositories.compile.audit import BEGINNING, Document, chained
from repositories.errors import BadCursor, RepositoryFault
from repositories.plan import Page
from repositories.repositories import Repositories
from tests.audits import change_of, read_of
from tests.conftest import CommandLog

AT = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)


def chain(*bodies: Document, partition: str = "P") -> list[Document]:
    entries: list[Document] = []
    for sequence, body in enumerate(bodies):
        entries.append(chained(body, partition, sequence, entries[-1]["hash"] if entries else BEGINNING))
    return entries


async def walk(book: Repositories, client: str, role: str, size: int) -> list[list[str]]:
    """The ids on each page."""
    pages: list[list[str]] = []
    after: str | None = None
    while True:
        found = await book.audit.read_page(client, role, Page(size, after=after), "ana")
        pages.append([str(each["_id"]) for each in found.documents])
        if not found.has_next:
            return pages
        after = book.audit.seal(client, role, "ana", found.documents)[-1]


class TestAppend:
    async def test_what_is_put_in_comes_out_in_the_order_of_the_chains(self, book: Repositories) -> None:
        first = chain(*(read_of(f"cl_{each}") for each in range(12)), partition="A")
        second = chain(read_of("cl_1"), partition="B")
        await book.audit.append(second)
        await book.audit.append(first)
        assert [each async for each in book.audit.entries()] == [*first, *second]
        assert await book.audit.count() == 13

    async def test_an_id_that_is_taken_is_refused(self, book: Repositories) -> None:
        await book.audit.append(chain(read_of("cl_1")))
        with pytest.raises(RepositoryFault, match="audit refused an entry"):
            await book.audit.append(chain(read_of("cl_2")))
        assert [each["clients"] async for each in book.audit.entries()] == [["cl_1"]]


class TestReadPage:
    async def test_newest_first_in_pages_that_meet_each_once(self, book: Repositories) -> None:
        moments = [AT + timedelta(minutes=each // 3) for each in range(10)]
        entries = chain(*(read_of("cl_1", f"cl_{place}x", at=at) for place, at in enumerate(moments)))
        await book.audit.append(entries)
        pages = await walk(book, "cl_1", READ, 3)
        assert [len(each) for each in pages] == [3, 3, 3, 1]
        assert [each for page in pages for each in page] == [each["_id"] for each in reversed(entries)]

    async def test_only_of_the_client_and_the_role(self, book: Repositories) -> None:
        await book.audit.append(chain(read_of("cl_1"), read_of("cl_2"), change_of("cl_1", 2)))
        assert await walk(book, "cl_1", READ, 9) == [["P:000000000000"]]
        assert await walk(book, "cl_1", CHANGED, 9) == [["P:000000000002"]]
        assert await walk(book, "cl_3", READ, 9) == [[]]

    async def test_since(self, book: Repositories) -> None:
        await book.audit.append(chain(*(read_of("cl_1", at=AT + timedelta(hours=each)) for each in range(4))))
        found = await book.audit.read_page("cl_1", READ, Page(9), "ana", AT + timedelta(hours=2))
        assert [each["at"] for each in found.documents] == [AT + timedelta(hours=3), AT + timedelta(hours=2)]

    async def test_a_cursor_belongs_to_its_question_and_person(self, book: Repositories) -> None:
        await book.audit.append(chain(read_of("cl_1")))
        found = await book.audit.read_page("cl_1", READ, Page(1), "ana")
        cursor = book.audit.seal("cl_1", READ, "ana", found.documents)[0]
        for client, role, person in (("cl_2", READ, "ana"), ("cl_1", CHANGED, "ana"), ("cl_1", READ, "bob")):
            with pytest.raises(BadCursor):
                await book.audit.read_page(client, role, Page(1, after=cursor), person)

    @pytest.mark.real_drivers
    @pytest.mark.parametrize(("role", "index"), [(READ, CLIENT_INDEX), (CHANGED, CHANGED_INDEX)])
    async def test_its_index_serves_it_without_a_sort(
        self, book: Repositories, command_log: CommandLog, role: str, index: str
    ) -> None:
        await book.audit.prepare()
        await book.audit.append(chain(*(read_of("cl_1") for _ in range(5))))
        command_log.clear()
        await book.audit.read_page("cl_1", role, Page(2), "ana", AT)
        plan = str((await book.store.explain(command_log.commands[0]))["queryPlanner"]["winningPlan"])
        assert f"'indexName': '{index}'" in plan
        assert "'stage': 'SORT'" not in plan


class TestLookUps:
    async def test_hashes(self, book: Repositories) -> None:
        entries = chain(read_of("cl_1"), read_of("cl_2"))
        await book.audit.append(entries)
        ids = [each["_id"] for each in entries]
        assert await book.audit.hashes([*ids, "P:9"]) == {each["_id"]: each["hash"] for each in entries}

    async def test_changes_of(self, book: Repositories) -> None:
        await book.audit.append(
            chain(change_of("cl_1", 2), change_of("cl_1", 3), change_of("cl_2", 5), read_of("cl_1"))
        )
        assert await book.audit.changes_of(("cl_1", "cl_9")) == {"cl_1:2", "cl_1:3"}


@pytest.mark.real_drivers
class TestCommands:
    async def test_nothing_is_sent_but_insert_and_find(self, book: Repositories, command_log: CommandLog) -> None:
        command_log.clear()
        await book.audit.append(chain(read_of("cl_1"), change_of("cl_1", 2)))
        await walk(book, "cl_1", READ, 1)
        await walk(book, "cl_1", CHANGED, 1)
        await book.audit.hashes(("P:0",))
        await book.audit.changes_of(("cl_1",))
        assert [each["sequence"] async for each in book.audit.entries()] == [0, 1]
        sent = {next(iter(command)) for command in command_log.commands}
        assert sent == {"insert", "find"}
        assert {next(iter(command.values())) for command in command_log.commands} == {AUDIT}
