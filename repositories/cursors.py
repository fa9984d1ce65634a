"""Cursors: the sort values of one record, signed and bound to the question they belong to."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import blake2b

import bson
from bson.codec_options import CodecOptions

from repositories.access import AuthorisedPlan
from repositories.errors import BadCursor

_MAC_BYTES = 12
_BINDING_BYTES = 8
_BODY_AT = _MAC_BYTES + _BINDING_BYTES
_OTHER_QUESTION = "it was made for another question: by another person, or with another filter, search, order or moment"
_CURSOR_LIMIT = 40_000
"""Units: characters; three keys of the longest texts that are sorted by, as UTF-8 in base 64."""
_UTC: CodecOptions[dict[str, object]] = CodecOptions(tz_aware=True)


class Cursors:
    """Seals positions into cursors and opens them again.

    Source: a keyed BLAKE2b of the question (person, filter, order), and one over that and the values; without the key
    no other position can be made, and a cursor of one question is refused by another, in words of its own.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def binding(self, authorised: AuthorisedPlan) -> bytes:
        """What a cursor is bound to; made once for a page."""
        plan = authorised.plan
        moment = () if plan.as_of is None else (plan.as_of,)
        return self.bound_to((plan.area, authorised.principal, authorised.asked, plan.order, *moment))

    def bound_to(self, question: tuple[object, ...]) -> bytes:
        """The binding to a question that is no plan."""
        text = repr(question)
        return blake2b(text.encode("utf-8", "surrogatepass"), key=self._key, digest_size=_BINDING_BYTES).digest()

    def seal(self, binding: bytes, position: Sequence[object]) -> str:
        """The cursor of a position."""
        body = bson.encode({"": list(position)})
        return urlsafe_b64encode(self._mac(binding, body) + binding + body).decode().rstrip("=")

    def open(self, binding: bytes, cursor: str, length: int) -> list[object]:
        """The position in a cursor.

        Raises: BadCursor if it was not sealed here, or not for the same question.
        """
        if len(cursor) > _CURSOR_LIMIT:
            raise BadCursor()
        try:
            raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        except ValueError:
            raise BadCursor() from None
        mac, own, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:_BODY_AT], raw[_BODY_AT:]
        if not hmac.compare_digest(mac, self._mac(own, body)):
            raise BadCursor()
        if own != binding:
            raise BadCursor(_OTHER_QUESTION)
        position = bson.decode(body, _UTC)[""]
        if not isinstance(position, list) or len(position) != length:
            raise BadCursor()
        return position

    def _mac(self, binding: bytes, body: bytes) -> bytes:
        return blake2b(binding + body, key=self._key, digest_size=_MAC_BYTES).digest()


def value_at(document: object, path: str) -> object:
    """The value at a dotted path of a document; None where there is nothing."""
    value = document
    for key in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value
