"""Pages as arguments ask for them, and as fields show them."""

import pytest

from catalogue.errors import ErrorCode
from repositories.plan import Page
from schema.connection import BadPage, connection_value, page_from


class TestPageFrom:
    def test_from_the_start_or_the_end(self) -> None:
        assert page_from(200, 200, "c") == Page(200, is_backward=False, after="c")
        assert page_from(200, None, None, 1, "c") == Page(1, is_backward=True, before="c")

    @pytest.mark.parametrize(
        ("first", "last"), [(None, None), (1, 1), (0, None), (-1, None), (201, None), (None, 0), (None, 201)]
    )
    def test_what_has_no_answer(self, first: int | None, last: int | None) -> None:
        with pytest.raises(BadPage) as refused:
            page_from(200, first, None, last)
        assert refused.value.code is ErrorCode.PAGE_SIZE
        assert "1 to 200" in refused.value.message or "either first or last" in refused.value.message


class TestConnectionValue:
    def test_with_cursors(self) -> None:
        value = connection_value(["a", "b"], ["1", "2"], has_next=True, has_previous=False)
        assert value["edges"] == [{"cursor": "1", "node": "a"}, {"cursor": "2", "node": "b"}]
        assert value["pageInfo"] == {
            "hasNextPage": True,
            "hasPreviousPage": False,
            "startCursor": "1",
            "endCursor": "2",
        }

    def test_an_empty_page_has_no_ends(self) -> None:
        info = connection_value([], [], has_next=False, has_previous=True)["pageInfo"]
        assert (info["startCursor"], info["endCursor"]) == (None, None)
