"""Files: their type, how one is sent, and those that jobs have made."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import strawberry

from acts.files import address_of, ask_upload
from acts.once import Attempt, once
from catalogue.filters import Compare
from catalogue.kinds import Operator
from policy.files import FILES
from policy.rules import Right
from repositories.compile.indexes import ID_INDEX
from repositories.files import ID_PREFIX, PATHS
from repositories.plan import ID, ReadPlan
from schema.connection import FORWARD_ARGUMENTS, connection_types, page_from
from schema.context import Context, Document
from schema.enums import FileRoleEnum
from schema.fields import Fields, described, input_type, output_type, plain, related, resolved
from schema.inputs import KEY_ROW
from schema.mutation import Result, mutation
from schema.node import Node, has_prefix
from schema.pages import read_connection
from schema.planning.reads import Arguments, Read, Reading, by_id, page_reading, total_of
from schema.planning.selection import page_selection, selection_of
from schema.scalars import Long

_FIELDS: tuple[tuple[str, Any, str], ...] = (
    ("name", str, "What it is called: as it was sent, or as the job that made it calls it."),
    ("role", FileRoleEnum, "What it is for."),
    ("bytes", Long | None, "How long it is; null while it has not been sent."),
    ("rows", int | None, "How many rows are in it, where Kehu has written them."),
    ("createdAt", datetime, "When it was asked for or made."),
    ("expiresAt", datetime, "When it is removed."),
)
_UPLOAD: Any = input_type(
    "FileUploadInput",
    "A file that is to be sent.",
    (
        ("name", str, "What it is called; the ending says the format: csv, tsv, txt, jsonl, ndjson, parquet, xlsx."),
        ("size", Long | None, "How many bytes it will have, if that is known: another length is refused then."),
        KEY_ROW,
    ),
)


def _of_address(name: str, returns: object, text: str, pick: Callable[[tuple[str, datetime]], object]) -> Any:
    async def many(info: strawberry.Info, holders: Sequence[Document]) -> list[object]:
        context: Context = info.context
        found = [address_of(context.viewer, context.repositories, each) for each in holders]
        return [None if each is None else pick(each) for each in found]

    return name, None, related(many, name, returns, text)


_ADDRESS = (
    "The path on this server that the file is sent to by PUT while it is awaited, or fetched from by GET. Whoever has "
    "it needs no token, so keep it to yourself; null where there is nothing to send or fetch."
)
FileType: Any = output_type(
    "File",
    "A file of yours: one that you send to be imported, or one that a job of yours has made.",
    (
        *((name, annotation, plain(name, text)) for name, annotation, text in _FIELDS),
        _of_address("address", str | None, _ADDRESS, lambda found: found[0]),
        _of_address("addressExpiresAt", datetime | None, "Until when the address holds.", lambda found: found[1]),
    ),
    (Node,),
    is_type_of=classmethod(lambda cls, source, _info: has_prefix(source, ID_PREFIX)),
)
_CONNECTION: Any = connection_types("File", FileType, "files").connection


def file_queries() -> Fields:
    """The fields of Query about files."""

    async def one(info: strawberry.Info, id: str) -> Any:
        context: Context = info.context
        authorised = context.authorise(ReadPlan(FILES, PATHS))
        return await context.look_up(lambda: context.repositories.files.load(authorised, id))

    async def many(info: strawberry.Info, first: int, job_id: str | None = None, after: str | None = None) -> Any:
        context: Context = info.context
        selection = page_selection(selection_of(info._raw_info), "File")
        of_job = None if job_id is None else Compare("jobId", Operator.EQ, job_id)
        plan = ReadPlan(FILES, PATHS, of_job, page=page_from(context.page_limit, first, after))
        return await read_connection(context, plan, selection)

    text = "One of your files; null if you have none with this id."
    given = {"id": described(strawberry.ID, "The id.")}
    yield "file", None, resolved(one, "file", FileType | None, text, given, by_id(FILES))
    text = "Your files: those that you have sent, and those that your jobs have made. Each goes after some days."
    arguments = {
        "job_id": described(strawberry.ID | None, "Only those that this job has made.", "jobId"),
        **FORWARD_ARGUMENTS,
    }
    yield "files", None, resolved(many, "files", _CONNECTION, text, arguments, _reads_many)


def _reads_many(given: Arguments, names: frozenset[str]) -> Reading:
    return page_reading(given, names, Read(FILES, index=ID_INDEX), total_of(FILES))


def file_mutations() -> Fields:
    """The field of Mutation about files."""

    async def upload(info: strawberry.Info, input: Mapping[str, Any]) -> dict[str, Any]:
        context: Context = info.context
        viewer, repositories = context.viewer, context.repositories

        async def made(attempt: Attempt) -> tuple[dict[str, Any], str]:
            file = await ask_upload(viewer, repositories, input["name"], input.get("size"), attempt.key)
            return {"file": file}, str(file[ID])

        async def as_it_is(file_id: str) -> dict[str, Any]:
            return {"file": await repositories.files.load(context.authorise(ReadPlan(FILES, PATHS)), file_id)}

        return await once(viewer, repositories, "fileUpload", input, made, as_it_is)

    text = "An address to send a file to, to be imported then: PUT its bytes there."
    result = Result("file", FileType, "The file, to be sent to its address; null if refused.")
    yield mutation("fileUpload", text, _UPLOAD, result, upload, (Right.CHANGE_CLIENTS,))
