"""Plain answers of writes and of index listings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pymongo import IndexModel
from pymongo.errors import BulkWriteError
from pymongo.results import BulkWriteResult

from repositories.errors import TOO_LARGE_CODES, Unavailable, duplicate_from

Document = dict[str, Any]
DUPLICATE_KEY = 11000


@dataclass(frozen=True, slots=True)
class BulkError:
    """One operation of a bulk write that was refused; index counts from 0 in the list that was given."""

    index: int
    code: int
    message: str
    key_value: dict[str, Any]

    @property
    def is_duplicate(self) -> bool:
        return self.code == DUPLICATE_KEY

    @property
    def is_too_large(self) -> bool:
        """Whether the document would be larger than one may be."""
        return self.code in TOO_LARGE_CODES


@dataclass(frozen=True, slots=True)
class BulkResult:
    """Counts of a bulk write, and the operations that were refused, by index."""

    inserted: int = 0
    matched: int = 0
    modified: int = 0
    upserted: int = 0
    deleted: int = 0
    errors: tuple[BulkError, ...] = ()


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """One index as the database has it."""

    keys: tuple[tuple[str, int | str], ...]
    unique: bool = False
    partial: dict[str, Any] | None = None


def bulk_error_from(index: int, details: Mapping[str, Any]) -> BulkError:
    """A refused operation from the server's error document, in our words where it is a taken key."""
    code = int(details.get("code") or 0)
    message = duplicate_from(details).message if code == DUPLICATE_KEY else str(details.get("errmsg", "refused"))
    return BulkError(index=index, code=code, message=message, key_value=dict(details.get("keyValue") or {}))


def bulk_result_from(result: BulkWriteResult) -> BulkResult:
    return BulkResult(
        inserted=result.inserted_count,
        matched=result.matched_count,
        modified=result.modified_count,
        upserted=result.upserted_count,
        deleted=result.deleted_count,
    )


def bulk_result_from_error(error: BulkWriteError) -> BulkResult:
    """What landed and what was refused.

    Raises: Unavailable if the server could not confirm what landed, for then no count is sure.
    """
    details = error.details or {}
    if details.get("writeConcernErrors"):
        raise Unavailable from error
    return BulkResult(
        inserted=details.get("nInserted", 0),
        matched=details.get("nMatched", 0),
        modified=details.get("nModified", 0),
        upserted=details.get("nUpserted", 0),
        deleted=details.get("nRemoved", 0),
        errors=tuple(bulk_error_from(one["index"], one) for one in details.get("writeErrors", ())),
    )


def index_model_from(name: str, spec: IndexSpec) -> IndexModel:
    options: dict[str, Any] = {"unique": True} if spec.unique else {}
    if spec.partial is not None:
        options["partialFilterExpression"] = spec.partial
    return IndexModel(list(spec.keys), name=name, **options)


def index_specs_from(information: Mapping[str, Mapping[str, Any]]) -> dict[str, IndexSpec]:
    """Indexes by name from a driver's index_information."""
    return {
        name: IndexSpec(
            keys=tuple((key, direction) for key, direction in one["key"]),
            unique=bool(one.get("unique", False)),
            partial=dict(one["partialFilterExpression"]) if "partialFilterExpression" in one else None,
        )
        for name, one in information.items()
    }
