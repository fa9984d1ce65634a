"""The SDL at /schema.graphql."""

import httpx2

from tests.api.toys import LaterQuery, Signed, edition_of


class TestSchemaDocument:
    async def test_text(self, client: httpx2.AsyncClient, signed: Signed) -> None:
        response = await client.get("/schema.graphql")
        assert response.text == signed.editions.current.sdl
        assert response.headers["kehu-edition"] == "a" * 64

    async def test_known_text_is_not_sent_again(self, client: httpx2.AsyncClient, signed: Signed) -> None:
        tag = (await client.get("/schema.graphql")).headers["etag"]
        for given in (tag, f'"other", W/{tag}', "*"):
            response = await client.get("/schema.graphql", headers={"if-none-match": given})
            assert (response.status_code, response.content) == (304, b"")
        signed.editions.current = edition_of(LaterQuery, "b" * 64)
        response = await client.get("/schema.graphql", headers={"if-none-match": tag})
        assert response.status_code == 200
        assert "added" in response.text

    async def test_other_method(self, client: httpx2.AsyncClient) -> None:
        assert (await client.post("/schema.graphql")).status_code == 405
