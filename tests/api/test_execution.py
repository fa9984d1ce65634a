"""Prepared documents."""

import pytest

from api.errors import InvalidDocument
from api.execution import _EDITIONS_KEPT, Documents
from tests.api.toys import LaterQuery, edition_of


class TestDocuments:
    def test_checked_once_for_an_edition(self) -> None:
        documents, edition = Documents(10, 1000), edition_of()
        first = documents.prepare(edition, "{ hello }")
        assert documents.prepare(edition, "{ hello }") is first
        assert documents.prepare(edition_of(LaterQuery, "b"), "{ hello }") is not first

    def test_valid_on_one_edition_only(self) -> None:
        documents = Documents(10, 1000)
        assert documents.prepare(edition_of(LaterQuery, "b"), "{ added }").query == "{ added }"
        with pytest.raises(InvalidDocument):
            documents.prepare(edition_of(), "{ added }")

    def test_least_used_goes_first(self) -> None:
        documents, edition = Documents(2, 1000), edition_of()
        queries = ["{ hello }", "{ person }", "{ edition }"]
        first, second = (documents.prepare(edition, query) for query in queries[:2])
        documents.prepare(edition, queries[0])
        documents.prepare(edition, queries[2])
        assert documents.prepare(edition, queries[0]) is first
        assert documents.prepare(edition, queries[1]) is not second

    def test_old_editions_go(self) -> None:
        documents = Documents(10, 1000)
        first = documents.prepare(edition_of(version="0"), "{ hello }")
        for version in range(1, _EDITIONS_KEPT + 1):
            documents.prepare(edition_of(version=str(version)), "{ hello }")
        assert documents.prepare(edition_of(version="0"), "{ hello }") is not first

    def test_no_room(self) -> None:
        documents, edition = Documents(0, 1000), edition_of()
        assert documents.prepare(edition, "{ hello }") is not documents.prepare(edition, "{ hello }")
