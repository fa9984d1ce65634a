"""GraphQL over HTTP on the current edition: POST and GET, one operation a request."""

import time

from graphql import OperationType
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from api.admission import Admission
from api.auditing import UNAUDITED, Auditing
from api.clock import Clock
from api.document_caps import DocumentCaps
from api.errors import Headers, HttpRefusal, InvalidDocument, refusal_from, unauthenticated
from api.event_stream import stream_of, stream_of_one
from api.execution import (
    BuildContext,
    Documents,
    EditionSource,
    Prepared,
    ServedEdition,
    answer_from,
    has_run,
    run,
)
from api.graphiql import assets_app, page_response
from api.graphql_request import GraphQLRequest, request_from_body, request_from_query_string
from api.limits import ClientGone, body_too_large, is_bulk, may_be_bulk, read_body
from api.middleware import Origins
from api.negotiation import GRAPHQL_RESPONSE, JSON, Wanted, is_json_in_utf8, wanted_from
from api.responses import Delivered, JsonResponse, refused
from api.schema_document import SchemaDocument
from api.service import Service
from api.settings import Settings
from api.trusted import FindText, TrustedDocuments, nobody
from api.viewer import Authenticate, Unauthenticated, credentials_from
from api.websocket import GraphQLSocket
from policy.viewer import Viewer

_ALLOW: Headers = ((b"allow", b"GET, POST"),)
_ALLOW_POST: Headers = ((b"allow", b"POST"),)

RequestHeaders = dict[bytes, str]


def graphql_routes(
    editions: EditionSource,
    authenticate: Authenticate,
    build_context: BuildContext,
    settings: Settings,
    now: Clock = time.time,
    find_document: FindText = nobody,
    audit: Auditing = UNAUDITED,
) -> list[BaseRoute]:
    """The routes of GraphQL: /graphql (HTTP, websocket, page), the page's files, and /schema.graphql."""
    trusted = TrustedDocuments(settings, find_document)
    documents, admission = documents_of(settings), Admission(settings)
    service = Service(
        editions,
        authenticate,
        build_context,
        settings,
        documents,
        admission,
        trusted,
        Origins(settings),
        now,
        audit,
    )
    return [
        Mount("/graphql/console", assets_app()),
        Route("/graphql", GraphQLView(service)),
        WebSocketRoute("/graphql", GraphQLSocket(service)),
        Route("/schema.graphql", SchemaDocument(service)),
    ]


def documents_of(settings: Settings) -> Documents:
    """The documents of a server, within the caps of its settings."""
    caps = DocumentCaps(
        settings.document_limit_depth,
        settings.document_limit_aliases,
        settings.document_limit_root_fields,
        settings.document_limit_directives,
        settings.document_limit_fields,
    )
    return Documents(
        settings.document_cache_entries,
        settings.document_limit_tokens,
        caps=caps,
        limit_characters=settings.document_limit_characters,
    )


