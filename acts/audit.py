"""Verify the audit: every entry in its place and as it was written, no end cut off, no change without an entry."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from acts.recomputing import PROGRAM as FORMULAS
from catalogue.attribute import CLIENTS
from repositories.audit import AuditRepository
from repositories.audit_log import BEFORE_FIRST, Head
from repositories.compile.audit import BEGINNING, entry_hash, entry_id
from repositories.owned import held
from repositories.repositories import Repositories
from repositories.rollups import PROGRAM as ROLLUPS

Verify = Callable[[bytes, object], bool]
"""Whether a signature of some bytes was made with a key that is trusted."""
Progress = Callable[[str, int], None]
"""Told what is being gone through, and how many are done."""
BATCH = 500
FINDINGS_LISTED = 1_000


@dataclass(frozen=True, slots=True)
class BrokenHead:
    """A line of a file of heads that says nothing that can be trusted."""

    file: str
    line: int
    reason: str


Heads = Callable[[], Iterable[Head | BrokenHead]]
"""Reads the heads; called again where a server may have added some meanwhile."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written."""

    kind: str
    message: str
    partition: str | None = None
    sequence: int | None = None


@dataclass(slots=True)
class Report:
    """What a verification came to."""

    entries: int = 0
    partitions: int = 0
    heads: int = 0
    changes: int = 0
    """Changes of client data since auditing began."""
    findings: list[Finding] = field(default_factory=list)
    """The first thousand."""
    counts: Counter[str] = field(default_factory=Counter)
    """All findings, by kind."""
    without_entry: list[str] = field(default_factory=list)
    """Changes that have no entry, as `<record>:<version>`; the first thousand."""
    without_entry_count: int = 0

    def found(self, kind: str, message: str, partition: str | None = None, sequence: int | None = None) -> None:
        """Note a finding."""
        self.counts[kind] += 1
        if len(self.findings) < FINDINGS_LISTED:
            self.findings.append(Finding(kind, message, partition, sequence))


async def verify_audit(repositories: Repositories, heads: Heads, verify: Verify, progress: Progress) -> Report:
    """Everything that was tampered with, as far as chains, signatures and heads tell; and the changes without an entry.

    Order: by sequence within each partition; the clocks of the servers are not looked at.
    Cost: one pass over the entries, one look-up for 500 heads, one pass over the changes; flat memory, but for the
    names of the partitions.
    """
    report = Report()
    announced = await _check_heads(repositories.audit, heads(), report, progress)
    walk = _Walk(report, verify)
    async for entry in repositories.audit.entries():
        walk.take(entry)
        if not report.entries % BATCH:
            progress("entries", report.entries)
    walk.end()
    progress("entries", report.entries)
    if unknown := walk.partitions - announced:
        # A server may have begun one since the heads were read.
        unknown -= {each.partition for each in heads() if isinstance(each, Head)}
    for partition in sorted(unknown):
        report.found("UNANNOUNCED", "no head names this partition; give the files of all servers", partition)
    await _check_changes(repositories, walk.began_at, report, progress)
    return report


async def _check_heads(
    audit: AuditRepository, heads: Iterable[Head | BrokenHead], report: Report, progress: Progress
) -> set[str]:
    """The partitions that are named; a finding for each head that the entries do not bear out."""
    announced: set[str] = set()
    batch: list[Head] = []
    for each in heads:
        if isinstance(each, BrokenHead):
            report.found("HEADS", f"{each.file}, line {each.line}: {each.reason}")
            continue
        announced.add(each.partition)
        batch.append(each)
        if len(batch) == BATCH:
            await _check_batch(audit, batch, report)
            batch = []
            progress("heads", report.heads)
    await _check_batch(audit, batch, report)
    progress("heads", report.heads)
    return announced


async def _check_batch(audit: AuditRepository, heads: list[Head], report: Report) -> None:
    report.heads += len(heads)
    # A partition that was to begin may have no entry: nothing was confirmed of it.
    begun = [head for head in heads if head.sequence != BEFORE_FIRST]
    if not begun:
        return
    found = await audit.hashes({entry_id(head.partition, head.sequence) for head in begun})
    for each in begun:
        there = found.get(entry_id(each.partition, each.sequence))
        if there is None:
            message = f"the head of {each.at:%Y-%m-%d %H:%M:%S} names an entry that is gone"
            report.found("CUT_OFF", message, each.partition, each.sequence)
        elif there != each.hash:
            message = f"the entry is another than the one that the head of {each.at:%Y-%m-%d %H:%M:%S} names"
            report.found("REPLACED", message, each.partition, each.sequence)


