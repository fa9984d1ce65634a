"""Files over HTTP: signed addresses, and what is refused of them; a whole import and export as a client does it."""

import asyncio
import csv
from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.app import Application, build_app
from api.settings import Settings
from api.tokens import LocalIssuer
from repositories.repositories import Repositories
from worker.attempt import Manner
from worker.handlers import HANDLERS
from worker.loop import work_once

MAP = """
[client]
number = "{id}"
kind = "ORGANISATION"
[proof]
source = "test"
[values]
"profile.name" = "name"
"profile.employees" = "size"
"""
UPLOAD = (
    "mutation($i: FileUploadInput!) { fileUpload(input: $i) { file { id address bytes } errors { code message } } }"
)
IMPORT = "mutation($i: ClientsImportInput!) { clientsImport(input: $i) { job { id state } errors { code message } } }"
EXPORT = """
mutation($i: ClientsExportInput!) {
  clientsExport(input: $i) { job { id } approval { id } errors { code message } }
}
"""
FILES = """
query($id: ID!) {
  job(id: $id) { state error progress { note share } }
  files(jobId: $id, first: 5) { nodes { id name role rows bytes address addressExpiresAt } }
}
"""


class Kehu:
    """A served book of six clients, and the requests of a person."""

    def __init__(self, app: Application, settings: Settings) -> None:
        self.issuer = LocalIssuer(settings)
        self.app = app
        self.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://kehu.test")

    @property
    def repositories(self) -> Repositories:
        return self.app.server.repositories()

    async def ask(self, query: str, role: str = "administrator", person: str = "root", **variables: Any) -> Any:
        headers = {"authorization": f"Bearer {self.issuer.issue(person, role, None, 60)}"}
        answer = await self.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        found = answer.json()
        assert "errors" not in found, found
        return found["data"]

    async def upload(self, name: str = "a.csv", **more: Any) -> dict[str, Any]:
        made = (await self.ask(UPLOAD, i={"name": name, **more}))["fileUpload"]
        assert made["errors"] == []
        return dict(made["file"])

    async def done(self, job_id: str, role: str = "administrator", person: str = "root") -> Any:
        """The job and its files, after a worker has done it."""
        assert await work_once(self.repositories, HANDLERS, Manner(noted=self.app.server.audit.carried_out)) is not None
        return await self.ask(FILES, role, person, id=job_id)


@pytest.fixture
async def kehu(tmp_path: Path) -> AsyncIterator[Kehu]:
    settings = Settings(mongodb_driver="memory", demo=6, data_dir=tmp_path, file_limit_bytes=10_000, files_per_person=6)
    app = build_app(settings)
    assert isinstance(app, Application)
    async with app.router.lifespan_context(app):
        made = Kehu(app, settings)
        yield made
        await made.http.aclose()


class TestImport:
    async def test_a_file_is_sent_imported_mended_and_sent_again(self, kehu: Kehu, tmp_path: Path) -> None:
        file = await kehu.upload("../../clients of=1.csv")
        sent = await kehu.http.put(file["address"], content=b"id,name,size\nX1,=A,1\nX2,B,many\n")
        assert (sent.status_code, sent.json()["data"]["file"]["bytes"]) == (201, 31)
        (path,) = (tmp_path / "files").iterdir()
        assert (path.name, path.stat().st_mode & 0o777) == (f"{file['id']}.csv", 0o600)
        asked = await kehu.ask(IMPORT, i={"fileId": file["id"], "map": MAP})
        assert asked["clientsImport"] == {
            "job": {"id": asked["clientsImport"]["job"]["id"], "state": "QUEUED"},
            "errors": [],
        }
        found = await kehu.done(asked["clientsImport"]["job"]["id"])
        note = "2 rows: 1 created, 0 changed, 0 unchanged, 1 refused."
        assert found["job"] == {"state": "DONE", "error": None, "progress": {"note": note, "share": 1.0}}
        (refused,) = found["files"]["nodes"]
        assert (refused["role"], refused["rows"], refused["name"]) == ("REFUSED_ROWS", 1, "clients of=1-refused.csv")
        fetched = await kehu.http.get(refused["address"])
        assert fetched.headers["content-disposition"].startswith("attachment;")
        assert fetched.headers["x-content-type-options"] == "nosniff"
        rows = list(csv.reader(StringIO(fetched.text)))
        assert rows[1][2:] == ["X2", "B", "many"]
        assert [each.suffix for each in (tmp_path / "files").iterdir()] == [".csv"]
        again = await kehu.upload("mended.csv")
        await kehu.http.put(again["address"], content=fetched.text.replace("many", "2").encode())
        asked = await kehu.ask(IMPORT, i={"fileId": again["id"], "map": MAP})
        found = await kehu.done(asked["clientsImport"]["job"]["id"])
        assert (found["job"]["state"], found["files"]["nodes"]) == ("DONE", [])
        book = await kehu.ask(
            '{ one: client(number: "X1") { profile { name } } two: client(number: "X2") { version } }'
        )
        assert book == {"one": {"profile": {"name": "=A"}}, "two": {"version": 1}}

    async def test_what_cannot_be_sent_is_refused_before(self, kehu: Kehu) -> None:
        for given, words in (
            ({"name": "a.exe"}, "ends in one of"),
            ({"name": "a.xls"}, "ends in one of"),
            ({"name": "a\n.csv"}, "printable"),
            ({"name": "a.csv", "size": 10_001}, "1 to 10000 bytes"),
        ):
            refused = (await kehu.ask(UPLOAD, i=given))["fileUpload"]
            assert (refused["file"], words in refused["errors"][0]["message"]) == (None, True)
        for _ in range(6):
            await kehu.upload()
        refused = (await kehu.ask(UPLOAD, i={"name": "a.csv"}))["fileUpload"]
        assert refused["errors"][0]["code"] == "TOO_EXPENSIVE"


