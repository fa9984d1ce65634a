"""Segments: saved filters over clients, each with its words and its playbook."""

from collections.abc import Collection as Some

from policy.segments import LOOKED_AT, SEGMENTS, SegmentStatus
from repositories.base import RecordRepository
from repositories.cursors import Cursors
from repositories.mongo import IndexSpec, Store
from repositories.reading import Document

ID_PREFIX = "sg_"
EVER_LOOKED_AT = "everPaths"
"""Every path that a segment looks at, or has looked at since it was defined: its past members tell of those too."""
PATHS = frozenset(
    (
        "code",
        "label",
        "description",
        "playbook",
        "owner",
        "status",
        "where",
        LOOKED_AT,
        EVER_LOOKED_AT,
        "definedBy",
        "createdAt",
        "updatedAt",
        "retiredAt",
        "version",
    )
)
"""Everything of a segment but its history."""
INDEXES = {LOOKED_AT: IndexSpec(((LOOKED_AT, 1),))}


class SegmentRepository(RecordRepository):
    """All segments, the retired ones too: a code is never used again."""

    def __init__(self, store: Store, cursors: Cursors) -> None:
        super().__init__(store, SEGMENTS, "segment", cursors)

    async def prepare(self) -> None:
        """The index by which the segments that look at an attribute are found."""
        await self.collection.create_indexes(INDEXES)

    async def looking_at(self, paths: Some[str]) -> list[Document]:
        """Every active segment that looks at one of the paths, whoever may know of it; in order of the codes."""
        query = {LOOKED_AT: {"$in": sorted(paths)}, "status": {"$eq": str(SegmentStatus.ACTIVE)}}
        return await self.collection.find(query, {"code": 1, "where": 1, LOOKED_AT: 1}, [("_id", 1)])

    async def active(self) -> list[Document]:
        """Every active segment, in order of the codes."""
        return await self.collection.find(
            {"status": {"$eq": str(SegmentStatus.ACTIVE)}}, {"code": 1, "where": 1, "version": 1}, [("_id", 1)]
        )


def segment_id(code: str) -> str:
    """The id of the segment with a code."""
    return f"{ID_PREFIX}{code}"
