"""Search on all stores: what is found, in which order, by which index, and by whom it is written."""

import pytest

from acts.search import index_words
from catalogue.attribute import CLIENTS
from catalogue.filters import Compare, Not, Search, all_of
from catalogue.kinds import Operator
from catalogue.search import folded, searchable_words
from repositories.compile.filters import query_from
from repositories.mongo import Store
from repositories.plan import Page, ReadPlan
from repositories.repositories import Repositories
from tests.books import ACCESS, SMALL, VIEWER, attribute, change, insert, open_book, seen

CATALOGUE = SMALL.with_attributes(
    (
        attribute("profile.name", is_searchable=True, is_sortable=True),
        attribute("profile.keyPeople.name", is_searchable=True),
    )
)
PATHS = ("number", "profile.keyPeople", "profile.name")
NAMES = {
    "C1": "中国工商银行",
    "C2": "ACME Trading Ltd.",
    "C3": "The Acme",
    "C4": "Acme",
    "C5": "Pacmen (a+b)",
    "C6": "工业商行",
}


async def book_of(store: Store) -> Repositories:
    repositories = await open_book(store, CATALOGUE)
    for number, name in NAMES.items():
        values = {"profile.name": name}
        words = searchable_words(CATALOGUE, values) | {"number": folded(number)}
        await insert(repositories, number, values, words=words)
    return repositories


async def found(
    repositories: Repositories, text: str, *, page: Page | None = None, paths: tuple[str, ...] = PATHS
) -> list[str]:
    search = Search(folded(text), paths)
    plan = ReadPlan(CLIENTS, frozenset(("number",)), search, (), page or Page(50), search)
    page_read = await repositories.clients.read_page(ACCESS.authorise(plan, VIEWER))
    return [str(each["number"]) for each in page_read.documents]


class TestSearch:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("工商银", ["C1"]),
            ("acme trad", ["C2"]),
            ("acme", ["C4", "C2", "C3", "C5"]),
            ("工", ["C6", "C1"]),
            ("a+B", ["C5"]),
            (".*", []),
            ("c3", ["C3"]),
            ("nothing", []),
        ],
    )
    async def test_finds_best_first(self, store: Store, text: str, expected: list[str]) -> None:
        assert await found(await book_of(store), text) == expected

    async def test_only_at_the_paths_that_may_be_read(self, store: Store) -> None:
        assert await found(await book_of(store), "acme", paths=("number",)) == []

    async def test_pages_in_both_directions(self, store: Store) -> None:
        repositories = await book_of(store)
        search = Search("acme", PATHS)
        seen: list[str] = []
        after = None
        for _ in range(4):
            plan = ReadPlan(CLIENTS, frozenset(("number",)), search, (), Page(1, after=after), search)
            authorised = ACCESS.authorise(plan, VIEWER)
            page = await repositories.clients.read_page(authorised)
            seen += [str(each["number"]) for each in page.documents]
            after = repositories.clients.seal(authorised, page.documents)[0]
        assert seen == ["C4", "C2", "C3", "C5"]
        assert await found(repositories, "acme", page=Page(2, is_backward=True, before=after)) == ["C2", "C3"]

    async def test_together_with_a_filter(self, store: Store) -> None:
        repositories = await book_of(store)
        where = all_of(Search("acme", PATHS), Not(Compare("number", Operator.EQ, "C4")))
        plan = ReadPlan(CLIENTS, frozenset(("number",)), where, (), Page(50))
        assert await repositories.clients.count(ACCESS.authorise(plan, VIEWER)) == 3

    async def test_a_change_changes_what_is_found(self, store: Store) -> None:
        repositories = await book_of(store)
        (client,) = await repositories.clients.collection.find({"number": "C1"})
        values = {"profile.name": "农业银行"}
        words = searchable_words(CATALOGUE, values)
        await repositories.clients.write(client["_id"], change(values, words=words), seen())
        assert await found(repositories, "工商银") == []
        assert await found(repositories, "农业") == ["C1"]
        assert await found(repositories, "c1") == ["C1"]

    @pytest.mark.real_drivers
    async def test_by_the_index(self, store: Store) -> None:
        await book_of(store)
        for text in ("工商银", "acme trad", "工"):
            command = {"find": CLIENTS, "filter": query_from(Search(text, PATHS))}
            plan = await store.explain(command)
            assert "IXSCAN" in str(plan["queryPlanner"]["winningPlan"]), text


class TestIndexWords:
    async def test_gives_words_to_values_that_have_none(self, store: Store) -> None:
        repositories = await open_book(store, CATALOGUE)
        await insert(repositories, "C9", {"profile.name": "Quiet Harbour", "profile.keyPeople": [{"name": "Mo"}]})
        assert await found(repositories, "harbour") == []
        assert [done async for done in index_words(repositories)] == [1, 2]
        assert await found(repositories, "harbour") == ["C9"]
        assert await found(repositories, "mo") == ["C9"]
        assert [done async for done in index_words(repositories)] == []