class TestAddresses:
    async def test_forged_old_foreign_and_used_ones_are_all_the_same(self, kehu: Kehu, tmp_path: Path) -> None:
        one, two = await kehu.upload(), await kehu.upload()
        address = one["address"]
        path, _, query = address.partition("?")
        later = query.replace("expires=", "expires=9")
        bad = (
            path,
            f"{path}?{later}",
            f"{path}?{query[:-1]}{'A' if query[-1] != 'A' else 'B'}",
            f"/files/{two['id']}?{query}",
            f"/files/fl_{'0' * 24}?{query}",
            f"{path}?expires=1&signature={query.rpartition('=')[2]}",
            f"{path}?expires=x&signature=%ff",
        )
        answers = {(await kehu.http.put(each, content=b"x")).content for each in bad}
        answers |= {(await kehu.http.get(address)).content}
        assert len(answers) == 1
        assert (await kehu.http.put(bad[0], content=b"x")).status_code == 404
        assert not (tmp_path / "files").exists() or list((tmp_path / "files").iterdir()) == []

    async def test_an_address_ends_with_the_right_and_with_the_person(self, kehu: Kehu) -> None:
        given = {"i": {"format": "CSV"}}
        asked = (await kehu.ask(EXPORT, "relationship_manager", "M009", **given))["clientsExport"]
        found = await kehu.done(asked["job"]["id"], "relationship_manager", "M009")
        address = next(each["address"] for each in found["files"]["nodes"] if each["role"] == "EXPORT")
        assert (await kehu.http.get(address)).status_code == 200
        people = kehu.repositories.managers.collection
        missing = (await kehu.http.get("/files/fl_x")).content
        for lost in ({"roles": ["data_steward"]}, {"isActive": False, "roles": ["relationship_manager"]}):
            assert await people.update_one({"person": "M009"}, {"$set": lost}) == (1, 1)
            answer = await kehu.http.get(address)
            assert (answer.status_code, answer.content) == (404, missing)

    async def test_a_file_is_sent_once_and_whole(self, kehu: Kehu, tmp_path: Path) -> None:
        file = await kehu.upload(size=4)
        for content, status in ((b"12345", 413), (b"123", 400), (b"", 400), (b"1234", 201), (b"1234", 409)):
            assert (await kehu.http.put(file["address"], content=content)).status_code == status
        (path,) = (tmp_path / "files").iterdir()
        assert path.read_bytes() == b"1234"

    async def test_the_limit_holds_of_what_comes_and_not_of_what_is_said(self, kehu: Kehu, tmp_path: Path) -> None:
        file = await kehu.upload()

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(11):
                yield b"x" * 1_000

        assert (await kehu.http.put(file["address"], content=pieces())).status_code == 413
        assert list((tmp_path / "files").iterdir()) == []

    async def test_other_ways_to_ask_are_refused(self, kehu: Kehu) -> None:
        file = await kehu.upload()
        assert (await kehu.http.post(file["address"])).status_code == 405
        foreign = {"origin": "http://evil.test"}
        assert (await kehu.http.put(file["address"], content=b"x", headers=foreign)).status_code == 403
        packed = {"content-encoding": "gzip"}
        assert (await kehu.http.put(file["address"], content=b"x", headers=packed)).status_code == 415


