"""Import and export as jobs."""

from collections.abc import Mapping
from typing import Any

import strawberry

from acts.exporting.asking import ask_export
from acts.exporting.clients import ExportOrder
from acts.importing.asking import ImportRequest, ask_import
from acts.jobs import PATHS, Job
from catalogue.filter_json import json_from_filter
from policy.files import ExportFormat
from policy.jobs import JOBS
from policy.rules import Right
from repositories.plan import ReadPlan
from schema.context import Context, Document
from schema.derived.filters import Filters
from schema.derived.search import SEARCH_MEANING
from schema.enums import ExportFormatEnum
from schema.fields import Fields, input_type, plain
from schema.inputs import KEY_ROW, guard_from
from schema.mutation import Result, mutation
from schema.scalars import Json

_IMPORT: Any = input_type(
    "ClientsImportInput",
    "A file, and how it is read: one of fileId and path, and one of map and mapping.",
    (
        ("fileId", strawberry.ID | None, "The file that was sent to the address of fileUpload."),
        ("path", str | None, "A file under the server's directory for imports, if it has one (KEHU_IMPORT_DIR)."),
        ("map", str | None, "The map as TOML text: which column becomes which attribute."),
        ("mapping", Json | None, "The same map as an object."),
        ("dryRun", bool | None, "Check everything and note what would be refused, but store nothing."),
        KEY_ROW,
    ),
)


def bulk_mutations(job: Any, approval: Any, where: Any, filters: Filters) -> Fields:
    """The fields of Mutation that take clients in and out by files."""

    async def export(info: strawberry.Info, input: Mapping[str, Any]) -> dict[str, Any]:
        return await _export(info.context, filters, input)

    result = Result("job", job, "The job that does it; null if refused.")
    text = (
        "Import a file as a job, by your rights: every row is checked first, then the good ones are stored. Refused "
        "rows are in a file of the job, with the reasons, to be mended and imported with the same map."
    )
    yield mutation("clientsImport", text, _IMPORT, result, _import, (Right.CHANGE_CLIENTS,))

    waits = "What the export waits for, where RESTRICTED attributes are named: then there is no job yet."
    text = (
        "Export the clients that you may see to a file, as a job. RESTRICTED attributes are in it only if they are "
        "named, with a purpose, and a second person approves."
    )
    # Who may read the audit may propose to take RESTRICTED values out.
    rights = (Right.EXPORT_CLIENTS, Right.READ_AUDIT)
    result = result._replace(more=(("approval", approval | None, plain("approval", waits)),))
    yield mutation("clientsExport", text, _export_input(where), result, export, rights)


def _export_input(where: Any) -> Any:
    return input_type(
        "ClientsExportInput",
        "Which clients, what of them, and how it is written.",
        (
            ("where", where | None, "Which clients; all that you may see, if left out."),
            ("search", str | None, SEARCH_MEANING),
            (
                "attributes",
                list[str] | None,
                "Paths, in the order of the columns; a group stands for all in it. All that you may read, if left out.",
            ),
            ("format", ExportFormatEnum, "How it is written."),
            ("reason", str | None, "Why, for whoever decides about RESTRICTED values."),
            KEY_ROW,
        ),
    )


async def _import(info: strawberry.Info, given: Mapping[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    request = ImportRequest(
        given.get("fileId"), given.get("path"), given.get("map"), given.get("mapping"), bool(given.get("dryRun"))
    )
    job = await ask_import(context.viewer, context.repositories, request, guard_from(given))
    return {"job": await _shown(context, job)}


async def _export(context: Context, filters: Filters, given: Mapping[str, Any]) -> dict[str, Any]:
    predicate = filters.filter_from(given.get("where"))
    asked = given.get("attributes")
    order = ExportOrder(
        str(ExportFormat(given["format"])).lower(),
        None if predicate is None else json_from_filter(predicate),
        given.get("search"),
        None if asked is None else tuple(asked),
    )
    done = await ask_export(context.viewer, context.repositories, order, guard_from(given), given.get("reason"))
    return {"job": None if done.job is None else await _shown(context, done.job), "approval": done.approval}


async def _shown(context: Context, job: Job) -> Document | None:
    return await context.repositories.jobs.load(context.authorise(ReadPlan(JOBS, PATHS)), job.id)
