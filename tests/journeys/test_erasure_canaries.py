"""50 clients are erased: nothing RESTRICTED of them is in the database's files, its oplog, exports or logs."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import bson
import pytest
from pymongo import MongoClient

from acts.checks import UNGUARDED, now
from acts.clients import change_client
from acts.erasure import erase_client, prove_erasure
from acts.subject_data import subject_data
from acts.upsert_rows import ClientRow
from acts.upserts import upsert_clients
from api.privacy_command import OFFICER, subject_json
from catalogue.attribute import ClientKind
from catalogue.builtin import builtin_catalogue
from policy.viewer import program
from repositories.embedded import EmbeddedError, EmbeddedMongod
from repositories.mongo import MongoSettings, connect
from repositories.plan import Proof
from repositories.repositories import Repositories, open_repositories
from repositories.vault.places import encrypted_in
from tests.books import SECRET, master_key
from tests.figures import Figure

COUNT = 50
CACHE_SECONDS = 2.0
WRITER = program("canaries")
SECRETS = (b"CANARY-TAX", b"CANARY-REG", b"CANARY-ACC", b"KEPT-TAX", b"KEPT-REG", b"KEPT-ACC")
CONFIDENTIAL = b"OPEN-NAME"
"""A value that is not RESTRICTED: that it is found says that the search would find the others too."""
# Compressed, no text would be found in the files, whether it is there or not.
PLAIN_FILES = ("--wiredTigerCollectionBlockCompressor", "none", "--wiredTigerJournalCompressor", "none")


@asynccontextmanager
async def opened(uri: str) -> AsyncIterator[Repositories]:
    store = connect(MongoSettings(uri=uri, driver="pymongo", database="canaries", timeout_seconds=30))
    try:
        book = await open_repositories(
            store, builtin_catalogue(), SECRET, kms=master_key, key_cache_seconds=CACHE_SECONDS
        )
        await book.prepare()
        yield book
    finally:
        await store.close()


def values(place: int, edition: int = 0) -> dict[str, str]:
    word = "CANARY" if place < COUNT else "KEPT"
    return {
        "profile.taxId": f"{word}-TAX-{place}-{edition}",
        "profile.registrationNumber": f"{word}-REG-{place}-{edition}",
        "behaviour.withUs.account": f"{word}-ACC-{place}-{edition}",
    }


def row(place: int) -> ClientRow:
    in_clear = {"profile.name": f"OPEN-NAME-{place}", "profile.overview": f"OPEN-NAME {place} at length"}
    return ClientRow(f"N{place:03}", ClientKind.ORGANISATION, values=values(place) | in_clear)


async def fill(book: Repositories) -> list[str]:
    """The ids of clients with secrets, all of them changed once, some of them so often that changes have moved out."""
    report = await upsert_clients(WRITER, book, [row(place) for place in range(2 * COUNT)], Proof())
    assert (report.created, report.problems) == (2 * COUNT, ())
    found = await book.clients.find_by_numbers({f"N{place:03}" for place in range(2 * COUNT)})
    ids = [str(found[f"N{place:03}"]["_id"]) for place in range(2 * COUNT)]
    for place, client_id in enumerate(ids):
        for edition in range(1, 24 if place % 10 == 0 else 2):
            changed = values(place, edition)
            profile = {"taxId": changed["profile.taxId"], "registrationNumber": changed["profile.registrationNumber"]}
            account = {"withUs": {"account": changed["behaviour.withUs.account"]}}
            facets = {"profile": profile, "behaviour": account}
            await change_client(WRITER, book, client_id, facets, Proof(), UNGUARDED)
    return ids


def count_in(directory: Path, words: bytes) -> int:
    return sum(path.read_bytes().count(words) for path in sorted(directory.rglob("*")) if path.is_file())


def dump(uri: str, database: str, collection: str = "") -> bytes:
    """Every document of a database, or of one of its collections, as bytes."""
    with MongoClient[dict[str, Any]](uri) as client:
        found = client[database]
        names = [collection] if collection else found.list_collection_names()
        return b"".join(bson.encode(each) for name in names for each in found[name].find({}))


async def ciphertexts(book: Repositories, ids: list[str]) -> list[Any]:
    """The encrypted values of clients as somebody has them who took a copy."""
    rows = await book.clients.collection.find({"_id": {"$in": ids}})
    rows += await book.store.collection("changes").find({"recordId": {"$in": ids}})
    return [holder[key] for row in rows for holder, key in encrypted_in(row)]


async def test_no_canary_is_left(tmp_path: Path, caplog: pytest.LogCaptureFixture, figure: Figure) -> None:
    caplog.set_level(logging.DEBUG, "kehu")
    mongod = EmbeddedMongod(tmp_path / "data", cache_gb=0.25, extra_arguments=PLAIN_FILES)
    try:
        uri = await mongod.start()
    except EmbeddedError as error:
        pytest.skip(f"no mongod: {error}")
    try:
        async with opened(uri) as book, opened(uri) as old:
            ids = await fill(book)
            gone, kept = ids[:COUNT], ids[COUNT:]
            copies = await ciphertexts(book, gone)
            assert all(is_read for is_read, _ in await old.vault.crypt.decrypt(copies))
            before = dump(uri, "canaries") + dump(uri, "local", "oplog.rs")
            began = time.monotonic()
            await erase_client(WRITER, book, gone[0])
            # Who had the keys still has them, for no longer than they are kept.
            assert all(is_read for is_read, _ in await old.vault.crypt.decrypt(copies))
            for client_id in gone[1:]:
                await erase_client(WRITER, book, client_id)
            seconds = time.monotonic() - began
            await asyncio.sleep(CACHE_SECONDS)
            readable = sum(is_read for is_read, _ in await old.vault.crypt.decrypt(copies))
            proofs = [await prove_erasure(book, client_id) for client_id in gone]
            exported = [subject_json(book.catalogue, await subject_data(OFFICER, book, each)) for each in kept[:5]]
            after = dump(uri, "canaries")
            oplog = dump(uri, "local", "oplog.rs")
    finally:
        await mongod.stop()
    files = {words.decode(): count_in(tmp_path / "data", words) for words in (*SECRETS, CONFIDENTIAL)}
    found = {
        "database": sum(after.count(each) for each in SECRETS),
        "oplog": sum(oplog.count(each) for each in SECRETS),
        "logs": sum(caplog.text.encode().count(each) for each in SECRETS),
        "exports": json.dumps(exported).count("CANARY"),
    }
    figure(
        f"{COUNT} erasures in {seconds:.1f} s; {len(copies)} copied ciphertexts, readable after the life of the "
        f"key cache: {readable}; canaries: {found}; in the files of the database: {files}"
    )
    assert sum(before.count(each) for each in SECRETS) == 0
    assert (readable, found) == (0, dict.fromkeys(found, 0))
    assert [proof.left for proof in proofs] == [()] * COUNT
    assert all(proof.is_proven(now() + timedelta(seconds=CACHE_SECONDS)) for proof in proofs)
    assert [files[each.decode()] for each in SECRETS] == [0] * len(SECRETS)
    assert files[CONFIDENTIAL.decode()] > 0
    assert exported[0]["client"]["profile"]["taxId"] == f"KEPT-TAX-{COUNT}-23"
    assert len(exported[0]["changes"]) == 24