class TestExport:
    async def test_a_person_takes_out_and_nobody_else_sees_it(self, kehu: Kehu) -> None:
        given = {"format": "CSV", "attributes": ["profile.name"], "where": {"stage": {"in": ["ACTIVE", "PROSPECT"]}}}
        asked = (await kehu.ask(EXPORT, i=given))["clientsExport"]
        assert asked["errors"] == []
        found = await kehu.done(asked["job"]["id"])
        exported = next(each for each in found["files"]["nodes"] if each["role"] == "EXPORT")
        text = (await kehu.http.get(exported["address"])).text
        assert len(text.splitlines()) == exported["rows"] + 1
        assert text.startswith("number,id,kind,stage,manager,profile.name")
        others = await kehu.ask(FILES, "administrator", "somebody", id=asked["job"]["id"])
        assert others["files"]["nodes"] == []
        await kehu.app.server.audit.end()
        entries = await kehu.repositories.store.collection("audit").find({"kind": "command"})
        job, file = entries[-2:]
        assert (job["person"], len(job["clients"]), "profile.name" in job["attributes"]) == (
            "root",
            exported["rows"],
            True,
        )
        assert (file["person"], file["operation"], file["records"]) == ("root", "file", {"files": [exported["id"]]})

    async def test_what_may_not_be_read_is_unknown(self, kehu: Kehu) -> None:
        given = {"format": "JSONL", "attributes": ["profile.taxId"]}
        asked = (await kehu.ask(EXPORT, i=given))["clientsExport"]
        assert asked["job"] is None
        assert asked["errors"][0]["message"].startswith("There is no attribute")


class Trickle:
    """A body that comes a byte at a time, for as long as nobody ends it."""

    def __init__(self) -> None:
        self.more = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.01)
            if self.more.is_set():
                return


class TestRoom:
    """Places for uploads are few: nobody has all of them, and nobody has one for ever."""

    @pytest.fixture
    async def few(self, tmp_path: Path) -> AsyncIterator[Kehu]:
        settings = Settings(
            mongodb_driver="memory",
            demo=0,
            data_dir=tmp_path,
            uploads=3,
            uploads_per_person=2,
            request_read_seconds=0.4,
        )
        app = build_app(settings)
        assert isinstance(app, Application)
        async with app.router.lifespan_context(app):
            running = Kehu(app, settings)
            yield running
            await running.http.aclose()

    async def test_a_third_of_one_person_is_refused_and_another_persons_is_taken(self, few: Kehu) -> None:
        addresses = [(await few.upload())["address"] for _ in range(3)]
        other = (await few.ask(UPLOAD, person="other", i={"name": "b.csv"}))["fileUpload"]["file"]["address"]
        trickles = [Trickle(), Trickle()]
        held = [
            asyncio.create_task(few.http.put(address, content=trickle))
            for address, trickle in zip(addresses, trickles, strict=False)
        ]
        await asyncio.sleep(0.1)
        third = await few.http.put(addresses[2], content=b"number")
        assert (third.status_code, third.json()["errors"][0]["extensions"]["code"]) == (503, "UNAVAILABLE")
        assert "You are sending 2 files already" in third.text
        assert "retry-after" in third.headers
        assert (await few.http.put(other, content=b"number")).status_code == 201
        # They end by themselves, for they are too slow, and leave nothing behind.
        answers = await asyncio.gather(*held)
        assert {answer.status_code for answer in answers} == {408}
        assert "a second are the least" in answers[0].text
        assert (await few.http.put(addresses[2], content=b"number")).status_code == 201

    async def test_one_that_takes_longer_than_any_may_is_ended(self, tmp_path: Path) -> None:
        settings = Settings(mongodb_driver="memory", demo=0, data_dir=tmp_path, upload_seconds=0.2)
        app = build_app(settings)
        assert isinstance(app, Application)
        async with app.router.lifespan_context(app):
            kehu = Kehu(app, settings)
            answer = await kehu.http.put((await kehu.upload())["address"], content=Trickle())
            await kehu.http.aclose()
        assert (answer.status_code, "longer than 0.2 s" in answer.text) == (408, True)
