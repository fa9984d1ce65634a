"""GraphQL over HTTP."""

import logging
from collections.abc import Callable
from pathlib import Path

import httpx2
import orjson
import pytest

from api.execution import text_digest
from tests.api.toys import SECRET, LaterQuery, Signed, edition_of, signed_app

RESPONSE = "application/graphql-response+json"


async def post(client: httpx2.AsyncClient, query: str, accept: str = RESPONSE, **more: object) -> httpx2.Response:
    return await client.post("/graphql", json={"query": query, **more}, headers={"accept": accept})


def code(response: httpx2.Response) -> str:
    found = response.json()["errors"][0]["extensions"]["code"]
    assert isinstance(found, str)
    return found


def asgi_client(signed: Signed) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=signed.app)
    return httpx2.AsyncClient(transport=transport, base_url="http://kehu.test", headers=signed.headers)


class TestAnswer:
    async def test_data(self, client: httpx2.AsyncClient) -> None:
        response = await post(client, "query($n: String!) { hello(name: $n) person }", variables={"n": "客户"})
        assert response.json() == {"data": {"hello": "hello 客户", "person": "rm-001"}}
        assert response.headers["content-type"] == f"{RESPONSE}; charset=utf-8"
        assert response.headers["kehu-edition"] == "a" * 64
        assert response.headers["cache-control"] == "no-store"

    async def test_get(self, client: httpx2.AsyncClient) -> None:
        query = {"query": "query A($n: String) { hello(name: $n) } query B { person }", "operationName": "A"}
        response = await client.get("/graphql", params={**query, "variables": '{"n": "x"}'})
        assert response.json() == {"data": {"hello": "hello x"}}

    async def test_named_operation(self, client: httpx2.AsyncClient) -> None:
        response = await post(client, "query A { hello } query B { person }", operationName="B")
        assert response.json() == {"data": {"person": "rm-001"}}

    async def test_request_ends_on_the_edition_of_the_moment(self, client: httpx2.AsyncClient, signed: Signed) -> None:
        assert (await post(client, "{ added }")).status_code == 400
        signed.editions.current = edition_of(LaterQuery, "b" * 64)
        response = await post(client, "{ added edition }")
        assert response.json() == {"data": {"added": "new", "edition": "b" * 64}}
        assert response.headers["kehu-edition"] == "b" * 64


class TestStatus:
    @pytest.mark.parametrize(
        ("query", "variables", "expected"),
        [
            ("{", None, "GRAPHQL_PARSE_FAILED"),
            ("{ nothing }", None, "GRAPHQL_VALIDATION_FAILED"),
            ("query($n: Int!) { __typename }", {}, "GRAPHQL_VALIDATION_FAILED"),
            ("query($n: String!) { hello(name: $n) }", {"n": 1}, "BAD_USER_INPUT"),
            ("query A { hello } query B { hello }", None, "BAD_USER_INPUT"),
        ],
    )
    @pytest.mark.parametrize(("accept", "status"), [(RESPONSE, 400), ("application/json", 200)])
    async def test_nothing_ran(
        self, client: httpx2.AsyncClient, query: str, variables: object, expected: str, accept: str, status: int
    ) -> None:
        response = await post(client, query, accept, variables=variables)
        assert (response.status_code, code(response)) == (status, expected)
        assert "data" not in response.json()
        assert response.headers["kehu-edition"] == "a" * 64

    async def test_field_error_is_200_with_data(self, client: httpx2.AsyncClient) -> None:
        response = await post(client, "{ hello broken }")
        assert response.status_code == 200
        assert response.json()["data"] == {"hello": "hello you", "broken": None}

    async def test_null_that_reaches_the_root_keeps_its_data_entry(self, client: httpx2.AsyncClient) -> None:
        response = await post(client, "{ must }")
        assert response.status_code == 200
        assert response.json()["data"] is None

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
    async def test_other_method(self, client: httpx2.AsyncClient, method: str) -> None:
        response = await client.request(method, "/graphql")
        assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")

    async def test_mutation_by_get(self, client: httpx2.AsyncClient) -> None:
        response = await client.get("/graphql", params={"query": "mutation { ping }"})
        assert (response.status_code, response.headers["allow"]) == (405, "POST")
        assert "pong" not in response.text

    async def test_not_acceptable(self, client: httpx2.AsyncClient) -> None:
        assert (await post(client, "{ hello }", "image/png")).status_code == 406

    @pytest.mark.parametrize(
        "content_type",
        [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json; charset=iso-8859-1",
            "application/jsonp",
        ],
    )
    async def test_content_type(self, client: httpx2.AsyncClient, content_type: str) -> None:
        response = await client.post(
            "/graphql", content=b'{"query": "mutation { ping }"}', headers={"content-type": content_type}
        )
        assert response.status_code == 415
        assert "pong" not in response.text

    async def test_compressed(self, client: httpx2.AsyncClient) -> None:
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        assert (await client.post("/graphql", content=b"x", headers=headers)).status_code == 415

    async def test_subscription_without_a_stream(self, client: httpx2.AsyncClient) -> None:
        response = await post(client, "subscription { count(to: 1) }")
        assert (response.status_code, code(response)) == (400, "SUBSCRIPTION_NEEDS_STREAM")

    @pytest.mark.parametrize(
        ("origin", "status"), [("http://kehu.test", 200), ("https://evil.example", 403), ("null", 403)]
    )
    async def test_origin(self, client: httpx2.AsyncClient, origin: str, status: int) -> None:
        response = await client.post("/graphql", json={"query": "{ hello }"}, headers={"origin": origin})
        assert response.status_code == status


