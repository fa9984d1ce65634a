"""Import clients from a file: the attributes of the map, then the rows."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from acts.attributes import define_attribute
from acts.importing.errors import ImportRefused, Unreadable
from acts.importing.mapping import ImportMap
from acts.importing.refused_file import RefusedFile
from acts.importing.rows import RefusedRow
from acts.importing.run import FindManager, ImportRun, Listener, Prepared, Tally, prepared
from acts.upsert_rows import ClientRow, Mode, UpsertReport
from acts.upserts import upsert_clients
from catalogue.filters import Compare
from catalogue.kinds import Operator
from policy.viewer import Viewer
from repositories.access import Touched
from repositories.managers import MANAGERS
from repositories.plan import ID, Page, Proof, ReadPlan
from repositories.repositories import Repositories

Opened = Callable[[Prepared, Tally], Listener]
"""Told of the import before its first row, and of the tally it will fill; answers who listens."""

Noted = Callable[[Touched], Awaitable[None]]
"""Called after each batch with what it changed."""


async def unnoted(_touched: Touched) -> None:
    """Nobody takes note."""


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """What is to be imported, and how."""

    path: Path
    map: ImportMap
    refused_path: Path | None = None
    is_dry_run: bool = False


async def import_clients(
    viewer: Viewer, repositories: Repositories, order: ImportOrder, opened: Opened, noted: Noted = unnoted
) -> Tally:
    """What was done; rows are stored or refused one by one, and the same file again changes nothing.

    Raises: ImportRefused where file, map and catalogue do not fit; nothing was written then. Unavailable, and what else
    the database answers; every row that the tally counts is stored then.
    Cost: flat memory; four commands for a thousand rows.
    """
    if order.refused_path is not None and order.refused_path.absolute() == order.path.absolute():
        raise ImportRefused(f"The refused rows cannot be written over {order.path}, which is being read.")
    async with AsyncExitStack() as stack:
        ready = await stack.enter_async_context(prepared(order.path, order.map, repositories.catalogue))
        refused = _refused_file(stack, ready, order)
        tally = Tally()
        listener = _Both(opened(ready, tally), refused)
        if order.is_dry_run:
            repositories = repositories.on(ready.catalogue)
        else:
            repositories = await with_attributes(viewer, repositories, ready)
        proof = Proof(**order.map.proof.model_dump())

        async def store(rows: Sequence[ClientRow]) -> UpsertReport:
            touched = Touched()
            mode = Mode(order.map.mode)
            report = await upsert_clients(
                viewer,
                repositories,
                rows,
                proof,
                dry_run=order.is_dry_run,
                touched=touched,
                mode=mode,
                confirms=order.map.confirms,
            )
            await noted(touched)
            return report

        return await ImportRun(ready, store, manager_finder(viewer, repositories, order.map), listener, tally).run()


def _refused_file(stack: AsyncExitStack, ready: Prepared, order: ImportOrder) -> RefusedFile | None:
    if order.refused_path is None:
        return None
    return stack.enter_context(RefusedFile(order.refused_path, ready.reading.facts, order.map.read))


@dataclass(frozen=True, slots=True)
class _Both:
    """The caller's listener and the file of refused rows."""

    listener: Listener
    file: RefusedFile | None

    def refuse(self, row: RefusedRow) -> None:
        if self.file is not None:
            self.file.write(row)
        self.listener.refuse(row)

    def progress(self, tally: Tally, position: int) -> None:
        self.listener.progress(tally, position)

    def is_stopped(self) -> bool:
        return self.listener.is_stopped()


async def with_attributes(viewer: Viewer, repositories: Repositories, ready: Prepared) -> Repositories:
    """The repositories with a catalogue in which the attributes of the map are defined."""
    catalogue = repositories.catalogue
    for attribute in ready.missing:
        catalogue = (await define_attribute(viewer, repositories, attribute)).after
    return repositories.on(catalogue)


def manager_finder(viewer: Viewer, repositories: Repositories, given: ImportMap) -> FindManager:
    """The function that finds a manager by what the map says the file names them by."""
    by = (given.client.manager.by if given.client.manager is not None else None) or "id"

    async def find(text: str) -> str:
        if by == "id":
            return text
        plan = ReadPlan(MANAGERS, frozenset(), Compare(by, Operator.EQ, text), page=Page(limit=2))
        found = (await repositories.managers.read_page(repositories.access.authorise(plan, viewer))).documents
        if len(found) != 1:
            many = "no manager" if not found else "more than one manager"
            raise Unreadable(f'takes the {by} of one manager; {many} has the {by} "{text}"')
        return str(found[0][ID])

    return find
