"""A chain of the audit on a store, with a key and heads of its own, for the tests of whoever writes or verifies one."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from acts.audit import BrokenHead, Report, verify_audit
from api.audit_heads import AuditKey, Verifier, append_head, read_heads
from policy.viewer import Viewer
from repositories.access import Touched
from repositories.audit_log import AuditLog, Head
from repositories.compile.audit import Deed, Document, body_from
from repositories.repositories import Repositories

KEY = AuditKey(bytes(32))
READER = Viewer("M001", frozenset(("relationship_manager",)))
Now = Callable[[], datetime]


def now() -> datetime:
    return datetime.now(UTC)


def read_of(*clients: str, at: datetime | None = None, name: str = "Read") -> Document:
    """The entry of a query that met these clients."""
    touched = Touched(records={"clients": set(clients)}, paths={"clients": {"profile.name"}})
    return body_from(at or now(), READER, Deed("query", name, "d" * 64, "e" * 12), touched)


def change_of(client: str, version: int) -> Document:
    """The entry of a mutation."""
    touched = Touched()
    touched.note_change("clients", client, version, ("stage",), None)
    return body_from(now(), READER, Deed("mutation", "Change"), touched)


@dataclass
class Trail:
    """The audit of one database, written by as many processes as one likes."""

    repositories: Repositories
    file: Path
    announced: list[Head] = field(default_factory=list)

    def log(self, clock: Now = now, announce: Callable[[Head], Awaitable[None]] | None = None) -> AuditLog:
        """The chain of one more process."""
        return AuditLog(self.repositories.audit, KEY.sign, announce or self._announce, "test 1", clock)

    async def _announce(self, head: Head) -> None:
        append_head(self.file, KEY, head)
        self.announced.append(head)

    async def written(self, *bodies: Document, closes: bool = True) -> AuditLog:
        """A chain with these entries, each in a group of its own."""
        log = self.log()
        await log.open()
        for each in bodies:
            await log.commit([each])
        if closes:
            await log.close([])
        return log

    async def entries(self) -> list[Document]:
        return [each async for each in self.repositories.audit.entries()]

    async def verified(self, key: AuditKey = KEY) -> Report:
        verifier = Verifier([key.public])

        def heads() -> Iterator[Head | BrokenHead]:
            return read_heads(self.file, verifier)

        return await verify_audit(self.repositories, heads, verifier, lambda _what, _done: None)