class TestBody:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"null",
            b'"text"',
            b"[]",
            b'[{"query": "{ hello }"}]',
            b'{"query": "\xff\xfe"}',
            b'{"query": "{ hello }", "variables": {"a": NaN}}',
            b'{"query": "\\ud800"}',
            b"[" * 100_000,
            b'{"query": "{ hello }", "variables": {"a": ' + b"[" * 63 + b"]" * 63 + b"}}",
            b'{"query": "{ hello }", "extensions": {"a": ' + b'{"a":' * 63 + b"1" + b"}" * 63 + b"}}",
            b'{"query": "{ hello }", "extensions": []}',
            b'{"query": 1}',
        ],
    )
    async def test_malformed(self, client: httpx2.AsyncClient, body: bytes) -> None:
        response = await client.post("/graphql", content=body, headers={"content-type": "application/json"})
        assert (response.status_code, code(response)) == (400, "BAD_REQUEST")

    async def test_depth_at_the_limit(self, client: httpx2.AsyncClient) -> None:
        body = b'{"query": "{ hello }", "variables": {"a": ' + b"[" * 62 + b"]" * 62 + b"}}"
        response = await client.post("/graphql", content=body, headers={"content-type": "application/json"})
        assert response.json() == {"data": {"hello": "hello you"}}

    async def test_too_large(self, client: httpx2.AsyncClient) -> None:
        body = b'{"query": "{ hello }"' + b" " * 1_000_001 + b"}"
        response = await client.post("/graphql", content=body, headers={"content-type": "application/json"})
        assert (response.status_code, code(response)) == (413, "BODY_TOO_LARGE")

    async def test_too_long_a_document(self, client: httpx2.AsyncClient) -> None:
        response = await post(client, "{ hello }" + " " * 50_000)
        assert (response.status_code, code(response)) == (400, "GRAPHQL_VALIDATION_FAILED")
        assert "50009 characters; the limit is 50000" in response.json()["errors"][0]["message"]

    async def test_too_large_for_bulk(self, client: httpx2.AsyncClient) -> None:
        query = "mutation($r: JSON!) { clientsUpsert(rows: $r) }"
        assert (await post(client, query, variables={"r": ["x" * 4_000_000]})).status_code == 413

    async def test_bulk_may_be_larger(self, client: httpx2.AsyncClient) -> None:
        query = "mutation($r: JSON!) { clientsUpsert(rows: $r) }"
        response = await post(client, query, variables={"r": ["x" * 2_000_000, "y"]})
        assert response.json() == {"data": {"clientsUpsert": 2}}

    async def test_bulk_beside_another_field_may_not(self, client: httpx2.AsyncClient) -> None:
        query = "mutation($r: JSON!) { clientsUpsert(rows: $r) ping }"
        assert (await post(client, query, variables={"r": ["x" * 2_000_000]})).status_code == 413

    async def test_too_many_tokens(self, client: httpx2.AsyncClient) -> None:
        response = await post(client, "{" + " hello" * 1000 + "}")
        assert (response.status_code, code(response)) == (400, "GRAPHQL_VALIDATION_FAILED")
        assert "more than 1000 tokens" in response.json()["errors"][0]["message"]

    @pytest.mark.parametrize(
        "query", ["a=1&query={hello}&query={person}", "query=%ff", "query=%7Bhello%7D&variables=x"]
    )
    async def test_malformed_query_string(self, client: httpx2.AsyncClient, query: str) -> None:
        assert (await client.get(f"/graphql?{query}")).status_code == 400


