"""Export clients into a file: what may leave is settled first, then rows go out a page at a time."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from anyio.to_thread import run_sync

from acts.checks import problem
from acts.exporting.columns import Column, columns_of, plain_viewer
from acts.exporting.errors import ExportRefused
from acts.exporting.tabular import check_installed, to_excel, to_parquet
from acts.exporting.values import Line, csv_line, json_line, row_from
from catalogue.attribute import CLIENTS
from catalogue.catalogue import Catalogue
from catalogue.errors import ErrorCode, Refused
from catalogue.filter_json import filter_from_json
from catalogue.filters import Filter, Search, all_of
from catalogue.search import folded, searched_paths
from policy.files import ExportFormat
from policy.rules import Right
from policy.viewer import Viewer
from repositories.access import Touched
from repositories.plan import Order, Page, ReadPlan
from repositories.repositories import Repositories

FORMATS = tuple(each.lower() for each in ExportFormat)
STREAMED = ("csv", "jsonl")
"""Formats that are written row by row; the others are made of JSON Lines when these are whole."""
PAGE_ROWS = 500
SEARCH_LIMIT = 100
_ORDER = (Order("number"),)


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """What is to be exported, as JSON values: it is kept until a worker, or a second person, comes to it."""

    format: str = "csv"
    where: Mapping[str, Any] | None = None
    """A predicate in the shape of `where`."""
    search: str | None = None
    attributes: tuple[str, ...] | None = None
    """Paths; None stands for all that may be read."""


@dataclass(frozen=True, slots=True)
class Export:
    """An export that can start; nothing is written yet."""

    viewer: Viewer
    repositories: Repositories
    format: str
    columns: tuple[Column, ...]
    predicate: Filter | None
    total: int
    """Clients when it began."""
    limit: int

    def scope(self) -> tuple[object, ...]:
        """What the policy makes of the question: which clients, and what is taken off them."""
        found = self.repositories.access.authorise(ReadPlan(CLIENTS, _paths(self.columns), self.predicate), self.viewer)
        return found.filter, sorted(found.plan.paths), found.veil

    @property
    def head(self) -> bytes:
        """What stands before the first row."""
        return csv_line([each.header for each in self.columns]) if self.format == "csv" else b""

    @property
    def line(self) -> Line:
        """How a row is written before it is converted."""
        if self.format == "csv":
            return csv_line
        return json_line(self.columns, has_group_texts=self.format not in STREAMED)


async def prepared_export(
    viewer: Viewer, repositories: Repositories, order: ExportOrder, *, is_approved: bool = False
) -> Export:
    """The export, found to be allowed and within the limit.

    RESTRICTED values are in it only if it is approved: else the viewer's purpose opens nothing.
    Raises: NotAllowed; RestrictedAsked, Refused with every problem; ExportRefused; KehuError with TOO_EXPENSIVE.
    Cost: one count.
    """
    access = repositories.access
    if not is_approved:
        access.require(viewer, Right.EXPORT_CLIENTS)
    catalogue = access.catalogue(viewer)
    columns = columns_of(access, catalogue, viewer, order.attributes, with_restricted=is_approved)
    viewer = viewer if is_approved else plain_viewer(viewer)
    if order.format not in FORMATS:
        raise Refused([problem("format", order.format, f"one of {', '.join(FORMATS)}")])
    check_installed(order.format)
    predicate = _predicate(catalogue, order)
    limit = repositories.files.options.export_limit_rows
    plan = ReadPlan(CLIENTS, _paths(columns), predicate)
    total = await repositories.clients.count(access.authorise(plan, viewer))
    if total > limit:
        raise too_many(total, limit)
    return Export(viewer, repositories, order.format, columns, predicate, total, limit)


def _predicate(catalogue: Catalogue, order: ExportOrder) -> Filter | None:
    """Raises: Refused."""
    where = None if order.where is None else filter_from_json(catalogue, order.where)
    if order.search is None:
        return where
    text = folded(order.search)
    if not 1 <= len(text) <= SEARCH_LIMIT:
        raise Refused([problem("search", order.search, f"a text of 1 to {SEARCH_LIMIT} characters")])
    return all_of(where, Search(text, ("number", *searched_paths(catalogue))))


def too_many(count: int, limit: int) -> ExportRefused:
    """The refusal of an export over the limit."""
    return ExportRefused(
        f"The export would have {count:,} clients; it takes up to {limit:,}. Narrow where, or have "
        "KEHU_EXPORT_LIMIT_ROWS raised.",
        code=ErrorCode.TOO_EXPENSIVE,
        given=str(count),
        expected=f"up to {limit} clients",
    )


def _paths(columns: Sequence[Column]) -> frozenset[str]:
    return frozenset(path for each in columns for path in each.reads)


@dataclass(frozen=True, slots=True)
class Exported:
    """One page of an export as bytes, and where the next one begins."""

    data: bytes
    rows: int
    after: str | None
    """The cursor of the last row; None where there is none after it."""


async def exported_pages(
    export: Export, after: str | None = None, touched: Touched | None = None
) -> AsyncIterator[Exported]:
    """The rows, a page at a time, in order of their numbers; what is read is noted in `touched`.

    Clients who are made or leave the book meanwhile are in it or not; nobody is in it twice.
    Raises: as reading does; ExportRefused where more rows than the limit have come.
    Cost: one command, and the keys of encrypted values, for each 500 clients; flat memory.
    """
    repositories, line = export.repositories, export.line
    done = 0
    while True:
        plan = ReadPlan(CLIENTS, _paths(export.columns), export.predicate, _ORDER, Page(PAGE_ROWS, after=after))
        authorised = repositories.access.authorise(plan, export.viewer, touched)
        page = await repositories.clients.read_page(authorised)
        rows = [row_from(repositories.catalogue, export.columns, each) for each in page.documents]
        done += len(rows)
        if done > export.limit:
            raise too_many(done, export.limit)
        cursors = repositories.clients.seal(authorised, page.documents[-1:])
        after = cursors[0] if cursors and page.has_next else None
        yield Exported(b"".join(map(line, rows)), len(rows), after)
        if after is None:
            return


Told = Callable[[int], Awaitable[None]]
"""Told after each page how many rows are written."""


async def write_export(export: Export, out: BinaryIO, touched: Touched, told: Told) -> int:
    """How many rows were written; for the formats that are streamed, and as the first step of the others."""
    out.write(export.head)
    done = 0
    async for page in exported_pages(export, touched=touched):
        # What was read is noted by whoever is told, before it leaves.
        done += page.rows
        await told(done)
        out.write(page.data)
    out.flush()
    return done


async def convert(export: Export, lines: Path, target: Path) -> None:
    """Make the file of a format that is not streamed.

    Raises: ExportRefused.
    """
    if export.format == "parquet":
        await run_sync(to_parquet, lines, export.columns, target)
    else:
        await run_sync(to_excel, lines, export.columns, target)
