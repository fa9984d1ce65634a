"""Likely duplicates: found by what is the same, by whoever may read and filter by it, and by nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from acts.checks import UNGUARDED
from acts.clients import NewClient, create_client
from acts.duplicates import MEMBER_LIMIT, RULES, DuplicatePair, DuplicateRule, duplicate_clients
from catalogue.attribute import ClientKind, Sensitivity
from catalogue.catalogue import UnknownAttribute
from catalogue.kinds import Kind
from policy.viewer import Viewer, program
from repositories.access import Touched
from repositories.mongo import Store
from repositories.plan import ID
from repositories.repositories import Repositories
from tests.books import NO_PROOF, SMALL, VIEWER, attribute, insert, open_book

CATALOGUE = SMALL.with_attributes(
    (
        attribute("profile.taxId", sensitivity=Sensitivity.RESTRICTED, is_lookup=True),
        attribute("profile.registrationNumber", sensitivity=Sensitivity.RESTRICTED),
        attribute("profile.phone", Kind.PHONE),
        attribute("profile.email", Kind.EMAIL, sensitivity=Sensitivity.CONFIDENTIAL),
        attribute("profile.name", sensitivity=Sensitivity.INTERNAL, required_for=(ClientKind.ORGANISATION,)),
        attribute("profile.location.city", sensitivity=Sensitivity.INTERNAL),
    )
)
WRITER = program("writer")
OFFICER = Viewer("R", frozenset(("risk_officer",)), purpose="FINANCIAL_CRIME")
STEWARD = Viewer("S", frozenset(("data_steward",)))


@pytest.fixture
async def book(store: Store) -> Repositories:
    return await open_book(store, CATALOGUE)


async def client(book: Repositories, number: str, kind: ClientKind = ClientKind.ORGANISATION, **profile: Any) -> str:
    new = NewClient(number, kind, facets={"profile": {"name": number, **profile}})
    return str((await create_client(WRITER, book, new, NO_PROOF, UNGUARDED)).document[ID])


async def found(book: Repositories, viewer: Viewer = VIEWER, rule: DuplicateRule | None = None) -> Any:
    return {each.ids: list(each.rules) for each in await duplicate_clients(viewer, book, rule)}


class TestDuplicateClients:
    async def test_whatever_case_spaces_and_signs(self, book: Repositories) -> None:
        one = await client(book, "A", name="Li & Co. Ltd", location={"city": "Basel"}, phone="+41 61 123-45-67")
        two = await client(book, "B", name="LI & CO LTD", location={"city": "basel"}, phone="+41611234567")
        await client(book, "C", name="Li & Co. Ltd", location={"city": "Bern"})
        await client(book, "D", ClientKind.PERSON, name="Li & Co. Ltd", location={"city": "Basel"})
        pairs = await duplicate_clients(VIEWER, book)
        assert [(each.ids, each.rules, each.score) for each in pairs] == [
            ((one, two), (DuplicateRule.PHONE, DuplicateRule.NAME_AND_CITY), 0.88)
        ]
        assert await found(book, VIEWER, DuplicateRule.PHONE) == {(one, two): [DuplicateRule.PHONE]}

    @pytest.mark.parametrize("left", [{"a": 1}, [1, "x"], [], True])
    async def test_what_is_no_text_is_like_nobodys(self, book: Repositories, left: object) -> None:
        one, two = [await client(book, each, name="Li", location={"city": "Basel"}) for each in ("A", "B")]
        for number in ("C", "D"):
            odd = await client(book, number, name="Li")
            values = {"profile.location": left, "profile.phone": left, "profile.name": left}
            await book.clients.collection.update_one({ID: odd}, {"$set": values})
        assert await found(book) == {(one, two): [DuplicateRule.NAME_AND_CITY]}

    async def test_three_of_one_are_three_pairs_and_what_many_share_is_none(self, book: Repositories) -> None:
        three = sorted([await insert(book, f"T{at}", {"profile.email": "a@b.example"}) for at in range(3)])
        for at in range(MEMBER_LIMIT + 1):
            await insert(book, f"M{at}", {"profile.phone": "+41 1"})
        assert list(await found(book)) == [(three[0], three[1]), (three[0], three[2]), (three[1], three[2])]

    async def test_the_likeliest_first(self, book: Repositories) -> None:
        for number, values in (
            ("A", {"profile.phone": "1", "profile.email": "x@y.example"}),
            ("B", {"profile.phone": "1"}),
            ("C", {"profile.email": "x@y.example"}),
        ):
            await insert(book, number, values)
        scores = [each.score for each in await duplicate_clients(VIEWER, book)]
        assert scores == [0.8, 0.7]

    async def test_encrypted_numbers_by_their_hashes_and_with_a_purpose_alone(self, book: Repositories) -> None:
        ids = tuple(sorted([await client(book, each, taxId="T-1", registrationNumber="R") for each in ("A", "B")]))
        await client(book, "C", taxId="T-2")
        assert await found(book, OFFICER) == {ids: [DuplicateRule.TAX_NUMBER]}
        for viewer in (VIEWER, replace(OFFICER, purpose=None), STEWARD):
            assert await found(book, viewer) == {}
            with pytest.raises(UnknownAttribute, match=r"profile\.taxId"):
                await found(book, viewer, DuplicateRule.TAX_NUMBER)
        with pytest.raises(UnknownAttribute):
            # No keyed hashes are kept of it.
            await found(book, OFFICER, DuplicateRule.REGISTRATION)

    async def test_not_by_what_a_role_does_not_read(self, book: Repositories) -> None:
        for number in ("A", "B"):
            await client(book, number, email="x@y.example")
        assert len(await found(book)) == 1
        assert await found(book, STEWARD) == {}

    async def test_among_own_clients_alone(self, book: Repositories) -> None:
        own = [await insert(book, each, {"profile.phone": "12", "managerId": "mg_1"}) for each in ("A", "B")]
        await insert(book, "C", {"profile.phone": "12", "managerId": "mg_2"})
        viewer = Viewer("M", frozenset(("relationship_manager",)), None, "mg_1")
        touched = Touched()
        (pair,) = await duplicate_clients(viewer, book, DuplicateRule.PHONE, touched)
        assert pair.ids == tuple(sorted(own))
        assert "profile.phone" in touched.paths["clients"]

    def test_no_reason_makes_it_certain(self) -> None:
        assert DuplicatePair(("a", "b"), tuple(RULES)).score < 1
        assert RULES.keys() == set(DuplicateRule)
