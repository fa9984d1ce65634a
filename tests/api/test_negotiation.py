"""Content negotiation."""

import pytest

from api.negotiation import GRAPHQL_RESPONSE, JSON, is_json_in_utf8, wanted_from


class TestWantedFrom:
    @pytest.mark.parametrize(
        ("accept", "expected"),
        [
            (None, JSON),
            ("", JSON),
            ("*/*", JSON),
            ("application/*", JSON),
            (JSON, JSON),
            ("APPLICATION/JSON; charset=utf-8", JSON),
            (GRAPHQL_RESPONSE, GRAPHQL_RESPONSE),
            (f"{GRAPHQL_RESPONSE}, {JSON};q=0.9", GRAPHQL_RESPONSE),
            (f"{JSON};q=0.9, {GRAPHQL_RESPONSE}", GRAPHQL_RESPONSE),
            (f"{GRAPHQL_RESPONSE}, {JSON}", GRAPHQL_RESPONSE),
            (f"{JSON}, {GRAPHQL_RESPONSE}", JSON),
            (f"{GRAPHQL_RESPONSE}, */*", GRAPHQL_RESPONSE),
            (f"*/*, {GRAPHQL_RESPONSE}", GRAPHQL_RESPONSE),
            (f"{JSON};q=0, */*", GRAPHQL_RESPONSE),
            ("image/png", None),
            ("text/event-stream", None),
            (f"{JSON};q=0", None),
            (f"{JSON};q=high", None),
        ],
    )
    def test_json(self, accept: str | None, expected: str | None) -> None:
        assert wanted_from(accept).json == expected

    @pytest.mark.parametrize(
        ("accept", "expected"),
        [
            ("text/event-stream", True),
            (f"{JSON}, text/event-stream", True),
            ("*/*", False),
            ("text/event-stream;q=0", False),
        ],
    )
    def test_stream_must_be_named(self, accept: str, expected: bool) -> None:
        assert wanted_from(accept).stream is expected

    @pytest.mark.parametrize(
        ("accept", "expected"),
        [
            ("text/html,application/xhtml+xml,*/*;q=0.8", True),
            ("*/*", False),
            (None, False),
            (f"text/html, {JSON}", False),
        ],
    )
    def test_page_must_be_named_and_json_not(self, accept: str | None, expected: bool) -> None:
        assert wanted_from(accept).page is expected


class TestIsJsonInUtf8:
    @pytest.mark.parametrize(
        ("content_type", "expected"),
        [
            (JSON, True),
            ("Application/JSON", True),
            (f"{JSON};charset=UTF-8", True),
            (f'{JSON}; charset="utf-8"', True),
            (f"{JSON}; charset=utf-16", False),
            (None, False),
            ("", False),
            ("text/json", False),
            (f"text/plain; x={JSON}", False),
        ],
    )
    def test_header(self, content_type: str | None, expected: bool) -> None:
        assert is_json_in_utf8(content_type) is expected
