"""`/files/<id>`: files are sent and fetched by addresses that Kehu has signed, for a short time.

Whoever has one needs no token; but the person whom it was made for must still be one who may have it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.responses import FileResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from acts.checks import now
from acts.files import may_use
from api.auditing import Auditing
from api.errors import BAD_REQUEST, RETRY_SECONDS, HttpRefusal, refusal_from, retry_after
from api.lanes import PersonsShare
from api.limits import ClientGone, body_too_large
from api.middleware import Origins
from api.negotiation import JSON
from api.responses import JsonResponse, refused
from api.settings import Settings
from policy.files import FILES, FileRole
from policy.viewer import Viewer
from repositories.access import Touched
from repositories.files import open_new, role_of
from repositories.repositories import Repositories, Source

Document = dict[str, Any]
Known = Callable[[str], Awaitable[Viewer | None]]
"""Somebody by the id that their files name, as the directory knows them now; None for who is not active any more."""

LEAST_BYTES_A_SECOND = 10_000
"""A file that comes more slowly, over all of its time but the first seconds, takes a place from others."""
_ALLOW = ((b"allow", b"GET, HEAD, PUT"),)
_CLOSE = ((b"connection", b"close"),)
_LATER = (*_CLOSE, *retry_after(RETRY_SECONDS))
MEDIA = {
    ".csv": "text/csv; charset=utf-8",
    ".jsonl": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".toml": "application/toml",
}
_NOT_TO_BE_SHOWN = {
    # A file of somebody's words is kept, never shown as a page of this server.
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox",
    "cache-control": "private, no-store",
}


class FileEndpoint:
    """The ASGI application at /files/<id>: whoever has a signed address needs no token."""

    def __init__(self, source: Source, settings: Settings, audit: Auditing, known: Known) -> None:
        self._source = source
        self._known = known
        self._settings = settings
        self._audit = audit
        self._origins = Origins(settings)
        self._room = asyncio.Semaphore(settings.uploads)
        self._shares = PersonsShare(settings.uploads_per_person)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._response(scope, receive)
        except ClientGone:
            return
        except Exception as problem:
            response = refused(refusal_from(problem), JSON)
        await response(scope, receive, send)

    async def _response(self, scope: Scope, receive: Receive) -> ASGIApp:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        if method not in ("GET", "PUT"):
            raise HttpRefusal(405, "METHOD_NOT_ALLOWED", "Files are fetched by GET and sent by PUT.", _ALLOW)
        if not self._origins.allows(headers.get(b"origin"), headers.get(b"host")):
            raise HttpRefusal(403, "ORIGIN_NOT_ALLOWED", "Pages of this origin may not call Kehu.")
        repositories = self._source()
        file = await self._file(repositories, method, scope)
        if method == "PUT":
            return await self._received(repositories, file, headers, receive)
        return await self._sent(repositories, file)

    async def _file(self, repositories: Repositories, method: str, scope: Scope) -> Document:
        """Raises: HttpRefusal 404, in the same words whatever is wrong with the address."""
        file_id = scope["path_params"]["file_id"]
        given = parse_qs(scope["query_string"].decode("latin-1"))
        expires, signature = ("".join(given.get(name, ())) for name in ("expires", "signature"))
        files, moment = repositories.files, now()
        file = await files.find(file_id) if files.opens(method, file_id, expires, signature, moment) else None
        viewer = None if file is None else await self._known(file["by"])
        is_known = file is not None and viewer is not None and may_use(viewer, repositories, file)
        if file is None or not is_known or file["expiresAt"] <= moment:
            message = "There is no such file, or its address holds no longer; ask Kehu for it anew."
            raise HttpRefusal(404, "NOT_FOUND", message)
        return file

    async def _sent(self, repositories: Repositories, file: Document) -> ASGIApp:
        path = repositories.files.path_of(file)
        if file.get("bytes") is None or not path.exists():
            raise HttpRefusal(404, "NOT_FOUND", "This file has not been sent yet, or is not on this server.")
        touched = Touched()
        touched.note(FILES, (str(file["_id"]),))
        # Before a byte leaves, it is noted who has fetched the file.
        await self._audit.carried_out(Viewer(file["by"], frozenset()), "file", touched)
        media = MEDIA.get(file["ending"], "application/octet-stream")
        return FileResponse(path, headers=_NOT_TO_BE_SHOWN, media_type=media, filename=file["name"])

    async def _received(
        self, repositories: Repositories, file: Document, headers: Mapping[bytes, str], receive: Receive
    ) -> ASGIApp:
        """Raises: HttpRefusal 400, 408, 409, 413, 415; ClientGone. Nothing of the body is kept then."""
        if role_of(file) is not FileRole.UPLOAD or file.get("bytes") is not None:
            raise HttpRefusal(409, "ALREADY_EXISTS", "This file was sent already; ask for a new upload.", _CLOSE)
        if headers.get(b"content-encoding", "identity") != "identity":
            raise HttpRefusal(415, "UNSUPPORTED_MEDIA_TYPE", "Send the file as it is, not compressed.", _CLOSE)
        limit = file.get("size") or repositories.files.options.limit_bytes
        declared = headers.get(b"content-length", "")
        if declared.isdecimal() and int(declared) > limit:
            raise body_too_large(limit)
        target = repositories.files.path_of(file)
        # Two that are sent to one address at once do not write into one another.
        unfinished = target.with_name(f"{target.stem}-{datetime.now(UTC):%H%M%S%f}.part")
        try:
            async with self._place(str(file["by"])):
                count = await self._written(unfinished, receive, limit)
            if count == 0 or (file.get("size") or count) != count:
                expected = f"{file['size']} bytes, as was said" if file.get("size") else "at least one byte"
                raise HttpRefusal(400, BAD_REQUEST, f"The file has {count} bytes; expected {expected}. Send it again.")
            try:
                target.hardlink_to(unfinished)
            except FileExistsError:
                raise HttpRefusal(409, "ALREADY_EXISTS", "This file was sent already; ask for a new upload.") from None
            await repositories.files.received(str(file["_id"]), count)
        finally:
            unfinished.unlink(missing_ok=True)
        return JsonResponse(201, {"data": {"file": {"id": str(file["_id"]), "bytes": count}}}, JSON, None)

    @asynccontextmanager
    async def _place(self, person: str) -> AsyncIterator[None]:
        """Room for one upload, of the person's share and of all there is.

        Raises: HttpRefusal 503.
        """
        with self._shares.one_more(person) as is_one_of_few:
            if not is_one_of_few:
                words = f"You are sending {self._settings.uploads_per_person} files already, as many as one person may"
                raise HttpRefusal(503, "UNAVAILABLE", f"{words} at once. Send this one when one is done.", _LATER)
            try:
                async with asyncio.timeout(self._settings.request_read_seconds):
                    await self._room.acquire()
            except TimeoutError:
                words = "The server takes in as many files as it may, and nothing was done."
                raise HttpRefusal(503, "UNAVAILABLE", f"{words} Send it again in a moment.", _LATER) from None
            try:
                yield
            finally:
                self._room.release()

    def _check_pace(self, count: int, seconds: float) -> None:
        """Raises: HttpRefusal 408, where a file comes so slowly, or so long, that others wait for its place."""
        settings = self._settings
        if seconds > settings.upload_seconds:
            text = f"The file took longer than {settings.upload_seconds:g} s; send it in parts."
            raise HttpRefusal(408, "REQUEST_TOO_SLOW", text, _CLOSE)
        if seconds > settings.request_read_seconds and count < seconds * LEAST_BYTES_A_SECOND:
            pace = f"{count} bytes came in {seconds:.0f} s; {LEAST_BYTES_A_SECOND:,} a second are the least"
            raise HttpRefusal(408, "REQUEST_TOO_SLOW", f"{pace}. Send the file again, faster.", _CLOSE)

    async def _written(self, path: Path, receive: Receive, limit: int) -> int:
        """How many bytes of the body were written."""
        count, is_more, began = 0, True, asyncio.get_running_loop().time()
        with open_new(path) as out:
            while is_more:
                try:
                    async with asyncio.timeout(self._settings.request_read_seconds):
                        message = await receive()
                except TimeoutError:
                    text = f"Nothing came for {self._settings.request_read_seconds:g} s; send the file again, faster."
                    raise HttpRefusal(408, "REQUEST_TOO_SLOW", text, _CLOSE) from None
                self._check_pace(count, asyncio.get_running_loop().time() - began)
                if message["type"] == "http.disconnect":
                    raise ClientGone
                part = message.get("body", b"")
                count += len(part)
                if count > limit:
                    raise body_too_large(limit)
                out.write(part)
                is_more = message.get("more_body", False)
        return count
