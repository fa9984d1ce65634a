"""What HTTP, websocket and event streams share: who asks, what is served, and the checked documents."""

import logging
import time
from dataclasses import dataclass, replace

from graphql import GraphQLError

from api.admission import Admission, Guard
from api.auditing import UNAUDITED, Auditing
from api.clock import Clock
from api.errors import BAD_REQUEST, PERSISTED_QUERY_NOT_SUPPORTED, HttpRefusal, InvalidDocument
from api.execution import BuildContext, Documents, EditionSource, HeldEdition, Prepared, ServedEdition, text_digest
from api.graphql_request import GraphQLRequest
from api.limits import check_variables
from api.middleware import Origins
from api.settings import Settings
from api.trusted import TrustedDocuments
from api.viewer import Authenticate, Credentials, Unauthenticated, end_of
from policy.viewer import Viewer
from repositories.compile.audit import Deed

_log = logging.getLogger("kehu.api")

CHECK_SECONDS = 3.0
"""Between two looks at who stands behind an open stream; with the age of what the directory says, within 5 s."""


@dataclass(frozen=True, slots=True)
class Service:
    """The parts that one server's GraphQL endpoints are made of."""

    editions: EditionSource
    authenticate: Authenticate
    build_context: BuildContext
    settings: Settings
    documents: Documents
    admission: Admission
    trusted: TrustedDocuments
    origins: Origins
    now: Clock = time.time
    audit: Auditing = UNAUDITED

    def edition_for(self, viewer: Viewer) -> HeldEdition:
        """The edition of the moment, as the viewer has it."""
        return self.editions.current.seen_by(viewer)

    async def prepared(
        self, edition: ServedEdition, request: GraphQLRequest, person: str
    ) -> tuple[GraphQLRequest, Prepared]:
        """The request with the text of its document, and the checked document.

        Raises: InvalidDocument; HttpRefusal 400 for a document that is not registered and has to be, and for a hash
        that is not the query's.
        """
        if request.sha256 is not None:
            _check_hash(request, request.sha256)
        if request.document_id is not None:
            request = replace(request, query=await self.trusted.text_of(request.document_id))
        elif self.trusted.mode != "off":
            await self.trusted.check(request.query, person)
        prepared = self.documents.prepare(edition, request.query)
        check_variables(prepared.operation(request.operation_name), request.variables)
        return request, prepared

    def context(self, viewer: Viewer, edition: ServedEdition, guard: Guard) -> object:
        """What the resolvers of one operation get."""
        return self.build_context(viewer, edition, guard)

    def note_refusal(self, viewer: Viewer | None, version: str | None, code: str, query: str | None = None) -> None:
        """Note in the audit that a request of a known person was refused before it ran."""
        if viewer is not None and self.audit.is_on:
            digest = None if query is None else text_digest(query)
            self.audit.refused(viewer, Deed("request", None, digest, version), code)

    def stands(self, edition: HeldEdition, viewer: Viewer) -> bool:
        """Whether a stream may go on with its edition: the one of the moment keeps no more from the viewer."""
        return edition.holds_beside(self.edition_for(viewer), viewer)

    async def holds(self, credentials: Credentials, viewer: Viewer, edition: HeldEdition) -> bool:
        """Whether the viewer of an open stream is still who the directory says, and may still do and see the same.

        What a stream was opened with, its edition and whatever runs on it, is of that. A directory that is away for a
        moment must not end every open stream.
        """
        if not self.stands(edition, viewer):
            return False
        try:
            return await self.authenticate(credentials) == viewer
        except Unauthenticated:
            return False
        except Exception:
            _log.exception("the credentials of an open stream could not be checked")
            return True

    def pause(self, until: float) -> float:
        """How long an open stream that ends at a moment may wait for the next look.

        Units: seconds.
        """
        return min(self.settings.stream_heartbeat_seconds, CHECK_SECONDS, max(0.0, until - self.now()))

    def end(self, viewer: Viewer) -> float:
        """When a stream that the viewer opens now must end."""
        return end_of(viewer, self.now())


def _check_hash(request: GraphQLRequest, sha256: str) -> None:
    """Nothing, where a hash stands beside its own query.

    A client that gets this answer to a hash alone sends the query from then on; Kehu keeps none but registered ones.

    Raises: InvalidDocument for a hash alone; HttpRefusal 400 for one that is not the query's.
    """
    if not request.query and request.document_id is None:
        error = GraphQLError("PersistedQueryNotSupported", extensions={"code": PERSISTED_QUERY_NOT_SUPPORTED})
        raise InvalidDocument([error], PERSISTED_QUERY_NOT_SUPPORTED)
    if request.query and text_digest(request.query) != sha256.lower():
        message = "extensions.persistedQuery.sha256Hash is not the SHA-256 of the query beside it. Send the hash of"
        raise HttpRefusal(400, BAD_REQUEST, f"{message} exactly this text, or none.")
