"""What becomes an entry of the audit, and when an answer may leave."""

import asyncio
import logging
import os
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from graphql import ExecutionResult

from api.audit_heads import HEADS_FILE, AuditKey, append_head, audit_key_in
from api.errors import error_codes
from api.settings import AuditMode, Settings, SettingsError
from api.viewer import Authenticate, Credentials, Unauthenticated
from policy.jobs import JOBS
from policy.viewer import Viewer
from repositories.access import Touched
from repositories.audit import AuditRepository
from repositories.audit_log import AuditLog, Head, NotAudited
from repositories.compile.audit import OK, Deed, Document, body_from, note_from
from repositories.entry_windows import ENTRY_WINDOWS
from repositories.errors import Unavailable
from repositories.managers import MANAGERS
from schema.context import Context

log = logging.getLogger("kehu.audit")

HEADS_SECONDS = 60.0
CLOSING_SECONDS = 2.0
MUTATION, SUBSCRIPTION, COMMAND = "mutation", "subscription", "command"
BROKEN_OFF = "broken off"
DIRECTORY = frozenset((MANAGERS, JOBS, ENTRY_WINDOWS))
"""Areas that hold no client data: reading them alone needs no entry."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class Auditing:
    """The audit of one process.

    In strict mode an answer leaves when its entry is in the database, and not at all if it cannot be written. In
    asynchronous mode the entry is left to be written soon. Off, there are none.
    """

    def __init__(self, mode: AuditMode, person: str | None = None, now: Callable[[], datetime] = utc_now) -> None:
        """`person` is who really asks, where a command asks on behalf of somebody."""
        self.mode = mode
        self._person = person
        self._now = now
        self._log: AuditLog | None = None
        self._heads: asyncio.Task[None] | None = None
        self._counts: Counter[str] = Counter()

    @property
    def is_on(self) -> bool:
        """Whether there are entries."""
        return self._log is not None

    async def begin(self, repository: AuditRepository, settings: Settings) -> None:
        """Open the chain of this process.

        Raises: SettingsError if key or heads cannot be kept; NotAudited.
        """
        if self.mode == "off" or self._log is not None:
            return
        try:
            key, heads = audit_key_in(settings.data_dir), heads_file(settings)
            announce = partial(_announce, heads, key)
        except OSError as error:
            raise _unwritable(settings, error) from error
        opened = AuditLog(repository, key.sign, announce, f"{socket.gethostname()} {os.getpid()}", self._now)
        await opened.open()
        self._log = opened
        self._heads = asyncio.create_task(self._keep_heads(opened))

    async def end(self) -> None:
        """Write what waits, and how the chain ended."""
        opened, self._log = self._log, None
        if self._heads is not None:
            self._heads.cancel()
            await asyncio.gather(self._heads, return_exceptions=True)
        if opened is None:
            return
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await opened.close([*self._counted(), note_from(self._now(), "closed")])
        except (TimeoutError, Unavailable, OSError) as error:
            log.error("the audit could not be closed: %s", error, exc_info=error)

    async def answered(self, deed: Deed, context: object, result: ExecutionResult) -> None:
        """Return when the answer may leave.

        Raises: NotAudited.
        """
        if self.mode == "off" or not isinstance(context, Context):
            return
        errors = error_codes(result.errors) if result.errors else []
        if not is_noted(deed, context.touched, errors):
            return
        codes = [*errors, *context.touched.refusals]
        outcome = OK if not codes else "error" if "INTERNAL" in codes else f"refused {codes[0]}"
        await self._leave(self._body(context.viewer, deed, context.touched, outcome, codes))
        # A subscription goes on; what it shows next has an entry of its own.
        context.touched.records.clear()

    def broke_off(self, deed: Deed, context: object) -> None:
        """Note what was read or done by an operation of which nothing is answered."""
        if self._log is not None and isinstance(context, Context) and is_noted(deed, context.touched, ()):
            self._log.put_now([self._body(context.viewer, deed, context.touched, BROKEN_OFF, ())])

    def refused(self, viewer: Viewer, deed: Deed, code: str) -> None:
        """Note a request that was refused before it ran; no data leaves, so nothing waits for the entry.

        While there are too many entries that wait, these are counted only.
        """
        if self._log is None:
            return
        if self._log.is_full:
            self._counts["refusal"] += 1
        else:
            self._log.put_now([self._body(viewer, deed, Touched(), f"refused {code}", (code,))])

    async def carried_out(self, viewer: Viewer, name: str, touched: Touched) -> None:
        """Return when what a command did is noted.

        Raises: NotAudited.
        """
        if self.mode != "off" and (touched.changes or touched.records):
            await self._leave(self._body(viewer, Deed(COMMAND, name), touched, OK, ()))

    def counting(self, authenticate: Authenticate) -> Authenticate:
        """The same sign-in; those that are refused are counted, for one entry a minute."""

        async def counted(credentials: Credentials) -> Viewer:
            try:
                return await authenticate(credentials)
            except Unauthenticated:
                self._counts["signIn"] += 1
                raise

        return counted

    async def _leave(self, body: Document) -> None:
        if self._log is None:
            # Not begun yet, or ended already: no way for data to leave.
            raise NotAudited
        if self.mode == "strict":
            await self._log.commit([body])
        else:
            await self._log.put([body])

    def _body(self, viewer: Viewer, deed: Deed, touched: Touched, outcome: str, codes: Sequence[str]) -> Document:
        who = viewer if self._person is None else replace(viewer, person=self._person)
        return body_from(self._now(), who, deed, touched, outcome, codes)

    def _counted(self) -> list[Document]:
        """An entry for all sign-ins that were refused since the last one, and for refusals that were only counted."""
        counts, self._counts = self._counts, Counter()
        return [note_from(self._now(), kind, outcome="refused", count=count) for kind, count in counts.items()]

    async def _keep_heads(self, opened: AuditLog) -> None:
        while True:
            await asyncio.sleep(HEADS_SECONDS)
            if counted := self._counted():
                await opened.put(counted)
            try:
                await opened.announce()
            except OSError as error:
                log.error("the head of the audit could not be written: %s", error, exc_info=error)


def is_noted(deed: Deed, touched: Touched, codes: Sequence[str]) -> bool:
    """Whether an operation needs an entry: it changes something, met client data, or was refused something."""
    if deed.kind == MUTATION or codes or touched.hidden:
        return True
    return bool((touched.records.keys() | touched.paths.keys()) - DIRECTORY)


def heads_file(settings: Settings) -> Path:
    """The file of the heads."""
    return settings.audit_heads or settings.data_dir / HEADS_FILE


async def _announce(path: Path, key: AuditKey, head: Head) -> None:
    await asyncio.to_thread(append_head, path, key, head)


def _unwritable(settings: Settings, error: OSError) -> SettingsError:
    return SettingsError(
        f"KEHU_DATA_DIR: the key of the audit cannot be kept in {settings.data_dir.resolve()} ({error.strerror}); "
        "expected a directory that this user may write."
    )


@asynccontextmanager
async def audited_command(settings: Settings, repository: AuditRepository, person: str) -> AsyncIterator[Auditing]:
    """The audit for one command of the command line; all is written when the context ends.

    Raises: SettingsError, NotAudited.
    """
    auditing = Auditing(settings.audit_mode, person)
    await auditing.begin(repository, settings)
    try:
        yield auditing
    finally:
        await auditing.end()


UNAUDITED = Auditing("off")
