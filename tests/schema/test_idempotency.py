"""Every mutation takes an idempotency key, and a request that comes again under it does nothing."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLNonNull
from strawberry import Schema

from acts.checks import now
from acts.jobs import enqueue
from acts.models.shipped import read_shipped
from catalogue.builtin import builtin_catalogue
from repositories.mongo import Store
from repositories.plan import Change
from repositories.repositories import Repositories
from schema.build import build_schema
from schema.context import Context
from tests.books import NO_PROOF, OTHER, VIEWER, everything, make_client, open_book

UPSERT = """mutation Upsert($input: ClientsUpsertInput!) { clientsUpsert(input: $input) {
  report { created changed unchanged refused } errors { code message path ... on RowRefusal { row } } } }"""
UPLOAD = """mutation Upload($input: FileUploadInput!) { fileUpload(input: $input) {
  file { id name } errors { code } } }"""
REGISTER = """mutation Register($input: ModelRegisterInput!) { modelRegister(input: $input) {
  model { name version registeredAt } errors { code } } }"""
VERB = """mutation Verb($input: %sInput!) { %s(input: $input) { job { id state } errors { code } } }"""


@pytest.fixture(scope="module")
def schema() -> Schema:
    return build_schema(builtin_catalogue())


@pytest.fixture
async def book(store: Store) -> Repositories:
    return await open_book(store, builtin_catalogue())


async def sent(schema: Schema, book: Repositories, query: str, **given: Any) -> Any:
    answer: Any = await schema.execute(query, {"input": given}, Context(VIEWER, book))
    assert answer.errors is None, answer.errors
    (payload,) = answer.data.values()
    return payload


def row(number: str, employees: int, **more: Any) -> Mapping[str, Any]:
    profile = {"name": f"Client {number}", "employees": employees}
    return {"number": number, "kind": "ORGANISATION", "profile": profile, **more}


def test_every_mutation_takes_a_key(schema: Schema) -> None:
    mutation = schema._schema.mutation_type
    assert mutation is not None
    without = []
    for name, field in mutation.fields.items():
        given = field.args["input"].type
        assert isinstance(given, GraphQLNonNull)
        assert isinstance(given.of_type, GraphQLInputObjectType)
        if "idempotencyKey" not in given.of_type.fields:
            without.append(name)
    assert without == []


class TestClientsUpsert:
    async def test_a_late_retry_puts_nothing_back(self, schema: Schema, book: Repositories) -> None:
        rows = [row("A", 1), row("B", 2), row("", 3)]
        first = await sent(schema, book, UPSERT, clients=rows, idempotencyKey="k")
        assert first["report"] == {"created": 2, "changed": 0, "unchanged": 0, "refused": 1}
        for number in ("A", "B"):
            one = str((await book.clients.find_by_numbers((number,)))[number]["_id"])
            values = {"profile.employees": 99}
            await book.clients.write_many([(one, Change(values, OTHER.person, now(), NO_PROOF, f"x{number}"))])
        before = await everything(book)
        again = await sent(schema, book, UPSERT, clients=rows, idempotencyKey="k")
        assert again == first
        assert await everything(book) == before
        reused = await sent(schema, book, UPSERT, clients=rows[:1], idempotencyKey="k")
        assert (reused["report"], [each["code"] for each in reused["errors"]]) == (None, ["KEY_REUSED"])
        another = await sent(schema, book, UPSERT, clients=rows[:1], idempotencyKey="another")
        assert another["report"]["changed"] == 1

    async def test_what_is_kept_of_a_request_has_none_of_its_values(self, schema: Schema, book: Repositories) -> None:
        wrong = [{"number": "CANARY-1", "kind": "PERSON", "profile": {"email": "CANARY-2"}}, row("CANARY-3", 1)]
        await sent(schema, book, UPSERT, clients=wrong, idempotencyKey="k")
        (kept,) = await book.store.collection("requests").find({})
        assert "CANARY" not in str(kept)

    async def test_the_same_three_times_at_once_is_done_once(self, schema: Schema, book: Repositories) -> None:
        given = {"clients": [row("A", 1)], "idempotencyKey": "k"}
        answers = await asyncio.gather(*(sent(schema, book, UPSERT, **given) for _ in range(3)))
        assert [each["report"]["created"] for each in answers] == [1, 1, 1]
        assert await book.clients.collection.count({}) == 1

    async def test_rows_name_the_version_they_were_made_for(self, schema: Schema, book: Repositories) -> None:
        await make_client(book, "A")
        rows = [row("A", 5, expectedVersion=2), row("B", 5, expectedVersion=1)]
        refused = await sent(schema, book, UPSERT, clients=rows)
        assert [(each["code"], each["row"]) for each in refused["errors"]] == [("STALE_VERSION", 0), ("NOT_FOUND", 1)]
        done = await sent(schema, book, UPSERT, clients=[row("A", 5, expectedVersion=1)])
        assert done["report"]["changed"] == 1

    async def test_a_refused_request_may_come_again(self, schema: Schema, book: Repositories) -> None:
        proof = {"confidence": 2.0}
        first = await sent(schema, book, UPSERT, clients=[row("A", 1)], proof=proof, idempotencyKey="k")
        assert first["report"] is None
        mended = await sent(schema, book, UPSERT, clients=[row("A", 1)], idempotencyKey="k")
        assert mended["report"]["created"] == 1


class TestOthers:
    async def test_file_upload(self, schema: Schema, book: Repositories) -> None:
        given = {"name": "a.csv", "idempotencyKey": "k"}
        first, again = [await sent(schema, book, UPLOAD, **given) for _ in range(2)]
        assert first == again
        assert await book.files.collection.count({}) == 1
        reused = await sent(schema, book, UPLOAD, name="b.csv", idempotencyKey="k")
        assert [each["code"] for each in reused["errors"]] == ["KEY_REUSED"]

    async def test_model_register(self, schema: Schema, book: Repositories) -> None:
        assert read_shipped("churn-risk")
        given = {"shipped": "churn-risk", "idempotencyKey": "k"}
        first, again = [await sent(schema, book, REGISTER, **given) for _ in range(2)]
        assert (first["errors"], again) == ([], first)
        reused = await sent(schema, book, REGISTER, shipped="credit-rating", idempotencyKey="k")
        assert [each["code"] for each in reused["errors"]] == ["KEY_REUSED"]

    @pytest.mark.parametrize("verb", ["jobPause", "jobCancel"])
    async def test_job_verbs(self, schema: Schema, book: Repositories, verb: str) -> None:
        job = await enqueue(VIEWER, book, "retention", {})
        query = VERB % (f"{verb[0].upper()}{verb[1:]}", verb)
        first = await sent(schema, book, query, id=job.id, idempotencyKey="k")
        if verb == "jobPause":
            resumed = await sent(schema, book, VERB % ("JobResume", "jobResume"), id=job.id, idempotencyKey="k")
            assert resumed["job"]["state"] == "QUEUED"
        again = await sent(schema, book, query, id=job.id, idempotencyKey="k")
        state = "QUEUED" if verb == "jobPause" else first["job"]["state"]
        assert (again["errors"], again["job"]["state"]) == ([], state)
