"""Hand clients over to another accountable manager; team and region follow, and the history says why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from acts.checks import UNGUARDED, WORDS_LIMIT, Guard, guard_problems, key_of, now, problem, refuse, request_hash
from acts.clients import manager_territory
from catalogue.attribute import CLIENTS
from catalogue.errors import ErrorCode, Problem
from catalogue.filters import Compare, Filter, all_of
from catalogue.kinds import Operator
from policy.rules import Right
from policy.viewer import Viewer
from repositories.access import NotAllowed, Touched
from repositories.clients import TERRITORY, differences
from repositories.errors import KeyReused, NotFound
from repositories.plan import ID, Change, Page, Proof, ReadPlan
from repositories.repositories import Repositories

MOST = 1_000
ATTEMPTS = 3
PATHS = frozenset((ID, "version", "managerId", *TERRITORY))
RIGHT = Right.HAND_OVER_CLIENTS

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class HandOver:
    """Clients that get another manager, named one by one or by the manager they have."""

    to_manager_id: str
    reason: str
    ids: tuple[str, ...] = ()
    from_manager_id: str | None = None


@dataclass(slots=True)
class HandOverReport:
    """What became of the clients."""

    handed_over: int = 0
    unchanged: int = 0
    """Those that the manager had already."""
    remaining: int = 0
    """Clients that the earlier manager has besides, beyond what one request takes."""
    problems: list[Problem] = field(default_factory=list)
    """Each with the place of its client among the ids."""


async def hand_over(
    viewer: Viewer,
    repositories: Repositories,
    wanted: HandOver,
    guard: Guard = UNGUARDED,
    touched: Touched | None = None,
) -> HandOverReport:
    """How many clients have the other manager now; each in a command of its own, those that cannot say why.

    Sent again with its key it goes on where it stopped and counts what was done before.
    Raises: NotAllowed; Refused if the request itself is wrong; KeyReused.
    Cost: up to seven commands, however many clients; twice as many where others change them meanwhile.
    """
    access = repositories.access
    access.require(viewer, RIGHT)
    problems = _problems(wanted, guard)
    territory = await manager_territory(repositories, wanted.to_manager_id, problems)
    if not problems and not await repositories.managers.is_active(wanted.to_manager_id):
        problems.append(problem("toManagerId", wanted.to_manager_id, "a manager who is active"))
    refuse([replace(each, path=("toManagerId",)) if each.path == ("managerId",) else each for each in problems])
    target = {"managerId": wanted.to_manager_id, **territory}
    if not access.is_in_book(viewer, RIGHT, target):
        raise NotAllowed(
            f"The clients of {wanted.to_manager_id} are not among those that you may hand over; "
            "name a manager whose clients are, or ask an administrator.",
            path=("toManagerId",),
            given=wanted.to_manager_id,
        )
    report = HandOverReport()
    batch = _Batch(viewer, repositories, wanted, guard, target, touched, report)
    waiting = await batch.addressed()
    for attempt in range(ATTEMPTS):
        waiting = await batch.write(waiting, is_last=attempt == ATTEMPTS - 1)
        if not waiting:
            break
    await _follow(repositories, wanted.to_manager_id, territory)
    report.problems.sort(key=lambda each: each.row or 0)
    return report


@dataclass(slots=True)
class _Batch:
    """One call of the act."""

    viewer: Viewer
    repositories: Repositories
    wanted: HandOver
    guard: Guard
    target: Mapping[str, str | None]
    touched: Touched | None
    report: HandOverReport
    key: str = ""
    request: str = ""

    def __post_init__(self) -> None:
        wanted = self.wanted
        asked = (list(wanted.ids), wanted.from_manager_id, wanted.to_manager_id, wanted.reason)
        self.request = request_hash("clientHandOver", *asked, self.guard.expected_version)
        self.key = key_of(self.viewer, self.guard) or f"{self.viewer.person}:handover-{uuid4()}"

    async def addressed(self) -> list[str]:
        """The ids of the clients that are to be handed over; those of before, by the same key, are counted."""
        wanted, clients = self.wanted, self.repositories.clients
        done: dict[str, str] = {}
        if self.guard.idempotency_key is not None:
            done = await clients.find_changed_by(self.key, wanted.ids, wanted.to_manager_id)
        if any(each != self.request for each in done.values()):
            raise KeyReused(self.guard.idempotency_key or "")
        self.report.handed_over += len(done)
        if wanted.from_manager_id is None:
            return [each for each in wanted.ids if each not in done]
        own = Compare("managerId", Operator.EQ, wanted.from_manager_id)
        plan = ReadPlan(CLIENTS, PATHS, all_of(own, self._scope()), page=Page(MOST))
        authorised = self.repositories.access.authorise(plan, self.viewer, self.touched)
        found = await clients.read_page(authorised)
        if found.has_next:
            self.report.remaining = await clients.count(authorised) - MOST
        return [str(each[ID]) for each in found.documents]

    async def write(self, ids: Sequence[str], *, is_last: bool) -> list[str]:
        """The ids of those that somebody else changed meanwhile."""
        access, clients = self.repositories.access, self.repositories.clients
        plan = access.authorise(ReadPlan(CLIENTS, PATHS), self.viewer, self.touched)
        found = await clients.load_many(plan, ids)
        changes: list[tuple[str, Change]] = []
        for client_id in ids:
            document = found.get(client_id)
            if document is None:
                self._refuse(client_id, NotFound("client", client_id).problems()[0])
            elif document.get("managerId") == self.wanted.to_manager_id:
                self.report.unchanged += 1
            elif not access.is_in_book(self.viewer, RIGHT, document):
                message = (
                    f"Client {client_id} is not one that you may hand over; ask its team lead or an administrator."
                )
                self._refuse(client_id, Problem(ErrorCode.NOT_ALLOWED, message, ("ids",), client_id))
            elif self.guard.expected_version not in (None, document["version"]):
                self._refuse_stale(client_id, document["version"])
            else:
                changes.append((client_id, self._change(document)))
        stale = await clients.write_many(changes, self.touched) if changes else frozenset()
        self.report.handed_over += len(changes) - len(stale)
        left = [changes[place][0] for place in sorted(stale)]
        for client_id in left if is_last else ():
            self._refuse_stale(client_id, None)
        return left

    def _change(self, document: Mapping[str, Any]) -> Change:
        # As it was read: who has moved into another book meanwhile is looked at again.
        as_read = [Compare(name, Operator.EQ, document.get(name)) for name in ("managerId", *TERRITORY)]
        return Change(
            differences(dict(document), self.target),
            self.viewer.person,
            now(),
            Proof(self.wanted.reason),
            self.key,
            self.request,
            self.guard.expected_version,
            all_of(*as_read, self._scope()),
        )

    def _scope(self) -> Filter | None:
        """The clients that may be handed over; a grant opens none."""
        bare = replace(self.viewer, granted=frozenset())
        return all_of(self.repositories.access.rows(bare), self.repositories.access.rows(bare, RIGHT))

    def _refuse(self, client_id: str, found: Problem) -> None:
        ids = self.wanted.ids
        self.report.problems.append(found.in_row(ids.index(client_id)) if client_id in ids else found)

    def _refuse_stale(self, client_id: str, version: int | None) -> None:
        is_now = "was changed by others meanwhile" if version is None else f"is at version {version}"
        message = f"Client {client_id} {is_now}; read it again, then send the request again."
        given = self.guard.expected_version
        self._refuse(
            client_id,
            Problem(ErrorCode.STALE_VERSION, message, ("expectedVersion",), None if given is None else str(given)),
        )


def _problems(wanted: HandOver, guard: Guard) -> list[Problem]:
    problems = guard_problems(guard)
    ids = wanted.ids
    if bool(ids) == (wanted.from_manager_id is not None):
        given = "both" if ids else "neither"
        problems.append(problem("ids", given, "some ids, or fromManagerId instead of them"))
    if len(ids) > MOST:
        problems.append(problem("ids", f"{len(ids)} ids", f"up to {MOST} ids; send them in parts"))
    if len(set(ids)) < len(ids):
        problems.append(problem("ids", "an id more than once", "each id once"))
    if guard.expected_version is not None and len(ids) != 1:
        problems.append(problem("expectedVersion", guard.expected_version, "nothing, but for a single id"))
    if wanted.from_manager_id == wanted.to_manager_id:
        problems.append(problem("toManagerId", wanted.to_manager_id, "another manager than fromManagerId"))
    if not 1 <= len(wanted.reason.strip()) <= len(wanted.reason) <= WORDS_LIMIT:
        problems.append(problem("reason", wanted.reason, f"1 to {WORDS_LIMIT} characters: why"))
    return problems


async def _follow(repositories: Repositories, manager_id: str, territory: Mapping[str, str | None]) -> None:
    """Let the clients follow a manager who has moved into another team while they were handed over."""
    present = await manager_territory(repositories, manager_id, [])
    if present and present != territory:
        await repositories.clients.move_with(manager_id, present)
