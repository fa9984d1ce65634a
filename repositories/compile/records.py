"""A new record as the document that is stored."""

from collections.abc import Mapping
from typing import Any

from repositories.compile.changes import LOOKUPS, SEALED, SEQUENCE, STORED_AT, change_facts, proof_key
from repositories.compile.news import proof_marks
from repositories.compile.search import words_of
from repositories.plan import Change
from repositories.values import bson_from

Document = dict[str, Any]


def new_document(record: Mapping[str, object], change: Change) -> Document:
    """A new record as it is stored: its own fields, its values, version 1 and its first change."""
    counters = {"version": 1, SEQUENCE: 1, "createdAt": change.at, "updatedAt": change.at, STORED_AT: change.at}
    document: Document = {**record, **counters}
    rows: list[Document] = []
    for path, value in change.values.items():
        if value is not None:
            stored = bson_from(value)
            assign(document, path, stored)
            rows.append({"path": path, "new": stored})
    seen = change.proof.observed_at or change.at
    document["proof"] = {FIRST: {"v": 1, "o": seen, **proof_marks(change.proof)}}
    if change.words:
        document["words"] = words_of(change.words)
    if change.is_sealed:
        document[SEALED] = True
    if change.lookups:
        document[LOOKUPS] = {proof_key(path): each for path, each in change.lookups.items() if each is not None}
    document["tail"] = [{"version": 1, **change_facts(change), "values": rows}]
    return document


FIRST = "first"
"""Under `proof`: the change that made the record stands for every path that no later change has set."""


def assign(document: Document, path: str, value: object) -> None:
    """Put a value at a dotted path, with the objects around it."""
    *outer, key = path.split(".")
    inner = document
    for each in outer:
        inner = inner.setdefault(each, {})
    inner[key] = value
