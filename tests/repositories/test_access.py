"""The one place where a decision meets a plan; nothing is read without it."""

import pytest

from catalogue.filters import And, Compare, Filter
from catalogue.kinds import Operator
from policy.decision import Decision
from policy.viewer import Viewer
from repositories import access
from repositories.errors import NotFound
from repositories.plan import ID, Page, ReadPlan
from repositories.repositories import Repositories
from tests.books import OTHER, VIEWER, change, everything, insert

MINE = Compare("managerId", Operator.EQ, "mg_1")
ACTIVE = Compare("stage", Operator.EQ, "ACTIVE")


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy that lets the viewer see the clients of one manager."""
    monkeypatch.setattr(access, "decide", lambda viewer: Decision(MINE if viewer == VIEWER else None))


@pytest.mark.usefixtures("narrow")
class TestAuthorise:
    @pytest.mark.parametrize(
        ("viewer", "asked", "allowed"),
        [
            (VIEWER, None, MINE),
            (VIEWER, ACTIVE, And((MINE, ACTIVE))),
            (OTHER, ACTIVE, ACTIVE),
            (OTHER, None, None),
        ],
    )
    def test_narrows_the_filter(self, viewer: Viewer, asked: Filter | None, allowed: Filter | None) -> None:
        plan = ReadPlan("clients", frozenset(), asked)
        authorised = access.authorise(plan, viewer)
        assert (authorised.plan, authorised.filter, authorised.principal) == (plan, allowed, viewer.person)

    async def test_holds_for_every_way_to_read_and_write(self, book: Repositories) -> None:
        mine, other = await insert(book, "A", {"managerId": "mg_1"}), await insert(book, "B", {"managerId": "mg_2"})
        everyone = access.authorise(ReadPlan("clients", frozenset(("number",)), page=Page(10)), VIEWER)
        assert [each[ID] for each in (await book.clients.read_page(everyone)).documents] == [mine]
        assert await book.clients.count(everyone) == 1
        assert set(await book.clients.load_many(everyone, {mine, other})) == {mine}
        one = access.authorise(ReadPlan("clients", frozenset(), Compare(ID, Operator.EQ, other)), VIEWER)
        assert await book.clients.find_one(one) is None
        rows = access.rows_for(VIEWER)
        assert await book.clients.existing({mine, other}, rows) == {mine}
        before = await everything(book)
        with pytest.raises(NotFound):
            await book.clients.write(other, change({"stage": "LOST"}, where=rows), ())
        assert await everything(book) == before
