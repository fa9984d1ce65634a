"""Files: what they are for, and whose they are."""

from enum import StrEnum

from catalogue.filters import Compare, Filter
from catalogue.kinds import Operator
from policy.rules import Right
from policy.viewer import Viewer

FILES = "files"
"""The name of the area."""
BY = "by"
"""The path of whose file it is."""


class FileRole(StrEnum):
    """What a file is for."""

    UPLOAD = "UPLOAD"
    REFUSED_ROWS = "REFUSED_ROWS"
    EXPORT = "EXPORT"
    IMPORT_MAP = "IMPORT_MAP"


class ExportFormat(StrEnum):
    """How an export is written."""

    CSV = "CSV"
    JSONL = "JSONL"
    PARQUET = "PARQUET"
    XLSX = "XLSX"


NEEDED = {
    FileRole.UPLOAD: Right.CHANGE_CLIENTS,
    FileRole.REFUSED_ROWS: Right.CHANGE_CLIENTS,
}
"""The right without which somebody gets no address of a file of theirs any more; exports go by their own rules."""


def file_rows(viewer: Viewer) -> Filter:
    """The files that a viewer may see: their own, whoever they are. What is in one follows from one person's rights."""
    return Compare(BY, Operator.EQ, viewer.person)