class GraphQLView:
    """The ASGI application at /graphql for HTTP."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        wanted = wanted_from(headers.get(b"accept"))
        if wanted.page and scope["method"] in {"GET", "HEAD"}:
            await page_response(keeps_token=self._service.settings.environment == "development")(scope, receive, send)
            return
        try:
            response = await self._response(scope, headers, wanted, receive)
        except ClientGone:
            return
        await response(scope, receive, send)

    async def _response(self, scope: Scope, headers: RequestHeaders, wanted: Wanted, receive: Receive) -> ASGIApp:
        media = wanted.json or JSON
        version: str | None = None
        viewer: Viewer | None = None
        try:
            self._check_call(scope, headers, wanted)
            await self._service.admission.check_room()
            credentials = credentials_from(scope["headers"])
            viewer = await self._service.authenticate(credentials)
            self._service.admission.check_unread(viewer.person)
            edition = self._service.edition_for(viewer)
            version = edition.version
            request, prepared = await self._prepared(edition, scope, headers, receive, viewer.person)
            guard = self._service.admission.guard(viewer.person)
            context = self._service.context(viewer, edition, guard)
            if _is_stream(wanted, prepared, request):
                return stream_of(self._service, edition, prepared, request, context, (credentials, viewer), guard)
            result = await run(edition, prepared, request, context, guard, self._service.audit)
            status = 200 if media != GRAPHQL_RESPONSE or has_run(result) else 400
            return Delivered(
                JsonResponse(status, answer_from(result), media, version), self._service.admission.unread, viewer.person
            )
        except ClientGone:
            raise
        except Unauthenticated:
            return refused(unauthenticated(), media)
        except InvalidDocument as problem:
            self._service.note_refusal(viewer, version, problem.code, problem.query)
            if wanted.json is None:
                return stream_of_one(problem.answer(), version)
            return JsonResponse(400 if media == GRAPHQL_RESPONSE else 200, problem.answer(), media, version)
        except Exception as problem:
            refusal = refusal_from(problem)
            self._service.note_refusal(viewer, version, refusal.code)
            return refused(refusal, media, version)

    def _check_call(self, scope: Scope, headers: RequestHeaders, wanted: Wanted) -> None:
        """Refuse what no GraphQL request looks like.

        Raises: HttpRefusal 403, 405, 406, 415.
        """
        method = scope["method"]
        if method not in {"GET", "POST"}:
            raise HttpRefusal(405, "METHOD_NOT_ALLOWED", "GraphQL is served by GET and POST.", _ALLOW)
        if not self._service.origins.allows(headers.get(b"origin"), headers.get(b"host")):
            raise HttpRefusal(403, "ORIGIN_NOT_ALLOWED", "Pages of this origin may not call Kehu.")
        if wanted.json is None and not wanted.stream:
            offered = "application/graphql-response+json, application/json and text/event-stream"
            raise HttpRefusal(406, "NOT_ACCEPTABLE", f"Kehu answers in {offered}; accept one of them.")
        plain = headers.get(b"content-encoding", "identity") == "identity"
        if method == "POST" and not (plain and is_json_in_utf8(headers.get(b"content-type"))):
            expected = "Content-Type: application/json in UTF-8, not compressed"
            raise HttpRefusal(415, "UNSUPPORTED_MEDIA_TYPE", f"Send the request as {expected}.")

    async def _prepared(
        self, edition: ServedEdition, scope: Scope, headers: RequestHeaders, receive: Receive, person: str
    ) -> tuple[GraphQLRequest, Prepared]:
        """The request and its checked document.

        Raises: HttpRefusal 400, 405, 408, 413; InvalidDocument; ClientGone.
        """
        service, settings = self._service, self._service.settings
        if scope["method"] == "GET":
            request = request_from_query_string(scope["query_string"], settings.json_limit_levels)
            request, prepared = await service.prepared(edition, request, person)
            if prepared.operation(request.operation_name).operation is OperationType.MUTATION:
                message = "A mutation is not run by GET; send it by POST."
                raise HttpRefusal(405, "METHOD_NOT_ALLOWED", message, _ALLOW_POST)
            return request, prepared
        largest = max(settings.body_limit_bytes, settings.bulk_body_limit_bytes)
        body = await read_body(receive, headers.get(b"content-length"), largest, service.admission.reading)
        if len(body) > settings.body_limit_bytes and not may_be_bulk(body):
            raise body_too_large(settings.body_limit_bytes)
        request = request_from_body(body, settings.json_limit_levels)
        request, prepared = await service.prepared(edition, request, person)
        operation = prepared.operation(request.operation_name)
        if len(body) > (settings.bulk_body_limit_bytes if is_bulk(operation) else settings.body_limit_bytes):
            raise body_too_large(settings.body_limit_bytes)
        return request, prepared


def _is_stream(wanted: Wanted, prepared: Prepared, request: GraphQLRequest) -> bool:
    """Whether the answer is an event stream.

    Raises: HttpRefusal 400 for a subscription whose caller accepts no stream.
    """
    if prepared.operation(request.operation_name).operation is not OperationType.SUBSCRIPTION:
        return wanted.json is None
    if not wanted.stream:
        needed = "Accept: text/event-stream, or a websocket of the subprotocol graphql-transport-ws"
        raise HttpRefusal(400, "SUBSCRIPTION_NEEDS_STREAM", f"A subscription needs {needed}.")
    return True
