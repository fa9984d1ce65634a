"""Entry windows: the hours of a week within which values have to be entered."""

from enum import StrEnum

from repositories.base import RecordRepository
from repositories.cursors import Cursors
from repositories.mongo import IndexSpec, Store
from repositories.plan import ID
from repositories.reading import Document

ENTRY_WINDOWS = "entry_windows"
ID_PREFIX = "ew_"
CODE = "code"
PATHS = frozenset(
    (CODE, "label", "paths", "facet", "weekday", "opens", "closes", "timeZone", "status", "createdAt", "version")
)
"""Everything of a window but its history."""
INDEXES = {CODE: IndexSpec(((CODE, 1),), unique=True)}


class Weekday(StrEnum):
    """The days of a week, which begins on Monday."""

    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"


class WindowStatus(StrEnum):
    """Whether a window is in use."""

    ACTIVE = "ACTIVE"
    RETIRED = "RETIRED"


class EntryWindowRepository(RecordRepository):
    """All windows, retired ones too; none is ever deleted, and no code is used twice."""

    def __init__(self, store: Store, cursors: Cursors) -> None:
        super().__init__(store, ENTRY_WINDOWS, "entry window", cursors)

    async def prepare(self) -> None:
        """The index that a window is found by."""
        await self.collection.create_indexes(INDEXES)

    async def find_by_code(self, code: str) -> Document | None:
        """The window with this code.

        Cost: one command, by a unique index.
        """
        return await self.collection.find_one({CODE: {"$eq": code}}, dict.fromkeys((ID, *sorted(PATHS)), 1))
