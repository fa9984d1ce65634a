"""Content negotiation: which media type the caller sends and which it wants back."""

from functools import lru_cache
from typing import NamedTuple

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"
HTML = "text/html"
# Before 2025 the specification made application/json the answer to "anything", and clients still rely on it.
_JSON_TYPES = (JSON, GRAPHQL_RESPONSE)


class Wanted(NamedTuple):
    """What a caller accepts."""

    json: str | None
    stream: bool
    page: bool


class _Range(NamedTuple):
    media: str
    quality: float


@lru_cache(maxsize=256)
def wanted_from(accept: str | None) -> Wanted:
    """The best JSON media type for an Accept header, and whether event streams or a page for people are named in it."""
    if accept is None or not accept.strip():
        return Wanted(JSON, False, False)
    ranges = [_range_from(part) for part in accept.lower().split(",")]
    named = {each.media for each in ranges if each.quality > 0}
    scores = [(_score(media, ranges), media) for media in _JSON_TYPES]
    best = max(scores, key=lambda each: each[0])
    return Wanted(
        json=best[1] if best[0][0] > 0 else None,
        stream=EVENT_STREAM in named,
        page=HTML in named and not named.intersection(_JSON_TYPES),
    )


def _score(media: str, ranges: list[_Range]) -> tuple[float, int, int]:
    """Quality, exactness and place of the range that fits a media type best; (0, 0, 0) if none does."""
    fits = {media: 3, f"{media.partition('/')[0]}/*": 2, "*/*": 1}
    found = [(fits[each.media], -place, each.quality) for place, each in enumerate(ranges) if each.media in fits]
    if not found:
        return (0.0, 0, 0)
    exactness, place, quality = max(found)
    return (quality, exactness, place)


def _range_from(part: str) -> _Range:
    media, *parameters = (piece.strip() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return _Range(media, _quality_from(value.strip()))
    return _Range(media, 1.0)


def _quality_from(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0.0 <= quality <= 1.0 else 0.0


@lru_cache(maxsize=256)
def is_json_in_utf8(content_type: str | None) -> bool:
    """Whether a Content-Type header says JSON in UTF-8; without a charset it does."""
    media, *parameters = (piece.strip().lower() for piece in (content_type or "").split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "charset" and value.strip(' "') not in {"utf-8", "utf8"}:
            return False
    return media == JSON