class _Walk:
    """Goes along the chains, entry by entry."""

    def __init__(self, report: Report, verify: Verify) -> None:
        self._report = report
        self._verify = verify
        self._partition: str | None = None
        self._sequence = -1
        self._hash = BEGINNING
        self._last: dict[str, Any] = {}
        self.partitions: set[str] = set()
        """Those that hold more than the entry that opens them."""
        self.began_at: datetime | None = None

    def take(self, entry: dict[str, Any]) -> None:
        """Look at the next entry in the order of the ids."""
        self._report.entries += 1
        partition = str(entry["_id"]).rpartition(":")[0]
        if partition != self._partition:
            self.end()
            self._begin(partition, entry)
        sequence = entry.get("sequence")
        if entry.get("partition") != partition or type(sequence) is not int:
            self._found("MISPLACED", f"the id {entry['_id']} is none of an entry", None)
            return
        if entry["_id"] != entry_id(partition, sequence):
            self._found("MISPLACED", f"the entry says that it is {sequence}, and its id says otherwise", sequence)
        self._check(entry, sequence)
        self._sequence, self._hash, self._last = sequence, str(entry.get("hash")), entry

    def _begin(self, partition: str, entry: dict[str, Any]) -> None:
        self._report.partitions += 1
        self._partition, self._sequence, self._hash, self._last = partition, -1, BEGINNING, entry
        at = entry.get("at")
        if isinstance(at, datetime) and (self.began_at is None or at < self.began_at):
            self.began_at = at

    def _check(self, entry: dict[str, Any], sequence: int) -> None:
        if sequence != self._sequence + 1:
            first, last = self._sequence + 1, sequence - 1
            message = f"entries {first} to {last} are missing" if first < last else f"entry {first} is missing"
            self._found("MISSING", message, first)
        elif entry.get("previous") != self._hash:
            self._found("LINK", "the entry before is not the one that it was written behind", sequence)
        if entry.get("hash") != entry_hash(entry):
            self._found("CHANGED", "the entry is not as it was written", sequence)
        if sequence and self._partition is not None:
            self.partitions.add(self._partition)

    def end(self) -> None:
        """Look at the signature of the last entry, which vouches for all before it."""
        if self._partition is None:
            return
        if not self._verify(self._hash.encode(), self._last.get("signature")):
            self._found("SIGNATURE", "the last entry was not signed with this key", self._sequence)
        self._partition = None

    def _found(self, kind: str, message: str, sequence: int | None) -> None:
        self._report.found(kind, message, self._partition, sequence)


COMPUTING = frozenset((FORMULAS.person, ROLLUPS.person))
"""Programs that enter nothing but what they have computed."""


async def _check_changes(
    repositories: Repositories, began_at: datetime | None, report: Report, progress: Progress
) -> None:
    """Note the changes of client data, made since auditing began, that no entry speaks of.

    What was computed from a change is none of its own, nor is a record's move to another client: the change that it
    follows from has the entry.
    """
    if began_at is None:
        return
    computed = {each.path for each in repositories.catalogue.area(CLIENTS).values() if each.derived_from}
    for place in held(repositories.catalogue):
        if not place.has_changes:
            continue
        history = repositories.of(place.collection).history
        async for batch in _batches(history.versions_since(began_at, COMPUTING, computed, follows=place.key)):
            audited = await repositories.audit.changes_of({record for record, _ in batch})
            report.changes += len(batch)
            for record, version in batch:
                if f"{record}:{version}" not in audited:
                    report.without_entry_count += 1
                    if len(report.without_entry) < FINDINGS_LISTED:
                        report.without_entry.append(f"{record}:{version}")
            progress("changes", report.changes)


async def _batches(rows: AsyncIterator[tuple[str, int]]) -> AsyncIterator[list[tuple[str, int]]]:
    batch: list[tuple[str, int]] = []
    async for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