class TestErrors:
    async def test_unknown_error_is_masked_and_logged_under_its_id(
        self, client: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.ERROR, "kehu.api"):
            response = await post(client, "{ broken }")
        error = response.json()["errors"][0]
        assert error["message"] == f"Internal error; quote id {error['extensions']['id']}"
        assert error["extensions"]["code"] == "INTERNAL"
        assert error["path"] == ["broken"]
        assert SECRET not in response.text
        assert error["extensions"]["id"] in caplog.text
        assert SECRET in caplog.text

    async def test_our_error_keeps_its_words(self, client: httpx2.AsyncClient) -> None:
        error = (await post(client, "{ refused }")).json()["errors"][0]
        assert error["message"] == "first takes 1 to 200; got 900."
        assert error["extensions"] == {
            "code": "PAGE_SIZE",
            "path": ["first"],
            "page": "/docs/errors/PAGE_SIZE",
        }

    async def test_stored_value_is_not_quoted(self, client: httpx2.AsyncClient) -> None:
        response = await post(client, "{ tooBig }")
        assert code(response) == "INTERNAL"
        assert "77000000001" not in response.text

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ("{ helo }", "Cannot query field 'helo' on type 'Query'. Did you mean 'hello'?"),
            ("{ hello(nam: 1) }", "Unknown argument 'nam' on field 'Query.hello'. Did you mean 'name'?"),
            ("query($x: Strin) { hello(name: $x) }", "Unknown type 'Strin'. Did you mean 'String'?"),
            ("{ hello @skp(if: true) }", "Unknown directive '@skp'."),
        ],
    )
    async def test_suggests_what_the_caller_may_use(self, client: httpx2.AsyncClient, query: str, message: str) -> None:
        response = await post(client, query)
        assert response.status_code == 400
        assert response.json()["errors"][0]["message"] == message

    async def test_fault_outside_the_fields(self, tmp_path: Path) -> None:
        signed = signed_app(tmp_path)
        del signed.editions.current
        async with asgi_client(signed) as client:
            response = await post(client, "{ hello }")
        assert (response.status_code, code(response)) == (500, "INTERNAL")


class TestPersistedQueries:
    """Automatic persisted queries, as Apollo and urql send them: a hash first, the query when that is not known."""

    QUERY = "{ hello }"

    def extensions(self, sha256: object) -> dict[str, object]:
        return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256}}}

    @pytest.mark.parametrize(("accept", "status"), [(RESPONSE, 400), ("application/json", 200)])
    async def test_a_hash_alone_makes_the_client_fall_back(
        self, client: httpx2.AsyncClient, accept: str, status: int
    ) -> None:
        response = await client.post("/graphql", json=self.extensions("0" * 64), headers={"accept": accept})
        (error,) = response.json()["errors"]
        assert (response.status_code, error["message"]) == (status, "PersistedQueryNotSupported")
        assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_SUPPORTED"

    async def test_by_get_as_well(self, client: httpx2.AsyncClient) -> None:
        parameters = {"extensions": orjson.dumps(self.extensions("0" * 64)["extensions"]).decode()}
        response = await client.get("/graphql", params=parameters)
        assert code(response) == "PERSISTED_QUERY_NOT_SUPPORTED"

    @pytest.mark.parametrize("shape", [str, str.upper])
    async def test_with_its_own_query_it_runs(self, client: httpx2.AsyncClient, shape: Callable[[str], str]) -> None:
        body = {"query": self.QUERY, **self.extensions(shape(text_digest(self.QUERY)))}
        assert (await client.post("/graphql", json=body)).json() == {"data": {"hello": "hello you"}}

    @pytest.mark.parametrize("sha256", ["0" * 64, "", text_digest("{ hello  }")])
    async def test_a_wrong_hash_beside_a_query_is_refused(self, client: httpx2.AsyncClient, sha256: str) -> None:
        response = await client.post("/graphql", json={"query": self.QUERY, **self.extensions(sha256)})
        assert (response.status_code, code(response)) == (400, "BAD_REQUEST")
        assert "is not the SHA-256 of the query beside it" in response.text

    @pytest.mark.parametrize("persisted", [None, [], "x", {}, {"sha256Hash": 1}])
    async def test_what_is_no_hash_is_refused(self, client: httpx2.AsyncClient, persisted: object) -> None:
        body = {"query": self.QUERY, "extensions": {"persistedQuery": persisted}}
        response = await client.post("/graphql", json=body)
        assert (response.status_code, code(response)) == (400, "BAD_REQUEST")


class TestSignIn:
    @pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer x.y.z", "Basic cm06cm0=", "rm-001"])
    @pytest.mark.parametrize("path", ["/graphql?query=%7Bhello%7D", "/schema.graphql"])
    async def test_refused_in_the_same_words(self, signed: Signed, header: str | None, path: str) -> None:
        headers = {} if header is None else {"authorization": header}
        transport = httpx2.ASGITransport(app=signed.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://kehu.test", headers=headers) as client:
            response = await client.get(path)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == 'Bearer realm="kehu"'
        assert orjson.loads(response.content) == {
            "errors": [
                {
                    "message": "A valid bearer token is needed: send the header Authorization: Bearer <token>.",
                    "extensions": {"code": "UNAUTHENTICATED", "page": "/docs/errors/UNAUTHENTICATED"},
                }
            ]
        }

    async def test_body_of_strangers_is_not_read(self, signed: Signed) -> None:
        transport = httpx2.ASGITransport(app=signed.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://kehu.test") as client:
            response = await client.post(
                "/graphql", content=b"[" * 2_000_000, headers={"content-type": "application/json"}
            )
        assert response.status_code == 401


class TestPage:
    async def test_browser_needs_no_token(self, signed: Signed) -> None:
        transport = httpx2.ASGITransport(app=signed.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://kehu.test") as client:
            response = await client.get("/graphql", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in response.headers["content-security-policy"]
