"""What is wrong with a row, once it is known whether its client is there."""

from collections.abc import Mapping
from dataclasses import replace

from acts.checks import problem
from acts.upsert_rows import ClientRow, Mode
from catalogue.attribute import ClientKind
from catalogue.catalogue import Catalogue
from catalogue.errors import ErrorCode, Problem
from catalogue.values import misfits, missing_required
from repositories.errors import AlreadyExists, StaleVersion


def must_be_there(row: ClientRow, mode: Mode) -> bool:
    """Whether no client is made of a row."""
    return mode is Mode.UPDATE or row.expected_version is not None


def problems_of_new(catalogue: Catalogue, row: ClientRow, given: Mapping[str, object], mode: Mode) -> list[Problem]:
    """Why no client can be made of a row whose client is not there; `given` are its canonical values."""
    if must_be_there(row, mode):
        which = "that only update" if mode is Mode.UPDATE else "with an expectedVersion"
        message = f"There is no client with the number {row.number}, and rows {which} make none; mend the number."
        return [Problem(ErrorCode.NOT_FOUND, message, ("number",), row.number, "the number of a client who is there")]
    if row.kind is None:
        return [problem("kind", None, f"{' or '.join(ClientKind)} for a client who is not there yet")]
    return [*missing_required(catalogue, given, row.kind), *misfits(catalogue, given, row.kind)]


def problems_of_change(
    catalogue: Catalogue, row: ClientRow, given: Mapping[str, object], document: Mapping[str, object], mode: Mode
) -> list[Problem]:
    """Why a row cannot change its client, who is there."""
    if mode is Mode.CREATE:
        return list(AlreadyExists("number", row.number).problems())
    version = int(str(document["version"]))
    if row.expected_version not in (None, version):
        stale = StaleVersion("client", int(str(row.expected_version)), version)
        return [replace(each, path=("expectedVersion",)) for each in stale.problems()]
    kind = ClientKind(str(document["kind"]))
    found = misfits(catalogue, given, kind)
    if row.kind is not None and row.kind is not kind:
        found.append(problem("kind", str(row.kind), f"{kind}, which client {row.number} is for good"))
    return found
