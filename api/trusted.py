"""Which GraphQL documents are run: any, or only those that are registered."""

import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from graphql import GraphQLError, print_ast

from api.errors import HttpRefusal
from api.limits import capped_parse, check_length
from api.settings import Settings
from repositories.errors import RepositoryError

_log = logging.getLogger("kehu.documents")

FindText = Callable[[str], Awaitable[str | None]]
"""From the digest or the id of a registered document to its text."""

FRESH_SECONDS = 1.5
"""A server learns within it what was registered or removed elsewhere."""
ENTRIES_KEPT = 2_000
LOGGED_AGAIN_SECONDS = 60.0
LONGEST_ID_CHARACTERS = 200
_PREFIX = "sha256:"
_Value = TypeVar("_Value")


async def nobody(_key: str) -> str | None:
    """Where nothing is registered."""
    return None


def normal_form(text: str, settings: Settings) -> str:
    """The document as it is printed anew: without comments, and with one way to break lines.

    Raises: GraphQLError if the text is no GraphQL, or too long.
    """
    check_length(text, settings.document_limit_characters)
    return print_ast(capped_parse(text, settings.document_limit_tokens))


def digest_of(normal: str) -> str:
    """The sha256 of a normal form, in hexadecimal digits."""
    return sha256(normal.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class _Known:
    text: str | None
    at: float


class TrustedDocuments:
    """The registered documents as one server knows them.

    What is not registered is never kept, but that it was not, for a moment: nobody can fill the memory or the database.
    Cost: a dictionary look-up; one command for a document that was not asked for within the last moment.
    """

    def __init__(self, settings: Settings, find: FindText = nobody, now: Callable[[], float] = time.monotonic) -> None:
        self.mode = settings.trusted_documents
        self._settings = settings
        self._find = find
        self._now = now
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._digests: OrderedDict[str, str | None] = OrderedDict()
        self._logged: OrderedDict[str, float] = OrderedDict()

    async def text_of(self, document_id: str) -> str:
        """The text of a registered document.

        Raises: HttpRefusal 400.
        """
        found = None
        if len(document_id) <= LONGEST_ID_CHARACTERS:
            found = await self._text(document_id.removeprefix(_PREFIX))
        if found is None:
            raise _not_registered("No document is registered under this documentId.")
        return found

    async def check(self, text: str, person: str) -> None:
        """Nothing, if a document that was sent as a text may run.

        Raises: HttpRefusal 400.
        """
        if self.mode == "off":
            return
        if self.mode == "id-only":
            only = "This server runs registered documents only, by their documentId and not by their text."
            raise _not_registered(only)
        digest = self._digest(text)
        if digest is not None and await self._text(digest) is not None:
            return
        if self.mode == "enforce":
            raise _not_registered("This server runs registered documents only, and this one is not.")
        self._note(digest or digest_of(text), person)

    def _digest(self, text: str) -> str | None:
        """The digest of a document's normal form; None for what is no document."""
        if text in self._digests:
            self._digests.move_to_end(text)
            return self._digests[text]
        try:
            digest: str | None = digest_of(normal_form(text, self._settings))
        except GraphQLError:
            digest = None
        if len(text) <= self._settings.document_limit_characters:
            _keep(self._digests, text, digest, self._settings.document_cache_entries)
        return digest

    async def _text(self, key: str) -> str | None:
        known = self._known.get(key)
        if known is not None and self._now() - known.at < FRESH_SECONDS:
            return known.text
        began = self._now()
        try:
            text = await self._find(key)
        except RepositoryError:
            # While the database is away a server goes on with what it knows.
            if known is None or known.text is None:
                raise
            return known.text
        _keep(self._known, key, _Known(text, began), ENTRIES_KEPT)
        return text

    def _note(self, digest: str, person: str) -> None:
        now = self._now()
        if now - self._logged.get(digest, -LOGGED_AGAIN_SECONDS) < LOGGED_AGAIN_SECONDS:
            return
        _keep(self._logged, digest, now, ENTRIES_KEPT)
        facts = {"alert": "document_not_registered", "digest": digest, "person": person}
        _log.warning("a document that is not registered ran: %s%s, sent by %s", _PREFIX, digest, person, extra=facts)


def _keep(kept: "OrderedDict[str, _Value]", key: str, value: "_Value", most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > most:
        kept.popitem(last=False)


def _not_registered(what: str) -> HttpRefusal:
    advice = "Register it: kehu documents register FILE."
    return HttpRefusal(400, "DOCUMENT_NOT_REGISTERED", f"{what} {advice}")
